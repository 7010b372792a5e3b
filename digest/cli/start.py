"""Commands to begin with: a workspace, the demo, where things stand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from digest.cli.shell import Json, app, due_line, opened, say, show_json, show_table


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the workspace is made.")] = Path("."),
) -> None:
    """Make a workspace: sources.yaml, templates/ and site/. Files that exist stay as they are.

    Example: digest init my-newsletter
    """
    from digest.app import initialise

    made, kept = initialise(folder)
    say(f"init: {folder}: {made} files written" + (f", {kept} kept as they were" if kept else ""))
    say("  next: set newsletter.title and url in sources.yaml, then `digest run`")


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the demo's workspace goes.")] = Path("demo"),
    open_: Annotated[bool, typer.Option("--open", help="Open the result in the browser.")] = False,
    as_json: Json = False,
) -> None:
    """Run the whole story on recorded sources of 2025: no key, no network.

    Example: digest demo --open
    """
    from digest.cli.progress import progress
    from digest.demo.story import tell

    told = tell(folder, progress())
    if as_json:
        show_json(told.numbers)
    else:
        say(told.text)
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

    with opened() as workspace:
        if metrics is not None:
            from digest.pipeline.metrics import write_metrics

            write_metrics(workspace.context, metrics)
            say(f"status: {metrics} written")
            return
        while True:
            facts = workspace.status()
            if watch:
                click.clear()
            _show(facts, every, as_json)
            if not watch:
                return
            time.sleep(watch)


def _show(facts: dict[str, Any], every: bool, as_json: bool) -> None:
    if as_json:
        show_json(facts)
    elif every:
        _show_all(facts)
    else:
        import shutil

        from digest.cli.screen import screen

        columns, rows = shutil.get_terminal_size((120, 40))
        for line in screen(facts, columns, min(max(rows, 24), 40)):
            say(line)


def _show_all(facts: dict[str, Any]) -> None:
    say(facts["line"])
    for row in facts["due"]:
        say(f"  {due_line(row)}")
    if facts["sources"]:
        show_table(
            ["source", "state", "items", "last run", "took", "checked", "next", "trouble"],
            [
                [*(str(row[key] or "") for key in _SOURCE_COLUMNS), row["error"] or row["warning"]]
                for row in facts["sources"]
            ],
        )
    for issue in facts["issues"]:
        say(f"issue {issue['period']}: {issue['state']}, {issue['picks']} picks: {issue['title']}")


_SOURCE_COLUMNS = ("id", "state", "items", "counts", "took", "checked", "next")
