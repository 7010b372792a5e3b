"""Corrections: a published issue's sheet, edited and approved again, waits here until it is said what was wrong."""

from __future__ import annotations

from sqlmodel import Session

from digest import issues
from digest.errors import ConfigError, Refused
from digest.models import Issue
from digest.periods import Period
from digest.pipeline.context import Context
from digest.pipeline.sheets import adopt
from digest.store import issues as issue_store
from digest.text import hexdigest, one_line

SEEN = ("published", "sent")
_WAITS, _DONE = "correction", "corrected"  # origins of kept sheets


def keep(session: Session, context: Context, issue: Issue, text: str) -> None:
    """Keep an approved sheet of an issue that readers know; the issue itself stays as it is until `correct`."""
    if hexdigest(text) != issue.sheet_digest:
        issue_store.keep_sheet(session, issue.period, _WAITS, text, context.now)


def waiting(session: Session, period: str) -> str | None:
    """The approved sheet that readers do not know yet, or None."""
    last = issue_store.newest_sheet(session, period, _WAITS)
    done = issue_store.newest_sheet(session, period, _DONE)
    return last.text if last is not None and (done is None or (last.id or 0) > (done.id or 0)) else None


def must_say(session: Session, period: Period, said: str | None) -> None:
    """Raise when an issue changed after readers saw it and nobody said what was wrong, or said nothing."""
    if said is not None and not one_line(said):
        raise ConfigError("--correct says nothing", 'say what was wrong: --correct "The size was 7B, not 70B."')
    if said is None and waiting(session, period.name) is not None:
        raise Refused(
            f"{period}: readers have seen this issue, and its approved sheet says something else",
            f'`digest publish {period} --correct "what was wrong"` publishes it with your words',
        )


def correct(session: Session, context: Context, issue: Issue, said: str) -> None:
    """Take the waiting sheet as the issue and note what was wrong, dated; the same words are not noted twice."""
    text = waiting(session, issue.period)
    if text is not None:
        base = issue_store.newest_sheet(session, issue.period, "generated")
        adopt(session, issue, issues.parse(text), issues.parse(base.text) if base else None, context.now)
        issue_store.sign(session, issue.id or 0, issue.approved_by or "", context.now)
        issue_store.keep_sheet(session, issue.period, _DONE, text, context.now)
    note(context, issue, said)


def note(context: Context, issue: Issue, said: str) -> None:
    """Put words among an issue's corrections under today's date, unless they stand there already."""
    words = one_line(said)
    if all(known["text"] != words for known in issue.corrections):
        day = context.now.astimezone(context.zone).date().isoformat()
        issue.corrections = [*issue.corrections, {"at": day, "text": words}]
