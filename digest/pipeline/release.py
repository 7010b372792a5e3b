"""`autopilot`: approves, publishes and mails a draft nobody has touched, when every gate is green; else leaves it."""

from __future__ import annotations

from dataclasses import replace

from digest import issues, site
from digest.errors import Refused
from digest.issues import Sheet
from digest.models import Issue
from digest.periods import Period
from digest.pipeline.approve import approve
from digest.pipeline.context import Context
from digest.pipeline.publish import publish
from digest.pipeline.send import send
from digest.pipeline.sheets import lying
from digest.ports import Document, Report
from digest.render.words import words
from digest.store import issues as issue_store

_NAME = "autopilot"


def release(context: Context, period: Period) -> list[Report]:
    """Bring an issue from its draft to its readers; said again after a crash, it goes on from where it stopped.

    Raises Refused when a person has had the sheet in hand, or a gate is red: then the issue is a person's.
    """
    with context.db.read() as session:
        issue = issue_store.existing(session, period.name)
    stages = []
    if issue.state != "draft" and issue.approved_by != _NAME:
        raise Refused(f"{period}: {issue.approved_by} has approved it", f"`digest publish {period}` is theirs to say")
    if issue.state == "draft":
        _complete(context, period, issue)
        stages.append(approve(context, period, by=_NAME, links=True))
    stages.append(publish(context, period))
    stages.append(send(context, period, yes=True))
    return stages


def _complete(context: Context, period: Period, issue: Issue) -> None:
    """Give the sheet the introduction a person would have written, and no headings without picks."""
    with context.db.read() as session:
        made = issue_store.newest_sheet(session, period.name, "merged")
        edited = issue_store.newest_sheet(session, period.name, "editor")
    made_text = made.text if made else ""
    whole = issues.render(_completed(context, issue, issues.parse(made_text))) if made else ""
    found = {lying(context, period), *([edited.text] if edited else [])}
    if not found <= {made_text, whole}:
        raise Refused(f"{period}: a person has edited the sheet", f"`digest approve {period}` is theirs to say")
    site.write(context.site, [Document(f"_drafts/{period.name}.md", whole.encode())])


def _completed(context: Context, issue: Issue, sheet: Sheet) -> Sheet:
    w, numbers = words(context.config.newsletter.language), issue.numbers
    intro = w("unattended", kept=w.number(numbers["kept"]), read=w.number(numbers["read"]))
    return replace(sheet, intro=intro, sections=tuple(section for section in sheet.sections if section.entries))
