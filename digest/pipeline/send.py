"""`send`: mails a published issue, at most once to each reader; a dry run unless told otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from digest import issues, mail
from digest.errors import ConfigError, Refused
from digest.models import Issue, Subscriber
from digest.periods import Period
from digest.pipeline.confirming import PATIENCE
from digest.pipeline.context import Context, recorded
from digest.pipeline.letters import Letters, letters
from digest.ports import Report, Transport
from digest.store import confirmations, deliveries, readers
from digest.store import issues as issue_store
from digest.store.leases import alone

_REFUSALS = 10  # failures in a row after which the trouble is taken to be ours
_AMISS = ("deferred", "failed", "unknown")


def send(
    context: Context,
    period: Period,
    *,
    yes: bool = False,
    expect: int | None = None,
    again: Sequence[str] = (),
) -> Report:
    """Mail the issue to all who may still get it. Raises Refused when `expect` is not how many those are.

    Each delivery is committed as `sending` before it is handed over. `again` names readers whose mail failed or is in
    doubt: they are written to once more.
    """
    with recorded(context, "send", period.name) as report, alone(context.db, "send", context.now) as only:
        if not only:
            raise Refused("another `digest send` is at work", "let it end; what it has sent is not sent again")
        prepared = letters(context, period)
        issue = prepared.issue
        state = issues.move(issue.state, "send", period.name)
        with context.db.write() as session:  # nobody else is at it: what is in `sending` was left by one that died
            deliveries.doubt(session, context.now)
        due = _due(context, prepared) + len(again)
        if expect is not None and expect != due:
            raise Refused(f"{due} readers would be mailed, not {expect}", "look at the list, then say the number again")
        if not yes:
            report.line = f"{period}: would be mailed to {due} readers (dry run; `--yes --expect {due}` sends)"
            report.numbers = {"readers": due, "sent": 0}
            report.problems = [*prepared.warnings, *_troubles(context, issue)]
            return report
        _reopen(context, issue, again)
        _queue(context, prepared)
        tally = _deliver(context, prepared, report)
        with context.db.write() as session:
            issue = issue_store.existing(session, period.name)
            issue.state = state
            session.add(issue)
            forgotten = confirmations.forget(session, context.now - PATIENCE)
        report.numbers = dict(tally)
        report.line = f"{period}: " + ", ".join(f"{count} {name}" for name, count in tally.items())
        if forgotten:
            report.line += f"; {forgotten} forgotten who were asked to confirm and have not for {PATIENCE.days} days"
        report.problems = [*report.problems, *prepared.warnings, *_troubles(context, issue)]
    return report


def send_test(context: Context, period: Period, address: str) -> Report:
    """Mail a published issue to one address, marked as a test; no journal, and no reader's way out in it."""
    with recorded(context, "send", period.name) as report:
        prepared = letters(context, period)
        issues.move(prepared.issue.state, "send", period.name)
        letter = prepared.letter(())
        if letter is None:
            raise Refused(f"{period}: the issue holds no picks", f"`digest draft {period}`")
        message = mail.compose(
            prepared.head,
            mail.Letter(f"[Test] {letter.subject}", letter.text, letter.html),
            recipient=mail.check(address),
            token="test",  # noqa: S106 - it opens nothing
            issue=f"{prepared.issue.atom_id} {context.now.isoformat()}",
            at=context.now,
            sign=prepared.sign,
        )
        transport = context.make_transport()
        try:
            words = transport.send(message)
        finally:
            transport.close()
        report.numbers = {"sent": 1}
        report.line = f"{period}: a test went to {message.recipient} ({words})"
        report.problems = list(prepared.warnings)
    return report


def _reopen(context: Context, issue: Issue, again: Sequence[str]) -> None:
    """Queue what failed or is in doubt for the readers who were named, or for none of them."""
    with context.db.write() as session:
        missing = deliveries.reopen(session, issue.id or 0, again, context.now)
        if missing:
            raise ConfigError(
                f"{missing[0]}: nothing failed or in doubt to send again", "`digest mail log PERIOD` lists"
            )


def _due(context: Context, prepared: Letters) -> int:
    """How many messages would leave now."""
    issue_id = prepared.issue.id or 0
    with context.db.read() as session:
        open_ = [r for _, r in deliveries.journal(session, issue_id, deliveries.OPEN) if r.state == "active"]
        known = deliveries.known(session, issue_id)
        new = [r for r in readers.active(session) if r.id not in known and prepared.letter(r.topics)]
    return len(open_) + len(new)


def _queue(context: Context, prepared: Letters) -> None:
    """Give every active reader a row, and keep when the issue leaves, so that a repeated message has the same bytes."""
    with context.db.write() as session:
        issue = issue_store.existing(session, prepared.issue.period)
        issue.sent = issue.sent or context.now
        session.add(issue)
        prepared.issue.sent = issue.sent
        rows = {
            reader.id or 0: ("queued" if prepared.letter(reader.topics) else "skipped", prepared.message_id(reader))
            for reader in readers.active(session)
        }
        deliveries.queue(session, issue.id or 0, rows, context.now)


Settled = list[tuple[int, str, str]]  # a delivery's id, its state, and why


def _deliver(context: Context, prepared: Letters, report: Report) -> Counter[str]:
    """Hand the messages over one by one. What became of one is committed together with the claim on the next."""
    with context.db.read() as session:
        rows = [(d.id or 0, r) for d, r in deliveries.journal(session, prepared.issue.id or 0, deliveries.OPEN)]
    tally, in_a_row, settled = Counter({"sent": 0}), 0, Settled()
    transport = context.make_transport()
    try:
        with context.db.at_hand():
            for delivery_id, reader in context.progress.track(rows, "mailing", len(rows)):
                state, words, stop = _one(context, transport, prepared, (delivery_id, reader), settled)
                settled.append((delivery_id, state, words))
                tally[state] += 1
                in_a_row = in_a_row + 1 if state in _AMISS else 0
                if stop or in_a_row >= _REFUSALS:
                    report.problems = ["stopped: the server does not take this mail; mend that and run it again"]
                    break
    finally:
        _commit(context, settled)
        transport.close()
    report.state = "partial" if report.problems or any(tally[state] for state in _AMISS) else "done"
    return tally


def _one(
    context: Context, transport: Transport, prepared: Letters, row: tuple[int, Subscriber], settled: Settled
) -> tuple[str, str, bool]:
    """One delivery's state, why, and whether to stop. A reader who left meanwhile is not written to."""
    message = prepared.message(row[1])
    if message is None:
        return "skipped", "nothing in the topics this reader follows", False
    if refusal := _commit(context, settled, row[0]):
        return "skipped", refusal, False
    return mail.hand_over(transport, message)


def _commit(context: Context, settled: Settled, claimed: int | None = None) -> str:
    """Write down what is settled and claim the next delivery; why it may not be claimed, if it may not."""
    with context.db.write() as session:
        for delivery_id, state, words in settled:
            deliveries.mark(session, delivery_id, state, context.now, words)
        refusal = deliveries.claim(session, claimed, context.now) if claimed else ""
    settled.clear()
    return refusal


def _troubles(context: Context, issue: Issue) -> list[str]:
    """What is not as it should be in the issue's journal, one line a reader."""
    with context.db.read() as session:
        rows = deliveries.journal(session, issue.id or 0, _AMISS)
        lines = [f"{reader.address}: {delivery.state}: {delivery.error}" for delivery, reader in rows[:_REFUSALS]]
    more = len(rows) - len(lines)
    return [*lines, f"and {more} more: `digest mail log {issue.period}`"] if more else lines
