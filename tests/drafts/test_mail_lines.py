"""The subject and the preheader of a mail are the editor's: in the draft, through a merge, and in the mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from digest.config.schema import Newsletter
from digest.drafts.merge import merge_drafts
from digest.drafts.model import Draft
from digest.drafts.parser import parse_draft
from digest.drafts.writer import render_draft
from digest.publishing.issue_view import IssueView
from digest.publishing.render.email import render_email

DRAFT = Draft("2026-10", "October", datetime(2026, 10, 31, tzinfo=UTC))
LINES: dict[str, Any] = {
    "subject": "What agents forget: 3 tests",
    "preheader": 'Twelve works, one "surprise" — read it',
}
NOW = datetime(2026, 11, 2, tzinfo=UTC)


def test_the_lines_stand_in_the_front_matter_and_come_back() -> None:
    text = render_draft(replace(DRAFT, **LINES))
    assert 'subject: "What agents forget: 3 tests"' in text.splitlines()
    assert {name: getattr(parse_draft(text), name) for name in LINES} == LINES


def test_a_draft_without_them_has_no_such_line() -> None:
    text = render_draft(DRAFT)
    assert "subject" not in text.split("---")[1]
    assert parse_draft(text).subject == ""


def test_the_program_never_changes_them() -> None:
    merged, conflicts = merge_drafts(DRAFT, replace(DRAFT, **LINES), replace(DRAFT, title="Another October"))
    assert ({name: getattr(merged, name) for name in LINES}, merged.title, conflicts) == (LINES, "Another October", [])


def test_the_mail_has_them_and_else_the_title() -> None:
    view = IssueView(
        "2026-10", "monthly", "category", "October", "/2026/10/digest/", "tag:x", NOW, NOW, description="All."
    )
    newsletter = Newsletter(title="News", url="https://example.org")
    plain, own = render_email(view, newsletter), render_email(replace(view, **LINES), newsletter)
    assert (plain.subject, own.subject) == ("October", LINES["subject"])
    assert "Twelve works, one" in own.html
    assert "Twelve works, one" not in plain.html
