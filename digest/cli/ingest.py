"""Commands that bring items in and find them again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digest.cli.options import complete_sources
from digest.cli.output import Json, PeriodArg, app, exit_with_report, open_workspace, print_json, print_table


@app.command()
def fetch(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE]...", help="Only these sources.", autocompletion=complete_sources),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Ask also sources that are not due.")] = False,
    as_json: Json = False,
) -> None:
    """Read the sources that are due; what was read before is asked for only if it changed.

    Example: digest fetch arxiv openai --force
    """
    with open_workspace() as workspace:
        exit_with_report(workspace.fetch(sources or [], force=force), as_json)


@app.command()
def backfill(
    period: PeriodArg,
    source: Annotated[str, typer.Option("--source", help="An arXiv source; the first one when not said.")] = "",
    as_json: Json = False,
) -> None:
    """Fetch past months of arXiv, day by day; stopped or killed, it goes on where it was.

    Example: digest backfill 2025-01..2025-06 --source arxiv
    """
    with open_workspace() as workspace:
        exit_with_report(workspace.backfill(period, source), as_json)


@app.command()
def add(
    url: Annotated[str | None, typer.Argument(metavar="[URL]", help="The page or paper to add.")] = None,
    jsonl: Annotated[
        Path | None, typer.Option("--jsonl", help="A file of JSON lines: title, url, authors, published, summary, …")
    ] = None,
    source: Annotated[str, typer.Option("--source", help="The source the items are counted under.")] = "manual",
    as_json: Json = False,
) -> None:
    """Add one work by its address, or many from a file of JSON lines (.jsonl or .jsonl.gz).

    \b
    Example: digest add https://arxiv.org/abs/2501.00663
    Example: digest add --jsonl month.jsonl
    """
    with open_workspace() as workspace:
        if jsonl is not None:
            exit_with_report(workspace.add_jsonl(jsonl, source), as_json)
        if url is None:
            raise typer.BadParameter("give a URL or --jsonl FILE")
        exit_with_report(workspace.add_url(url, source), as_json)


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(metavar="WORDS", help='Words, "phrases", prefix*.')],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000)] = 20,
    as_json: Json = False,
) -> None:
    """Find items by the words of their titles, authors and summaries.

    Example: digest search '"test-time compute" scaling'
    """
    with open_workspace() as workspace:
        found = workspace.search(" ".join(words), limit)
    if as_json:
        print_json(
            [item.model_dump(include={"key", "title", "url", "authors", "published", "summary"}) for item in found]
        )
        return
    rows = [[f"{item.published:%Y-%m-%d}" if item.published else "", item.title, item.key] for item in found]
    print_table(["published", "title", "key"], rows, "search: nothing found")
