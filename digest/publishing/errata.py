"""Find differences between a published issue and the current metadata of its works."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from digest.config.schema import Config
from digest.drafts.checks import DeadLink
from digest.drafts.propose import resolve_venue
from digest.i18n import Translations, load_translations
from digest.markdown.escape import escape_markdown
from digest.models.issues import Issue
from digest.models.items import Item
from digest.publishing.issue_view import IssueView, PickView
from digest.text import format_byline, normalise_line
from digest.text.venues import extract_venue
from digest.urls.arxiv import find_superseding_work


@dataclass(frozen=True, slots=True)
class Erratum:
    """A difference; `text` is for readers, `facts` are the changes of the page."""

    period: str
    key: str
    kind: str  # withdrawn | back | superseded | title | authors | venue | version | moved | dead
    before: str
    after: str
    text: str  # Markdown
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Change:
    kind: str
    before: str
    after: str
    placeholders: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    message_key: str = ""  # of the translation, where it is not the kind


def find_errata(
    config: Config,
    issue: Issue,
    view: IssueView,
    items: Mapping[str, Item],
    edited_title_keys: Collection[str],
    dead_links: Mapping[str, DeadLink],
) -> Iterator[Erratum]:
    """Find the errata of one issue that its corrections do not contain.

    `items` are its works by key, `edited_title_keys` the works that the editor renamed. A recap gets only errata that
    change its page: a newer version or a dead link belongs to the issue that presented the work.
    """
    translations = load_translations(config.newsletter.language)
    corrections = {str(correction["text"]) for correction in issue.corrections}
    for pick in view.picks():
        if (item := items.get(pick.key)) is None:
            continue
        changes = [
            *_compare_status(translations, issue, pick, item),
            *_compare_metadata(config, translations, pick, item, pick.key in edited_title_keys),
        ]
        if link := dead_links.get(pick.url):
            changes.append(_describe_dead_link(pick, link))
        for change in changes:
            values = {"title": normalise_line(pick.title), **change.placeholders}
            escaped = {name: escape_markdown(value) for name, value in values.items()}
            text = translations(f"erratum_{change.message_key or change.kind}", **escaped)
            if text not in corrections and (change.facts or issue.kind == "monthly"):
                facts = dict(change.facts)
                yield Erratum(issue.period, pick.key, change.kind, change.before, change.after, text, facts)


def _compare_metadata(
    config: Config, translations: Translations, pick: PickView, item: Item, is_title_edited: bool
) -> Iterator[_Change]:
    """Compare the successor, title, authors and venue."""
    title = normalise_line(pick.title)
    if (work := find_superseding_work(item.comment)) and work != pick.superseded:
        after = f"{title} ({translations('recap_superseded', work=work)})"
        yield _Change("superseded", title, after, {"now": work}, {"superseded": work})
    if item.title != pick.title and not is_title_edited:
        new_title = normalise_line(item.title)
        yield _Change("title", title, new_title, {"now": new_title}, {"title": item.title})
    before, after = format_byline(pick.authors), format_byline(item.authors)
    if after and before != after:
        yield _Change("authors", f"{title}: {before}", f"{title}: {after}", {"now": after}, {"authors": item.authors})
    if (item.venue or extract_venue(item.comment)) and (venue := resolve_venue(config, item)) != pick.venue:
        key, before, after = "venue" if item.venue else "accepted", f"{title}: {pick.venue}", f"{title}: {venue}"
        yield _Change("venue", before, after, {"now": venue}, {"venue": venue}, key)


def _describe_dead_link(pick: PickView, link: DeadLink) -> _Change:
    if link.moved_to:
        return _Change("moved", pick.url, link.moved_to, facts={"url": link.moved_to})
    return _Change("dead", pick.url, f"{pick.url} {link.problem}")


def _compare_status(translations: Translations, issue: Issue, pick: PickView, item: Item) -> Iterator[_Change]:
    """Find a withdrawal, its end, or a version after publication."""
    title = normalise_line(pick.title)
    if item.withdrawn and not pick.withdrawn:
        day = item.withdrawn.date()
        date = {"date": translations.full_day(day)}
        after = f"{title} ({translations('withdrawn', **date)})"
        yield _Change("withdrawn", title, after, date, {"withdrawn": day})
    elif pick.withdrawn and not item.withdrawn:
        before = f"{title} ({translations('withdrawn', date=translations.full_day(pick.withdrawn))})"
        yield _Change("back", before, title, {}, {"withdrawn": None})
    elif item.withdrawn or not item.updated or (item.version or 1) <= 1:
        return
    elif issue.published is not None and item.updated > issue.published:
        version = {"now": str(item.version), "date": translations.full_day(item.updated.date())}
        yield _Change("version", title, f"{title} (v{item.version}, {item.updated:%Y-%m-%d})", version)
