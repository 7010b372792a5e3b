"""Propose a draft: picks by category within quotas, their blurbs, and the shortlist."""

from __future__ import annotations

import math
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

_MAX_RANKED = 600  # places of the ranking that are read
_PLACE_WEIGHT = -1.2  # log-odds of being picked that a place e times as far down costs


@dataclass(frozen=True, slots=True)
class ProposalInputs:
    """The rows a proposal is made from: candidates in ranking order, and the items rejected for other issues."""

    candidates: Sequence[Candidate]
    rejected_ids: frozenset[int]
    has_ranking: bool
    chosen_ids: frozenset[int] = frozenset()  # added by the editor as picks


@dataclass(frozen=True, slots=True)
class DraftProposal:
    """A draft as the program would write it now, and the blurbs generated for it."""

    draft: Draft
    blurbs: BlurbResults
    figures: Mapping[str, Any] = field(default_factory=dict)  # a recap's figures


def load_proposal_inputs(context: Context, session: Session, period: Period) -> ProposalInputs:
    """Load the best of the ranking, without near-duplicates of one theme, best first."""
    candidates = load_ranked_candidates(session, period.name, _MAX_RANKED)
    rejects = load_decisions(session, ("reject",))
    rejected_ids = frozenset(reject.item_id for reject in rejects if (reject.period or "") != period.name)
    embeddings = load_item_embeddings(session, [candidate.item for candidate in candidates])
    if embeddings is None:
        return ProposalInputs([], rejected_ids, bool(candidates))
    # Scores say nothing across kinds; the place does.
    scores = [_PLACE_WEIGHT * math.log(position) for position in range(1, len(candidates) + 1)]
    categories = [candidate.category for candidate in candidates]
    quotas = {c.slug: c.quota * (1 + ALTERNATES_PER_PLACE) for c in context.config.taxonomy.categories}
    count = context.config.cadence.shortlist + sum(quotas.values())
    additions = load_decisions(session, ("add",))
    chosen_ids = frozenset(addition.item_id for addition in additions if addition.detail.get("pick"))
    chosen_rows = {row for row, candidate in enumerate(candidates) if candidate.item.id in chosen_ids}
    rows = sorted({*diversify_candidates(scores, categories, embeddings, count, quotas), *chosen_rows})
    return ProposalInputs([candidates[row] for row in rows], rejected_ids, bool(candidates), chosen_ids)


def propose_draft(
    context: Context, period: Period, inputs: ProposalInputs, run_id: int | None = None, max_usd: float | None = None
) -> DraftProposal:
    """Select picks by rank and quota, and generate a blurb for each."""
    config = context.config
    by_key = {candidate.key: candidate for candidate in inputs.candidates}
    selection = select_candidates(
        [
            SelectionCandidate(
                key,
                candidate.category,
                candidate.covered_in,
                candidate.item.id in inputs.rejected_ids,
                candidate.item.id in inputs.chosen_ids,
            )
            for key, candidate in by_key.items()
        ],
        {category.slug: category.quota for category in config.taxonomy.categories},
        shortlist_length=config.cadence.shortlist,
    )
    picked = [by_key[key].item for keys in selection.sections.values() for key in keys]
    blurbs = generate_blurbs(context, picked, run_id, max_usd)
    sections = []
    for category in config.taxonomy.categories:
        candidates = [by_key[key] for key in selection.sections.get(category.slug, ())]
        picks = tuple(_build_candidate_pick(config, candidate, blurbs) for candidate in candidates)
        sections.append(DraftSection(category.slug, category.title, entries=picks))
    draft = Draft(
        period=period.name,
        title=format_issue_title(config, period),
        date=period.end(context.zone),
        sections=tuple(sections),
        shortlist=tuple(_build_draft_candidate(config, by_key[key]) for key in selection.shortlist),
    )
    return DraftProposal(draft, blurbs)


def format_issue_title(config: Config, period: Period) -> str:
    """Format `AI research digest: June 2025`, in the newsletter's language."""
    return f"{config.newsletter.title}: {load_translations(config.newsletter.language).period(period.name)}"


def build_pick(
    config: Config,
    item: Item,
    blurb: BlurbResult,
    tagging: Tagging | None = None,
    covered_in: str = "",
    possible_duplicate: str = "",
) -> DraftPick:
    """Build the pick of an item with its blurb."""
    return DraftPick(
        key=item.key,
        title=item.title,
        url=item.url,
        facts=format_item_facts(config, item, tagging),
        blurb=blurb.text,
        origin=blurb.origin,
        engine=blurb.engine or config.get_quote_label(item.source_id, item.key),
        flags=blurb.flags,
        proposed_verdict=blurb.verdict,
        covered=covered_in,
        possible_duplicate=possible_duplicate,
        note=not blurb.text,  # without a text to quote, the item is named on one line
    )


def _build_candidate_pick(config: Config, candidate: Candidate, blurbs: BlurbResults) -> DraftPick:
    item, blurb = candidate.item, blurbs.by_key[candidate.key]
    duplicate = describe_possible_duplicate(item, candidate.possible_duplicates)
    return build_pick(config, item, blurb, candidate.tagging, candidate.covered_in, duplicate)


def _build_draft_candidate(config: Config, candidate: Candidate) -> DraftCandidate:
    item = candidate.item
    injection = find_injection(f"{item.title}\n{get_abstract(item)}")
    warning = (f"its text instructs a model: “{injection}”",) if injection else ()
    return DraftCandidate(
        key=item.key,
        title=item.title,
        url=item.url,
        facts=format_item_facts(config, item, None),
        category=candidate.category,
        confidence=candidate.confidence,
        score=round(candidate.score, 2) + 0.0,  # never -0.0
        reasons=warning + tuple(candidate.top_reasons),
        mentions=candidate.mentions,
        covered=candidate.covered_in,
        possible_duplicate=describe_possible_duplicate(item, candidate.possible_duplicates),
    )


def format_item_facts(config: Config, item: Item, tagging: Tagging | None) -> str:
    """Format authors, venue and date on one line, and the category if it is uncertain."""
    published = item.published.date() if item.published else None
    return format_facts(item.authors, resolve_venue(config, item), published, tagging.confidence if tagging else None)


def resolve_venue(config: Config, item: Item) -> str:
    """Return where an item appeared: its venue, its arXiv number, or its source's name."""
    if place := item.venue or extract_venue(item.comment):
        return place
    if item.key.startswith("arxiv:"):
        return f"arXiv {item.key.removeprefix('arxiv:')}"
    source = config.find_source(item.source_id)
    return source.label if source else ""


def describe_possible_duplicate(item: Item, possible_duplicates: Sequence[tuple[PossibleDuplicate, Item]]) -> str:
    """Name the likeliest duplicate of an item and the commands that decide it; empty when there is none."""
    if not possible_duplicates:
        return ""
    _, other = possible_duplicates[0]
    merged, remaining = order_merge_pair(item, other)
    pair = f"{merged.id} {remaining.id}"
    return f"{other.key} “{other.title[:80]}” (digest items merge {pair}, or split {pair})"
