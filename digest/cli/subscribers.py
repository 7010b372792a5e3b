"""Commands for the list of subscribers and the sign-up form."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digest.cli.options import MAIL, Json, app, command
from digest.cli.output import exit_with_report, open_workspace, print_rows, print_text

subscribers_app = typer.Typer(help="Manage subscribers and the sign-up form.", no_args_is_help=True)
app.add_typer(subscribers_app, name="subscribers", rich_help_panel=MAIL)

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="name@example.org")]
Topic = Annotated[list[str] | None, typer.Option("--topic", help="A category's slug; none means all.")]
Confirmed = Annotated[bool, typer.Option("--confirmed", help="They agreed elsewhere.")]


@command(subscribers_app, "subscribers add ada@example.org --topic agents")
def add(
    address: Address,
    name: Annotated[str, typer.Option("--name", help="The subscriber's name.")] = "",
    topic: Topic = None,
    confirmed: Confirmed = False,
    as_json: Json = False,
) -> None:
    """Add a subscriber.

    Where `digest subscribers serve` is set up, a mail asks them to confirm.
    """
    from digest.mail.subscribers import subscribe_address

    with open_workspace() as workspace:
        exit_with_report(
            subscribe_address(workspace.context, address, name=name, topics=topic or (), is_confirmed=confirmed),
            as_json,
        )


@command(subscribers_app, "subscribers import readers.csv --confirmed", name="import")
def import_(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file.")],
    confirmed: Confirmed = False,
    as_json: Json = False,
) -> None:
    """Import a CSV of subscribers.

    Reads a column `address` or `email`, and optionally name, state and topics. Unsubscribed addresses stay
    unsubscribed.
    """
    from digest.mail.subscribers import import_subscribers

    with open_workspace() as workspace:
        exit_with_report(import_subscribers(workspace.context, path, is_confirmed=confirmed), as_json)


@command(subscribers_app, "subscribers export > readers.csv")
def export() -> None:
    """Print all subscribers as CSV, also former ones."""
    from digest.mail.subscribers import export_subscribers

    with open_workspace() as workspace:
        typer.echo(export_subscribers(workspace.context), nl=False)


@command(subscribers_app, "subscribers list --state active", name="list")
def list_(
    state: Annotated[str, typer.Option("--state", help="pending, active, unsubscribed or bounced.")] = "",
    as_json: Json = False,
) -> None:
    """List the subscribers."""
    from digest.db.subscribers import SUBSCRIBER_STATES, load_subscribers

    if state and state not in SUBSCRIBER_STATES:
        raise typer.BadParameter(f"{state!r} is not a state; use one of {', '.join(SUBSCRIBER_STATES)}")
    with open_workspace() as workspace, workspace.db.read() as session:
        subscribers = load_subscribers(session, state)
    columns = ["address", "state", "topics", "name", "reason", "changed"]
    rows = [{column: getattr(subscriber, column) for column in columns} for subscriber in subscribers]
    empty = f"no subscriber is {state}" if state else "no subscribers yet; `digest subscribers add ADDRESS` adds one"
    print_rows(rows, columns, empty, as_json=as_json)


@command(subscribers_app, "subscribers remove ada@example.org")
def remove(
    addresses: Annotated[list[str], typer.Argument(metavar="ADDRESS…", help="name@example.org …")],
    as_json: Json = False,
) -> None:
    """Unsubscribe addresses.

    They are remembered, so that no import adds them again.
    """
    from digest.mail.subscribers import remove_subscribers

    with open_workspace() as workspace:
        exit_with_report(remove_subscribers(workspace.context, addresses), as_json)


@command(subscribers_app, "subscribers confirm ada@example.org", "subscribers confirm --ask --expect 12")
def confirm(
    addresses: Annotated[list[str] | None, typer.Argument(metavar="[ADDRESS…]", help="name@example.org …")] = None,
    ask: Annotated[
        bool, typer.Option("--ask", help="Mail a confirmation request; without ADDRESS to all never asked.")
    ] = False,
    expect: Annotated[int | None, typer.Option("--expect", min=0, help="The number of subscribers to ask.")] = None,
    as_json: Json = False,
) -> None:
    """Confirm subscribers, or mail them a confirmation request.

    Someone who unsubscribed is only confirmed when they ask for it.
    """
    from digest.mail.signup import request_confirmations
    from digest.mail.subscribers import confirm_subscribers

    if not (addresses or ask):
        raise typer.BadParameter("name the subscribers, or use --ask")
    with open_workspace() as workspace:
        if ask:
            exit_with_report(request_confirmations(workspace.context, addresses or (), expected_count=expect), as_json)
        exit_with_report(confirm_subscribers(workspace.context, addresses or ()), as_json)


@command(subscribers_app, "subscribers topics ada@example.org --topic agents --topic safety")
def topics(address: Address, topic: Topic = None, as_json: Json = False) -> None:
    """Set the categories that a subscriber gets.

    Without --topic they get all.
    """
    from digest.mail.subscribers import set_subscriber_topics

    with open_workspace() as workspace:
        exit_with_report(set_subscriber_topics(workspace.context, address, topic or ()), as_json)


@command(subscribers_app, "subscribers bounces ~/Maildir/.Bounces")
def bounces(
    path: Annotated[Path, typer.Argument(metavar="MAILBOX", help="An mbox file or a Maildir.")], as_json: Json = False
) -> None:
    """Process bounces and complaints of a mailbox.

    Reads an mbox file or a Maildir.
    """
    from digest.mail.subscribers import process_bounces

    with open_workspace() as workspace:
        exit_with_report(process_bounces(workspace.context, path), as_json)


@command(subscribers_app, "subscribers serve --port 8125")
def serve(
    host: Annotated[
        str, typer.Option("--host", help="The address to bind; a proxy should be the only client.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8125,
) -> None:
    """Serve the sign-up form and the links in mails.

    Put an https proxy before it, and its public address into mail.unsubscribe_url. Without it, subscribers
    unsubscribe by mail.
    """
    from functools import partial
    from urllib.parse import urlsplit

    from digest.mail.signup import require_signup_endpoint, send_confirmations
    from digest.web.server import build_server
    from digest.web.signup import ConfirmationSender, create_signup_app

    with open_workspace() as workspace:
        context = workspace.context
        require_signup_endpoint(context)
        prefix = urlsplit(context.config.mail.unsubscribe_url or "").path
        with ConfirmationSender(partial(send_confirmations, context)) as sender:
            signup_app = create_signup_app(context, prefix=prefix, wake=sender.wake)
            print_text(f"serve: http://{host}:{port}, the form at /subscribe (Ctrl-C ends it)")
            build_server(signup_app, host=host, port=port, log_level="warning").run()
