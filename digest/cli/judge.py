"""Commands that sort and rank."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.shell import Json, PeriodArg, app, finish, opened


@app.command()
def tag(as_json: Json = False) -> None:
    """Sort items into the taxonomy's categories; only new or changed ones are judged.

    Example: digest tag
    """
    with opened() as workspace:
        finish(workspace.tag(), as_json)


@app.command()
def rank(
    period: PeriodArg = "last",
    explain: Annotated[str, typer.Option("--explain", metavar="ITEM", help="Say what each part added.")] = "",
    as_json: Json = False,
) -> None:
    """Put a period's candidates in order, with reasons.

    Example: digest rank 2026-10
    Example: digest rank 2026-10 --explain arxiv:2510.01234
    """
    with opened() as workspace:
        if explain:
            typer.echo(workspace.explain(period, explain))
            return
        finish(workspace.rank(period), as_json)
