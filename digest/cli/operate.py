"""Commands that run the machine: everything from fetch to draft, and the schedule."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.shell import Json, PeriodArg, app, finish, opened, show_json, show_table


@app.command()
def run(period: PeriodArg = "last", as_json: Json = False) -> None:
    """Fetch, tag, rank and draft in one go; a person approves.

    Example: digest run last
    """
    with opened() as workspace:
        finish(workspace.run(period), as_json)


@app.command()
def schedule(
    once: Annotated[bool, typer.Option("--next", help="Say when the next run is and stop.")] = False,
) -> None:
    """Stay and run every month by the cadence in sources.yaml. It never publishes or sends by itself.

    Example: digest schedule --next
    """
    from digest.scheduler import next_draft, stay

    with opened() as workspace:
        if once:
            context = workspace.context
            moment = next_draft(context.config.cadence, context.now.astimezone(context.zone))
            typer.echo(f"schedule: the next draft is made at {moment:%Y-%m-%d %H:%M %Z}")
        else:
            stay(workspace)


@app.command()
def runs(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000)] = 20,
    as_json: Json = False,
) -> None:
    """List what was run, when, and how it ended.

    Example: digest runs -n 5
    """
    with opened() as workspace:
        rows = workspace.runs(limit)
    if as_json:
        show_json(rows)
        return
    columns = ["id", "stage", "period", "state", "started", "seconds", "line"]
    show_table(columns, [[str(row[column] if row[column] is not None else "") for column in columns] for row in rows])
