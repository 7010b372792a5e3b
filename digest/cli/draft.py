"""Commands of the editor: draft, check, approve, recap, desk, history, restore."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.options import EDIT, AcceptGaps, DryRun, Json, MaxUsd, PeriodArg, Provider, app, command
from digest.cli.output import exit_with_report, open_workspace, print_json, print_table, print_text


@command(app, "draft 2026-10", "draft 2026-10 --accept-gaps", panel=EDIT)
def draft(
    period: PeriodArg = "last",
    dry_run: DryRun = False,
    accept_gaps: AcceptGaps = False,
    max_usd: MaxUsd = None,
    provider: Provider = "",
    return_: Annotated[
        bool, typer.Option("--return", help="Withdraw the approval; leave the draft unchanged.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write a period's draft, or merge new material into it.

    The draft is site/_drafts/PERIOD.md. What the editor wrote there is preserved.
    A month of which arXiv was read in part is refused with the missing days.
    """
    with open_workspace(provider) as workspace:
        report = (
            workspace.withdraw_approval(period)
            if return_
            else workspace.draft(period, dry_run=dry_run, accept_gaps=accept_gaps, max_usd=max_usd)
        )
        exit_with_report(report, as_json)


CheckLinks = Annotated[bool, typer.Option("--links/--no-links", help="Check that the links still work, arXiv's aside.")]


@command(app, "check 2026-10", panel=EDIT)
def check(
    period: PeriodArg = "last", accept_gaps: AcceptGaps = False, links: CheckLinks = True, as_json: Json = False
) -> None:
    """Run the release checks of a draft.

    Exits 4 with each reason and the command that fixes it.
    """
    with open_workspace() as workspace:
        exit_with_report(workspace.check(period, accept_gaps=accept_gaps, links=links), as_json)


@command(app, "approve 2026-10", panel=EDIT)
def approve(
    period: PeriodArg = "last",
    sign: Annotated[bool, typer.Option("--sign", help="Take responsibility for flagged text.")] = False,
    by: Annotated[str, typer.Option("--by", help="Who approves; by default the newsletter's author.")] = "",
    accept_gaps: AcceptGaps = False,
    links: CheckLinks = True,
    as_json: Json = False,
) -> None:
    """Approve an issue for publication, after its checks."""
    with open_workspace() as workspace:
        exit_with_report(workspace.approve(period, by=by, sign=sign, accept_gaps=accept_gaps, links=links), as_json)


@command(app, "recap 2025 --by both", panel=EDIT)
def recap(
    period: Annotated[str, typer.Argument(metavar="YEAR", help="2025, 2025-Q3 or 2025-03..2025-07.")],
    by: Annotated[str, typer.Option("--by", help="category, month or both; by default as before.")] = "",
    keep: Annotated[str, typer.Option("--keep", metavar="N", help="Favourites that have their text, or all.")] = "",
    published_only: Annotated[
        bool | None, typer.Option("--published-only/--any-month", help="Leave out months that were not published.")
    ] = None,
    max_usd: MaxUsd = None,
    provider: Provider = "",
    as_json: Json = False,
) -> None:
    """Draft a year in review from the year's picks.

    Published months bring their title, introduction and closing. With --keep
    50 the fifty favourites have their text, with the reason in the draft, and
    the others one line each. A language model summarises each other month in
    a sentence, cited to its picks.
    """
    if keep not in ("", "all") and not keep.isdecimal():
        raise typer.BadParameter(f"{keep!r} is not a number, nor all", param_hint="--keep")
    with open_workspace(provider) as workspace:
        exit_with_report(
            workspace.recap(
                period,
                by,
                keep=None if not keep else 0 if keep == "all" else int(keep),
                published_only=published_only,
                max_usd=max_usd,
            ),
            as_json,
        )


@command(app, "desk 2026-10", panel=EDIT)
def desk(
    period: PeriodArg = "last",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes a free one.")] = 0,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Open the browser.")] = True,
) -> None:
    """Open the editor's page: shortlist, issue, preview.

    Only this machine can open it. Edits are written to the draft file.
    """
    from digest.drafts.editing import load_current_draft
    from digest.web.server import DeskServer, serve_desk

    with open_workspace() as workspace:
        chosen = workspace.context.parse_period(period)
        load_current_draft(workspace.context, chosen)
        server = DeskServer(workspace.context, chosen.name, port)
        print_text(f"desk: {server.url}\n  only this machine can open it; Ctrl-C ends it")
        if open_:
            typer.launch(server.url)
        serve_desk(server)


@command(app, "history 2026-10 --show 3", panel=EDIT)
def history(
    period: PeriodArg = "last",
    version: Annotated[int, typer.Option("--show", help="Print this version.")] = 0,
    as_json: Json = False,
) -> None:
    """List every stored version of a draft."""
    from digest.drafts.storage import list_draft_versions, load_draft_version

    with open_workspace() as workspace:
        context, name = workspace.context, workspace.context.parse_period(period)
        if version:
            typer.echo(load_draft_version(context, name, version), nl=False)
            return
        rows = list_draft_versions(context, name)
    if as_json:
        print_json(rows)
        return
    columns = ["version", "at", "origin", "lines", "added", "removed"]
    cells = [[str(row[column])[:19] for column in columns] for row in rows]
    print_table(columns, cells, f"history: no version of {name} is stored")


@command(app, "restore 2026-10 3", panel=EDIT)
def restore(
    period: Annotated[str, typer.Argument(metavar="PERIOD")],
    version: Annotated[int, typer.Argument(metavar="VERSION", help="A number of `digest history`.")],
    as_json: Json = False,
) -> None:
    """Restore a stored version of a draft.

    The present version is stored first.
    """
    from digest.drafts.storage import restore_draft_version

    with open_workspace() as workspace:
        exit_with_report(
            restore_draft_version(workspace.context, workspace.context.parse_period(period), version), as_json
        )
