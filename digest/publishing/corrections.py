"""Correct a published issue.

Its edited and approved draft is pending until `digest publish --correct` explains what was wrong.
"""

from __future__ import annotations

from sqlmodel import Session

from digest.context import Context
from digest.db.issues import find_newest_draft_version, save_draft_version, sign_flagged_picks
from digest.drafts.parser import parse_draft
from digest.drafts.storage import apply_draft_to_issue
from digest.errors import CheckFailedError, ConfigError
from digest.models.issues import Issue
from digest.periods import Period
from digest.text import hash_texts, normalise_line

PUBLISHED_STATES = ("published", "sent")
_PENDING, _APPLIED = "correction", "corrected"  # origins of draft versions


def store_correction(session: Session, context: Context, issue: Issue, text: str) -> None:
    """Store the approved draft of a published issue, which stays as it is until the correction."""
    if hash_texts(text) != issue.draft_digest:
        save_draft_version(session, issue.period, _PENDING, text, context.now)


def load_pending_correction(session: Session, period: str) -> str | None:
    """Load the approved draft that is not published yet, or None."""
    pending = find_newest_draft_version(session, period, _PENDING)
    applied = find_newest_draft_version(session, period, _APPLIED)
    return pending.text if pending is not None and (applied is None or pending.id > applied.id) else None


def require_explanation(session: Session, period: Period, explanation: str | None) -> None:
    """Raise when a published issue changed without an explanation, or with an empty one."""
    if explanation is not None and not normalise_line(explanation):
        raise ConfigError("--correct is empty", 'explain what was wrong: --correct "The size was 7B, not 70B."')
    if explanation is None and load_pending_correction(session, period.name) is not None:
        raise CheckFailedError(
            f"{period}: the issue is published, and its approved draft differs from it",
            f'`digest publish {period} --correct "what was wrong"` publishes it with your explanation',
        )


def apply_correction(session: Session, context: Context, issue: Issue, explanation: str) -> None:
    """Apply the pending draft to the issue and add the explanation."""
    text = load_pending_correction(session, issue.period)
    if text is not None:
        base = find_newest_draft_version(session, issue.period, "generated")
        apply_draft_to_issue(session, issue, parse_draft(text), parse_draft(base.text) if base else None, context.now)
        sign_flagged_picks(session, issue.id, issue.approved_by or "", context.now)
        save_draft_version(session, issue.period, _APPLIED, text, context.now)
    add_correction(context, issue, explanation)


def add_correction(context: Context, issue: Issue, explanation: str) -> None:
    """Add an explanation under today's date, once."""
    text = normalise_line(explanation)
    if all(correction["text"] != text for correction in issue.corrections):
        day = context.now.astimezone(context.zone).date().isoformat()
        issue.corrections = [*issue.corrections, {"at": day, "text": text}]
