"""Double opt-in: who asks for the newsletter is pending, gets one mail, and is a reader when its button is pressed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import Session

from digest.context import Context
from digest.db.deliveries import (
    claim_confirmation,
    delete_unconfirmed_subscribers,
    load_due_confirmations,
    load_unasked_subscribers,
    mark_confirmation,
    mark_confirmations_unknown,
    queue_confirmation,
)
from digest.db.locks import hold_lock
from digest.db.subscribers import add_subscriber, get_subscriber
from digest.errors import CheckFailedError, ConfigError
from digest.i18n import load_translations
from digest.mail import attempt_delivery
from digest.mail.dkim import create_signer
from digest.mail.message import compose_message, load_sender_profile
from digest.mail.subscriber_csv import normalise_address
from digest.models.subscribers import Confirmation, Subscriber
from digest.protocols import Message, Report
from digest.publishing.render.email import MailContent

CONFIRMATION_PERIOD = timedelta(days=30)  # who was asked and has not confirmed by then is forgotten


def request_signup(context: Context, address: str, topics: Sequence[str] = ()) -> None:
    """Keep a stranger's request and queue the mail it calls for. Raises ConfigError for what is no address.

    `topics` are slugs of categories, none for all; they count for a pending reader only, who must say yes to them.
    Nothing that comes back, nor how long it takes, tells whether the address is known; who left or bounced is not
    written to, and comes back only through the editor.
    """
    checked = normalise_address(address)
    with context.db.write() as session:
        reader = add_subscriber(session, checked, context.now, topics=topics, reason="asked by the form")
        if reader.state == "pending":
            reader.topics = list(topics)
        queue_confirmation_mail(context, session, reader)


def request_confirmations(
    context: Context, addresses: Sequence[str] = (), *, expected_count: int | None = None
) -> Report:
    """Mail pending readers the link by which they confirm: those named, once more if need be, or all never asked.

    Without addresses it is a dry run unless `expect` is how many there are. Raises Refused for another number, and
    ConfigError where no endpoint takes the answer.
    """
    require_signup_endpoint(context)
    with context.db.read() as session:
        people = [get_subscriber(session, normalise_address(a)) for a in addresses] or load_unasked_subscribers(session)
    if settled := [reader for reader in people if reader.state != "pending"]:
        raise CheckFailedError(f"{settled[0].address} is {settled[0].state}", "only pending readers are asked")
    if not addresses and expected_count is None:
        line = f"{len(people)} pending readers were never asked (dry run; `--expect {len(people)}` asks them)"
        return Report("subscribers", line, numbers={"pending": len(people)})
    if expected_count is not None and expected_count != len(people):
        raise CheckFailedError(
            f"{len(people)} readers would be asked, not {expected_count}", "look at the list, then say the number"
        )
    with context.db.write() as session:
        for reader in people:
            queue_confirmation_mail(context, session, reader, is_throttled=False)
    return send_confirmations(context)


def send_confirmations(context: Context) -> Report:
    """Send the mails that are queued, each at most once; another process that is at it already is left to it."""
    with hold_lock(context.db, "confirm") as only:
        if not only:
            return Report("subscribers", "another process is sending the confirmations")
        tally = _send_queued_confirmations(context)
    amiss = [name for name in ("deferred", "failed", "unknown") if tally[name]]
    line = ", ".join(f"{count} {name}" for name, count in tally.items() if count) or "nobody to ask"
    return Report("subscribers", f"confirmation mails: {line}", "partial" if amiss else "done", dict(tally))


def queue_confirmation_mail(
    context: Context, session: Session, reader: Subscriber, *, is_throttled: bool = True
) -> bool:
    """Queue the mail for a pending reader; whether it was. `patient` keeps it from being asked for again and again."""
    row = queue_confirmation(session, reader, context.now, enforce_limits=is_throttled)
    if row is not None:
        row.message_id = _build_confirmation_message(context, reader, row).message_id
    return row is not None


def format_topic_titles(context: Context, reader: Subscriber) -> str:
    """The titles of the categories a reader asked for; empty for all."""
    taxonomy = context.config.taxonomy
    chosen = taxonomy.expand_aliases(reader.topics)
    return ", ".join(category.title for category in taxonomy.categories if category.slug in chosen)


def require_signup_endpoint(context: Context) -> None:
    """Raises ConfigError where no address of a `digest listen` is named, at which a reader's yes arrives."""
    if not context.config.mail.unsubscribe_url:
        raise ConfigError(
            "mail.unsubscribe_url: no endpoint takes a reader's yes",
            "name there the https address of the proxy before `digest listen`, or add readers with --confirmed",
        )


def _send_queued_confirmations(context: Context) -> Counter[str]:
    with context.db.write() as session:  # nobody else is at it: what is in `sending` was left by one that died
        mark_confirmations_unknown(session, context.now)
        delete_unconfirmed_subscribers(session, context.now - CONFIRMATION_PERIOD)
    with context.db.read() as session:
        rows = load_due_confirmations(session, context.now)
    tally = Counter[str]()
    if not rows:
        return tally
    transport = context.make_transport()
    try:
        for row, reader in rows:
            with context.db.write() as session:
                if not claim_confirmation(session, row.subscriber_id, context.now):
                    continue
            state, error, stop = attempt_delivery(transport, _build_confirmation_message(context, reader, row))
            with context.db.write() as session:
                mark_confirmation(session, row.subscriber_id, state, context.now, error)
            tally[state] += 1
            if stop:
                break
    finally:
        transport.close()
    return tally


def _build_confirmation_message(context: Context, reader: Subscriber, row: Confirmation) -> Message:
    """The same bytes each time, until it is asked for again."""
    newsletter, settings = context.config.newsletter, context.config.mail
    head, w, title = (
        load_sender_profile(newsletter, settings),
        load_translations(newsletter.language),
        newsletter.title,
    )
    chosen = format_topic_titles(context, reader)
    body = [
        w("confirm_text", title=title),
        head.confirmation_url(reader.token),
        *([w("confirm_topics", sections=chosen)] if chosen else []),
        w("confirm_ignore", days=CONFIRMATION_PERIOD.days),
    ]
    return compose_message(
        head,
        MailContent(w("confirm_subject", title=title), "\n\n".join(body) + "\n"),
        recipient=reader.address,
        token=reader.token,
        issue=f"confirm {row.times}",
        at=row.requested,
        sign=create_signer(settings, context.environ),
    )
