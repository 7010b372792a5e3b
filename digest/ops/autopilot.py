"""`autopilot`: approves, publishes and mails a draft nobody has touched, when every gate is green; else leaves it."""

from __future__ import annotations

from dataclasses import replace

from digest.context import Context
from digest.db.issues import find_newest_draft_version, get_issue
from digest.drafts.model import Draft
from digest.drafts.parser import parse_draft
from digest.drafts.storage import require_draft_text
from digest.drafts.writer import render_draft
from digest.errors import CheckFailedError
from digest.files import write_documents
from digest.i18n import load_translations
from digest.mail.send import send_issue
from digest.models.issues import Issue
from digest.periods import Period
from digest.protocols import Document, Report
from digest.publishing.approve import approve_issue
from digest.publishing.publish import publish_issue

_AUTOPILOT = "autopilot"


def release_issue(context: Context, period: Period) -> list[Report]:
    """Bring an issue from its draft to its readers; said again after a crash, it goes on from where it stopped.

    Raises Refused when a person has had the sheet in hand, or a gate is red: then the issue is a person's.
    """
    with context.db.read() as session:
        issue = get_issue(session, period.name)
    stages = []
    if issue.state != "draft" and issue.approved_by != _AUTOPILOT:
        raise CheckFailedError(
            f"{period}: {issue.approved_by} has approved it", f"`digest publish {period}` is theirs to say"
        )
    if issue.state == "draft":
        _complete_draft(context, period, issue)
        stages.append(approve_issue(context, period, approver=_AUTOPILOT, should_check_links=True))
    stages.append(publish_issue(context, period))
    stages.append(send_issue(context, period, is_confirmed=True))
    return stages


def _complete_draft(context: Context, period: Period, issue: Issue) -> None:
    """Give the sheet the introduction a person would have written, and no headings without picks."""
    with context.db.read() as session:
        made = find_newest_draft_version(session, period.name, "merged")
        edited = find_newest_draft_version(session, period.name, "editor")
    made_text = made.text if made else ""
    whole = render_draft(_fill_in_draft(context, issue, parse_draft(made_text))) if made else ""
    found = {require_draft_text(context, period), *([edited.text] if edited else [])}
    if not found <= {made_text, whole}:
        raise CheckFailedError(
            f"{period}: a person has edited the sheet", f"`digest approve {period}` is theirs to say"
        )
    write_documents(context.site_folder, [Document(f"_drafts/{period.name}.md", whole.encode())])


def _fill_in_draft(context: Context, issue: Issue, sheet: Draft) -> Draft:
    w, numbers = load_translations(context.config.newsletter.language), issue.numbers
    intro = w("unattended", kept=w.number(numbers["kept"]), read=w.number(numbers["read"]))
    return replace(sheet, intro=intro, sections=tuple(section for section in sheet.sections if section.entries))
