"""An issue as the letters its readers get: rendered once for each set of topics, addressed to each reader."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field

from digest import mail, render, site
from digest.models import Issue, Subscriber
from digest.periods import Period
from digest.pipeline.context import Context
from digest.pipeline.frozen import seen
from digest.ports import IssueView, Message
from digest.store import issues as issue_store


@dataclass
class Letters:
    """An issue's letters by the topics they hold."""

    issue: Issue
    head: mail.Letterhead
    sign: mail.Sign | None
    view: IssueView
    _context: Context
    warnings: list[str] = field(default_factory=list)
    _templates: render.Templates = field(default_factory=dict)
    _made: dict[frozenset[str], mail.Letter | None] = field(default_factory=dict)

    def letter(self, topics: Collection[str]) -> mail.Letter | None:
        """The issue for a reader of these topics, all of it without any; None when it holds nothing for them."""
        chosen = self._context.config.taxonomy.every_name(topics)
        if chosen not in self._made:
            self._made[chosen] = self._render(chosen)
        return self._made[chosen]

    def message(self, reader: Subscriber) -> Message | None:
        """The reader's own message: the same bytes each time."""
        letter = self.letter(reader.topics)
        if letter is None:
            return None
        return mail.compose(
            self.head, letter, recipient=reader.address, token=reader.token, issue=self.issue.atom_id,
            at=self.issue.sent or self._context.now, sign=self.sign,
        )  # fmt: skip

    def message_id(self, reader: Subscriber) -> str:
        return mail.message_id(self.issue.atom_id, reader.token, self.head.domain)

    def _render(self, topics: frozenset[str]) -> mail.Letter | None:
        view = render.edition(self.view, topics)
        if view is None:
            return None
        newsletter = self._context.config.newsletter
        made = render.email(view, newsletter, unsubscribe=mail.UNSUBSCRIBE, templates=self._templates)
        letter = mail.Letter(made.subject, made.text, made.html)
        if warning := mail.weigh(letter, self.issue.period):
            self.warnings.append(warning)
        return letter


def letters(context: Context, period: Period) -> Letters:
    """What is needed to mail an issue. Raises NotFoundError, and ConfigError for a sender that cannot be."""
    with context.db.read() as session:
        issue = issue_store.existing(session, period.name)
        view = seen(context, session, issue)
    return Letters(
        issue=issue,
        head=mail.letterhead(context.config.newsletter, context.config.mail),
        sign=mail.signer(context.config.mail, os.environ),
        view=view,
        _context=context,
        _templates=site.overrides(context.templates),
    )
