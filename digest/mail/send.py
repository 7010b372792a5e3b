"""Stage `send`.

`send`: mails a published issue, at most once to each reader; a dry run unless told otherwise.

An issue as the letters its readers get: rendered once for each set of topics, addressed to each reader.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

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
from digest.db.locks import claim_work
from digest.db.subscribers import load_active_subscribers
from digest.drafts.workflow import transition_state
from digest.errors import CheckFailedError, ConfigError
from digest.files import load_template_overrides
from digest.mail import attempt_delivery
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
from digest.publishing.render.email import UNSUBSCRIBE_PLACEHOLDER, MailContent, filter_issue_by_topics, render_email
from digest.publishing.render.templates import TemplateOverrides
from digest.publishing.snapshot import load_issue_view


@dataclass
class RenderedIssue:
    """An issue's letters by the topics they hold."""

    issue: Issue
    sender: SenderProfile
    sign: Signer | None
    view: IssueView
    _context: Context
    warnings: list[str] = field(default_factory=list)
    _templates: TemplateOverrides = field(default_factory=dict)
    _content_by_topics: dict[frozenset[str], MailContent | None] = field(default_factory=dict)

    def render_content(self, topics: Collection[str]) -> MailContent | None:
        """The issue for a reader of these topics, all of it without any; None when it holds nothing for them."""
        chosen = self._context.config.taxonomy.expand_aliases(topics)
        if chosen not in self._content_by_topics:
            self._content_by_topics[chosen] = self._render_for_topics(chosen)
        return self._content_by_topics[chosen]

    def build_message(self, reader: Subscriber) -> Message | None:
        """The reader's own message: the same bytes each time."""
        letter = self.render_content(reader.topics)
        if letter is None:
            return None
        return compose_message(
            self.sender, letter, recipient=reader.address, token=reader.token, issue=self.issue.atom_id,
            at=self.issue.sent or self._context.now, sign=self.sign,
        )  # fmt: skip

    def build_message_id(self, reader: Subscriber) -> str:
        return build_message_id(self.issue.atom_id, reader.token, self.sender.domain)

    def _render_for_topics(self, topics: frozenset[str]) -> MailContent | None:
        view = filter_issue_by_topics(self.view, topics)
        if view is None:
            return None
        newsletter = self._context.config.newsletter
        made = render_email(view, newsletter, unsubscribe=UNSUBSCRIBE_PLACEHOLDER, templates=self._templates)
        letter = MailContent(made.subject, made.text, made.html)
        if warning := check_mail_size(letter, self.issue.period):
            self.warnings.append(warning)
        return letter


def load_rendered_issue(context: Context, period: Period) -> RenderedIssue:
    """What is needed to mail an issue. Raises NotFoundError, and ConfigError for a sender that cannot be."""
    with context.db.read() as session:
        issue = get_issue(session, period.name)
        view = load_issue_view(context, session, issue)
    return RenderedIssue(
        issue=issue,
        sender=load_sender_profile(context.config.newsletter, context.config.mail),
        sign=create_signer(context.config.mail, os.environ),
        view=view,
        _context=context,
        _templates=load_template_overrides(context.template_folder),
    )


_MAX_CONSECUTIVE_FAILURES = 10  # failures in a row after which the trouble is taken to be ours
_PROBLEM_STATES = ("deferred", "failed", "unknown")


def send_issue(
    context: Context,
    period: Period,
    *,
    is_confirmed: bool = False,
    expected_count: int | None = None,
    retry_addresses: Sequence[str] = (),
) -> Report:
    """Mail the issue to all who may still get it. Raises Refused when `expect` is not how many those are.

    Each delivery is committed as `sending` before it is handed over. `again` names readers whose mail failed or is in
    doubt: they are written to once more.
    """
    with record_run(context, "send", period.name) as report, claim_work(context.db, "send", context.now) as only:
        if not only:
            raise CheckFailedError("another `digest send` is at work", "let it end; what it has sent is not sent again")
        prepared = load_rendered_issue(context, period)
        issue = prepared.issue
        state = transition_state(issue.state, "send", period.name)
        with context.db.write() as session:  # nobody else is at it: what is in `sending` was left by one that died
            mark_deliveries_unknown(session, context.now)
        due = _count_due(context, prepared) + len(retry_addresses)
        if expected_count is not None and expected_count != due:
            raise CheckFailedError(
                f"{due} readers would be mailed, not {expected_count}", "look at the list, then say the number again"
            )
        if not is_confirmed:
            report.line = f"{period}: would be mailed to {due} readers (dry run; `--yes --expect {due}` sends)"
            report.numbers = {"readers": due, "sent": 0}
            report.problems = [*prepared.warnings, *_list_delivery_problems(context, issue)]
            return report
        _requeue_deliveries(context, issue, retry_addresses)
        _queue_deliveries(context, prepared)
        tally = _deliver_messages(context, prepared, report)
        with context.db.write() as session:
            issue = get_issue(session, period.name)
            issue.state = state
            session.add(issue)
            forgotten = delete_unconfirmed_subscribers(session, context.now - CONFIRMATION_PERIOD)
        report.numbers = dict(tally)
        report.line = f"{period}: " + ", ".join(f"{count} {name}" for name, count in tally.items())
        if forgotten:
            report.line += (
                f"; {forgotten} forgotten who were asked to confirm and have not for {CONFIRMATION_PERIOD.days} days"
            )
        report.problems = [*report.problems, *prepared.warnings, *_list_delivery_problems(context, issue)]
    return report


def send_test_message(context: Context, period: Period, address: str) -> Report:
    """Mail a published issue to one address, marked as a test; no journal, and no reader's way out in it."""
    with record_run(context, "send", period.name) as report:
        prepared = load_rendered_issue(context, period)
        transition_state(prepared.issue.state, "send", period.name)
        letter = prepared.render_content(())
        if letter is None:
            raise CheckFailedError(f"{period}: the issue holds no picks", f"`digest draft {period}`")
        message = compose_message(
            prepared.sender,
            MailContent(f"[Test] {letter.subject}", letter.text, letter.html),
            recipient=normalise_address(address),
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


def _requeue_deliveries(context: Context, issue: Issue, addresses: Sequence[str]) -> None:
    """Queue what failed or is in doubt for the readers who were named, or for none of them."""
    with context.db.write() as session:
        missing = requeue_deliveries(session, issue.id, addresses, context.now)
        if missing:
            raise ConfigError(
                f"{missing[0]}: nothing failed or in doubt to send again", "`digest mail log PERIOD` lists"
            )


def _count_due(context: Context, prepared: RenderedIssue) -> int:
    """How many messages would leave now."""
    issue_id = prepared.issue.id
    with context.db.read() as session:
        open_ = [r for _, r in load_deliveries(session, issue_id, OPEN_STATES) if r.state == "active"]
        known = load_subscriber_ids_with_delivery(session, issue_id)
        new = [r for r in load_active_subscribers(session) if r.id not in known and prepared.render_content(r.topics)]
    return len(open_) + len(new)


def _queue_deliveries(context: Context, prepared: RenderedIssue) -> None:
    """Give every active reader a row, and keep when the issue leaves, so that a repeated message has the same bytes."""
    with context.db.write() as session:
        issue = get_issue(session, prepared.issue.period)
        issue.sent = issue.sent or context.now
        session.add(issue)
        prepared.issue.sent = issue.sent
        rows = {
            reader.id: (
                "queued" if prepared.render_content(reader.topics) else "skipped",
                prepared.build_message_id(reader),
            )
            for reader in load_active_subscribers(session)
        }
        queue_deliveries(session, issue.id, rows, context.now)


DeliveryOutcomes = list[tuple[int, str, str]]  # a delivery's id, its state, and why


def _deliver_messages(context: Context, prepared: RenderedIssue, report: Report) -> Counter[str]:
    """Hand the messages over one by one. What became of one is committed together with the claim on the next."""
    with context.db.read() as session:
        rows = [(d.id, r) for d, r in load_deliveries(session, prepared.issue.id, OPEN_STATES)]
    tally, in_a_row, settled = Counter({"sent": 0}), 0, DeliveryOutcomes()
    transport = context.make_transport()
    try:
        with context.db.keep_open():
            for delivery_id, reader in context.progress.track(rows, "mailing", len(rows)):
                state, words, stop = _deliver_message(context, transport, prepared, (delivery_id, reader), settled)
                settled.append((delivery_id, state, words))
                tally[state] += 1
                in_a_row = in_a_row + 1 if state in _PROBLEM_STATES else 0
                if stop or in_a_row >= _MAX_CONSECUTIVE_FAILURES:
                    report.problems = ["stopped: the server does not take this mail; mend that and run it again"]
                    break
    finally:
        _record_outcomes(context, settled)
        transport.close()
    report.state = "partial" if report.problems or any(tally[state] for state in _PROBLEM_STATES) else "done"
    return tally


def _deliver_message(
    context: Context,
    transport: Transport,
    prepared: RenderedIssue,
    row: tuple[int, Subscriber],
    outcomes: DeliveryOutcomes,
) -> tuple[str, str, bool]:
    """One delivery's state, why, and whether to stop. A reader who left meanwhile is not written to."""
    message = prepared.build_message(row[1])
    if message is None:
        return "skipped", "nothing in the topics this reader follows", False
    if refusal := _record_outcomes(context, outcomes, row[0]):
        return "skipped", refusal, False
    return attempt_delivery(transport, message)


def _record_outcomes(context: Context, outcomes: DeliveryOutcomes, next_delivery_id: int | None = None) -> str:
    """Write down what is settled and claim the next delivery; why it may not be claimed, if it may not."""
    with context.db.write() as session:
        for delivery_id, state, words in outcomes:
            mark_delivery(session, delivery_id, state, context.now, words)
        refusal = claim_delivery(session, next_delivery_id, context.now) if next_delivery_id else ""
    outcomes.clear()
    return refusal


def _list_delivery_problems(context: Context, issue: Issue) -> list[str]:
    """What is not as it should be in the issue's journal, one line a reader."""
    with context.db.read() as session:
        rows = load_deliveries(session, issue.id, _PROBLEM_STATES)
        lines = [
            f"{reader.address}: {delivery.state}: {delivery.error}"
            for delivery, reader in rows[:_MAX_CONSECUTIVE_FAILURES]
        ]
    more = len(rows) - len(lines)
    return [*lines, f"and {more} more: `digest mail log {issue.period}`"] if more else lines
