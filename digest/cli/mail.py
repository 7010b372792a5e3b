"""Commands that put an issue into readers' mailboxes, or show how it would look there."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.output import (
    Json,
    PeriodArg,
    app,
    exit_with_report,
    open_workspace,
    print_json,
    print_table,
    print_text,
)

if TYPE_CHECKING:
    from digest.app import Workspace

mail_app = typer.Typer(
    help="An issue as mail: looked at, exported, checked, and what became of it.", no_args_is_help=True
)
app.add_typer(mail_app, name="mail")


@app.command()
def send(
    period: PeriodArg = "last",
    yes: Annotated[bool, typer.Option("--yes", help="Really send; without it this is a dry run.")] = False,
    expect: Annotated[int | None, typer.Option("--expect", min=0, help="How many readers you mean.")] = None,
    to: Annotated[str, typer.Option("--to", help="Send a test to this address, and to nobody else.")] = "",
    again: Annotated[
        list[str] | None, typer.Option("--again", help="A reader whose mail failed or is in doubt.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Mail a published issue to its readers, each at most once. A dry run unless --yes with the number of readers.

    Example: digest send 2026-10 --yes --expect 412
    """
    with open_workspace() as workspace:
        if to:
            from digest.mail.send import send_test_message

            exit_with_report(send_test_message(workspace.context, workspace.context.parse_period(period), to), as_json)
        if yes and expect is None:
            expect = _ask_subscriber_count(workspace, period, again or [])
        exit_with_report(workspace.send(period, yes=yes, expect=expect, again=again or ()), as_json)


def _ask_subscriber_count(workspace: Workspace, period: str, again: list[str]) -> int:
    """The number of readers, typed by a person who has seen it."""
    from digest.errors import ConfigError

    dry = workspace.send(period, again=again)
    if not sys.stdin.isatty():
        number = dry.numbers["readers"]
        raise ConfigError("--yes needs the number of readers", f"`--expect {number}` says that you know it")
    print_text(f"send: {dry.line}")
    return int(typer.prompt("How many readers shall get it? Type the number", type=int))


@mail_app.command()
def preview(
    period: PeriodArg = "last",
    open_: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    as_json: Json = False,
) -> None:
    """Write an issue's mail as issue.html and issue.txt, to look at or to paste elsewhere. It follows the system's
    light or dark mode and the window's width, as in a mail program.

    Example: digest mail preview 2026-10 --open
    """
    from digest.mail.exporters import preview_mail as write

    with open_workspace() as workspace:
        report = write(workspace.context, workspace.context.parse_period(period))
    if open_:
        typer.launch(report.numbers["html"])
    exit_with_report(report, as_json)


@mail_app.command()
def export(
    period: PeriodArg = "last",
    to: Annotated[str, typer.Option("--to", help="buttondown, listmonk or mailchimp.")] = "buttondown",
    again: Annotated[bool, typer.Option("--again", help="Make another draft where there is one.")] = False,
    as_json: Json = False,
) -> None:
    """Make a draft of a published issue at a mailing platform. It never sends.

    Example: digest mail export 2026-10 --to buttondown
    """
    from digest.mail.exporters import export_mail_draft as make

    with open_workspace() as workspace:
        exit_with_report(make(workspace.context, workspace.context.parse_period(period), to, again=again), as_json)


@mail_app.command()
def log(period: PeriodArg = "last", as_json: Json = False) -> None:
    """List what became of an issue's mail, reader by reader; times are the newsletter's.

    Example: digest mail log 2026-10
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
        f"nobody was mailed {issue.period} yet; `digest send {issue.period}` says how many would be",
    )
