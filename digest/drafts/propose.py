"""What the program would put into a sheet: picks by category within quotas, their blurbs, the shortlist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from digest.blurbs.generate import BlurbResult, BlurbResults, generate_blurbs
from digest.config.schema import Config
from digest.context import Context
from digest.db.issues import load_decisions
from digest.db.predictions import load_item_embeddings
from digest.drafts.model import Draft, DraftCandidate, DraftPick, DraftSection
from digest.drafts.select import ALTERNATES_PER_PLACE, SelectionCandidate, select_candidates
from digest.drafts.syntax import format_facts
from digest.i18n import load_translations
from digest.llm.injection import find_injection
from digest.models.items import Item, PossibleDuplicate, get_abstract
from digest.models.predictions import Tagging
from digest.periods import Period
from digest.ranking.diversify import diversify_candidates
from digest.ranking.stage import load_ranked_candidates
from digest.ranking.types import Candidate
from digest.tagging.items import order_merge_pair
from digest.text.venues import extract_venue

_MAX_RANKED = 600  # places of the ranking that a draft looks at


@dataclass(frozen=True, slots=True)
class DraftProposal:
    """A sheet as the program would write it now, and who wrote its blurbs."""

    draft: Draft
    blurbs: BlurbResults
    figures: Mapping[str, Any] = field(default_factory=dict)  # a recap's figures


def propose_draft(
    context: Context, period: Period, run_id: int | None = None, max_usd: float | None = None
) -> DraftProposal:
    """Choose by rank and quota, and give each chosen work its words."""
    config = context.config
    with context.db.read() as session:
        offered = _load_candidates(context, session, period)
        turned_down = _load_rejected_ids(session, period)
    by_key = {one.item.key: one for one in offered}
    chosen = select_candidates(
        [SelectionCandidate(one.item.key, one.category, one.covered_in, one.item.id in turned_down) for one in offered],
        {category.slug: category.quota for category in config.taxonomy.categories},
        shortlist_length=config.cadence.shortlist,
    )
    picked = [by_key[key].item for keys in chosen.sections.values() for key in keys]
    blurbs = generate_blurbs(context, picked, run_id, max_usd)
    sections = tuple(
        DraftSection(
            slug=category.slug,
            title=category.title,
            entries=tuple(
                _build_candidate_pick(config, by_key[key], blurbs) for key in chosen.sections.get(category.slug, ())
            ),
        )
        for category in config.taxonomy.categories
    )
    sheet = Draft(
        period=period.name,
        title=format_issue_title(config, period),
        date=period.end(context.zone),
        sections=sections,
        shortlist=tuple(build_draft_candidate(config, by_key[key]) for key in chosen.shortlist),
    )
    return DraftProposal(sheet, blurbs)


def format_issue_title(config: Config, period: Period) -> str:
    """`AI research digest: June 2025`, in the newsletter's language."""
    return f"{config.newsletter.title}: {load_translations(config.newsletter.language).period(period.name)}"


def _load_candidates(context: Context, session: Session, period: Period) -> list[Candidate]:
    """Load the best of the ranking, without several near-duplicates of one theme, best first."""
    candidates = load_ranked_candidates(session, period.name, _MAX_RANKED)
    vectors = load_item_embeddings(session, [candidate.item for candidate in candidates])
    if vectors is None:
        return []
    scores, categories = [c.score for c in candidates], [c.category for c in candidates]
    quotas = {c.slug: c.quota * (1 + ALTERNATES_PER_PLACE) for c in context.config.taxonomy.categories}
    count = context.config.cadence.shortlist + sum(quotas.values())
    return [candidates[row] for row in sorted(diversify_candidates(scores, categories, vectors, count, quotas))]


def _load_rejected_ids(session: Session, period: Period) -> frozenset[int]:
    """Items the editor has rejected, in this issue or in one before."""
    return frozenset(d.item_id for d in load_decisions(session, ("reject",)) if (d.period or "") != period.name)


def build_pick(
    config: Config,
    item: Item,
    blurb: BlurbResult,
    tagging: Tagging | None = None,
    covered_in: str = "",
    possible_duplicate: str = "",
) -> DraftPick:
    """An item as a pick with the words written on it."""
    return DraftPick(
        key=item.key,
        title=item.title,
        url=item.url,
        facts=format_item_facts(config, item, tagging),
        blurb=blurb.text,
        origin=blurb.origin,
        engine=blurb.engine or config.get_quote_label(item.source_id, item.key),
        flags=blurb.flags,
        covered=covered_in,
        possible_duplicate=possible_duplicate,
        note=not blurb.text,  # a source without words to quote is named on one line
    )


def _build_candidate_pick(config: Config, candidate: Candidate, blurbs: BlurbResults) -> DraftPick:
    return build_pick(
        config,
        candidate.item,
        blurbs.by_key[candidate.item.key],
        candidate.tagging,
        candidate.covered_in,
        describe_possible_duplicate(candidate.item, candidate.possible_duplicates),
    )


def format_item_facts(config: Config, item: Item, tagging: Tagging | None) -> str:
    """Authors, venue and date on one line, with a question mark where the category is in doubt."""
    published = item.published.date() if item.published else None
    return format_facts(item.authors, resolve_venue(config, item), published, tagging.confidence if tagging else None)


def resolve_venue(config: Config, item: Item) -> str:
    """Where a work appeared: its venue, its arXiv number, or its source's name."""
    if place := item.venue or extract_venue(item.comment):
        return place
    if item.key.startswith("arxiv:"):
        return f"arXiv {item.key.removeprefix('arxiv:')}"
    source = config.find_source(item.source_id)
    return source.label if source else ""


def describe_possible_duplicate(item: Item, possible_duplicates: Sequence[tuple[PossibleDuplicate, Item]]) -> str:
    """The likeliest work that may be the same as an item, and the commands that settle it; empty when there is none."""
    if not possible_duplicates:
        return ""
    _, other = possible_duplicates[0]
    goes, kept = order_merge_pair(item, other)
    pair = f"{goes.id} {kept.id}"
    return f"{other.key} “{other.title[:80]}” (digest items merge {pair}, or split {pair})"


def _list_reasons(candidate: Candidate) -> tuple[str, ...]:
    """Why it ranks where it does; first of all, whether its text speaks to a model instead of a reader."""
    suspect = find_injection(f"{candidate.item.title}\n{get_abstract(candidate.item)}")
    warning = (f"its text instructs a model: “{suspect}”",) if suspect else ()
    return warning + tuple(reason["words"] for reason in candidate.reasons[:3])


def build_draft_candidate(config: Config, candidate: Candidate) -> DraftCandidate:
    """A candidate as a line of the shortlist."""
    return DraftCandidate(
        key=candidate.item.key,
        title=candidate.item.title,
        url=candidate.item.url,
        facts=format_item_facts(config, candidate.item, None),
        category=candidate.category,
        confidence=candidate.confidence,
        score=round(candidate.score, 2),
        reasons=_list_reasons(candidate),
        mentions=candidate.mentions,
        covered=candidate.covered_in,
        possible_duplicate=describe_possible_duplicate(candidate.item, candidate.possible_duplicates),
    )
