"""Add, confirm, import, export and remove subscribers, and process bounces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sqlmodel import Session

from digest.context import Context
from digest.db.deliveries import find_subscriber_of_confirmation, find_subscriber_of_delivery
from digest.db.subscribers import (
    SUPPRESSED_STATES,
    add_subscriber,
    find_subscriber,
    find_subscriber_by_token,
    get_subscriber,
    load_subscribers,
    set_subscriber_state,
)
from digest.errors import ConfigError, DigestError, NotFoundError, describe_read_error
from digest.mail.bounces import BounceReport, read_bounce_reports
from digest.mail.list_states import find_state
from digest.mail.signup import queue_confirmation_mail, send_confirmations
from digest.mail.subscriber_csv import SubscriberRow, format_subscriber_csv, normalise_address, parse_subscriber_csv
from digest.protocols import Report

_STATE_BY_REPORT_KIND = {"bounce": "bounced", "complaint": "unsubscribed", "leave": "unsubscribed"}


def subscribe_address(
    context: Context, address: str, *, name: str = "", topics: Sequence[str] = (), is_confirmed: bool = False
) -> Report:
    """Add a subscriber; unless confirmed, mail for a confirmation where an endpoint exists."""
    address, slugs = normalise_address(address), _resolve_topics(context, topics)
    state = "active" if is_confirmed else "pending"
    with context.db.write() as session:
        subscriber = add_subscriber(session, address, context.now, state=state, name=name, topics=slugs)
        is_queued = bool(context.config.mail.unsubscribe_url) and queue_confirmation_mail(context, session, subscriber)
    address, state = subscriber.address, subscriber.state
    report = Report("subscribers", f"{address} is {state}", numbers={"state": state})
    if state in SUPPRESSED_STATES:
        report.line += f" and stays so; `digest subscribers confirm {address}` when they ask for it again"
    elif is_queued:
        confirmations = send_confirmations(context)
        report.line, report.state = f"{report.line}; {confirmations.line}", confirmations.state
    elif state == "pending":
        report.line += f"; `digest subscribers confirm {address}` confirms them, `--ask` mails them a link"
    return report


def confirm_subscribers(context: Context, addresses: Sequence[str]) -> Report:
    """Confirm subscribers, also those who left; only do so at their request."""
    return _change_states(context, addresses, "active", "confirmed by the editor")


def remove_subscribers(context: Context, addresses: Sequence[str]) -> Report:
    """Unsubscribe addresses; they stay stored, so that no import restores them."""
    return _change_states(context, addresses, "unsubscribed", "removed by the editor")


def set_subscriber_topics(context: Context, address: str, topics: Sequence[str]) -> Report:
    """Set which categories a subscriber gets; none means all."""
    slugs = _resolve_topics(context, topics)
    with context.db.write() as session:
        subscriber = get_subscriber(session, normalise_address(address))
        subscriber.topics, subscriber.changed = slugs, context.now
        session.add(subscriber)
    return Report("subscribers", f"{subscriber.address} follows {', '.join(slugs) or 'everything'}")


def import_subscribers(context: Context, path: Path, *, is_confirmed: bool = False) -> Report:
    """Import a CSV of any platform. An invalid line is reported and skipped; subscribers who left stay so."""
    try:
        rows = parse_subscriber_csv(path.read_bytes())
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {describe_read_error(error)}", "name a CSV file") from error
    tally, problems = Counter[str](), []
    with context.db.write() as session:
        for row in rows:
            try:
                tally[_import_row(context, session, row, is_confirmed)] += 1
            except DigestError as error:
                problems.append(f"line {row.line_number}: {error.message}")
    line = ", ".join(f"{count} {state}" for state, count in tally.items()) or "nothing"
    line += f", of {len(rows)} lines"
    if tally["pending"]:
        line += "; `digest subscribers confirm --ask` mails the pending a link to confirm"
    return Report("subscribers", line, "partial" if problems else "done", dict(tally), problems)


def _import_row(context: Context, session: Session, row: SubscriberRow, is_confirmed: bool) -> str:
    stated = find_state(row.cells)
    state = stated if stated in (*SUPPRESSED_STATES, "pending") else "active" if is_confirmed else "pending"
    address, topics = normalise_address(row.address), _resolve_topics(context, row.topics)
    return add_subscriber(
        session, address, context.now, state=state, name=row.name, topics=topics, reason="imported"
    ).state


def export_subscribers(context: Context) -> str:
    """Export all subscribers as CSV."""
    with context.db.read() as session:
        subscribers = load_subscribers(session)
    return format_subscriber_csv(
        (s.address, s.name, s.state, " ".join(s.topics), s.reason, s.created.isoformat(), s.changed.isoformat())
        for s in subscribers
    )


def process_bounces(context: Context, path: Path) -> Report:
    """Suppress subscribers whose mail bounced, who complained, or who unsubscribed by mail.

    A wish to leave in a person's own words is named, for the editor to read.
    """
    tally = Counter({"bounced": 0, "unsubscribed": 0, "delayed": 0, "unknown": 0})
    wishes: dict[str, None] = {}
    with context.db.write() as session:
        for report in read_bounce_reports(path):
            if report.kind == "wish":
                wishes |= dict.fromkeys(_describe_wish(session, report.address))
            else:
                tally[_apply_bounce_report(context, session, report)] += 1
    line = ", ".join(f"{count} {name}" for name, count in tally.items())
    if wishes:
        tally["to read"] = len(wishes)
        line += f"; {len(wishes)} to read: someone asks to leave in their own words"
    return Report("subscribers", f"{path.name}: {line}", numbers=dict(tally), problems=list(wishes))


def _describe_wish(session: Session, address: str) -> list[str]:
    """Describe how to fulfil a wish to leave; nothing for a subscriber who has left already."""
    subscriber = find_subscriber(session, address)
    if subscriber is None:
        return [f"{address} asks to leave, and is no reader: look for another address of theirs"]
    if subscriber.state in SUPPRESSED_STATES:
        return []
    return [f"{subscriber.address} asks to leave: `digest subscribers remove {subscriber.address}`"]


def _apply_bounce_report(context: Context, session: Session, report: BounceReport) -> str:
    if report.kind == "delay":
        return "delayed"
    subscriber = find_subscriber_by_token(session, report.token) if report.token else None
    subscriber = subscriber or find_subscriber_of_delivery(session, report.message_id)
    subscriber = subscriber or find_subscriber_of_confirmation(session, report.message_id)
    subscriber = subscriber or (find_subscriber(session, report.address) if report.address else None)
    if subscriber is None:
        return "unknown"
    state = _STATE_BY_REPORT_KIND[report.kind]
    if subscriber.state not in SUPPRESSED_STATES:
        set_subscriber_state(session, subscriber, state, context.now, report.reason or "asked by mail")
    return state


def _change_states(context: Context, addresses: Sequence[str], state: str, reason: str) -> Report:
    with context.db.write() as session:
        for address in addresses:
            subscriber = get_subscriber(session, normalise_address(address))
            set_subscriber_state(session, subscriber, state, context.now, reason)
    return Report("subscribers", f"{', '.join(addresses)}: {state}", numbers={state: len(addresses)})


def _resolve_topics(context: Context, topics: Sequence[str]) -> list[str]:
    """Resolve names of categories to their current slugs. Raises ConfigError for an unknown name."""
    taxonomy = context.config.taxonomy
    slugs = {name: category.slug for category in taxonomy.categories for name in (category.slug, *category.aliases)}
    for topic in topics:
        if topic not in slugs:
            raise ConfigError(f"{topic!r} is no category", f"one of {', '.join(taxonomy.slugs)}")
    return [slugs[topic] for topic in topics]
