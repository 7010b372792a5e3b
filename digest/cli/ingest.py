"""Commands that add items and search them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digest.cli.options import GATHER, Json, PeriodArg, app, command, complete_sources
from digest.cli.output import exit_with_report, open_workspace, print_json, print_table, print_text

_MAX_SHOWN_PROBLEMS = 10


@command(app, "fetch arxiv openai --force", panel=GATHER)
def fetch(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE]...", help="Only these sources.", autocompletion=complete_sources),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also fetch sources that are not due yet.")] = False,
    as_json: Json = False,
) -> None:
    """Fetch the sources that are due.

    Conditional requests avoid downloading what has not changed.
    """
    with open_workspace() as workspace:
        exit_with_report(workspace.fetch(sources or [], force=force), as_json)


@command(app, "backfill 2025-01..2025-06 --source arxiv", panel=GATHER)
def backfill(
    period: PeriodArg,
    source: Annotated[str, typer.Option("--source", help="An arXiv source; by default the first.")] = "",
    as_json: Json = False,
) -> None:
    """Fetch past months of arXiv, day by day.

    An interrupted run continues from its last checkpoint.
    """
    with open_workspace() as workspace:
        exit_with_report(workspace.backfill(period, source), as_json)


@command(
    app,
    "add https://arxiv.org/abs/2501.00663",
    "add https://lab.example/post --note 'ours to test' --category agents --pick",
    "add --jsonl month.jsonl",
    panel=GATHER,
)
def add(
    url: Annotated[str | None, typer.Argument(metavar="[URL]", help="The page or paper to add.")] = None,
    jsonl: Annotated[
        Path | None, typer.Option("--jsonl", help="A file of JSON lines: title, url, authors, published, summary, …")
    ] = None,
    source: Annotated[str, typer.Option("--source", help="The source to count the items under.")] = "manual",
    note: Annotated[str, typer.Option("--note", help="Why you add it; shown in the shortlist.")] = "",
    category: Annotated[str, typer.Option("--category", help="The category to file it under.")] = "",
    pick: Annotated[bool, typer.Option("--pick", help="Make it a pick of its month's next draft.")] = False,
    as_json: Json = False,
) -> None:
    """Add one work by its URL, or many from a JSONL file.

    The file holds JSON lines, plain or gzipped (.jsonl, .jsonl.gz).
    """
    with open_workspace() as workspace:
        if jsonl is not None:
            exit_with_report(workspace.add_jsonl(jsonl, source), as_json)
        if url is None:
            raise typer.BadParameter("give a URL or --jsonl FILE")
        exit_with_report(workspace.add_url(url, source, note=note, category=category, pick=pick), as_json)


@command(app, "radar 2026-10", "radar --no-read --json", panel=GATHER)
def radar(
    period: PeriodArg = "this",
    read: Annotated[bool, typer.Option("--read/--no-read", help="Read the pages of works that are new.")] = True,
    as_json: Json = False,
) -> None:
    """List the works that two or more of your sources name.

    Each is a candidate of its month. `digest fetch` reads them too; --json
    shows who named a work, on which day and in which words.
    """
    with open_workspace() as workspace:
        report, rows = workspace.radar(period, read=read)
    if as_json:
        print_json({"report": report.numbers, "problems": list(report.problems), "works": rows})
        return
    cells = [[str(len(row["named_by"])), ", ".join(row["named_by"]), row["title"], row["url"]] for row in rows]
    print_table(["named", "by", "title", "address"], cells, f"radar: no work of {period} is named by two sources")
    for problem in report.problems[:_MAX_SHOWN_PROBLEMS]:
        print_text(f"  ! {problem}", err=True)


@command(app, "search '\"test-time compute\" scaling'", panel=GATHER)
def search(
    query: Annotated[list[str], typer.Argument(metavar="WORDS", help='Words, "phrases", prefix*.')],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000)] = 20,
    as_json: Json = False,
) -> None:
    """Find items by title, authors and summary."""
    with open_workspace() as workspace:
        items = workspace.search(" ".join(query), limit)
    if as_json:
        print_json(
            [item.model_dump(include={"key", "title", "url", "authors", "published", "summary"}) for item in items]
        )
        return
    rows = [[f"{item.published:%Y-%m-%d}" if item.published else "", item.title, item.key] for item in items]
    print_table(["published", "title", "key"], rows, "search: no item matches")
