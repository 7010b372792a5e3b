"""Release an unedited draft unattended when every check passes."""

from __future__ import annotations

from dataclasses import replace

from digest.context import Context
from digest.db.issues import find_newest_draft_version, get_issue
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
    """Approve, publish and send an issue; after a crash the next call continues where it stopped.

    Raises CheckFailedError when a person has edited or approved the draft, or a release check fails.
    """
    with context.db.read() as session:
        issue = get_issue(session, period.name)
    stages = []
    if issue.state != "draft" and issue.approved_by != _AUTOPILOT:
        raise CheckFailedError(
            f"{period}: {issue.approved_by} approved it", f"publish it with `digest publish {period}`"
        )
    if issue.state == "draft":
        _complete_draft(context, period, issue)
        stages.append(approve_issue(context, period, approver=_AUTOPILOT, should_check_links=True))
    stages.append(publish_issue(context, period))
    stages.append(send_issue(context, period, is_confirmed=True))
    return stages


def _complete_draft(context: Context, period: Period, issue: Issue) -> None:
    """Write the draft's introduction and drop empty sections, unless a person has edited it."""
    with context.db.read() as session:
        generated = find_newest_draft_version(session, period.name, "merged")
        edited = find_newest_draft_version(session, period.name, "editor")
    generated_text = generated.text if generated else ""
    completed_text = ""
    if generated:
        draft, translations = parse_draft(generated_text), load_translations(context.config.newsletter.language)
        counts = {name: translations.number(issue.numbers[name]) for name in ("kept", "read")}
        sections = tuple(section for section in draft.sections if section.entries)
        completed_text = render_draft(replace(draft, intro=translations("unattended", **counts), sections=sections))
    present_texts = {require_draft_text(context, period), *([edited.text] if edited else [])}
    if not present_texts <= {generated_text, completed_text}:
        raise CheckFailedError(f"{period}: a person edited the draft", f"approve it with `digest approve {period}`")
    write_documents(context.site_folder, [Document(f"_drafts/{period.name}.md", completed_text.encode())])
