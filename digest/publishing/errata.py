"""What a published issue says of its works against what is known now: each difference an erratum with its words."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
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
    """What an issue says and what is so now; `text` is for readers, `facts` are what changes on the page."""

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
    message_key: str = ""  # the words of its own that the kind does not name


def find_errata(
    config: Config,
    issue: Issue,
    view: IssueView,
    items: Mapping[str, Item],
    edited_title_keys: Collection[str],
    dead_links: Mapping[str, DeadLink],
) -> Iterator[Erratum]:
    """What readers of one issue should hear; what its corrections say already is left out.

    `items` are its works by key, `own_titles` the keys of those that the editor renamed. A review tells only what it
    shows: a newer version or a dead link is told where the work was first presented.
    """
    w = load_translations(config.newsletter.language)
    told = {str(correction["text"]) for correction in issue.corrections}
    picks = view.picks()
    for pick in picks:
        item = items.get(pick.key)
        for change in (
            _compare_pick(config, w, issue, pick, item, pick.key in edited_title_keys, dead_links) if item else ()
        ):
            text = w(
                f"erratum_{change.message_key or change.kind}",
                title=escape_markdown(normalise_line(pick.title)),
                **_escape_values(change.placeholders),
            )
            if text not in told and (change.facts or issue.kind == "monthly"):
                yield Erratum(
                    issue.period, pick.key, change.kind, change.before, change.after, text, dict(change.facts)
                )


def _compare_pick(
    config: Config,
    w: Translations,
    issue: Issue,
    pick: PickView,
    item: Item,
    is_title_edited: bool,
    dead_links: Mapping[str, DeadLink],
) -> Iterator[_Change]:
    title = normalise_line(pick.title)
    yield from _compare_status(w, issue, pick, item, title)
    if (work := find_superseding_work(item.comment)) and work != pick.superseded:
        told = f"{title} ({w('recap_superseded', work=work)})"
        yield _Change("superseded", title, told, {"now": work}, {"superseded": work})
    if item.title != pick.title and not is_title_edited:
        now = normalise_line(item.title)
        yield _Change("title", title, now, {"now": now}, {"title": item.title})
    before, after = format_byline(pick.authors), format_byline(item.authors)
    if after and before != after:
        yield _Change("authors", f"{title}: {before}", f"{title}: {after}", {"now": after}, {"authors": item.authors})
    if (item.venue or extract_venue(item.comment)) and (place := resolve_venue(config, item)) != pick.venue:
        told = "venue" if item.venue else "accepted"
        yield _Change("venue", f"{title}: {pick.venue}", f"{title}: {place}", {"now": place}, {"venue": place}, told)
    if link := dead_links.get(pick.url):
        facts = {"url": link.moved_to} if link.moved_to else {}
        after = link.moved_to or f"{pick.url} {link.problem}"
        yield _Change("moved" if link.moved_to else "dead", pick.url, after, {}, facts)


def _compare_status(w: Translations, issue: Issue, pick: PickView, item: Item, title: str) -> Iterator[_Change]:
    """Withdrawn, back again, or a version that came after publication."""
    if item.withdrawn and not pick.withdrawn:
        day = item.withdrawn.date()
        blanks = {"date": w.full_day(day)}
        yield _Change("withdrawn", title, f"{title} ({w('withdrawn', **blanks)})", blanks, {"withdrawn": day})
    elif pick.withdrawn and not item.withdrawn:
        yield _Change(
            "back", f"{title} ({w('withdrawn', date=w.full_day(pick.withdrawn))})", title, {}, {"withdrawn": None}
        )
    elif not item.withdrawn and item.updated and (item.version or 1) > 1 and _is_after(item.updated, issue.published):
        blanks = {"now": str(item.version), "date": w.full_day(item.updated.date())}
        yield _Change("version", title, f"{title} (v{item.version}, {item.updated:%Y-%m-%d})", blanks)


def _is_after(moment: datetime, published: datetime | None) -> bool:
    return published is not None and moment > published


def _escape_values(values: Mapping[str, str]) -> dict[str, str]:
    return {name: escape_markdown(text) for name, text in values.items()}
