"""Commands that classify, grade and rank."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.options import SORT, DryRun, Json, MaxUsd, PeriodArg, Provider, app, command
from digest.cli.output import exit_with_report, open_workspace, print_json, print_table, print_text

if TYPE_CHECKING:
    from digest.ranking.types import Candidate

_HEAD = 10  # candidates that `rank` prints


@command(
    app,
    "tag",
    "tag arxiv:2501.00663 --as techniques",
    "tag --retag --dry-run",
    "tag --estimate",
    "tag --jsonl papers.jsonl --out tags.jsonl",
    panel=SORT,
)
def tag(
    item: Annotated[str, typer.Argument(metavar="[ITEM]", help="With --as: the item to correct.")] = "",
    as_: Annotated[
        str, typer.Option("--as", metavar="CATEGORY", help="The item's category; the tagger learns from it.")
    ] = "",
    retag: Annotated[bool, typer.Option("--retag", help="Classify everything again.")] = False,
    jsonl: Annotated[Path | None, typer.Option("--jsonl", help="Tag a file of {arxiv_id, title, abstract}.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The file to write.")] = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Estimate the cost; send nothing.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Sort items into the categories of the taxonomy.

    Only new or changed items are classified.
    """
    with open_workspace() as workspace:
        if jsonl is not None:
            from digest.evaluation.files import tag_file

            exit_with_report(tag_file(workspace.config.taxonomy, jsonl, _require_output(out)), as_json)
        if item or as_:
            if not (item and as_):
                raise typer.BadParameter("give both ITEM and --as CATEGORY")
            from digest.tagging.items import correct_category

            exit_with_report(correct_category(workspace.context, item, as_), as_json)
        if estimate:
            exit_with_report(workspace.estimate(), as_json)
        if dry_run:
            from digest.tagging.stage import preview_retag

            exit_with_report(preview_retag(workspace.context), as_json)
        exit_with_report(workspace.tag(again=retag), as_json)


def _require_output(out: Path | None) -> Path:
    if out is None:
        raise typer.BadParameter("name the file to write with --out")
    return out


@command(app, "judge 2026-10 --estimate", "judge 2026-10 --provider openai", panel=SORT)
def judge(
    period: PeriodArg = "last",
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="How many of the best; else model.judged.")
    ] = None,
    max_usd: MaxUsd = None,
    provider: Provider = "",
    estimate: Annotated[bool, typer.Option("--estimate", help="Estimate the cost; send nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Let the language model grade the best candidates.

    Cached answers are reused.
    """
    with open_workspace(provider) as workspace:
        if estimate:
            exit_with_report(workspace.estimate(period, limit=limit), as_json)
        exit_with_report(workspace.judge(period, limit=limit, max_usd=max_usd), as_json)


@command(
    app,
    "rank 2026-10",
    "rank 2026-10 --explain arxiv:2510.01234",
    "rank --jsonl pool.jsonl.gz --learn pools --picks picks.jsonl.gz --out scores.jsonl",
    panel=SORT,
)
def rank(
    period: PeriodArg = "last",
    explain: Annotated[str, typer.Option("--explain", metavar="ITEM", help="Explain an item's score.")] = "",
    learn: Annotated[
        str,
        typer.Option(
            "--learn", metavar="[DIR]", help="`yes`: learn from your picks first. With --jsonl: a folder of pools."
        ),
    ] = "",
    jsonl: Annotated[Path | None, typer.Option("--jsonl", help="Rank a file of papers instead of a period.")] = None,
    picks: Annotated[
        Path | None, typer.Option("--picks", help="With --jsonl --learn: the picks to learn from.")
    ] = None,
    curator: Annotated[
        str, typer.Option("--curator", help="With --picks: the curator; else the one with most picks.")
    ] = "",
    interests: Annotated[str, typer.Option("--interests", help="With --jsonl: one line of interests.")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="With --jsonl: the file to write.")] = None,
    as_json: Json = False,
) -> None:
    """Rank a period's candidates, or the papers of a file.

    Prints the head of the list; `digest candidates` prints more of it.
    """
    if jsonl is not None:
        from digest.evaluation.files import rank_file

        folder = Path(learn) if learn else None
        if bool(folder) != bool(picks):
            raise typer.BadParameter("--learn DIR and --picks FILE go together")
        report = rank_file(jsonl, _require_output(out), learn=folder, picks=picks, curator=curator, interests=interests)
        exit_with_report(report, as_json)
    with open_workspace() as workspace:
        if explain:
            _show_explanation(workspace.explain(period, explain), as_json)
            return
        report = workspace.rank(period, learn=bool(learn))
        if not as_json:
            _show_candidates(workspace.candidates(period, _HEAD))
        exit_with_report(report, as_json)


@command(app, "candidates 2026-10 --limit 100", panel=SORT)
def candidates(
    period: PeriodArg = "last",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="The number of candidates.")] = 50,
    muted: Annotated[bool, typer.Option("--muted", help="List what newsletter.mute hides, and why.")] = False,
    as_json: Json = False,
) -> None:
    """List a period's candidates, best first."""
    with open_workspace() as workspace:
        if muted:
            hidden = workspace.muted(period)
            if as_json:
                print_json(hidden)
            else:
                print_table(["muted", "title", "key"], [[r["muted"], r["title"], r["key"]] for r in hidden[:limit]])
            return
        rows = workspace.candidates(period, limit)
    if as_json:
        print_json([row.as_dict() for row in rows])
    elif rows:
        _show_candidates(rows)
    else:
        print_text(f"candidates: {period} is not ranked yet; run `digest rank {period}`")


def _format_score(score: float) -> str:
    return f"{round(score, 2) + 0.0:.2f}"  # adding 0.0 turns -0.0 into 0.0


def _show_candidates(rows: Sequence[Candidate]) -> None:
    headings = ["place", "score", "category", "title", "key"]
    print_table(
        headings,
        [[str(row.place or ""), _format_score(row.score), row.category, row.item.title, row.key] for row in rows],
    )


def _show_explanation(explanation: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(explanation)
        return
    place = f"place {explanation['place']} of {explanation['of']}, score {_format_score(explanation['score'])}"
    print_text(f"{explanation['title']}\n{explanation['key']}: {place}")
    for reason in explanation["reasons"]:
        print_text(f"  {reason['part']:+7.2f}  {reason['words']}")
