"""Every version of a sheet that the program saw, and the way back to one."""

from __future__ import annotations

from typing import Any

from digest import issues, site
from digest.errors import NotFoundError
from digest.periods import Period
from digest.pipeline.context import Context, recorded
from digest.pipeline.sheets import adopt, keep_hand, on_disk
from digest.ports import Document, Report
from digest.store import issues as issue_store


def history(context: Context, period: Period) -> list[dict[str, Any]]:
    """Each kept version, oldest first: version (from 1 on), at, origin, lines, and lines added and taken out."""
    keep_hand(context, period, on_disk(context, period))
    with context.db.read() as session:
        versions = issue_store.sheets(session, period.name)
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


def text_of(context: Context, period: Period, number: int) -> str:
    """The sheet as it was in a version; raises NotFoundError."""
    with context.db.read() as session:
        versions = issue_store.sheets(session, period.name)
    if not 1 <= number <= len(versions):
        raise NotFoundError(f"{period} has no version {number}", f"`digest history {period}` lists those it has")
    return versions[number - 1].text


def restore(context: Context, period: Period, number: int) -> Report:
    """Put a version back as the sheet. What lies there now is kept first, so that this too can be taken back."""
    with recorded(context, "restore", period.name) as report:
        text = text_of(context, period, number)
        sheet = issues.parse(text)
        keep_hand(context, period, on_disk(context, period))
        with context.db.write() as session:
            issue = issue_store.existing(session, period.name)
            issues.move(issue.state, "draft", period.name)
            base = issue_store.newest_sheet(session, period.name, "generated")
            site.write(context.site, [Document(f"_drafts/{period.name}.md", text.encode())])
            issue_store.keep_sheet(session, period.name, "editor", text, context.now)
            adopt(session, issue, sheet, issues.parse(base.text) if base else None, context.now)
        report.line = f"{period}: version {number} is the sheet again"
    return report
