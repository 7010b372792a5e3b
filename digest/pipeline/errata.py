"""What a published issue says of its works against what is known now: each difference an erratum with its words."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from digest.config import Config
from digest.issues import DeadLink
from digest.markdown import escape
from digest.models import Issue, Item
from digest.pipeline.view import venue
from digest.ports import IssueView, PickView
from digest.render.words import Words, words
from digest.text import by_line, one_line
from digest.text.venues import venue_in
from digest.urls import superseded_by


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
    blanks: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    told: str = ""  # the words of its own that the kind does not name


def errata(
    config: Config,
    issue: Issue,
    view: IssueView,
    items: Mapping[str, Item],
    own_titles: Collection[str],
    bad: Mapping[str, DeadLink],
) -> Iterator[Erratum]:
    """What readers of one issue should hear; what its corrections say already is left out.

    `items` are its works by key, `own_titles` the keys of those that the editor renamed. A review tells only what it
    shows: a newer version or a dead link is told where the work was first presented.
    """
    w = words(config.newsletter.language)
    told = {str(correction["text"]) for correction in issue.corrections}
    picks = view.picks()
    for pick in picks:
        item = items.get(pick.key)
        for change in _changes(config, w, issue, pick, item, pick.key in own_titles, bad) if item else ():
            text = w(
                f"erratum_{change.told or change.kind}", title=escape(one_line(pick.title)), **_escaped(change.blanks)
            )
            if text not in told and (change.facts or issue.kind == "monthly"):
                yield Erratum(
                    issue.period, pick.key, change.kind, change.before, change.after, text, dict(change.facts)
                )


def _changes(
    config: Config, w: Words, issue: Issue, pick: PickView, item: Item, own: bool, bad: Mapping[str, DeadLink]
) -> Iterator[_Change]:
    title = one_line(pick.title)
    yield from _standing(w, issue, pick, item, title)
    if (work := superseded_by(item.comment)) and work != pick.superseded:
        told = f"{title} ({w('recap_superseded', work=work)})"
        yield _Change("superseded", title, told, {"now": work}, {"superseded": work})
    if item.title != pick.title and not own:
        now = one_line(item.title)
        yield _Change("title", title, now, {"now": now}, {"title": item.title})
    before, after = by_line(pick.authors), by_line(item.authors)
    if after and before != after:
        yield _Change("authors", f"{title}: {before}", f"{title}: {after}", {"now": after}, {"authors": item.authors})
    if (item.venue or venue_in(item.comment)) and (place := venue(config, item)) != pick.venue:
        told = "venue" if item.venue else "accepted"
        yield _Change("venue", f"{title}: {pick.venue}", f"{title}: {place}", {"now": place}, {"venue": place}, told)
    if link := bad.get(pick.url):
        facts = {"url": link.moved_to} if link.moved_to else {}
        after = link.moved_to or f"{pick.url} {link.problem}"
        yield _Change("moved" if link.moved_to else "dead", pick.url, after, {}, facts)


def _standing(w: Words, issue: Issue, pick: PickView, item: Item, title: str) -> Iterator[_Change]:
    """Withdrawn, back again, or a version that came after publication."""
    if item.withdrawn and not pick.withdrawn:
        day = item.withdrawn.date()
        blanks = {"date": w.full_day(day)}
        yield _Change("withdrawn", title, f"{title} ({w('withdrawn', **blanks)})", blanks, {"withdrawn": day})
    elif pick.withdrawn and not item.withdrawn:
        yield _Change(
            "back", f"{title} ({w('withdrawn', date=w.full_day(pick.withdrawn))})", title, {}, {"withdrawn": None}
        )
    elif not item.withdrawn and item.updated and (item.version or 1) > 1 and _after(item.updated, issue.published):
        blanks = {"now": str(item.version), "date": w.full_day(item.updated.date())}
        yield _Change("version", title, f"{title} (v{item.version}, {item.updated:%Y-%m-%d})", blanks)


def _after(moment: datetime, published: datetime | None) -> bool:
    return published is not None and moment > published


def _escaped(blanks: Mapping[str, str]) -> dict[str, str]:
    return {name: escape(text) for name, text in blanks.items()}
