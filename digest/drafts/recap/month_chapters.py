"""Carry the text of published months into a recap: title, introduction, section prose and closing, verbatim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session

from digest.config.schema import Config
from digest.db.issues import load_published_issues
from digest.drafts.propose import format_issue_title
from digest.drafts.recap.picks import PastPick
from digest.models.issues import Issue
from digest.periods import Period

_SEPARATORS = " \t:–—-·,"


@dataclass(frozen=True, slots=True)
class MonthChapter:
    """What the editor wrote in a month's issue: its title, Markdown prose, and a closing line."""

    title: str = ""
    text: str = ""
    closing: str = ""


def load_month_chapters(config: Config, session: Session, months: Sequence[Period]) -> dict[str, MonthChapter]:
    """Load the chapters of the published months in which the editor wrote something."""
    by_name = {month.name: month for month in months}
    issues = (issue for issue in load_published_issues(session) if issue.period in by_name)
    chapters = {issue.period: build_month_chapter(config, by_name[issue.period], issue) for issue in issues}
    return {name: chapter for name, chapter in chapters.items() if chapter != MonthChapter()}


def mark_introduced_picks(picks: Sequence[PastPick], chapters: Mapping[str, MonthChapter]) -> list[PastPick]:
    """Mark the picks that the text of their month links."""
    marked = []
    for past in picks:
        text = chapters[past.month].text if past.month in chapters else ""
        is_introduced = bool(past.pick.url) and f"({past.pick.url})" in text
        marked.append(replace(past, is_introduced=is_introduced))
    return marked


def build_month_chapter(config: Config, month: Period, issue: Issue) -> MonthChapter:
    """Build a chapter from an issue. An outro of one paragraph is the closing, a longer one ends the prose."""
    outro = issue.outro.strip()
    is_line = "\n" not in outro
    prose = [issue.intro.strip(), *map(_format_section_prose, issue.sections), "" if is_line else outro]
    return MonthChapter(_strip_default_title(config, month, issue.title), _join(prose), outro if is_line else "")


def _format_section_prose(section: Mapping[str, str]) -> str:
    """Return the editor's prose of a section below its title in bold; a model's prose is not carried."""
    prose = section.get("note", "").strip() if not section.get("engine") else ""
    return _join([f"**{section['title']}**" if prose else "", prose, section.get("closing", "").strip()])


def _strip_default_title(config: Config, month: Period, title: str) -> str:
    """Return the part of an issue's title that the editor wrote."""
    for default in (format_issue_title(config, month), config.newsletter.title):
        if title.startswith(default):
            return title.removeprefix(default).strip(_SEPARATORS)
    return title


def _join(paragraphs: Sequence[str]) -> str:
    return "\n\n".join(filter(None, paragraphs))
