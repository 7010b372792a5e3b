"""What the page shows: candidates, sections, picks and gates as values that templates only lay out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlmodel import Session

from digest.context import Context
from digest.db import predictions as shortlist
from digest.db.issues import get_issue, load_covered_in, load_picks
from digest.db.items import count_mentioning_sources, load_items_by_key
from digest.db.merges import load_possible_duplicates
from digest.db.predictions import CandidateFilter, choose_best_tagging, load_taggings
from digest.drafts.attribution import BlurbPart, attribute_blurb, find_unsupported_claims
from digest.drafts.editing import CurrentDraft
from digest.drafts.mentions import ItemMention, collect_item_mentions, get_source_label
from digest.drafts.model import AddedUrl, Conflict, Draft, DraftPick
from digest.drafts.propose import format_item_facts
from digest.llm.injection import find_injection
from digest.markdown.escape import encode_link
from digest.models.issues import Pick
from digest.models.items import Item, PossibleDuplicate
from digest.models.predictions import Ranking
from digest.periods import Period
from digest.web.editor.actions import format_editable_blurb

PAGE_SIZE = 50
MARK_NAMES = {"x": "picked", "-": "rejected", " ": "open"}
_find_injection = lru_cache(maxsize=1024)(find_injection)  # the same works are on every page that is asked for


@dataclass(frozen=True, slots=True)
class DuplicateView:
    """Another work that may be the same."""

    key: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class CandidateRow:
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
    said: list[ItemMention]
    covered: str
    twins: list[DuplicateView]
    mark: str
    suspect: str  # words that instruct a model


@dataclass(frozen=True, slots=True)
class CandidatePage:
    """A page of the shortlist."""

    rows: list[CandidateRow]
    total: int
    offset: int
    next: int | None


@dataclass(frozen=True, slots=True)
class BlurbVersion:
    """A pick's words that the editor may choose instead."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class EditorPick:
    """A pick in the issue, with its words told apart by owner."""

    pick: DraftPick
    label: str
    parts: list[list[BlurbPart]]
    doubts: list[str]
    typed: str
    versions: list[BlurbVersion]
    conflicts: tuple[Conflict, ...]
    signed_by: str
    own_url: str  # the work's own address, where the editor gave another
    twins: list[DuplicateView]


@dataclass(frozen=True, slots=True)
class EditorSection:
    """A section of the issue. `added` are addresses that wait to be fetched."""

    slug: str
    title: str
    note: str
    engine: str  # the model that wrote the note; empty when the editor did
    number: int | None  # the key that puts a work here
    entries: list[EditorPick]
    added: list[AddedUrl]


def load_candidate_page(context: Context, period: Period, sheet: Draft, query: Mapping[str, str]) -> CandidatePage:
    """A page of candidates by the filters in `query`: category, source, q, mark, offset."""
    offset = int(query["offset"]) if query.get("offset", "").isdigit() else 0
    marks = collect_marks(sheet)
    wanted = _build_candidate_filter(context, period, marks, query)
    with context.db.read() as session:
        found, total = shortlist.load_candidate_page(session, wanted, offset, PAGE_SIZE)
        rows = _build_rows(context, session, period, marks, found)
    return CandidatePage(rows, total, offset, offset + PAGE_SIZE if offset + PAGE_SIZE < total else None)


def collect_marks(sheet: Draft) -> dict[str, str]:
    """Which works of the sheet are picked or turned down, by key."""
    marks = {line.key: line.mark for line in sheet.shortlist if line.mark != " "}
    return {**marks, **{pick.key: "x" for _, pick in sheet.iter_picks()}}


def _build_candidate_filter(
    context: Context, period: Period, marks: Mapping[str, str], query: Mapping[str, str]
) -> CandidateFilter:
    mark = next((sign for sign, name in MARK_NAMES.items() if name == query.get("mark")), "")
    return CandidateFilter(
        period.name,
        period.start(context.zone),
        period.end(context.zone),
        category=query.get("category", ""),
        source=query.get("source", ""),
        text=query.get("q", ""),
        keys=[key for key, sign in marks.items() if sign == mark] if mark in ("x", "-") else None,
        excluded_keys=list(marks) if mark == " " else (),
    )


def _build_rows(
    context: Context,
    session: Session,
    period: Period,
    marks: Mapping[str, str],
    candidates: list[tuple[Item, Ranking | None]],
) -> list[CandidateRow]:
    ids = [item.id for item, _ in candidates]
    verdicts, mentions = load_taggings(session, ids), count_mentioning_sources(session, ids)
    said = collect_item_mentions(context.config, session, period, [item for item, _ in candidates])
    twins = load_possible_duplicates(session, ids)
    covered = load_covered_in(session, period.name)
    titles = {category.slug: category.title for category in context.config.taxonomy.categories}
    rows = []
    for item, row in candidates:
        verdict = choose_best_tagging(verdicts.get(item.id, {}))
        rows.append(
            CandidateRow(
                key=item.key,
                title=item.title,
                url=item.url,
                facts=format_item_facts(context.config, item, None),
                category=titles.get(verdict.category, "Other") if verdict else "Other",
                doubt=f"{verdict.confidence:.2f}" if verdict and verdict.confidence < 0.7 else "",
                score=f"{row.score:.2f}" if row else "",
                place=row.place if row else None,
                reasons=[(r["words"], f"{r['part']:+.2f}") for r in row.reasons] if row else [],
                abstract=(item.summary or item.content[:1500]).split("\n\n"),
                mentions=mentions.get(item.id, 1),
                said=said[item.id],
                covered=covered.get(item.id, ""),
                twins=_view_duplicates(twins.get(item.id, ())),
                mark=marks.get(item.key, " "),
                suspect=_find_injection(f"{item.title}\n{item.summary}") or "",
            )
        )
    return rows


def load_editor_sections(context: Context, period: Period, sheet: Draft) -> list[EditorSection]:
    """The issue's sections with all that stands on each pick."""
    with context.db.read() as session:
        items = load_items_by_key(session, [pick.key for _, pick in sheet.iter_picks()])
        issue = get_issue(session, period.name)
        rows = {row.item_id: row for row, _ in load_picks(session, issue.id)}
        twins = load_possible_duplicates(session, [item.id for item in items.values()])
    numbers = {c.slug: n for n, c in enumerate(context.config.taxonomy.categories[:8], 1)}
    return [
        EditorSection(
            section.slug,
            section.title,
            section.intro,
            section.engine,
            numbers.get(section.slug),
            [_build_editor_pick(pick, items[pick.key], rows, twins) for pick in section.picks],
            [added for place, added in sheet.iter_added_urls() if place is section],
        )
        for section in sheet.sections
    ]


def _build_editor_pick(
    pick: DraftPick,
    item: Item,
    rows: Mapping[int, Pick],
    twins: Mapping[int, list[tuple[PossibleDuplicate, Item]]],
) -> EditorPick:
    row = rows.get(item.id)
    versions = row.versions if row else []
    return EditorPick(
        pick=pick,
        label=_describe_origin(pick.origin, pick.engine),
        parts=attribute_blurb(item, pick, versions),
        doubts=list(find_unsupported_claims(item, pick)),
        typed=format_editable_blurb(pick),
        versions=[
            BlurbVersion(v["text"], _describe_origin(v["origin"], v["engine"]))
            for v in versions
            if v["text"] != pick.blurb
        ],
        conflicts=pick.conflicts,
        signed_by=(row.signed_by or "") if row and row.blurb == pick.blurb else "",
        own_url=item.url if encode_link(pick.url) not in ("", encode_link(item.url)) else "",
        twins=_view_duplicates(twins.get(item.id, ())),
    )


def _view_duplicates(duplicates: Sequence[tuple[PossibleDuplicate, Item]]) -> list[DuplicateView]:
    return [DuplicateView(other.key, other.title, pair.reason) for pair, other in duplicates]


def _describe_origin(origin: str, engine: str) -> str:
    told = {"source": f"From the {engine or 'source'}", "model": f"Written by {engine or 'a model'}"}
    return told.get(origin, "Your words")


def load_filters(context: Context, period: Period) -> dict[str, Any]:
    """What the shortlist can be narrowed to: categories, and the sources of this period's candidates."""
    with context.db.read() as session:
        found = shortlist.count_ranked_items_by_source(session, period.name)
    categories = [(category.slug, category.title) for category in context.config.taxonomy.categories]
    return {
        "categories": [*categories, ("other", "Other")],
        "sources": [(name, f"{get_source_label(context.config, name)} ({count})") for name, count in found],
        "marks": [(name, name.capitalize()) for name in ("open", "picked", "rejected")],
    }


def summarise_draft(current: CurrentDraft) -> dict[str, Any]:
    """What the head of the page says of the sheet."""
    picks = sum(1 for _ in current.draft.iter_picks())
    return {"version": current.version, "state": current.state, "picks": picks, "marks": collect_marks(current.draft)}
