"""Confirm subscribers by double opt-in.

A subscriber who signs up is pending, gets one mail, and becomes active by the button it links to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
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
from digest.db.subscribers import add_subscriber, get_subscriber, suppress_bounced
from digest.errors import CheckFailedError, ConfigError
from digest.i18n import load_translations
from digest.mail import attempt_delivery
from digest.mail.dkim import create_signer
from digest.mail.message import compose_message, load_sender_profile
from digest.mail.subscriber_csv import normalise_address
from digest.models.subscribers import Confirmation, Subscriber
from digest.protocols import Message, Report
from digest.publishing.render.email import MailContent

CONFIRMATION_PERIOD = timedelta(days=30)  # a pending subscriber who does not confirm within it is deleted


def request_signup(context: Context, address: str, topics: Sequence[str] = ()) -> None:
    """Store a stranger's request and queue its mail. Raises ConfigError for an invalid address.

    `topics` are slugs of categories, none for all; they count for pending subscribers only. Neither the result nor its
    timing reveals whether the address is known. Subscribers who left or bounced get no mail; only the editor may restore
    them.
    """
    address = normalise_address(address)
    with context.db.write() as session:
        subscriber = add_subscriber(session, address, context.now, topics=topics, reason="asked by the form")
        if subscriber.state == "pending":
            subscriber.topics = list(topics)
        queue_confirmation_mail(context, session, subscriber)


def request_confirmations(
    context: Context, addresses: Sequence[str] = (), *, expected_count: int | None = None
) -> Report:
    """Mail pending subscribers the link to confirm: those named, or all who got none yet.

    Without addresses it is a dry run unless `expected_count` is their number. Raises CheckFailedError for another
    number, and ConfigError without an endpoint.
    """
    require_signup_endpoint(context)
    with context.db.read() as session:
        chosen = [get_subscriber(session, normalise_address(address)) for address in addresses]
        subscribers = chosen or load_unasked_subscribers(session)
    count = len(subscribers)
    if others := [subscriber for subscriber in subscribers if subscriber.state != "pending"]:
        raise CheckFailedError(f"{others[0].address} is {others[0].state}", "only pending readers can confirm")
    if not addresses and expected_count is None:
        line = f"{count} pending readers got no mail to confirm (dry run; `--expect {count}` sends it)"
        return Report("subscribers", line, numbers={"pending": count})
    if expected_count not in (None, count):
        raise CheckFailedError(
            f"{count} readers would be mailed, not {expected_count}", "check the list, then give the number again"
        )
    with context.db.write() as session:
        for subscriber in subscribers:
            queue_confirmation_mail(context, session, subscriber, is_throttled=False)
    return send_confirmations(context)


def send_confirmations(context: Context) -> Report:
    """Send the queued mails, each at most once, unless another process is sending."""
    with hold_lock(context.db, "confirm") as is_free:
        if not is_free:
            return Report("subscribers", "another process is sending the confirmations")
        tally = _send_queued_confirmations(context)
    has_problems = any(tally[name] for name in ("deferred", "failed", "unknown"))
    line = ", ".join(f"{count} {name}" for name, count in tally.items() if count) or "none to send"
    return Report("subscribers", f"confirmation mails: {line}", "partial" if has_problems else "done", dict(tally))


def queue_confirmation_mail(
    context: Context, session: Session, subscriber: Subscriber, *, is_throttled: bool = True
) -> bool:
    """Queue the mail for a pending subscriber; throttled, a recent mail prevents another."""
    row = queue_confirmation(session, subscriber, context.now, enforce_limits=is_throttled)
    if row is not None:
        row.message_id = _build_confirmation_message(context, subscriber, row).message_id
    return row is not None


def format_topic_titles(context: Context, subscriber: Subscriber) -> str:
    """Format the titles of a subscriber's categories; empty for all."""
    taxonomy = context.config.taxonomy
    chosen = taxonomy.expand_aliases(subscriber.topics)
    return ", ".join(category.title for category in taxonomy.categories if category.slug in chosen)


def require_signup_endpoint(context: Context) -> None:
    """Raise ConfigError without the address of a sign-up server."""
    if not context.config.mail.unsubscribe_url:
        raise ConfigError(
            "mail.unsubscribe_url is not set: readers cannot confirm",
            "set it to the https address of `digest subscribers serve`, or add readers with --confirmed",
        )


def _send_queued_confirmations(context: Context) -> Counter[str]:
    with context.db.write() as session:  # no other process sends: mails in `sending` were interrupted
        mark_confirmations_unknown(session, context.now)
        delete_unconfirmed_subscribers(session, context.now - CONFIRMATION_PERIOD)
    with context.db.read() as session:
        rows = load_due_confirmations(session, context.now)
    tally = Counter[str]()
    if not rows:
        return tally
    with closing(context.make_transport()) as transport:
        for row, subscriber in rows:
            with context.db.write() as session:
                if not claim_confirmation(session, row.subscriber_id, context.now):
                    continue
            message = _build_confirmation_message(context, subscriber, row)
            attempt = attempt_delivery(transport, message)
            with context.db.write() as session:
                mark_confirmation(session, row.subscriber_id, attempt.state, context.now, attempt.reason)
                if attempt.is_address_gone:
                    suppress_bounced(session, row.subscriber_id, context.now, attempt.reason.partition("; ")[0])
            tally[attempt.state] += 1
            if attempt.should_stop:
                break
    return tally


def _build_confirmation_message(context: Context, subscriber: Subscriber, row: Confirmation) -> Message:
    """Build the mail; its bytes are the same until the next request."""
    newsletter, settings = context.config.newsletter, context.config.mail
    sender, translations = load_sender_profile(newsletter, settings), load_translations(newsletter.language)
    topics = format_topic_titles(context, subscriber)
    paragraphs = [
        translations("confirm_text", title=newsletter.title),
        sender.confirmation_url(subscriber.token),
        *([translations("confirm_topics", sections=topics)] if topics else []),
        translations("confirm_ignore", days=CONFIRMATION_PERIOD.days),
    ]
    subject = translations("confirm_subject", title=newsletter.title)
    return compose_message(
        sender,
        MailContent(subject, "\n\n".join(paragraphs) + "\n"),
        recipient=subscriber.address,
        token=subscriber.token,
        issue=f"confirm {row.times}",
        at=row.requested,
        sign=create_signer(settings, context.environ),
    )
