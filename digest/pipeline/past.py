"""What a recap is made of, month by month: the published issue, else the imported one, else the ranking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, cast

from sqlmodel import Session

from digest import issues
from digest.config import Config
from digest.issues import PastPick, SheetPick
from digest.markdown import escape
from digest.models import Decision, Item, Pick, Tagging
from digest.periods import Period
from digest.pipeline.blurbs import quoted
from digest.pipeline.context import Context
from digest.pipeline.propose import facts, item_pick
from digest.pipeline.texts import quoted_from
from digest.store import issues as issue_store
from digest.store import items as item_store
from digest.store import judgements
from digest.urls import superseded_by

Origin = Literal["source", "model", "editor"]
_READ = 300  # places of a month's ranking


def months_to_rank(session: Session, period: Period) -> list[Period]:
    """The months that were neither published nor imported, and of which there is no ranking to fall back on."""
    known = {issue.period for issue in issue_store.published(session)}
    known |= {str(row.period) for row in issue_store.imported(session).values()}
    return [m for m in period.months() if m.name not in known and not judgements.ranking(session, m.name, 1)]


def past_picks(context: Context, session: Session, period: Period) -> list[PastPick]:
    """Every pick of the period's months; a work of a published or imported issue is never taken from a ranking."""
    months = [month.name for month in period.months()]
    published = {issue.period: issue.id or 0 for issue in issue_store.published(session) if issue.period in months}
    out = [past for month, number in published.items() for past in _published(context.config, session, month, number)]
    kept = [(key, row) for key, row in issue_store.imported(session).items() if row.period in months]
    kept = [(key, row) for key, row in kept if row.period not in published]
    out += _imported(context.config, session, dict(kept))
    known = {*published, *(str(row.period) for _, row in kept)}
    covered = issue_store.covered(session, period.name)
    return out + [
        past for month in months if month not in known for past in _ranked(context.config, session, month, covered)
    ]


def _published(config: Config, session: Session, month: str, issue_id: int) -> list[PastPick]:
    rows = issue_store.picks(session, issue_id)
    counts = item_store.mention_counts(session, [item.id or 0 for _, item in rows])
    scores = {row.item_id: row.score for row, _ in judgements.ranking(session, month)}
    return [
        replace(
            _past(config, item, _carried(config, pick, item), pick.category, month, counts.get(item.id or 0, 1)),
            score=scores.get(item.id or 0),
        )
        for pick, item in rows
    ]


def _imported(config: Config, session: Session, rows: dict[int, Decision]) -> list[PastPick]:
    found = item_store.by_ids(session, rows)
    counts = item_store.mention_counts(session, list(found))
    verdicts = judgements.taggings(session, list(found))
    out = []
    for key, item in found.items():
        words, verdict = _prose(rows[key].detail), judgements.best(verdicts.get(key, {}))
        pick = SheetPick(item.key, item.title, item.url, facts(config, item, None), words, "editor", note=not words)
        category = rows[key].category or (verdict.category if verdict else "other")
        out.append(_past(config, item, pick, category, str(rows[key].period), counts.get(key, 1)))
    return out


def _prose(detail: Mapping[str, Any]) -> str:
    """What a past issue said of a work, as the editor would write it; older imports kept its plain words alone."""
    return str(detail.get("markdown") or escape(str(detail.get("blurb", ""))))


def _ranked(config: Config, session: Session, month: str, covered: dict[int, str]) -> list[PastPick]:
    """What a draft of the month would propose, with the sources' own words."""
    rows = judgements.ranking(session, month, _READ)
    ids = [item.id or 0 for _, item in rows]
    verdicts = {key: judgements.best(found) for key, found in judgements.taggings(session, ids).items()}
    counts = item_store.mention_counts(session, ids)
    turned_down = {decision.item_id for decision in issue_store.decisions(session, ("reject",))}
    open_rows = [(row, item) for row, item in rows if item.id not in turned_down]
    chosen = issues.select(
        [_candidate(item, row.score, verdicts.get(item.id or 0), covered) for row, item in open_rows],
        {category.slug: category.quota for category in config.taxonomy.categories},
    )
    places = {item.key: (row.score, item) for row, item in rows}
    out = []
    for slug, (score, item) in ((slug, places[key]) for slug, keys in chosen.sections.items() for key in keys):
        pick = item_pick(config, item, quoted(item))
        past = _past(config, item, pick, slug, month, counts.get(item.id or 0, 1))
        out.append(replace(past, score=score, ranked=True))
    return out


def _candidate(item: Item, score: float, verdict: Tagging | None, covered: dict[int, str]) -> issues.Ranked:
    category = verdict.category if verdict else "other"
    return issues.Ranked(item.key, category, score, covered=covered.get(item.id or 0, ""))


def _carried(config: Config, pick: Pick, item: Item) -> SheetPick:
    """A published pick as the recap's sheet begins with it."""
    return SheetPick(
        key=item.key,
        title=pick.title or item.title,
        url=pick.url or item.url,
        facts=facts(config, item, None),
        blurb=pick.blurb,
        origin=cast(Origin, pick.origin),
        engine=pick.engine or (quoted_from(config, item) if pick.origin == "source" else ""),
        highlight=pick.highlight,
        note=pick.note,
        update_of=pick.update_of,
    )


def _past(config: Config, item: Item, pick: SheetPick, category: str, month: str, mentions: int) -> PastPick:
    source = config.source(item.source_id)
    return PastPick(
        pick,
        category,
        month,
        published=item.published.date() if item.published else None,
        mentions=mentions,
        source=source.label if source else item.source_id,
        withdrawn=item.withdrawn.date() if item.withdrawn else None,
        superseded=superseded_by(item.comment),
    )
