"""An issue as the letters its readers get: rendered once for each set of topics, addressed to each reader."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field

from digest import mail, render, site
from digest.models import Issue, Subscriber
from digest.periods import Period
from digest.pipeline.context import Context
from digest.pipeline.frozen import load_issue_view
from digest.ports import IssueView, Message
from digest.store import issues as issue_store


@dataclass
class RenderedIssue:
    """An issue's letters by the topics they hold."""

    issue: Issue
    sender: mail.SenderProfile
    sign: mail.Signer | None
    view: IssueView
    _context: Context
    warnings: list[str] = field(default_factory=list)
    _templates: render.TemplateOverrides = field(default_factory=dict)
    _content_by_topics: dict[frozenset[str], mail.MailContent | None] = field(default_factory=dict)

    def render_content(self, topics: Collection[str]) -> mail.MailContent | None:
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
        return mail.compose_message(
            self.sender, letter, recipient=reader.address, token=reader.token, issue=self.issue.atom_id,
            at=self.issue.sent or self._context.now, sign=self.sign,
        )  # fmt: skip

    def build_message_id(self, reader: Subscriber) -> str:
        return mail.build_message_id(self.issue.atom_id, reader.token, self.sender.domain)

    def _render_for_topics(self, topics: frozenset[str]) -> mail.MailContent | None:
        view = render.filter_issue_by_topics(self.view, topics)
        if view is None:
            return None
        newsletter = self._context.config.newsletter
        made = render.render_email(
            view, newsletter, unsubscribe=mail.UNSUBSCRIBE_PLACEHOLDER, templates=self._templates
        )
        letter = mail.MailContent(made.subject, made.text, made.html)
        if warning := mail.check_mail_size(letter, self.issue.period):
            self.warnings.append(warning)
        return letter


def load_rendered_issue(context: Context, period: Period) -> RenderedIssue:
    """What is needed to mail an issue. Raises NotFoundError, and ConfigError for a sender that cannot be."""
    with context.db.read() as session:
        issue = issue_store.get_issue(session, period.name)
        view = load_issue_view(context, session, issue)
    return RenderedIssue(
        issue=issue,
        sender=mail.load_sender_profile(context.config.newsletter, context.config.mail),
        sign=mail.create_signer(context.config.mail, os.environ),
        view=view,
        _context=context,
        _templates=site.load_template_overrides(context.template_folder),
    )
