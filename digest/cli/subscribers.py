"""Commands for the list of readers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digest.cli.output import Json, app, exit_with_report, open_workspace, print_json, print_table, print_text

subscribers_app = typer.Typer(help="The readers: added, imported, confirmed, taken out.", no_args_is_help=True)
app.add_typer(subscribers_app, name="subscribers")

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="name@example.org")]
Topic = Annotated[list[str] | None, typer.Option("--topic", help="A category's slug; none means all.")]
Confirmed = Annotated[bool, typer.Option("--confirmed", help="They have said yes elsewhere.")]


@subscribers_app.command()
def add(
    address: Address,
    name: Annotated[str, typer.Option("--name")] = "",
    topic: Topic = None,
    confirmed: Confirmed = False,
    as_json: Json = False,
) -> None:
    """Add a reader. Where `digest listen` is set up they are asked by mail to confirm.

    Example: digest subscribers add ada@example.org --topic agents
    """
    from digest.mail.subscribers import subscribe_address

    with open_workspace() as workspace:
        exit_with_report(
            subscribe_address(workspace.context, address, name=name, topics=topic or (), is_confirmed=confirmed),
            as_json,
        )


@subscribers_app.command(name="import")
def import_(path: Path, confirmed: Confirmed = False, as_json: Json = False) -> None:
    """Read a CSV with a column `address` or `email`, and as may be name, state, topics. Who had left stays left.

    Example: digest subscribers import readers.csv --confirmed
    """
    from digest.mail.subscribers import (
        import_subscribers,
    )

    with open_workspace() as workspace:
        exit_with_report(import_subscribers(workspace.context, path, is_confirmed=confirmed), as_json)


@subscribers_app.command()
def export() -> None:
    """Print all readers as CSV, those who left too.

    Example: digest subscribers export > readers.csv
    """
    from digest.mail.subscribers import (
        export_subscribers,
    )

    with open_workspace() as workspace:
        typer.echo(export_subscribers(workspace.context), nl=False)


@subscribers_app.command(name="list")
def list_(
    state: Annotated[str, typer.Option("--state", help="pending, active, unsubscribed or bounced.")] = "",
    as_json: Json = False,
) -> None:
    """List the readers.

    Example: digest subscribers list --state active
    """
    from digest.db.subscribers import (
        SUBSCRIBER_STATES,
        load_subscribers,
    )

    if state and state not in SUBSCRIBER_STATES:
        raise typer.BadParameter(f"{state!r} is no state; one of {', '.join(SUBSCRIBER_STATES)}")
    with open_workspace() as workspace, workspace.db.read() as session:
        people = load_subscribers(session, state)
    columns = ["address", "state", "topics", "name", "reason", "changed"]
    rows = [{column: getattr(person, column) for column in columns} for person in people]
    if as_json:
        print_json(rows)
        return
    print_table(
        columns,
        [[_format_cell(row[column]) for column in columns] for row in rows],
        f"no reader is {state}" if state else "no readers yet; `digest subscribers add ADDRESS` or `import FILE`",
    )


def _format_cell(value: object) -> str:
    return " ".join(value) if isinstance(value, list) else f"{value:%Y-%m-%d}" if hasattr(value, "year") else str(value)


@subscribers_app.command()
def remove(addresses: list[str], as_json: Json = False) -> None:
    """Take readers off the list. They are remembered, so that no import brings them back.

    Example: digest subscribers remove ada@example.org
    """
    from digest.mail.subscribers import remove_subscribers

    with open_workspace() as workspace:
        exit_with_report(remove_subscribers(workspace.context, addresses), as_json)


@subscribers_app.command()
def confirm(
    addresses: Annotated[list[str] | None, typer.Argument(metavar="[ADDRESS…]", help="name@example.org …")] = None,
    ask: Annotated[bool, typer.Option("--ask", help="Mail pending readers for their yes; all never asked.")] = False,
    expect: Annotated[int | None, typer.Option("--expect", min=0, help="How many readers you mean, of --ask.")] = None,
    as_json: Json = False,
) -> None:
    """Take readers as having said yes, for one who had left only when they ask for it again; or mail them for it.

    \b
    Example: digest subscribers confirm ada@example.org
    Example: digest subscribers confirm --ask --expect 12
    """
    from digest.mail.signup import request_confirmations
    from digest.mail.subscribers import (
        confirm_subscribers,
    )

    if not (addresses or ask):
        raise typer.BadParameter("name the readers, or --ask all that were never asked")
    with open_workspace() as workspace:
        if ask:
            exit_with_report(request_confirmations(workspace.context, addresses or (), expected_count=expect), as_json)
        exit_with_report(confirm_subscribers(workspace.context, addresses or ()), as_json)


@subscribers_app.command()
def topics(address: Address, topic: Topic = None, as_json: Json = False) -> None:
    """Set which categories a reader gets; without --topic all.

    Example: digest subscribers topics ada@example.org --topic agents --topic safety
    """
    from digest.mail.subscribers import set_subscriber_topics

    with open_workspace() as workspace:
        exit_with_report(set_subscriber_topics(workspace.context, address, topic or ()), as_json)


@subscribers_app.command()
def bounces(path: Path, as_json: Json = False) -> None:
    """Read delivery reports, complaints and requests to leave from an mbox file or a Maildir.

    Example: digest subscribers bounces ~/Maildir/.Bounces
    """
    from digest.mail.subscribers import process_bounces

    with open_workspace() as workspace:
        exit_with_report(process_bounces(workspace.context, path), as_json)


@app.command()
def listen(
    host: Annotated[str, typer.Option("--host", help="Only a proxy on this machine should reach it.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8125,
) -> None:
    """Serve the sign-up form and the links in mails: confirmation, and one-click unsubscribe. Put an https proxy
    before it, and its public address into mail.unsubscribe_url; without it readers leave by mail.

    Example: digest listen --port 8125
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
        with ConfirmationSender(partial(send_confirmations, context)) as postman:
            answers = create_signup_app(context, prefix=prefix, wake=postman.wake)
            print_text(f"listen: http://{host}:{port}, the form at /subscribe (Ctrl-C ends it)")
            build_server(answers, host=host, port=port, log_level="warning").run()
