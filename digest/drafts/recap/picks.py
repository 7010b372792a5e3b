"""Load the picks of past months: from the published issue, else the imported one, else the ranking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, cast

from sqlmodel import Session

from digest.blurbs.generate import build_quoted_blurb
from digest.config.schema import Config
from digest.context import Context
from digest.db.issues import load_covered_in, load_decisions, load_imported_decisions, load_picks, load_published_issues
from digest.db.items import count_mentioning_sources, load_items_by_id
from digest.db.predictions import choose_best_tagging, load_ranking, load_taggings
from digest.drafts.model import BlurbOrigin, DraftPick
from digest.drafts.propose import build_pick, format_item_facts
from digest.drafts.select import SelectionCandidate, select_candidates
from digest.markdown.escape import escape_markdown
from digest.markdown.inline import split_verdict
from digest.models.issues import Pick
from digest.models.items import Item
from digest.models.predictions import Decision
from digest.periods import Period
from digest.ranking.stage import load_ranked_candidates
from digest.urls.arxiv import find_superseding_work

_MAX_RANKED = 300


@dataclass(frozen=True, slots=True)
class PastPick:
    """A pick of one of the months."""

    pick: DraftPick
    category: str
    month: str  # 2025-03
    published: date | None = None
    mentions: int = 1
    withdrawn: date | None = None
    superseded_by: str = ""  # key or title
    score: float | None = None  # in the ranking of its month
    # The month was never published.
    is_from_ranking: bool = False
    # The editor's introduction of its month links it.
    is_introduced: bool = False


def deduplicate_picks(picks: Iterable[PastPick]) -> list[PastPick]:
    """Keep each work once, in its first month, with the blurb and the highlight of its last update."""
    works: dict[str, PastPick] = {}
    for past in sorted(picks, key=lambda past: past.month):
        first = works.setdefault(past.pick.key, past)
        if first is not past:
            newest = past.pick if past.pick.blurb else first.pick
            highlight = past.pick.highlight or first.pick.highlight
            verdict = newest.verdict or first.pick.verdict
            pick = replace(newest, verdict=verdict, highlight=highlight, update_of=first.pick.update_of)
            works[past.pick.key] = replace(first, pick=pick, withdrawn=past.withdrawn or first.withdrawn)
    return list(works.values())


def group_picks(order: Iterable[str], named_picks: Iterable[tuple[str, PastPick]]) -> dict[str, list[PastPick]]:
    """Group picks by name in the given order, unknown names last, without empty groups."""
    groups: dict[str, list[PastPick]] = {name: [] for name in order}
    for name, past in named_picks:
        groups.setdefault(name, []).append(past)
    return {name: group for name, group in groups.items() if group}


def compute_pick_weight(past: PastPick) -> float:
    """Weigh a pick by the editor's highlight, verdict, introduction and text, its return in a later month and its mentions."""
    marks = 3.0 * (past.pick.highlight is not None) + 2.0 * (has_verdict(past) + past.is_introduced)
    return marks + has_editor_text(past) + (past.pick.update_of is not None) + min(past.mentions - 1, 8) / 2


def has_editor_text(past: PastPick) -> bool:
    return past.pick.origin == "editor" and bool(past.pick.blurb)


def has_verdict(past: PastPick) -> bool:
    """Whether the editor wrote a verdict, as a field or as a bold last sentence."""
    return bool(past.pick.verdict) or (has_editor_text(past) and bool(split_verdict(past.pick.blurb)[1]))


def find_months_to_rank(session: Session, period: Period) -> list[Period]:
    """Find the months that were neither published nor imported and have no ranking."""
    covered = {issue.period for issue in load_published_issues(session)}
    covered |= {str(row.period) for row in load_imported_decisions(session).values()}
    return [m for m in period.months() if m.name not in covered and not load_ranking(session, m.name, 1)]


def load_past_picks(
    context: Context, session: Session, period: Period, *, published_only: bool = False
) -> list[PastPick]:
    """Load every pick of the period's months, or of the published ones.

    A work of a published or imported issue is never taken from a ranking.
    """
    config, months = context.config, [month.name for month in period.months()]
    published = {issue.period: issue.id for issue in load_published_issues(session) if issue.period in months}
    imported = {
        item_id: row
        for item_id, row in load_imported_decisions(session).items()
        if row.period in months and row.period not in published
    }
    picks = [p for month, issue_id in published.items() for p in _load_published(config, session, month, issue_id)]
    if published_only:
        return picks
    picks += _load_imported(config, session, imported)
    covered_in = load_covered_in(session, period.name)
    for month in months:
        if month not in published and all(row.period != month for row in imported.values()):
            picks += _select_ranked(config, session, month, covered_in)
    return picks


def _load_published(config: Config, session: Session, month: str, issue_id: int) -> list[PastPick]:
    rows = load_picks(session, issue_id)
    counts = count_mentioning_sources(session, [item.id for _, item in rows])
    scores = {row.item_id: row.score for row, _ in load_ranking(session, month)}
    return [
        _build_past_pick(
            item, _copy_pick(config, pick, item), pick.category, month, counts.get(item.id, 1), scores.get(item.id)
        )
        for pick, item in rows
    ]


def _load_imported(config: Config, session: Session, decisions: Mapping[int, Decision]) -> list[PastPick]:
    items = load_items_by_id(session, decisions)
    counts, taggings = count_mentioning_sources(session, list(items)), load_taggings(session, list(items))
    picks = []
    for item_id, item in items.items():
        decision, tagging = decisions[item_id], choose_best_tagging(taggings.get(item_id, {}))
        blurb, byline = _get_imported_markdown(decision.detail), format_item_facts(config, item, None)
        verdict, title = str(decision.detail.get("verdict", "")), str(decision.detail.get("title", "")) or item.title
        pick = DraftPick(
            item.key, title, item.url, byline, blurb, "editor", verdict=verdict, note=not (blurb or verdict)
        )
        category = decision.category or (tagging.category if tagging else "other")
        picks.append(_build_past_pick(item, pick, category, str(decision.period), counts.get(item_id, 1)))
    return picks


def _get_imported_markdown(detail: Mapping[str, Any]) -> str:
    """Return the editor's Markdown on a work; older imports stored only plain text."""
    return str(detail.get("markdown") or escape_markdown(str(detail.get("blurb", ""))))


def _select_ranked(config: Config, session: Session, month: str, covered_in: Mapping[int, str]) -> list[PastPick]:
    """Select what a draft of the month would propose, with quoted blurbs."""
    rejected_ids = {decision.item_id for decision in load_decisions(session, ("reject",))}
    candidates = {
        c.key: c for c in load_ranked_candidates(session, month, _MAX_RANKED) if c.item.id not in rejected_ids
    }
    selectable = [SelectionCandidate(c.key, c.category, covered_in.get(c.item.id, "")) for c in candidates.values()]
    quotas = {category.slug: category.quota for category in config.taxonomy.categories}
    picks = []
    for slug, keys in select_candidates(selectable, quotas).sections.items():
        for candidate in map(candidates.__getitem__, keys):
            pick = build_pick(config, candidate.item, build_quoted_blurb(candidate.item))
            past = _build_past_pick(candidate.item, pick, slug, month, candidate.mentions, candidate.score)
            picks.append(replace(past, is_from_ranking=True))
    return picks


def _copy_pick(config: Config, pick: Pick, item: Item) -> DraftPick:
    """Copy a published pick into the recap's draft."""
    return DraftPick(
        key=item.key,
        title=pick.title or item.title,
        url=pick.url or item.url,
        facts=format_item_facts(config, item, None),
        blurb=pick.blurb,
        origin=cast(BlurbOrigin, pick.origin),
        engine=pick.engine or (config.get_quote_label(item.source_id, item.key) if pick.origin == "source" else ""),
        verdict=pick.verdict,
        highlight=pick.highlight,
        note=pick.is_brief,
        update_of=pick.update_of,
    )


def _build_past_pick(
    item: Item, pick: DraftPick, category: str, month: str, mentions: int, score: float | None = None
) -> PastPick:
    return PastPick(
        pick,
        category,
        month,
        published=item.published.date() if item.published else None,
        mentions=mentions,
        withdrawn=item.withdrawn.date() if item.withdrawn else None,
        superseded_by=find_superseding_work(item.comment),
        score=score,
    )
