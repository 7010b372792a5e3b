"""Mail a published issue, at most once to each subscriber."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from digest.context import Context, record_run
from digest.db.deliveries import (
    OPEN_STATES,
    claim_delivery,
    delete_unconfirmed_subscribers,
    load_deliveries,
    load_subscriber_ids_with_delivery,
    mark_deliveries_unknown,
    mark_delivery,
    queue_deliveries,
    requeue_deliveries,
)
from digest.db.issues import get_issue
from digest.db.locks import hold_lock
from digest.db.subscribers import load_active_subscribers, suppress_bounced
from digest.drafts.workflow import transition_state
from digest.errors import CheckFailedError, ConfigError
from digest.files import load_template_overrides
from digest.mail import DeliveryAttempt, attempt_delivery
from digest.mail.dkim import create_signer
from digest.mail.message import (
    SenderProfile,
    Signer,
    build_message_id,
    check_mail_size,
    compose_message,
    load_sender_profile,
)
from digest.mail.signup import CONFIRMATION_PERIOD
from digest.mail.subscriber_csv import normalise_address
from digest.models.issues import Issue
from digest.models.subscribers import Subscriber
from digest.periods import Period
from digest.protocols import Message, Report, Transport
from digest.publishing.issue_view import IssueView
from digest.publishing.render.email import MailContent, filter_issue_by_topics, render_email
from digest.publishing.snapshot import load_issue_view

_MAX_CONSECUTIVE_FAILURES = 10  # failures in a row after which the server is taken to be at fault
_PROBLEM_STATES = ("deferred", "failed", "unknown")
DeliveryOutcomes = list[tuple[int, DeliveryAttempt]]  # by the delivery's id


@dataclass
class RenderedIssue:
    """An issue as mail, rendered once for each set of topics."""

    issue: Issue
    sender: SenderProfile
    sign: Signer | None
    view: IssueView
    _context: Context
    warnings: list[str] = field(default_factory=list)
    _content_by_topics: dict[frozenset[str], MailContent | None] = field(default_factory=dict)

    def render_content(self, topics: Collection[str]) -> MailContent | None:
        """Render the issue for a subscriber of these topics, whole without any; None when nothing is left."""
        chosen = self._context.config.taxonomy.expand_aliases(topics)
        if chosen not in self._content_by_topics:
            self._content_by_topics[chosen] = self._render_for_topics(chosen)
        return self._content_by_topics[chosen]

    def build_message(self, subscriber: Subscriber) -> Message | None:
        """Build a subscriber's message; its bytes are the same each time."""
        content = self.render_content(subscriber.topics)
        if content is None:
            return None
        return compose_message(
            self.sender, content, recipient=subscriber.address, token=subscriber.token, issue=self.issue.atom_id,
            at=self.issue.sent or self._context.now, sign=self.sign,
        )  # fmt: skip

    def build_message_id(self, subscriber: Subscriber) -> str:
        return build_message_id(self.issue.atom_id, subscriber.token, self.sender.domain)

    def _render_for_topics(self, topics: frozenset[str]) -> MailContent | None:
        view = filter_issue_by_topics(self.view, topics)
        if view is None:
            return None
        templates = load_template_overrides(self._context.template_folder)
        content = render_email(view, self._context.config.newsletter, templates=templates)
        self.warnings += filter(None, [check_mail_size(content, self.issue.period)])
        return content


def load_rendered_issue(context: Context, period: Period) -> RenderedIssue:
    """Load an issue to be mailed. Raises NotFoundError, and ConfigError for an invalid sender."""
    with context.db.read() as session:
        issue = get_issue(session, period.name)
        view = load_issue_view(context, session, issue)
    sender = load_sender_profile(context.config.newsletter, context.config.mail)
    return RenderedIssue(issue, sender, create_signer(context.config.mail, os.environ), view, context)


def send_issue(
    context: Context,
    period: Period,
    *,
    is_confirmed: bool = False,
    expected_count: int | None = None,
    retry_addresses: Sequence[str] = (),
) -> Report:
    """Mail an issue to every subscriber without a delivery; a dry run unless confirmed.

    Each delivery is committed as `sending` before it is handed over. `retry_addresses` are subscribers whose delivery
    failed or is unknown, and who get the message again. Raises CheckFailedError when `expected_count` is wrong.
    """
    with record_run(context, "send", period.name) as report, hold_lock(context.db, "send") as is_free:
        if not is_free:
            raise CheckFailedError("another `digest send` is running", "wait for its end; nothing is sent twice")
        prepared = load_rendered_issue(context, period)
        state = transition_state(prepared.issue.state, "send", period.name)
        with context.db.write() as session:  # no other process sends: deliveries in `sending` were interrupted
            mark_deliveries_unknown(session, context.now)
        due = _count_due(context, prepared) + len(retry_addresses)
        if expected_count is not None and expected_count != due:
            raise CheckFailedError(
                f"{due} readers would be mailed, not {expected_count}", "check the list, then give the number again"
            )
        if not is_confirmed:
            report.line = f"{period}: would be mailed to {due} readers (dry run; `--yes --expect {due}` sends)"
            report.numbers = {"readers": due, "sent": 0}
            report.problems = [*prepared.warnings, *_list_delivery_problems(context, prepared.issue)]
            return report
        _queue_deliveries(context, prepared, retry_addresses)
        tally = _deliver_messages(context, prepared, report)
        with context.db.write() as session:
            issue = get_issue(session, period.name)
            issue.state = state
            session.add(issue)
            deleted = delete_unconfirmed_subscribers(session, context.now - CONFIRMATION_PERIOD)
        report.numbers = dict(tally)
        report.line = f"{period}: " + ", ".join(f"{count} {name}" for name, count in tally.items())
        if deleted:
            report.line += f"; {deleted} deleted who did not confirm within {CONFIRMATION_PERIOD.days} days"
        report.problems = [*report.problems, *prepared.warnings, *_list_delivery_problems(context, issue)]
    return report


def send_test_message(context: Context, period: Period, address: str) -> Report:
    """Mail a published issue to one address, marked as a test and without a journal."""
    with record_run(context, "send", period.name) as report:
        prepared = load_rendered_issue(context, period)
        transition_state(prepared.issue.state, "send", period.name)
        content = prepared.render_content(())
        if content is None:
            raise CheckFailedError(f"{period}: the issue has no picks", f"run `digest draft {period}`")
        message = compose_message(
            prepared.sender,
            replace(content, subject=f"[Test] {content.subject}"),
            recipient=normalise_address(address),
            token="test",  # noqa: S106 - it opens nothing
            issue=f"{prepared.issue.atom_id} {context.now.isoformat()}",
            at=context.now,
            sign=prepared.sign,
        )
        with closing(context.make_transport()) as transport:
            reply = transport.send(message)
        report.numbers = {"sent": 1}
        report.line = f"{period}: a test went to {message.recipient} ({reply})"
        report.problems = list(prepared.warnings)
    return report


def _count_due(context: Context, prepared: RenderedIssue) -> int:
    issue_id = prepared.issue.id
    with context.db.read() as session:
        queued = [s for _, s in load_deliveries(session, issue_id, OPEN_STATES) if s.state == "active"]
        journal = load_subscriber_ids_with_delivery(session, issue_id)
        new = [s for s in load_active_subscribers(session) if s.id not in journal and prepared.render_content(s.topics)]
    return len(queued) + len(new)


def _queue_deliveries(context: Context, prepared: RenderedIssue, retry_addresses: Sequence[str]) -> None:
    """Queue a delivery for every active subscriber, and again for those named.

    Also stores when the issue leaves, so that a repeated message has the same bytes.
    """
    with context.db.write() as session:
        issue = get_issue(session, prepared.issue.period)
        if missing := requeue_deliveries(session, issue.id, retry_addresses, context.now):
            raise ConfigError(
                f"{missing[0]}: no failed or unknown delivery to repeat", "`digest mail log PERIOD` lists deliveries"
            )
        issue.sent = prepared.issue.sent = issue.sent or context.now
        session.add(issue)
        rows = {}
        for subscriber in load_active_subscribers(session):
            state = "queued" if prepared.render_content(subscriber.topics) else "skipped"
            rows[subscriber.id] = (state, prepared.build_message_id(subscriber))
        queue_deliveries(session, issue.id, rows, context.now)


def _deliver_messages(context: Context, prepared: RenderedIssue, report: Report) -> Counter[str]:
    """Deliver the queued messages one by one.

    The outcome of one delivery is committed together with the claim on the next.
    """
    with context.db.read() as session:
        rows = [(delivery.id, s) for delivery, s in load_deliveries(session, prepared.issue.id, OPEN_STATES)]
    tally, failures_in_a_row, outcomes = Counter({"sent": 0}), 0, DeliveryOutcomes()
    with closing(context.make_transport()) as transport:
        try:
            with context.db.keep_open():
                for row in context.progress.track(rows, "mailing", len(rows)):
                    attempt = _deliver_message(context, transport, prepared, row, outcomes)
                    outcomes.append((row[0], attempt))
                    tally[attempt.state] += 1
                    is_fault = attempt.state in _PROBLEM_STATES and not attempt.is_address_gone
                    failures_in_a_row = failures_in_a_row + 1 if is_fault else 0
                    if attempt.should_stop or failures_in_a_row >= _MAX_CONSECUTIVE_FAILURES:
                        report.problems = ["stopped: the server refuses this mail; fix that and run the command again"]
                        break
        finally:
            _record_outcomes(context, outcomes)
    report.state = "partial" if report.problems or any(tally[state] for state in _PROBLEM_STATES) else "done"
    return tally


def _deliver_message(
    context: Context,
    transport: Transport,
    prepared: RenderedIssue,
    row: tuple[int, Subscriber],
    outcomes: DeliveryOutcomes,
) -> DeliveryAttempt:
    """Deliver one message; skip a subscriber who left meanwhile."""
    message = prepared.build_message(row[1])
    if message is None:
        return DeliveryAttempt("skipped", "nothing in the topics this reader follows")
    if refusal := _record_outcomes(context, outcomes, row[0]):
        return DeliveryAttempt("skipped", refusal)
    return attempt_delivery(transport, message)


def _record_outcomes(context: Context, outcomes: DeliveryOutcomes, next_delivery_id: int | None = None) -> str:
    """Record outcomes and claim the next delivery; returns why it cannot be claimed, if so."""
    with context.db.write() as session:
        for delivery_id, attempt in outcomes:
            subscriber_id = mark_delivery(session, delivery_id, attempt.state, context.now, attempt.reason)
            if attempt.is_address_gone:
                suppress_bounced(session, subscriber_id, context.now, attempt.reason.partition("; ")[0])
        refusal = claim_delivery(session, next_delivery_id, context.now) if next_delivery_id else ""
    outcomes.clear()
    return refusal


def _list_delivery_problems(context: Context, issue: Issue) -> list[str]:
    with context.db.read() as session:
        rows = load_deliveries(session, issue.id, _PROBLEM_STATES)
        shown = rows[:_MAX_CONSECUTIVE_FAILURES]
        lines = [f"{subscriber.address}: {delivery.state}: {delivery.error}" for delivery, subscriber in shown]
    more = len(rows) - len(lines)
    return [*lines, f"and {more} more: `digest mail log {issue.period}`"] if more else lines
