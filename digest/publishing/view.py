"""Builds the issue model that every renderer reads, from stored rows. Facts come from items, never from a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from sqlmodel import Session

from digest.config.schema import Config
from digest.db.issues import load_imported_decisions, load_picks, load_predictions, load_published_issues
from digest.db.items import count_mentioning_sources, load_items_by_key
from digest.db.predictions import choose_best_tagging, load_taggings
from digest.drafts.model import get_issue_path, is_month_section
from digest.drafts.propose import resolve_venue
from digest.models.issues import Issue, Pick
from digest.models.items import Item
from digest.models.predictions import Decision, Tagging
from digest.periods import Period, get_month_of
from digest.publishing.issue_view import IssueView, Neighbour, PickView, SectionView
from digest.text import slugify
from digest.urls.arxiv import find_superseding_work

IssueKind = Literal["monthly", "yearly", "range"]
IssueForm = Literal["category", "month", "both"]


def build_issue_view(
    session: Session,
    config: Config,
    issue: Issue,
    period: Period,
    now: datetime,
    rows: Sequence[tuple[Pick, Item]] | None = None,
) -> IssueView:
    """The view of one issue, without its neighbours; `rows` are other picks than those stored."""
    rows = load_picks(session, issue.id) if rows is None else rows
    ids = [item.id for _, item in rows]
    verdicts = load_taggings(session, ids)
    counts = count_mentioning_sources(session, ids)
    homes = _find_published_months(session, period)
    imported = load_imported_decisions(session)
    views: list[PickView] = []
    for pick, item in rows:
        verdict = choose_best_tagging(verdicts.get(item.id, {}))
        view = build_pick_view(config, pick, item, verdict, counts.get(item.id, 1))
        if home := homes.get(item.id):
            view.issue_period, view.issue_url = home.name, get_issue_path(home)
        elif period.kind != "monthly":
            view.issue_period, view.ranked = _find_unpublished_month(config, item, imported.get(item.id))
        views.append(view)
    return IssueView(
        period=issue.period,
        kind=cast(IssueKind, issue.kind),
        form=cast(IssueForm, issue.form),
        title=issue.title,
        path=get_issue_path(period),
        atom_id=issue.atom_id,
        published=issue.published or now,
        updated=issue.updated or issue.published or now,
        intro=issue.intro,
        outro=issue.outro,
        sections=_build_sections(config, issue, views),
        by_month=_build_month_sections(issue, views),
        charts=build_charts(config, issue) if issue.kind != "monthly" else [],
        missed=_list_missed(session, config, issue),
        notes=_list_predictions(session, issue, period) if issue.kind == "yearly" else [],
        numbers=issue.numbers,
        engines=list(issue.engines),
        corrections=list(issue.corrections),
        notice=config.newsletter.notice,
    )


def _build_sections(config: Config, issue: Issue, views: Sequence[PickView]) -> list[SectionView]:
    """The issue's own order of sections; a category that lost its heading comes last, so that no pick is lost."""
    homes: dict[str, list[PickView]] = {}
    for view in views:
        homes.setdefault(view.category, []).append(view)
    titles = {category.slug: category.title for category in config.taxonomy.categories}
    rows = [section for section in issue.sections if not is_month_section(section["slug"])]
    known = {section["slug"] for section in rows}
    if issue.form != "month":
        rows += [{"slug": name, "title": titles.get(name, name)} for name in homes if name not in known]
    made = [_build_section(section, homes.get(section["slug"], [])) for section in rows]
    return [section for section in made if section.picks or section.note]


def _build_section(section: Mapping[str, str], picks: list[PickView]) -> SectionView:
    return SectionView(
        slug=section["slug"],
        title=section["title"],
        anchor=section["slug"],
        note=section.get("note", ""),
        engine=section.get("engine", ""),
        closing=section.get("closing", ""),
        picks=picks,
    )


def build_charts(config: Config, issue: Issue) -> list[dict[str, Any]]:
    """A recap's figures as charts: what was kept by category, what was read and kept by month.

    Fixed words are named by their keys: a review keeps its figures for good, and the site may change its language.
    """
    titles = {category.slug: category.title for category in config.taxonomy.categories}
    categories, months = issue.numbers.get("categories", {}), issue.numbers.get("months", {})
    made = []
    if categories:
        labels = [titles.get(slug, slug) for slug in categories]
        made.append(_build_chart("bars", "chart_categories", labels, {"kept": list(categories.values())}))
    if len(months) > 1:
        known = all(row["read"] >= row["kept"] for row in months.values())
        rows = {word: [row[word] for row in months.values()] for word in (("read", "kept") if known else ("kept",))}
        made.append(_build_chart("lines", "chart_months" if known else "chart_kept", list(months), rows))
    return made


def _build_chart(kind: str, title: str, labels: list[str], series: Mapping[str, list[int]]) -> dict[str, Any]:
    rows = [{"name": name, "values": values} for name, values in series.items()]
    return {"kind": kind, "title": title, "labels": labels, "series": rows}


def _find_published_months(session: Session, period: Period) -> dict[int, Period]:
    """For a recap: the first month in whose issue each work was published. A month has no need to ask."""
    if period.kind == "monthly":
        return {}
    months = {month.name: month for month in period.months()}
    return {
        pick.item_id: months[issue.period]
        for issue in sorted(load_published_issues(session), key=lambda issue: issue.period, reverse=True)
        if issue.period in months
        for pick, _ in load_picks(session, issue.id)
    }


def _find_unpublished_month(config: Config, item: Item, imported_decision: Decision | None) -> tuple[str, bool]:
    """The month a work of a recap belongs to that no issue published, and whether it comes from the ranking alone."""
    if imported_decision is not None and imported_decision.period:
        return imported_decision.period, False
    return get_month_of(item.published or item.first_seen, ZoneInfo(config.newsletter.timezone)).name, True


def _list_predictions(session: Session, issue: Issue, period: Period) -> list[dict[str, str]]:
    """The year's bets, what became of each, and what the editor says of it now."""
    said = issue.numbers.get("bets", {})
    rows = load_predictions(session, period.last[0])
    return [{"text": _append_comment(row.text, said.get(str(row.id), "")), "outcome": row.outcome} for row in rows]


def _append_comment(prediction: str, comment: str) -> str:
    """A bet with the words on it behind; a dash parts them where the bet ends without a sign of its own."""
    apart = " " if not prediction or prediction[-1] in ".!?…。！？" else " – "
    return f"{prediction}{apart}{comment}" if comment else prediction


def _list_missed(session: Session, config: Config, issue: Issue) -> list[PickView]:
    """The works that a recap names as missed, in the editor's order."""
    words = {row["key"]: row["words"] for row in issue.numbers.get("missed", [])}
    found = load_items_by_key(session, list(words))
    return [
        build_pick_view(config, _build_missed_pick(words[key]), found[key], None, 1) for key in words if key in found
    ]


def _build_missed_pick(blurb: str) -> Pick:
    """No pick, but what the editor says of a work that should have been one."""
    return Pick(issue_id=0, item_id=0, category="", position=0, blurb=blurb, origin="editor", grounding_status="editor")


def _build_month_sections(issue: Issue, views: Sequence[PickView]) -> list[SectionView]:
    """The months of a recap as its sheet has them, each with the picks of its issue in the sheet's order."""
    months: dict[str, list[PickView]] = {}
    for view in views:
        months.setdefault(f"m{view.issue_period}", []).append(view)
    return [
        _build_section(section, months.get(section["slug"], []))
        for section in issue.sections
        if is_month_section(section["slug"])
    ]


def build_pick_view(config: Config, pick: Pick, item: Item, tagging: Tagging | None, mention_count: int) -> PickView:
    """A pick as readers see it."""
    return PickView(
        key=item.key,
        anchor=slugify(item.key),
        title=pick.title or item.title,
        url=pick.url or item.url,
        authors=list(item.authors),
        category=pick.category,
        published=item.published.date() if item.published else None,
        venue=resolve_venue(config, item),
        blurb=pick.blurb,
        origin=cast(Literal["source", "model", "editor"], pick.origin),
        verdict=cast(Literal["quoted", "grounded", "flagged", "editor"], pick.grounding_status),
        flags=list(pick.flags),
        quoted_from=config.get_quote_label(item.source_id, item.key),
        engine=pick.engine,
        confidence=tagging.confidence if tagging and tagging.category == pick.category else None,
        second_guess=tagging.secondary if tagging else None,
        links=dict(item.links),
        note=pick.is_brief,
        highlight=pick.highlight,
        update_of=pick.update_of,
        withdrawn=item.withdrawn.date() if item.withdrawn else None,
        superseded=find_superseding_work(item.comment),
        mentions=mention_count,
    )


def link_neighbours(views: Sequence[IssueView]) -> None:
    """Tell each issue its neighbours of the same kind; `views` are in order of publication."""
    for kind in ("monthly", "yearly", "range"):
        row = [view for view in views if view.kind == kind]
        for before, after in pairwise(row):
            before.next = Neighbour(after.title, after.path)
            after.previous = Neighbour(before.title, before.path)
