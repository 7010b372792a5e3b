"""What the program would put into a sheet: picks by category within quotas, their blurbs, the shortlist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from digest import issues, ranking
from digest.config import Config
from digest.injection import looks_injected
from digest.issues import Sheet, SheetCandidate, SheetPick, SheetSection
from digest.models import Item, PossibleDuplicate, Ranking, Tagging
from digest.periods import Period
from digest.pipeline.blurbs import Blurbs, Written, write_blurbs
from digest.pipeline.candidates import embedded
from digest.pipeline.context import Context
from digest.pipeline.texts import abstract, quoted_from
from digest.pipeline.view import venue
from digest.pipeline.works import stays
from digest.render.words import words
from digest.store import issues as issue_store
from digest.store import items as item_store
from digest.store import judgements, merging

_READ = 600  # places of the ranking that a draft looks at


@dataclass(frozen=True, slots=True)
class Offered:
    """A candidate as a draft sees it."""

    item: Item
    row: Ranking
    verdict: Tagging | None
    mentions: int
    covered: str
    twin: str = ""

    @property
    def category(self) -> str:
        return self.verdict.category if self.verdict else "other"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A sheet as the program would write it now, and who wrote its blurbs."""

    sheet: Sheet
    blurbs: Blurbs
    numbers: Mapping[str, Any] = field(default_factory=dict)  # a recap's figures


def propose(context: Context, period: Period, run_id: int | None = None, max_usd: float | None = None) -> Proposal:
    """Choose by rank and quota, and give each chosen work its words."""
    config = context.config
    with context.db.read() as session:
        offered = _offered(context, session, period)
        turned_down = _turned_down(session, period)
    by_key = {one.item.key: one for one in offered}
    chosen = issues.select(
        [_ranked(one, turned_down) for one in offered],
        {category.slug: category.quota for category in config.taxonomy.categories},
        shortlist=config.cadence.shortlist,
    )
    picked = [by_key[key].item for keys in chosen.sections.values() for key in keys]
    blurbs = write_blurbs(context, picked, run_id, max_usd)
    sections = tuple(
        SheetSection(
            slug=category.slug,
            title=category.title,
            entries=tuple(_pick(config, by_key[key], blurbs) for key in chosen.sections.get(category.slug, ())),
        )
        for category in config.taxonomy.categories
    )
    sheet = Sheet(
        period=period.name,
        title=issue_title(config, period),
        date=period.end(context.zone),
        sections=sections,
        shortlist=tuple(sheet_candidate(config, by_key[key]) for key in chosen.shortlist),
    )
    return Proposal(sheet, blurbs)


def issue_title(config: Config, period: Period) -> str:
    """`AI research digest: June 2025`, in the newsletter's language."""
    return f"{config.newsletter.title}: {words(config.newsletter.language).period(period.name)}"


def _offered(context: Context, session: Session, period: Period) -> list[Offered]:
    """The best of the ranking, without several near-copies of one theme, in the order to offer them."""
    rows = judgements.ranking(session, period.name, _READ)
    ids = [item.id or 0 for _, item in rows]
    verdicts = judgements.taggings(session, ids)
    mentions = item_store.mention_counts(session, ids)
    covered = issue_store.covered(session, period.name)
    twins = merging.possible(session, ids)
    offered = [
        Offered(
            item,
            row,
            judgements.best(verdicts.get(item.id or 0, {})),
            mentions.get(item.id or 0, 1),
            covered.get(item.id or 0, ""),
            twin(item, twins.get(item.id or 0, ())),
        )
        for row, item in rows
    ]
    return _varied(context, session, offered)


def _varied(context: Context, session: Session, offered: Sequence[Offered]) -> list[Offered]:
    matrix = embedded(session, [one.item for one in offered])
    if matrix is None:
        return []
    places = 1 + issues.ALTERNATIVES
    quotas = {category.slug: category.quota * places for category in context.config.taxonomy.categories}
    wanted = context.config.cadence.shortlist + sum(quotas.values())
    ranked = [
        ranking.Ranked(
            one.row.place, ranking.Candidate(one.item.key, one.item.title, category=one.category), one.row.score, ()
        )
        for one in offered
    ]
    by_key = {one.item.key: one for one in offered}
    chosen = ranking.shortlist(ranked, wanted, matrix, quotas)
    return sorted((by_key[one.candidate.key] for one in chosen), key=lambda one: one.row.place)


def _turned_down(session: Session, period: Period) -> frozenset[int]:
    """Items the editor has rejected, in this issue or in one before."""
    return frozenset(d.item_id for d in issue_store.decisions(session, ("reject",)) if (d.period or "") != period.name)


def _ranked(one: Offered, turned_down: frozenset[int]) -> issues.Ranked:
    return issues.Ranked(
        key=one.item.key,
        category=one.category,
        score=one.row.score,
        confidence=one.verdict.confidence if one.verdict else 0.0,
        secondary=one.verdict.secondary if one.verdict else None,
        covered=one.covered,
        turned_down=(one.item.id or 0) in turned_down,
    )


def item_pick(
    config: Config, item: Item, written: Written, verdict: Tagging | None = None, covered: str = "", twin: str = ""
) -> SheetPick:
    """An item as a pick with the words written on it."""
    return SheetPick(
        key=item.key,
        title=item.title,
        url=item.url,
        facts=facts(config, item, verdict),
        blurb=written.text,
        origin=written.origin,
        engine=written.engine or quoted_from(config, item),
        flags=written.flags,
        covered=covered,
        twin=twin,
        note=not written.text,  # a source without words to quote is named on one line
    )


def _pick(config: Config, one: Offered, blurbs: Blurbs) -> SheetPick:
    return item_pick(config, one.item, blurbs.words[one.item.key], one.verdict, one.covered, one.twin)


def facts(config: Config, item: Item, verdict: Tagging | None) -> str:
    """Authors, venue and date on one line, with a question mark where the category is in doubt."""
    published = item.published.date() if item.published else None
    return issues.facts_line(item.authors, venue(config, item), published, verdict.confidence if verdict else None)


def twin(item: Item, possible: Sequence[tuple[PossibleDuplicate, Item]]) -> str:
    """The likeliest work that may be the same as an item, and the commands that settle it; empty when there is none."""
    if not possible:
        return ""
    _, other = possible[0]
    goes, kept = stays(item, other)
    pair = f"{goes.id} {kept.id}"
    return f"{other.key} “{other.title[:80]}” (digest items merge {pair}, or split {pair})"


def _reasons(one: Offered) -> tuple[str, ...]:
    """Why it ranks where it does; first of all, whether its text speaks to a model instead of a reader."""
    suspect = looks_injected(f"{one.item.title}\n{abstract(one.item)}")
    warning = (f"its text instructs a model: “{suspect}”",) if suspect else ()
    return warning + tuple(reason["words"] for reason in one.row.reasons[:3])


def sheet_candidate(config: Config, one: Offered) -> SheetCandidate:
    """A candidate as a line of the shortlist."""
    return SheetCandidate(
        key=one.item.key,
        title=one.item.title,
        url=one.item.url,
        facts=facts(config, one.item, None),
        category=one.category,
        confidence=one.verdict.confidence if one.verdict else None,
        score=round(one.row.score, 2),
        reasons=_reasons(one),
        mentions=one.mentions,
        covered=one.covered,
        twin=one.twin,
    )
