"""Values for the templates of the desk: candidates, sections, picks, filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sqlmodel import Session

from digest.blurbs.extract import extract_quote
from digest.context import Context
from digest.db.issues import get_issue, load_picks
from digest.db.items import load_items_by_key
from digest.db.key_value import load_value, save_value
from digest.db.merges import load_possible_duplicates
from digest.db.predictions import CandidateFilter, count_ranked_items_by_source, load_candidate_page
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
from digest.ranking.stage import build_candidates
from digest.web.editor.actions import format_editable_blurb

PAGE_SIZE = 50
MARK_NAMES = {"x": "picked", "-": "rejected", " ": "open"}
_MAX_TRIAGED = 20_000  # keys stored for a period
_find_injection = lru_cache(maxsize=1024)(find_injection)  # pages repeat the same works


@dataclass(frozen=True, slots=True)
class DuplicateView:
    """A possible duplicate of a work."""

    key: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """A candidate on the shortlist. `mark` is x, - or a blank, as in the draft."""

    key: str
    title: str
    url: str
    facts: str
    category: str
    doubt: str  # the confidence, where it is low
    score: str
    place: int | None
    reasons: list[tuple[str, str]]  # text, and its part of the score
    abstract: list[str]
    mentions: int  # of different sources
    said: list[ItemMention]
    covered: str
    twins: list[DuplicateView]
    mark: str
    suspect: str  # text that looks like an instruction to a model
    quote: str  # one sentence of the source
    is_maybe: bool
    is_seen: bool
    starts_group: bool  # the first of its category, in a list by category


@dataclass(frozen=True, slots=True)
class ShortlistPage:
    """A page of the shortlist."""

    rows: list[CandidateRow]
    total: int
    offset: int
    next: int | None


@dataclass(frozen=True, slots=True)
class BlurbVersion:
    """A version of a blurb that the editor may choose."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class EditorPick:
    """A pick of the issue, with the parts of its blurb by author."""

    pick: DraftPick
    label: str
    parts: list[list[BlurbPart]]
    doubts: list[str]
    typed: str
    versions: list[BlurbVersion]
    conflicts: tuple[Conflict, ...]
    signed_by: str
    own_url: str  # the item's own URL, where the editor set another
    source_text: list[str]
    twins: list[DuplicateView]


@dataclass(frozen=True, slots=True)
class EditorSection:
    """A section of the issue. `added` are URLs not fetched yet."""

    slug: str
    title: str
    note: str
    engine: str  # the model that wrote the introduction, if one did
    number: int | None  # the key that picks a work into it
    target: int | None  # how many picks the taxonomy plans for it
    entries: list[EditorPick]
    added: list[AddedUrl]


def load_shortlist_page(context: Context, period: Period, draft: Draft, query: Mapping[str, str]) -> ShortlistPage:
    """Load a page of candidates by the filters in `query`: category, source, q, mark, offset."""
    offset = int(query["offset"]) if query.get("offset", "").isdigit() else 0
    marks = collect_marks(draft)
    with context.db.read() as session:
        triage = load_value(session, _triage_name(period))
        candidate_filter = _build_candidate_filter(context, period, marks, query, triage)
        candidates, total = load_candidate_page(session, candidate_filter, offset, PAGE_SIZE)
        rows = _build_rows(context, session, period, marks, candidates)
    maybe, seen, category = set(triage.get("maybe", ())), set(triage.get("seen", ())), ""
    for place, row in enumerate(rows):
        starts_group = bool(candidate_filter.category_order) and row.category != category
        is_maybe, category = row.key in maybe, row.category
        rows[place] = replace(row, is_maybe=is_maybe, is_seen=row.key in seen, starts_group=starts_group)
    return ShortlistPage(rows, total, offset, offset + PAGE_SIZE if offset + PAGE_SIZE < total else None)


def _triage_name(period: Period) -> str:
    return f"desk:{period.name}"


def save_triage(context: Context, period: Period, name: str, keys: Sequence[str], *, is_set: bool) -> list[str]:
    """Set or clear which candidates are `maybe` or `seen`; return the keys that are."""
    with context.db.write() as session:
        triage = load_value(session, _triage_name(period))
        others = [key for key in triage.get(name, ()) if key not in keys]
        triage[name] = [*others, *(keys if is_set else ())][-_MAX_TRIAGED:]
        save_value(session, _triage_name(period), triage, context.now)
    return list(triage[name])


def collect_marks(draft: Draft) -> dict[str, str]:
    """Return which works of the draft are picked or rejected, by key."""
    marks = {line.key: line.mark for line in draft.shortlist if line.mark != " "}
    return {**marks, **{pick.key: "x" for _, pick in draft.iter_picks()}}


def _build_candidate_filter(
    context: Context, period: Period, marks: Mapping[str, str], query: Mapping[str, str], triage: Mapping[str, Any]
) -> CandidateFilter:
    mark = next((sign for sign, name in MARK_NAMES.items() if name == query.get("mark")), "")
    keys = [key for key, sign in marks.items() if sign == mark] if mark in ("x", "-") else None
    excluded_keys = list(marks) if mark == " " else []
    if query.get("mark") == "maybe":
        keys = list(triage.get("maybe", ()))
    if query.get("mark") == "unseen":
        excluded_keys = [*marks, *triage.get("seen", ())]
    return CandidateFilter(
        period.name,
        period.start(context.zone),
        period.end(context.zone),
        category=query.get("category", ""),
        source=query.get("source", ""),
        kind=query.get("kind", ""),
        text=query.get("q", ""),
        keys=keys,
        excluded_keys=excluded_keys,
        category_order=context.config.taxonomy.slugs if query.get("order") == "category" else (),
    )


def _build_rows(
    context: Context,
    session: Session,
    period: Period,
    marks: Mapping[str, str],
    candidates: list[tuple[Item, Ranking | None]],
) -> list[CandidateRow]:
    mentions = collect_item_mentions(context.config, session, period, [item for item, _ in candidates])
    titles = {category.slug: category.title for category in context.config.taxonomy.categories}
    rows = []
    for candidate in build_candidates(session, period.name, candidates):
        item, confidence = candidate.item, candidate.confidence
        rows.append(
            CandidateRow(
                key=item.key,
                title=item.title,
                url=item.url,
                facts=format_item_facts(context.config, item, None),
                category=titles.get(candidate.category, "Other"),
                doubt=f"{confidence:.2f}" if confidence is not None and confidence < 0.7 else "",
                score=f"{candidate.score:.2f}" if candidate.ranking else "",
                place=candidate.place,
                reasons=[(reason["words"], f"{reason['part']:+.2f}") for reason in candidate.reasons],
                abstract=(item.summary or item.content[:1500]).split("\n\n"),
                mentions=candidate.mentions,
                said=mentions[item.id],
                covered=candidate.covered_in,
                twins=_view_duplicates(candidate.possible_duplicates),
                mark=marks.get(item.key, " "),
                suspect=_find_injection(f"{item.title}\n{item.summary}") or "",
                quote=_quote_sentence(item.title, item.summary or item.content[:1500]),
                is_maybe=False,
                is_seen=False,
                starts_group=False,
            )
        )
    return rows


@lru_cache(maxsize=4096)
def _quote_sentence(title: str, text: str) -> str:
    """Quote the sentence that says best what a work contributes."""
    return next(iter(extract_quote(title, text, is_post=True).sentences), "")


def load_editor_sections(context: Context, period: Period, draft: Draft) -> list[EditorSection]:
    """Load the sections of the issue with their picks."""
    with context.db.read() as session:
        items = load_items_by_key(session, [pick.key for _, pick in draft.iter_picks()])
        issue = get_issue(session, period.name)
        rows = {row.item_id: row for row, _ in load_picks(session, issue.id)}
        duplicates = load_possible_duplicates(session, [item.id for item in items.values()])
    numbers = {c.slug: n for n, c in enumerate(context.config.taxonomy.categories[:8], 1)}
    targets = {category.slug: category.quota for category in context.config.taxonomy.categories}
    return [
        EditorSection(
            section.slug,
            section.title,
            section.intro,
            section.engine,
            numbers.get(section.slug),
            targets.get(section.slug),
            [_build_editor_pick(pick, items[pick.key], rows, duplicates) for pick in section.picks],
            [added for owner, added in draft.iter_added_urls() if owner is section],
        )
        for section in draft.sections
    ]


def _build_editor_pick(
    pick: DraftPick,
    item: Item,
    rows: Mapping[int, Pick],
    duplicates: Mapping[int, list[tuple[PossibleDuplicate, Item]]],
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
            BlurbVersion(version["text"], _describe_origin(version["origin"], version["engine"]))
            for version in versions
            if version["text"] != pick.blurb
        ],
        conflicts=pick.conflicts,
        signed_by=(row.signed_by or "") if row and row.blurb == pick.blurb else "",
        own_url=item.url if encode_link(pick.url) not in ("", encode_link(item.url)) else "",
        source_text=(item.summary or item.content[:6000]).split("\n\n"),
        twins=_view_duplicates(duplicates.get(item.id, ())),
    )


def _view_duplicates(duplicates: Sequence[tuple[PossibleDuplicate, Item]]) -> list[DuplicateView]:
    return [DuplicateView(other.key, other.title, pair.reason) for pair, other in duplicates]


def _describe_origin(origin: str, engine: str) -> str:
    labels = {"source": f"From the {engine or 'source'}", "model": f"Written by {engine or 'a model'}"}
    return labels.get(origin, "Your text")


def load_filters(context: Context, period: Period) -> dict[str, Any]:
    """Load the values of the shortlist's filters: categories, sources, marks."""
    with context.db.read() as session:
        source_counts = count_ranked_items_by_source(session, period.name)
    categories = [(category.slug, category.title) for category in context.config.taxonomy.categories]
    return {
        "categories": [*categories, ("other", "Other")],
        "sources": [(name, f"{get_source_label(context.config, name)} ({count})") for name, count in source_counts],
        "kinds": [("paper", "Papers"), ("post", "Posts")],
        "marks": [(name, name.capitalize()) for name in ("open", "unseen", "maybe", "picked", "rejected")],
    }


def summarise_draft(current: CurrentDraft) -> dict[str, Any]:
    """Return version, state, number of picks and marks of a draft."""
    picks = sum(1 for _ in current.draft.iter_picks())
    return {"version": current.version, "state": current.state, "picks": picks, "marks": collect_marks(current.draft)}
