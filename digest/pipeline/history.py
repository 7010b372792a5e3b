"""Every version of a sheet that the program saw, and the way back to one."""

from __future__ import annotations

from typing import Any

from digest import issues, site
from digest.errors import NotFoundError
from digest.periods import Period
from digest.pipeline.context import Context, record_run
from digest.pipeline.sheets import apply_draft_to_issue, read_draft_text, save_editor_version
from digest.ports import Document, Report
from digest.store import issues as issue_store


def list_draft_versions(context: Context, period: Period) -> list[dict[str, Any]]:
    """Each kept version, oldest first: version (from 1 on), at, origin, lines, and lines added and taken out."""
    save_editor_version(context, period, read_draft_text(context, period))
    with context.db.read() as session:
        versions = issue_store.load_draft_versions(session, period.name)
    out, before = [], set[str]()
    for number, version in enumerate(versions, 1):
        lines = [line for line in version.text.splitlines() if line.strip()]
        here = set(lines)
        out.append(
            {
                "version": number,
                "at": version.at,
                "origin": version.origin,
                "lines": len(lines),
                "added": len(here - before),
                "removed": len(before - here),
            }
        )
        before = here
    return out


def load_draft_version(context: Context, period: Period, number: int) -> str:
    """The sheet as it was in a version; raises NotFoundError."""
    with context.db.read() as session:
        versions = issue_store.load_draft_versions(session, period.name)
    if not 1 <= number <= len(versions):
        raise NotFoundError(f"{period} has no version {number}", f"`digest history {period}` lists those it has")
    return versions[number - 1].text


def restore_draft_version(context: Context, period: Period, number: int) -> Report:
    """Put a version back as the sheet. What lies there now is kept first, so that this too can be taken back."""
    with record_run(context, "restore", period.name) as report:
        text = load_draft_version(context, period, number)
        sheet = issues.parse_draft(text)
        save_editor_version(context, period, read_draft_text(context, period))
        with context.db.write() as session:
            issue = issue_store.get_issue(session, period.name)
            issues.transition_state(issue.state, "draft", period.name)
            base = issue_store.find_newest_draft_version(session, period.name, "generated")
            site.write_documents(context.site_folder, [Document(f"_drafts/{period.name}.md", text.encode())])
            issue_store.save_draft_version(session, period.name, "editor", text, context.now)
            apply_draft_to_issue(session, issue, sheet, issues.parse_draft(base.text) if base else None, context.now)
        report.line = f"{period}: version {number} is the sheet again"
    return report
