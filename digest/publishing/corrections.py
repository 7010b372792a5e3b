"""Corrections: a published issue's sheet, edited and approved again, waits here until it is said what was wrong."""

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
_PENDING, _APPLIED = "correction", "corrected"  # origins of kept sheets


def store_correction(session: Session, context: Context, issue: Issue, text: str) -> None:
    """Keep an approved sheet of an issue that readers know; the issue itself stays as it is until `correct`."""
    if hash_texts(text) != issue.draft_digest:
        save_draft_version(session, issue.period, _PENDING, text, context.now)


def load_pending_correction(session: Session, period: str) -> str | None:
    """The approved sheet that readers do not know yet, or None."""
    last = find_newest_draft_version(session, period, _PENDING)
    done = find_newest_draft_version(session, period, _APPLIED)
    return last.text if last is not None and (done is None or (last.id) > (done.id)) else None


def require_explanation(session: Session, period: Period, explanation: str | None) -> None:
    """Raise when an issue changed after readers saw it and nobody said what was wrong, or said nothing."""
    if explanation is not None and not normalise_line(explanation):
        raise ConfigError("--correct says nothing", 'say what was wrong: --correct "The size was 7B, not 70B."')
    if explanation is None and load_pending_correction(session, period.name) is not None:
        raise CheckFailedError(
            f"{period}: readers have seen this issue, and its approved sheet says something else",
            f'`digest publish {period} --correct "what was wrong"` publishes it with your words',
        )


def apply_correction(session: Session, context: Context, issue: Issue, explanation: str) -> None:
    """Take the waiting sheet as the issue and note what was wrong, dated; the same words are not noted twice."""
    text = load_pending_correction(session, issue.period)
    if text is not None:
        base = find_newest_draft_version(session, issue.period, "generated")
        apply_draft_to_issue(session, issue, parse_draft(text), parse_draft(base.text) if base else None, context.now)
        sign_flagged_picks(session, issue.id, issue.approved_by or "", context.now)
        save_draft_version(session, issue.period, _APPLIED, text, context.now)
    add_correction(context, issue, explanation)


def add_correction(context: Context, issue: Issue, explanation: str) -> None:
    """Put words among an issue's corrections under today's date, unless they stand there already."""
    words = normalise_line(explanation)
    if all(known["text"] != words for known in issue.corrections):
        day = context.now.astimezone(context.zone).date().isoformat()
        issue.corrections = [*issue.corrections, {"at": day, "text": words}]
