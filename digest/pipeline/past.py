"""What a recap is made of, month by month: the published issue, else the imported one, else the ranking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, cast

from sqlmodel import Session

from digest import issues
from digest.config import Config
from digest.issues import DraftPick, PastPick
from digest.markdown import escape_markdown
from digest.models import Decision, Item, Pick, Tagging
from digest.periods import Period
from digest.pipeline.blurbs import build_quoted_blurb
from digest.pipeline.context import Context
from digest.pipeline.propose import build_pick, format_item_facts
from digest.pipeline.texts import get_quote_label
from digest.store import issues as issue_store
from digest.store import items as item_store
from digest.store import judgements
from digest.urls import find_superseding_work

BlurbOrigin = Literal["source", "model", "editor"]
_MAX_RANKED = 300  # places of a month's ranking


def find_months_to_rank(session: Session, period: Period) -> list[Period]:
    """The months that were neither published nor imported, and of which there is no ranking to fall back on."""
    known = {issue.period for issue in issue_store.load_published_issues(session)}
    known |= {str(row.period) for row in issue_store.load_imported_decisions(session).values()}
    return [m for m in period.months() if m.name not in known and not judgements.load_ranking(session, m.name, 1)]


def load_past_picks(context: Context, session: Session, period: Period) -> list[PastPick]:
    """Every pick of the period's months; a work of a published or imported issue is never taken from a ranking."""
    months = [month.name for month in period.months()]
    published = {
        issue.period: issue.id or 0 for issue in issue_store.load_published_issues(session) if issue.period in months
    }
    out = [
        past
        for month, number in published.items()
        for past in _load_published_picks(context.config, session, month, number)
    ]
    kept = [(key, row) for key, row in issue_store.load_imported_decisions(session).items() if row.period in months]
    kept = [(key, row) for key, row in kept if row.period not in published]
    out += _load_imported_picks(context.config, session, dict(kept))
    known = {*published, *(str(row.period) for _, row in kept)}
    covered = issue_store.load_covered_in(session, period.name)
    return out + [
        past
        for month in months
        if month not in known
        for past in _select_ranked_picks(context.config, session, month, covered)
    ]


def _load_published_picks(config: Config, session: Session, month: str, issue_id: int) -> list[PastPick]:
    rows = issue_store.load_picks(session, issue_id)
    counts = item_store.count_mentioning_sources(session, [item.id or 0 for _, item in rows])
    scores = {row.item_id: row.score for row, _ in judgements.load_ranking(session, month)}
    return [
        replace(
            _build_past_pick(
                config,
                item,
                _copy_published_pick(config, pick, item),
                pick.category,
                month,
                counts.get(item.id or 0, 1),
            ),
            score=scores.get(item.id or 0),
        )
        for pick, item in rows
    ]


def _load_imported_picks(config: Config, session: Session, rows: dict[int, Decision]) -> list[PastPick]:
    found = item_store.load_items_by_id(session, rows)
    counts = item_store.count_mentioning_sources(session, list(found))
    verdicts = judgements.load_taggings(session, list(found))
    out = []
    for key, item in found.items():
        words, verdict = _get_imported_markdown(rows[key].detail), judgements.choose_best_tagging(verdicts.get(key, {}))
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
    rows = judgements.load_ranking(session, month, _MAX_RANKED)
    ids = [item.id or 0 for _, item in rows]
    verdicts = {
        key: judgements.choose_best_tagging(found) for key, found in judgements.load_taggings(session, ids).items()
    }
    counts = item_store.count_mentioning_sources(session, ids)
    turned_down = {decision.item_id for decision in issue_store.load_decisions(session, ("reject",))}
    open_rows = [(row, item) for row, item in rows if item.id not in turned_down]
    chosen = issues.select_candidates(
        [_build_ranked_candidate(item, row.score, verdicts.get(item.id or 0), covered) for row, item in open_rows],
        {category.slug: category.quota for category in config.taxonomy.categories},
    )
    places = {item.key: (row.score, item) for row, item in rows}
    out = []
    for slug, (score, item) in ((slug, places[key]) for slug, keys in chosen.sections.items() for key in keys):
        pick = build_pick(config, item, build_quoted_blurb(item))
        past = _build_past_pick(config, item, pick, slug, month, counts.get(item.id or 0, 1))
        out.append(replace(past, score=score, is_from_ranking=True))
    return out


def _build_ranked_candidate(
    item: Item, score: float, verdict: Tagging | None, covered: dict[int, str]
) -> issues.SelectionCandidate:
    category = verdict.category if verdict else "other"
    return issues.SelectionCandidate(item.key, category, score, covered_in=covered.get(item.id or 0, ""))


def _copy_published_pick(config: Config, pick: Pick, item: Item) -> DraftPick:
    """A published pick as the recap's sheet begins with it."""
    return DraftPick(
        key=item.key,
        title=pick.title or item.title,
        url=pick.url or item.url,
        facts=format_item_facts(config, item, None),
        blurb=pick.blurb,
        origin=cast(BlurbOrigin, pick.origin),
        engine=pick.engine or (get_quote_label(config, item) if pick.origin == "source" else ""),
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
