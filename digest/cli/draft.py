"""draft check approve recap desk history.

Commands of the editor's hour: the draft, its checks, the approval.

Commands of the editor's desk, and of the versions of a sheet.
"""

from __future__ import annotations

from typing import Annotated

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
    print_table,
    print_text,
)


@app.command()
def draft(
    period: PeriodArg = "last",
    dry_run: DryRun = False,
    max_usd: MaxUsd = None,
    provider: Provider = "",
    return_: Annotated[bool, typer.Option("--return", help="Only take the approval back; the sheet stays.")] = False,
    as_json: Json = False,
) -> None:
    """Write site/_drafts/PERIOD.md, or merge what is new into it; words changed by hand stay.

    Example: digest draft 2026-10
    """
    with open_workspace(provider) as workspace:
        report = (
            workspace.withdraw_approval(period)
            if return_
            else workspace.draft(period, dry_run=dry_run, max_usd=max_usd)
        )
        exit_with_report(report, as_json)


AcceptGaps = Annotated[bool, typer.Option("--accept-gaps", help="Go on although sources failed or fell silent.")]
CheckLinks = Annotated[
    bool, typer.Option("--links/--no-links", help="Ask the links (arXiv aside) whether they still lead to their works.")
]


@app.command()
def check(
    period: PeriodArg = "last", accept_gaps: AcceptGaps = False, links: CheckLinks = True, as_json: Json = False
) -> None:
    """Run the gates of a draft; exit 4 with each reason and the command that mends it.

    Example: digest check 2026-10
    """
    with open_workspace() as workspace:
        exit_with_report(workspace.check(period, accept_gaps=accept_gaps, links=links), as_json)


@app.command()
def approve(
    period: PeriodArg = "last",
    sign: Annotated[bool, typer.Option("--sign", help="Answer for flagged text with your name.")] = False,
    by: Annotated[str, typer.Option("--by", help="Who approves; the newsletter's author when not said.")] = "",
    accept_gaps: AcceptGaps = False,
    links: CheckLinks = True,
    as_json: Json = False,
) -> None:
    """Approve an issue for publication, after its gates.

    Example: digest approve 2026-10
    """
    with open_workspace() as workspace:
        exit_with_report(workspace.approve(period, by=by, sign=sign, accept_gaps=accept_gaps, links=links), as_json)


@app.command()
def recap(
    period: Annotated[str, typer.Argument(metavar="YEAR", help="2025, 2025-Q3 or 2025-03..2025-07.")],
    by: Annotated[str, typer.Option("--by", help="category, month or both; else as it was, at first both.")] = "",
    max_usd: MaxUsd = None,
    provider: Provider = "",
    as_json: Json = False,
) -> None:
    """Draft a year in review from the year's picks, by category, by month, or both.

    With a language model each month gets a sentence, cited to its picks; a sentence known is not asked for again.

    Example: digest recap 2025 --by both
    """
    with open_workspace(provider) as workspace:
        exit_with_report(workspace.recap(period, by, max_usd=max_usd), as_json)


@app.command()
def desk(
    period: PeriodArg = "last",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 0,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Open the browser.")] = True,
) -> None:
    """Open the editor's page on this machine: shortlist, issue, preview. The sheet's file stays the truth.

    Example: digest desk 2026-10
    """
    from digest.drafts.editing import load_current_draft
    from digest.web.server import DeskServer, serve_desk

    with open_workspace() as workspace:
        name = workspace.context.parse_period(period)
        load_current_draft(workspace.context, name)
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
    from digest.drafts.storage import list_draft_versions, load_draft_version

    with open_workspace() as workspace:
        context, name = workspace.context, workspace.context.parse_period(period)
        if version:
            typer.echo(load_draft_version(context, name, version), nl=False)
            return
        rows = list_draft_versions(context, name)
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
    from digest.drafts.storage import restore_draft_version as bring_back

    with open_workspace() as workspace:
        exit_with_report(bring_back(workspace.context, workspace.context.parse_period(period), version), as_json)
