"""Commands to begin with: a workspace, the demo, where things stand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from digest.cli.shell import Json, app, format_due_row, open_workspace, print_json, print_table, print_text


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the workspace is made.")] = Path("."),
) -> None:
    """Make a workspace: sources.yaml, templates/ and site/. Files that exist stay as they are.

    Example: digest init my-newsletter
    """
    from digest.app import initialise

    made, kept = initialise(folder)
    print_text(f"init: {folder}: {made} files written" + (f", {kept} kept as they were" if kept else ""))
    print_text("  next: set newsletter.title and url in sources.yaml, then `digest run`")


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the demo's workspace goes.")] = Path("demo"),
    open_: Annotated[bool, typer.Option("--open", help="Open the result in the browser.")] = False,
    as_json: Json = False,
) -> None:
    """Run the whole story on recorded sources of 2025: no key, no network.

    Example: digest demo --open
    """
    from digest.cli.progress import choose_progress
    from digest.demo.story import run_demo

    told = run_demo(folder, choose_progress())
    if as_json:
        print_json(told.numbers)
    else:
        print_text(told.text)
    if open_:
        typer.launch(str(told.start_page))


@app.command()
def status(
    watch: Annotated[
        float, typer.Option("--watch", metavar="SECONDS", min=0, help="Show it again and again until Ctrl-C.")
    ] = 0,
    metrics: Annotated[
        Path | None, typer.Option("--metrics", metavar="FILE", help="Write Prometheus text there instead.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="A row for each source and each issue.")] = False,
    as_json: Json = False,
) -> None:
    """Show on one screen what was read, what is due, which issues are where; first what needs a look.

    \b
    Example: digest status --watch 5
    Example: digest status --all
    """
    import time

    import click

    with open_workspace() as workspace:
        if metrics is not None:
            from digest.pipeline.metrics import write_metrics

            write_metrics(workspace.context, metrics)
            print_text(f"status: {metrics} written")
            return
        while True:
            facts = workspace.status()
            if watch:
                click.clear()
            _show_status(facts, every, as_json)
            if not watch:
                return
            time.sleep(watch)


def _show_status(facts: dict[str, Any], every: bool, as_json: bool) -> None:
    if as_json:
        print_json(facts)
    elif every:
        _show_all_rows(facts)
    else:
        import shutil

        from digest.cli.screen import render_status_screen

        columns, rows = shutil.get_terminal_size((120, 40))
        for line in render_status_screen(facts, columns, min(max(rows, 24), 40)):
            print_text(line)


def _show_all_rows(facts: dict[str, Any]) -> None:
    print_text(facts["line"])
    for row in facts["due"]:
        print_text(f"  {format_due_row(row)}")
    if facts["sources"]:
        print_table(
            ["source", "state", "items", "last run", "took", "checked", "next", "trouble"],
            [
                [*(str(row[key] or "") for key in _SOURCE_COLUMNS), row["error"] or row["warning"]]
                for row in facts["sources"]
            ],
        )
    for issue in facts["issues"]:
        print_text(f"issue {issue['period']}: {issue['state']}, {issue['picks']} picks: {issue['title']}")


_SOURCE_COLUMNS = ("id", "state", "items", "counts", "took", "checked", "next")
