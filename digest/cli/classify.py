"""Commands that sort and rank."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from digest.cli.output import (
    DryRun,
    Json,
    MaxUsd,
    PeriodArg,
    Provider,
    app,
    exit_with_report,
    open_workspace,
    print_json,
    print_text,
)


@app.command()
def tag(
    item: Annotated[str, typer.Argument(metavar="[ITEM]", help="With --as: the item to correct.")] = "",
    as_: Annotated[
        str, typer.Option("--as", metavar="CATEGORY", help="Say what the item is; it is learned from.")
    ] = "",
    retag: Annotated[bool, typer.Option("--retag", help="Judge everything again.")] = False,
    jsonl: Annotated[Path | None, typer.Option("--jsonl", help="Tag a file of {arxiv_id, title, abstract}.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where the file's verdicts are written.")] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what sorting and judging may cost; send nothing.")
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Sort items into the taxonomy's categories; only new or changed ones are judged.

    \b
    Example: digest tag
    Example: digest tag arxiv:2501.00663 --as techniques
    Example: digest tag --retag --dry-run
    Example: digest tag --estimate
    Example: digest tag --jsonl papers.jsonl --out tags.jsonl
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
        raise typer.BadParameter("say with --out where to write")
    return out


@app.command()
def judge(
    period: PeriodArg = "last",
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="How many of the best; else model.judged.")
    ] = None,
    max_usd: MaxUsd = None,
    provider: Provider = "",
    estimate: Annotated[bool, typer.Option("--estimate", help="Say what it may cost; send nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Have the language model grade a period's best candidates; what it answered once is not asked again.

    \b
    Example: digest judge 2026-10 --estimate
    Example: digest judge 2026-10 --provider openai
    """
    with open_workspace(provider) as workspace:
        if estimate:
            exit_with_report(workspace.estimate(period, limit=limit), as_json)
        exit_with_report(workspace.judge(period, limit=limit, max_usd=max_usd), as_json)


@app.command()
def rank(
    period: PeriodArg = "last",
    explain: Annotated[str, typer.Option("--explain", metavar="ITEM", help="Say what each part added.")] = "",
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
        str, typer.Option("--curator", help="With --picks: whose; without it, of who picked most.")
    ] = "",
    interests: Annotated[str, typer.Option("--interests", help="With --jsonl: one line of interests.")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="With --jsonl: where the scores are written.")] = None,
    as_json: Json = False,
) -> None:
    """Put a period's candidates in order, with reasons; or a file's.

    \b
    Example: digest rank 2026-10
    Example: digest rank 2026-10 --explain arxiv:2510.01234
    Example: digest rank --jsonl pool.jsonl.gz --learn pools --picks picks.jsonl.gz --out scores.jsonl
    """
    if jsonl is not None:
        from digest.evaluation.files import rank_file

        folder = Path(learn) if learn else None
        if bool(folder) != bool(picks):
            raise typer.BadParameter("--learn DIR and --picks FILE go together")
        told = rank_file(jsonl, _require_output(out), learn=folder, picks=picks, curator=curator, interests=interests)
        exit_with_report(told, as_json)
    with open_workspace() as workspace:
        if explain:
            _show_explanation(workspace.explain(period, explain), as_json)
            return
        exit_with_report(workspace.rank(period, learn=bool(learn)), as_json)


def _show_explanation(explanation: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(explanation)
        return
    print_text(
        f"{explanation['title']}\n{explanation['key']}: place {explanation['place']} of {explanation['of']}, score {explanation['score']}"
    )
    for reason in explanation["reasons"]:
        print_text(f"  {reason['part']:+7.2f}  {reason['words']}")
