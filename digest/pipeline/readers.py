"""Readers: added, confirmed, imported, exported, taken out; and what their mailboxes reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sqlmodel import Session

from digest import mail
from digest.errors import ConfigError, DigestError, NotFoundError, unread
from digest.mail import lists
from digest.mail.bounces import Returned, returned
from digest.pipeline import confirming
from digest.pipeline.context import Context
from digest.ports import Report
from digest.store import confirmations, deliveries, readers


def add(
    context: Context, address: str, *, name: str = "", topics: Sequence[str] = (), confirmed: bool = False
) -> Report:
    """Add a reader; unless `confirmed`, they are asked by mail where an endpoint takes their answer."""
    checked = mail.check(address)
    slugs = _slugs(context, topics)
    with context.db.write() as session:
        state = "active" if confirmed else "pending"
        reader = readers.subscribe(session, checked, context.now, state=state, name=name, topics=slugs)
        asked = bool(context.config.mail.unsubscribe_url) and confirming.request(context, session, reader)
    report = Report("subscribers", f"{reader.address} is {reader.state}", numbers={"state": reader.state})
    if reader.state in readers.SUPPRESSED:
        report.line += f" and stays so; `digest subscribers confirm {reader.address}` when they ask for it again"
    elif asked:
        posted = confirming.post(context)
        report.line, report.state = f"{report.line}; {posted.line}", posted.state
    elif reader.state == "pending":
        report.line += f"; `digest subscribers confirm {reader.address}` takes their yes, `--ask` mails for it"
    return report


def confirm(context: Context, addresses: Sequence[str]) -> Report:
    """Take readers as having said yes, also those who had left: only they may ask for that."""
    return _moved(context, addresses, "active", "confirmed by the editor")


def remove(context: Context, addresses: Sequence[str]) -> Report:
    """Take readers off the list; they are remembered, so that no import brings them back."""
    return _moved(context, addresses, "unsubscribed", "removed by the editor")


def follow(context: Context, address: str, topics: Sequence[str]) -> Report:
    """Set which categories a reader gets; none means all."""
    slugs = _slugs(context, topics)
    with context.db.write() as session:
        reader = readers.existing(session, mail.check(address))
        reader.topics, reader.changed = slugs, context.now
        session.add(reader)
    return Report("subscribers", f"{reader.address} follows {', '.join(slugs) or 'everything'}")


def load(context: Context, path: Path, *, confirmed: bool = False) -> Report:
    """Read a CSV of readers. A bad line is told and passed over; who had left stays left."""
    try:
        rows = lists.read(path.read_bytes())
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {unread(error)}", "name a CSV file") from error
    tally, problems = Counter[str](), []
    with context.db.write() as session:
        for row in rows:
            try:
                tally[_take(context, session, row, confirmed)] += 1
            except DigestError as error:
                problems.append(f"line {row.number}: {error.message}")
    line = ", ".join(f"{count} {state}" for state, count in tally.items()) or "nothing"
    line += f", of {len(rows)} lines"
    if tally["pending"]:
        line += "; `digest subscribers confirm --ask` mails the pending for their yes"
    return Report("subscribers", line, "partial" if problems else "done", dict(tally), problems)


def _take(context: Context, session: Session, row: lists.Row, confirmed: bool) -> str:
    if row.state not in ("", *readers.STATES):
        raise ConfigError(f"{row.state!r} is no state", f"one of {', '.join(readers.STATES)}")
    state = row.state if row.state in readers.SUPPRESSED else "active" if confirmed else "pending"
    reader = readers.subscribe(
        session, mail.check(row.address), context.now, state=state, name=row.name, topics=_slugs(context, row.topics),
        reason="imported",
    )  # fmt: skip
    return reader.state


def export(context: Context) -> str:
    """All readers as CSV."""
    with context.db.read() as session:
        people = readers.everyone(session)
    return lists.write(
        (p.address, p.name, p.state, " ".join(p.topics), p.reason, p.created.isoformat(), p.changed.isoformat())
        for p in people
    )


def bounces(context: Context, path: Path) -> Report:
    """Take out the readers whose mail came back for good, who complained, or who asked to leave."""
    tally = Counter({"bounced": 0, "unsubscribed": 0, "delayed": 0, "unknown": 0})
    with context.db.write() as session:
        for report in returned(path):
            tally[_apply(context, session, report)] += 1
    line = ", ".join(f"{count} {name}" for name, count in tally.items())
    return Report("subscribers", f"{path.name}: {line}", numbers=dict(tally))


_OUTCOME = {"bounce": "bounced", "complaint": "unsubscribed", "leave": "unsubscribed"}


def _apply(context: Context, session: Session, report: Returned) -> str:
    if report.kind == "delay":
        return "delayed"
    reader = readers.by_token(session, report.token) if report.token else None
    reader = reader or deliveries.reader_of(session, report.message_id)
    reader = reader or confirmations.reader_of(session, report.message_id)
    reader = reader or (readers.find(session, report.address) if report.address else None)
    if reader is None:
        return "unknown"
    state = _OUTCOME[report.kind]
    if reader.state not in readers.SUPPRESSED:
        readers.move(session, reader, state, context.now, report.reason or "asked by mail")
    return state


def _moved(context: Context, addresses: Sequence[str], state: str, reason: str) -> Report:
    with context.db.write() as session:
        for address in addresses:
            readers.move(session, readers.existing(session, mail.check(address)), state, context.now, reason)
    return Report("subscribers", f"{', '.join(addresses)}: {state}", numbers={state: len(addresses)})


def _slugs(context: Context, topics: Sequence[str]) -> list[str]:
    """The categories of these names, as they are called now. Raises ConfigError for what is none."""
    taxonomy = context.config.taxonomy
    named = {name: category.slug for category in taxonomy.categories for name in (category.slug, *category.aliases)}
    for topic in topics:
        if topic not in named:
            raise ConfigError(f"{topic!r} is no category", f"one of {', '.join(taxonomy.slugs)}")
    return [named[topic] for topic in topics]
