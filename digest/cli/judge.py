"""Commands that sort and rank."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from digest.cli.shell import Json, PeriodArg, app, finish, opened, show_json


@app.command()
def tag(as_json: Json = False) -> None:
    """Sort items into the taxonomy's categories; only new or changed ones are judged.

    Example: digest tag
    """
    with opened() as workspace:
        finish(workspace.tag(), as_json)


@app.command()
def judge(
    period: PeriodArg = "last",
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="How many of the best; else model.judged.")
    ] = None,
    max_usd: Annotated[float | None, typer.Option("--max-usd", min=0, help="What this run may cost.")] = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Say what it may cost; send nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Have the language model grade a period's best candidates; what it answered once is not asked again.

    Example: digest judge 2026-10 --estimate
    """
    with opened() as workspace:
        if estimate:
            finish(workspace.estimate(period, limit=limit), as_json)
        finish(workspace.judge(period, limit=limit, max_usd=max_usd), as_json)


@app.command()
def rank(
    period: PeriodArg = "last",
    explain: Annotated[str, typer.Option("--explain", metavar="ITEM", help="Say what each part added.")] = "",
    learn: Annotated[bool, typer.Option("--learn", help="Learn from your picks first, as `digest run` does.")] = False,
    as_json: Json = False,
) -> None:
    """Put a period's candidates in order, with reasons.

    Example: digest rank 2026-10
    Example: digest rank 2026-10 --explain arxiv:2510.01234
    """
    with opened() as workspace:
        if explain:
            _explain(workspace.explain(period, explain), as_json)
            return
        finish(workspace.rank(period, learn=learn), as_json)


def _explain(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(told)
        return
    typer.echo(f"{told['title']}\n{told['key']}: place {told['place']} of {told['of']}, score {told['score']}")
    for reason in told["reasons"]:
        typer.echo(f"  {reason['part']:+7.2f}  {reason['words']}")
