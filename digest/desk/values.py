"""What the page shows: candidates, sections, picks and gates as values that templates only lay out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlmodel import Session

from digest.desk.actions import typed
from digest.injection import looks_injected
from digest.issues import AddedUrl, Conflict, Sheet, SheetPick
from digest.markdown import link
from digest.models import Item, Pick, PossibleDuplicate, Ranking
from digest.periods import Period
from digest.pipeline.context import Context
from digest.pipeline.editing import Current
from digest.pipeline.propose import facts
from digest.pipeline.said import Said, label, said_of
from digest.pipeline.wording import Part, doubts, parts
from digest.store import issues as issue_store
from digest.store import items as item_store
from digest.store import judgements, merging, shortlist
from digest.store.shortlist import Wanted

PAGE = 50
MARKS = {"x": "picked", "-": "rejected", " ": "open"}
_suspect = lru_cache(maxsize=1024)(looks_injected)  # the same works are on every page that is asked for


@dataclass(frozen=True, slots=True)
class Twin:
    """Another work that may be the same."""

    key: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """A candidate on the shortlist. `mark` is x, - or a blank, as in the sheet."""

    key: str
    title: str
    url: str
    facts: str
    category: str
    doubt: str  # the confidence, where the category is in doubt
    score: str
    place: int | None
    reasons: list[tuple[str, str]]  # words, and what they add to the score
    abstract: list[str]
    mentions: int  # of different sources
    said: list[Said]
    covered: str
    twins: list[Twin]
    mark: str
    suspect: str  # words that instruct a model


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the shortlist."""

    rows: list[Row]
    total: int
    offset: int
    next: int | None


@dataclass(frozen=True, slots=True)
class Words:
    """A pick's words that the editor may choose instead."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A pick in the issue, with its words told apart by owner."""

    pick: SheetPick
    label: str
    parts: list[list[Part]]
    doubts: list[str]
    typed: str
    versions: list[Words]
    conflicts: tuple[Conflict, ...]
    signed_by: str
    own_url: str  # the work's own address, where the editor gave another
    twins: list[Twin]


@dataclass(frozen=True, slots=True)
class Block:
    """A section of the issue. `added` are addresses that wait to be fetched."""

    slug: str
    title: str
    note: str
    engine: str  # the model that wrote the note; empty when the editor did
    number: int | None  # the key that puts a work here
    entries: list[Entry]
    added: list[AddedUrl]


def listing(context: Context, period: Period, sheet: Sheet, query: Mapping[str, str]) -> Listing:
    """A page of candidates by the filters in `query`: category, source, q, mark, offset."""
    offset = int(query["offset"]) if query.get("offset", "").isdigit() else 0
    marks = marks_of(sheet)
    wanted = _wanted(context, period, marks, query)
    with context.db.read() as session:
        found, total = shortlist.page(session, wanted, offset, PAGE)
        rows = _rows(context, session, period, marks, found)
    return Listing(rows, total, offset, offset + PAGE if offset + PAGE < total else None)


def marks_of(sheet: Sheet) -> dict[str, str]:
    """Which works of the sheet are picked or turned down, by key."""
    marks = {line.key: line.mark for line in sheet.shortlist if line.mark != " "}
    return {**marks, **{pick.key: "x" for _, pick in sheet.picks()}}


def _wanted(context: Context, period: Period, marks: Mapping[str, str], query: Mapping[str, str]) -> Wanted:
    mark = next((sign for sign, name in MARKS.items() if name == query.get("mark")), "")
    return Wanted(
        period.name,
        period.start(context.zone),
        period.end(context.zone),
        category=query.get("category", ""),
        source=query.get("source", ""),
        words=query.get("q", ""),
        keys=[key for key, sign in marks.items() if sign == mark] if mark in ("x", "-") else None,
        without=list(marks) if mark == " " else (),
    )


def _rows(
    context: Context,
    session: Session,
    period: Period,
    marks: Mapping[str, str],
    found: list[tuple[Item, Ranking | None]],
) -> list[Row]:
    ids = [item.id or 0 for item, _ in found]
    verdicts, mentions = judgements.taggings(session, ids), item_store.mention_counts(session, ids)
    said = said_of(context.config, session, period, [item for item, _ in found])
    twins = merging.possible(session, ids)
    covered = issue_store.covered(session, period.name)
    titles = {category.slug: category.title for category in context.config.taxonomy.categories}
    rows = []
    for item, row in found:
        verdict = judgements.best(verdicts.get(item.id or 0, {}))
        rows.append(
            Row(
                key=item.key,
                title=item.title,
                url=item.url,
                facts=facts(context.config, item, None),
                category=titles.get(verdict.category, "Other") if verdict else "Other",
                doubt=f"{verdict.confidence:.2f}" if verdict and verdict.confidence < 0.7 else "",
                score=f"{row.score:.2f}" if row else "",
                place=row.place if row else None,
                reasons=[(r["words"], f"{r['part']:+.2f}") for r in row.reasons] if row else [],
                abstract=(item.summary or item.content[:1500]).split("\n\n"),
                mentions=mentions.get(item.id or 0, 1),
                said=said[item.id or 0],
                covered=covered.get(item.id or 0, ""),
                twins=_twins(twins.get(item.id or 0, ())),
                mark=marks.get(item.key, " "),
                suspect=_suspect(f"{item.title}\n{item.summary}") or "",
            )
        )
    return rows


def blocks(context: Context, period: Period, sheet: Sheet) -> list[Block]:
    """The issue's sections with all that stands on each pick."""
    with context.db.read() as session:
        items = item_store.by_keys(session, [pick.key for _, pick in sheet.picks()])
        issue = issue_store.existing(session, period.name)
        rows = {row.item_id: row for row, _ in issue_store.picks(session, issue.id or 0)}
        twins = merging.possible(session, [item.id or 0 for item in items.values()])
    numbers = {c.slug: n for n, c in enumerate(context.config.taxonomy.categories[:8], 1)}
    return [
        Block(
            section.slug,
            section.title,
            section.note,
            section.engine,
            numbers.get(section.slug),
            [_entry(pick, items[pick.key], rows, twins) for pick in section.picks],
            [added for place, added in sheet.added() if place is section],
        )
        for section in sheet.sections
    ]


def _entry(
    pick: SheetPick,
    item: Item,
    rows: Mapping[int, Pick],
    twins: Mapping[int, list[tuple[PossibleDuplicate, Item]]],
) -> Entry:
    row = rows.get(item.id or 0)
    versions = row.versions if row else []
    return Entry(
        pick=pick,
        label=_whose(pick.origin, pick.engine),
        parts=parts(item, pick, versions),
        doubts=list(doubts(item, pick)),
        typed=typed(pick),
        versions=[Words(v["text"], _whose(v["origin"], v["engine"])) for v in versions if v["text"] != pick.blurb],
        conflicts=pick.conflicts,
        signed_by=(row.signed_by or "") if row and row.blurb == pick.blurb else "",
        own_url=item.url if link(pick.url) not in ("", link(item.url)) else "",
        twins=_twins(twins.get(item.id or 0, ())),
    )


def _twins(found: Sequence[tuple[PossibleDuplicate, Item]]) -> list[Twin]:
    return [Twin(other.key, other.title, pair.reason) for pair, other in found]


def _whose(origin: str, engine: str) -> str:
    told = {"source": f"From the {engine or 'source'}", "model": f"Written by {engine or 'a model'}"}
    return told.get(origin, "Your words")


def filters(context: Context, period: Period) -> dict[str, Any]:
    """What the shortlist can be narrowed to: categories, and the sources of this period's candidates."""
    with context.db.read() as session:
        found = shortlist.sources(session, period.name)
    categories = [(category.slug, category.title) for category in context.config.taxonomy.categories]
    return {
        "categories": [*categories, ("other", "Other")],
        "sources": [(name, f"{label(context.config, name)} ({count})") for name, count in found],
        "marks": [(name, name.capitalize()) for name in ("open", "picked", "rejected")],
    }


def counts(current: Current) -> dict[str, Any]:
    """What the head of the page says of the sheet."""
    picks = sum(1 for _ in current.sheet.picks())
    return {"version": current.version, "state": current.state, "picks": picks, "marks": marks_of(current.sheet)}
