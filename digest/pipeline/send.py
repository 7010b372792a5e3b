"""`send`: mails a published issue, at most once to each reader; a dry run unless told otherwise."""

from __future__ import annotations

from collections import Counter

from digest import issues, render, site
from digest.errors import DeliveryError, Refused
from digest.mail import compose
from digest.models import Issue, Subscriber
from digest.periods import Period
from digest.pipeline.context import Context, recorded
from digest.pipeline.publish import published_views
from digest.ports import Message, Report, Transport
from digest.store import issues as issue_store
from digest.store import readers


def send(context: Context, period: Period, *, yes: bool = False, expect: int | None = None) -> Report:
    """Mail the issue. Each delivery is committed as `sending` before it is handed over, and never sent twice."""
    with recorded(context, "send", period.name) as report:
        with context.db.read() as session:
            issue = issue_store.existing(session, period.name)
            state = issues.move(issue.state, "send", period.name)
            people = readers.active(session)
            view = next(view for view in published_views(context, session) if view.period == period.name)
        if expect is not None and expect != len(people):
            raise Refused(
                f"{len(people)} readers are active, not {expect}", "look at the list, then say the number again"
            )
        if not yes:
            report.line = f"{period}: would be mailed to {len(people)} readers (dry run; --yes sends)"
            report.numbers = {"readers": len(people), "sent": 0}
            return report
        own, newsletter = site.overrides(context.templates), context.config.newsletter
        html, text = render.html(view, newsletter, own), render.text(view, newsletter, own)
        messages = {p.id or 0: _message(context, issue, p, html, text) for p in people}
        _deliver(context, issue, messages, report)
        with context.db.write() as session:
            issue = issue_store.existing(session, period.name)
            issue.state, issue.sent = state, issue.sent or context.now
            session.add(issue)
        report.line = f"{period}: " + ", ".join(f"{count} {name}" for name, count in report.numbers.items())
    return report


def _message(context: Context, issue: Issue, reader: Subscriber, html: str, text: str) -> Message:
    newsletter = context.config.newsletter
    sender = context.config.mail.sender or f"{newsletter.title} <{newsletter.email or 'digest@localhost'}>"
    return compose(
        sender=sender,
        recipient=reader.address,
        subject=issue.title,
        text=text,
        html=html,
        issue=issue.atom_id,
        token=reader.token,
        at=context.now,
    )


def _deliver(context: Context, issue: Issue, messages: dict[int, Message], report: Report) -> None:
    with context.db.write() as session:
        readers.queue(session, issue.id or 0, {key: m.message_id for key, m in messages.items()}, context.now)
    with context.db.read() as session:
        rows = [(d.id or 0, d.subscriber_id, d.state) for d, _ in readers.journal(session, issue)]
    tally = Counter({"sent": 0})
    transport = context.make_transport()
    try:
        for number, reader_id, state in context.progress.track(rows, "mailing", len(rows)):
            if state in ("queued", "deferred") and reader_id in messages:
                tally[_one(context, transport, number, messages[reader_id])] += 1
    finally:
        transport.close()
    report.numbers = dict(tally)
    report.state = "partial" if set(tally) - {"sent"} else "done"


def _one(context: Context, transport: Transport, number: int, message: Message) -> str:
    with context.db.write() as session:
        readers.mark(session, number, "sending", context.now)
    state, words = "sent", ""
    try:
        transport.send(message)
    except DeliveryError as error:
        state, words = ("deferred" if error.temporary else "failed"), error.message
    with context.db.write() as session:
        readers.mark(session, number, state, context.now, words)
    return state
