"""Picks of past months.

What a recap is made of, month by month: the published issue, else the imported one, else the ranking.

The picks a recap is made of, each work once, and what weight an editor and others gave it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal, cast

from sqlmodel import Session

from digest.blurbs.generate import build_quoted_blurb
from digest.config.schema import Config
from digest.context import Context
from digest.db.issues import load_covered_in, load_decisions, load_imported_decisions, load_picks, load_published_issues
from digest.db.items import count_mentioning_sources, load_items_by_id
from digest.db.predictions import choose_best_tagging, load_ranking, load_taggings
from digest.drafts.model import DraftPick
from digest.drafts.propose import build_pick, format_item_facts
from digest.drafts.select import SelectionCandidate, select_candidates
from digest.markdown.escape import escape_markdown
from digest.models.issues import Pick
from digest.models.items import Item
from digest.models.predictions import Decision, Tagging
from digest.periods import Period
from digest.urls.arxiv import find_superseding_work


@dataclass(frozen=True, slots=True)
class PastPick:
    """A pick of one of the months. Its terms are counted in `text`, or in the title, whose words say most."""

    pick: DraftPick
    category: str
    month: str  # 2025-03
    published: date | None = None
    text: str = ""
    mentions: int = 1
    source: str = ""
    withdrawn: date | None = None
    superseded_by: str = ""  # the key or title of the work that took its place
    score: float | None = None  # in the ranking of its month
    is_from_ranking: bool = False  # its month was never published: it comes from the ranking


def deduplicate_picks(picks: Iterable[PastPick]) -> list[PastPick]:
    """Each work once, where it stood first, with the words and the highlight of its last update."""
    out: dict[str, PastPick] = {}
    for past in sorted(picks, key=lambda past: past.month):
        before = out.get(past.pick.key)
        if before is None:
            out[past.pick.key] = past
        else:
            why = past.pick.highlight or before.pick.highlight
            newer = past.pick if past.pick.blurb else before.pick
            pick = replace(newer, highlight=why, update_of=before.pick.update_of)
            out[past.pick.key] = replace(before, pick=pick, withdrawn=past.withdrawn or before.withdrawn)
    return list(out.values())


def group_picks(order: Iterable[str], named_picks: Iterable[tuple[str, PastPick]]) -> dict[str, list[PastPick]]:
    """Picks by name in that order, unknown names last, empty ones left out."""
    groups: dict[str, list[PastPick]] = {name: [] for name in order}
    for name, past in named_picks:
        groups.setdefault(name, []).append(past)
    return {name: group for name, group in groups.items() if group}


def compute_pick_weight(pick: PastPick) -> tuple[float, str]:
    marked = 3.0 * (pick.pick.highlight is not None)
    return marked + has_editor_text(pick) + min(pick.mentions - 1, 8) / 2, pick.pick.key


def has_editor_text(past: PastPick) -> bool:
    return past.pick.origin == "editor" and bool(past.pick.blurb)


BlurbOrigin = Literal["source", "model", "editor"]
_MAX_RANKED = 300  # places of a month's ranking


def find_months_to_rank(session: Session, period: Period) -> list[Period]:
    """The months that were neither published nor imported, and of which there is no ranking to fall back on."""
    known = {issue.period for issue in load_published_issues(session)}
    known |= {str(row.period) for row in load_imported_decisions(session).values()}
    return [m for m in period.months() if m.name not in known and not load_ranking(session, m.name, 1)]


def load_past_picks(context: Context, session: Session, period: Period) -> list[PastPick]:
    """Every pick of the period's months; a work of a published or imported issue is never taken from a ranking."""
    months = [month.name for month in period.months()]
    published = {issue.period: issue.id for issue in load_published_issues(session) if issue.period in months}
    out = [
        past
        for month, number in published.items()
        for past in _load_published_picks(context.config, session, month, number)
    ]
    kept = [(key, row) for key, row in load_imported_decisions(session).items() if row.period in months]
    kept = [(key, row) for key, row in kept if row.period not in published]
    out += _load_imported_picks(context.config, session, dict(kept))
    known = {*published, *(str(row.period) for _, row in kept)}
    covered = load_covered_in(session, period.name)
    return out + [
        past
        for month in months
        if month not in known
        for past in _select_ranked_picks(context.config, session, month, covered)
    ]


def _load_published_picks(config: Config, session: Session, month: str, issue_id: int) -> list[PastPick]:
    rows = load_picks(session, issue_id)
    counts = count_mentioning_sources(session, [item.id for _, item in rows])
    scores = {row.item_id: row.score for row, _ in load_ranking(session, month)}
    return [
        replace(
            _build_past_pick(
                config,
                item,
                _copy_published_pick(config, pick, item),
                pick.category,
                month,
                counts.get(item.id, 1),
            ),
            score=scores.get(item.id),
        )
        for pick, item in rows
    ]


def _load_imported_picks(config: Config, session: Session, rows: dict[int, Decision]) -> list[PastPick]:
    found = load_items_by_id(session, rows)
    counts = count_mentioning_sources(session, list(found))
    verdicts = load_taggings(session, list(found))
    out = []
    for key, item in found.items():
        words, verdict = _get_imported_markdown(rows[key].detail), choose_best_tagging(verdicts.get(key, {}))
        pick = DraftPick(
            item.key, item.title, item.url, format_item_facts(config, item, None), words, "editor", note=not words
        )
        category = rows[key].category or (verdict.category if verdict else "other")
        out.append(_build_past_pick(config, item, pick, category, str(rows[key].period), counts.get(key, 1)))
    return out


def _get_imported_markdown(detail: Mapping[str, Any]) -> str:
    """What a past issue said of a work, as the editor would write it; older imports kept its plain words alone."""
    return str(detail.get("markdown") or escape_markdown(str(detail.get("blurb", ""))))


def _select_ranked_picks(config: Config, session: Session, month: str, covered: dict[int, str]) -> list[PastPick]:
    """What a draft of the month would propose, with the sources' own words."""
    rows = load_ranking(session, month, _MAX_RANKED)
    ids = [item.id for _, item in rows]
    verdicts = {key: choose_best_tagging(found) for key, found in load_taggings(session, ids).items()}
    counts = count_mentioning_sources(session, ids)
    turned_down = {decision.item_id for decision in load_decisions(session, ("reject",))}
    open_rows = [(row, item) for row, item in rows if item.id not in turned_down]
    chosen = select_candidates(
        [_build_ranked_candidate(item, row.score, verdicts.get(item.id), covered) for row, item in open_rows],
        {category.slug: category.quota for category in config.taxonomy.categories},
    )
    places = {item.key: (row.score, item) for row, item in rows}
    out = []
    for slug, (score, item) in ((slug, places[key]) for slug, keys in chosen.sections.items() for key in keys):
        pick = build_pick(config, item, build_quoted_blurb(item))
        past = _build_past_pick(config, item, pick, slug, month, counts.get(item.id, 1))
        out.append(replace(past, score=score, is_from_ranking=True))
    return out


def _build_ranked_candidate(
    item: Item, score: float, verdict: Tagging | None, covered: dict[int, str]
) -> SelectionCandidate:
    category = verdict.category if verdict else "other"
    return SelectionCandidate(item.key, category, score, covered_in=covered.get(item.id, ""))


def _copy_published_pick(config: Config, pick: Pick, item: Item) -> DraftPick:
    """A published pick as the recap's sheet begins with it."""
    return DraftPick(
        key=item.key,
        title=pick.title or item.title,
        url=pick.url or item.url,
        facts=format_item_facts(config, item, None),
        blurb=pick.blurb,
        origin=cast(BlurbOrigin, pick.origin),
        engine=pick.engine or (config.get_quote_label(item.source_id, item.key) if pick.origin == "source" else ""),
        highlight=pick.highlight,
        note=pick.note,
        update_of=pick.update_of,
    )


def _build_past_pick(config: Config, item: Item, pick: DraftPick, category: str, month: str, mentions: int) -> PastPick:
    source = config.find_source(item.source_id)
    return PastPick(
        pick,
        category,
        month,
        published=item.published.date() if item.published else None,
        mentions=mentions,
        source=source.label if source else item.source_id,
        withdrawn=item.withdrawn.date() if item.withdrawn else None,
        superseded_by=find_superseding_work(item.comment),
    )
