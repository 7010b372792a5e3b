"""Readers: added, confirmed, imported, exported, taken out; and what their mailboxes reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sqlmodel import Session

from digest.context import Context
from digest.db.deliveries import find_subscriber_of_confirmation, find_subscriber_of_delivery
from digest.db.subscribers import (
    SUBSCRIBER_STATES,
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
from digest.mail.signup import queue_confirmation_mail, send_confirmations
from digest.mail.subscriber_csv import SubscriberRow, format_subscriber_csv, normalise_address, parse_subscriber_csv
from digest.protocols import Report


def subscribe_address(
    context: Context, address: str, *, name: str = "", topics: Sequence[str] = (), is_confirmed: bool = False
) -> Report:
    """Add a reader; unless `confirmed`, they are asked by mail where an endpoint takes their answer."""
    checked = normalise_address(address)
    slugs = _resolve_topics(context, topics)
    with context.db.write() as session:
        state = "active" if is_confirmed else "pending"
        reader = add_subscriber(session, checked, context.now, state=state, name=name, topics=slugs)
        asked = bool(context.config.mail.unsubscribe_url) and queue_confirmation_mail(context, session, reader)
    report = Report("subscribers", f"{reader.address} is {reader.state}", numbers={"state": reader.state})
    if reader.state in SUPPRESSED_STATES:
        report.line += f" and stays so; `digest subscribers confirm {reader.address}` when they ask for it again"
    elif asked:
        posted = send_confirmations(context)
        report.line, report.state = f"{report.line}; {posted.line}", posted.state
    elif reader.state == "pending":
        report.line += f"; `digest subscribers confirm {reader.address}` takes their yes, `--ask` mails for it"
    return report


def confirm_subscribers(context: Context, addresses: Sequence[str]) -> Report:
    """Take readers as having said yes, also those who had left: only they may ask for that."""
    return _change_states(context, addresses, "active", "confirmed by the editor")


def remove_subscribers(context: Context, addresses: Sequence[str]) -> Report:
    """Take readers off the list; they are remembered, so that no import brings them back."""
    return _change_states(context, addresses, "unsubscribed", "removed by the editor")


def set_subscriber_topics(context: Context, address: str, topics: Sequence[str]) -> Report:
    """Set which categories a reader gets; none means all."""
    slugs = _resolve_topics(context, topics)
    with context.db.write() as session:
        reader = get_subscriber(session, normalise_address(address))
        reader.topics, reader.changed = slugs, context.now
        session.add(reader)
    return Report("subscribers", f"{reader.address} follows {', '.join(slugs) or 'everything'}")


def import_subscribers(context: Context, path: Path, *, is_confirmed: bool = False) -> Report:
    """Read a CSV of readers. A bad line is told and passed over; who had left stays left."""
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
        line += "; `digest subscribers confirm --ask` mails the pending for their yes"
    return Report("subscribers", line, "partial" if problems else "done", dict(tally), problems)


def _import_row(context: Context, session: Session, row: SubscriberRow, is_confirmed: bool) -> str:
    if row.state not in ("", *SUBSCRIBER_STATES):
        raise ConfigError(f"{row.state!r} is no state", f"one of {', '.join(SUBSCRIBER_STATES)}")
    state = row.state if row.state in SUPPRESSED_STATES else "active" if is_confirmed else "pending"
    reader = add_subscriber(
        session, normalise_address(row.address), context.now, state=state, name=row.name, topics=_resolve_topics(context, row.topics),
        reason="imported",
    )  # fmt: skip
    return reader.state


def export_subscribers(context: Context) -> str:
    """All readers as CSV."""
    with context.db.read() as session:
        people = load_subscribers(session)
    return format_subscriber_csv(
        (p.address, p.name, p.state, " ".join(p.topics), p.reason, p.created.isoformat(), p.changed.isoformat())
        for p in people
    )


def process_bounces(context: Context, path: Path) -> Report:
    """Take out the readers whose mail came back for good, who complained, or who asked to leave."""
    tally = Counter({"bounced": 0, "unsubscribed": 0, "delayed": 0, "unknown": 0})
    with context.db.write() as session:
        for report in read_bounce_reports(path):
            tally[_apply_bounce_report(context, session, report)] += 1
    line = ", ".join(f"{count} {name}" for name, count in tally.items())
    return Report("subscribers", f"{path.name}: {line}", numbers=dict(tally))


_STATE_BY_REPORT_KIND = {"bounce": "bounced", "complaint": "unsubscribed", "leave": "unsubscribed"}


def _apply_bounce_report(context: Context, session: Session, report: BounceReport) -> str:
    if report.kind == "delay":
        return "delayed"
    reader = find_subscriber_by_token(session, report.token) if report.token else None
    reader = reader or find_subscriber_of_delivery(session, report.message_id)
    reader = reader or find_subscriber_of_confirmation(session, report.message_id)
    reader = reader or (find_subscriber(session, report.address) if report.address else None)
    if reader is None:
        return "unknown"
    state = _STATE_BY_REPORT_KIND[report.kind]
    if reader.state not in SUPPRESSED_STATES:
        set_subscriber_state(session, reader, state, context.now, report.reason or "asked by mail")
    return state


def _change_states(context: Context, addresses: Sequence[str], state: str, reason: str) -> Report:
    with context.db.write() as session:
        for address in addresses:
            set_subscriber_state(
                session, get_subscriber(session, normalise_address(address)), state, context.now, reason
            )
    return Report("subscribers", f"{', '.join(addresses)}: {state}", numbers={state: len(addresses)})


def _resolve_topics(context: Context, topics: Sequence[str]) -> list[str]:
    """The categories of these names, as they are called now. Raises ConfigError for what is none."""
    taxonomy = context.config.taxonomy
    named = {name: category.slug for category in taxonomy.categories for name in (category.slug, *category.aliases)}
    for topic in topics:
        if topic not in named:
            raise ConfigError(f"{topic!r} is no category", f"one of {', '.join(taxonomy.slugs)}")
    return [named[topic] for topic in topics]
