"""Commands of the e-mail edition: send, preview, export, log."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.options import MAIL, Json, PeriodArg, app, command
from digest.cli.output import exit_with_report, open_workspace, print_json, print_table, print_text

if TYPE_CHECKING:
    from digest.app import Workspace

mail_app = typer.Typer(help="Preview, export and track the e-mail edition.", no_args_is_help=True)
app.add_typer(mail_app, name="mail", rich_help_panel=MAIL)


@command(app, "send 2026-10 --yes --expect 412", panel=MAIL)
def send(
    period: PeriodArg = "last",
    yes: Annotated[bool, typer.Option("--yes", help="Really send; otherwise this is a dry run.")] = False,
    expect: Annotated[int | None, typer.Option("--expect", min=0, help="The number of subscribers to mail.")] = None,
    to: Annotated[str, typer.Option("--to", help="Send a test to this address only.")] = "",
    again: Annotated[
        list[str] | None, typer.Option("--again", help="An address whose delivery failed or is unknown.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Mail a published issue, once to each subscriber.

    A dry run unless --yes is given with the number of subscribers.
    """
    with open_workspace() as workspace:
        if to:
            from digest.mail.send import send_test_message

            exit_with_report(send_test_message(workspace.context, workspace.context.parse_period(period), to), as_json)
        if yes and expect is None:
            expect = _ask_subscriber_count(workspace, period, again or [])
        exit_with_report(workspace.send(period, yes=yes, expect=expect, again=again or ()), as_json)


def _ask_subscriber_count(workspace: Workspace, period: str, again: list[str]) -> int:
    """Ask a person to type the number of subscribers that the dry run counted."""
    from digest.errors import ConfigError

    dry_run = workspace.send(period, again=again)
    if not sys.stdin.isatty():
        number = dry_run.numbers["readers"]
        raise ConfigError("--yes needs the number of subscribers", f"add `--expect {number}`")
    print_text(f"send: {dry_run.line}")
    return int(typer.prompt("Type the number of subscribers to send it to", type=int))


@command(mail_app, "mail preview 2026-10 --open")
def preview(
    period: PeriodArg = "last",
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_json: Json = False,
) -> None:
    """Write an issue's mail as issue.html and issue.txt."""
    from digest.mail.exporters import preview_mail

    with open_workspace() as workspace:
        report = preview_mail(workspace.context, workspace.context.parse_period(period))
    if open_:
        typer.launch(report.numbers["html"])
    exit_with_report(report, as_json)


@command(mail_app, "mail export 2026-10 --to buttondown")
def export(
    period: PeriodArg = "last",
    to: Annotated[str, typer.Option("--to", help="buttondown, listmonk or mailchimp.")] = "buttondown",
    again: Annotated[bool, typer.Option("--again", help="Create another draft where there is one.")] = False,
    as_json: Json = False,
) -> None:
    """Create a draft of an issue at a mailing platform.

    Never sends.
    """
    from digest.mail.exporters import export_mail_draft

    with open_workspace() as workspace:
        exit_with_report(
            export_mail_draft(workspace.context, workspace.context.parse_period(period), to, again=again), as_json
        )


@command(mail_app, "mail log 2026-10")
def log(period: PeriodArg = "last", as_json: Json = False) -> None:
    """List the deliveries of an issue.

    Times are in the newsletter's time zone.
    """
    from digest.db.deliveries import load_deliveries
    from digest.db.issues import get_issue

    with open_workspace() as workspace, workspace.db.read() as session:
        zone = workspace.context.zone
        issue = get_issue(session, workspace.context.parse_period(period).name)
        rows = [
            {"address": r.address, "state": d.state, "tries": d.attempts, "at": d.at.astimezone(zone), "why": d.error}
            for d, r in load_deliveries(session, issue.id)
        ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["address", "state", "tries", f"at ({zone})", "why"],
        [[f"{cell:%Y-%m-%d %H:%M:%S}" if key == "at" else str(cell) for key, cell in row.items()] for row in rows],
        f"{issue.period} was not mailed yet; `digest send {issue.period}` counts who would get it",
    )
