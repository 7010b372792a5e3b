"""Commands of the editor's desk, and of the versions of a sheet."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.shell import Json, PeriodArg, app, exit_with_report, open_workspace, print_json, print_table, print_text


@app.command()
def desk(
    period: PeriodArg = "last",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 0,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Open the browser.")] = True,
) -> None:
    """Open the editor's page on this machine: shortlist, issue, preview. The sheet's file stays the truth.

    Example: digest desk 2026-10
    """
    from digest.desk import DeskServer, serve_desk
    from digest.pipeline import editing

    with open_workspace() as workspace:
        name = workspace.context.parse_period(period)
        editing.load_current_draft(workspace.context, name)
        running = DeskServer(workspace.context, name.name, port)
        print_text(f"desk: {running.url}\n  only this machine can open it; Ctrl-C ends it")
        if open_:
            typer.launch(running.url)
        serve_desk(running)


@app.command()
def history(
    period: PeriodArg = "last",
    version: Annotated[int, typer.Option("--show", help="Print this version of the sheet.")] = 0,
    as_json: Json = False,
) -> None:
    """List every version of a sheet that was kept, and who made it.

    Example: digest history 2026-10 --show 3
    """
    from digest.pipeline import history as past

    with open_workspace() as workspace:
        context, name = workspace.context, workspace.context.parse_period(period)
        if version:
            typer.echo(past.load_draft_version(context, name, version), nl=False)
            return
        rows = past.list_draft_versions(context, name)
    if as_json:
        print_json(rows)
    elif rows:
        columns = ["version", "at", "origin", "lines", "added", "removed"]
        print_table(columns, [[str(row[column])[:19] for column in columns] for row in rows])
    else:
        print_text(f"history: nothing was kept of {name}")


@app.command()
def restore(
    period: Annotated[str, typer.Argument(metavar="PERIOD")],
    version: Annotated[int, typer.Argument(metavar="VERSION", help="As `digest history` counts them.")],
    as_json: Json = False,
) -> None:
    """Put a kept version back as the sheet; the present one is kept too.

    Example: digest restore 2026-10 3
    """
    from digest.pipeline.history import restore_draft_version as bring_back

    with open_workspace() as workspace:
        exit_with_report(bring_back(workspace.context, workspace.context.parse_period(period), version), as_json)
