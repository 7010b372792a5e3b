"""Build the issue model that every renderer reads, from stored rows.

Metadata comes from items, never from a model.
"""

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
from digest.i18n import load_translations
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
    """Build the view of one issue without its neighbours; `rows` replace the stored picks."""
    rows = load_picks(session, issue.id) if rows is None else rows
    ids = [item.id for _, item in rows]
    taggings = load_taggings(session, ids)
    counts = count_mentioning_sources(session, ids)
    months = _find_published_months(session, period)
    imported = load_imported_decisions(session)
    views: list[PickView] = []
    for pick, item in rows:
        tagging = choose_best_tagging(taggings.get(item.id, {}))
        view = _build_pick_view(config, pick, item, tagging, counts.get(item.id, 1))
        if month := months.get(item.id):
            view.issue_period, view.issue_url = month.name, get_issue_path(month)
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
        subject=issue.subject,
        preheader=issue.preheader,
        intro=issue.intro,
        outro=issue.outro,
        sections=_build_sections(config, issue, views) if issue.form != "month" else [],
        by_month=_build_month_sections(config, issue, period, views),
        charts=_build_charts(config, issue) if issue.kind != "monthly" else [],
        missed=_list_missed(session, config, issue),
        notes=_list_predictions(session, issue, period) if issue.kind == "yearly" else [],
        numbers=issue.numbers,
        engines=list(issue.engines),
        corrections=list(issue.corrections),
        notice=config.newsletter.notice,
        colophon=config.site.colophon,
        # A review that was published before has its text, and no figures.
        show_numbers=config.site.numbers if views else "none",
    )


def _build_sections(config: Config, issue: Issue, views: Sequence[PickView]) -> list[SectionView]:
    """Build the sections in the issue's order.

    A category without a heading comes last, so that no pick is lost.
    """
    by_category: dict[str, list[PickView]] = {}
    for view in views:
        by_category.setdefault(view.category, []).append(view)
    rows = [section for section in issue.sections if not _is_month(issue, section["slug"])]
    titles, headings = _get_titles(config), {section["slug"] for section in rows}
    rows += [{"slug": slug, "title": titles.get(slug, slug)} for slug in by_category if slug not in headings]
    sections = [_build_section(row, by_category.get(row["slug"], [])) for row in rows]
    return [section for section in sections if section.picks or section.note or section.closing]


def _build_month_sections(config: Config, issue: Issue, period: Period, views: Sequence[PickView]) -> list[SectionView]:
    """Build the months of a recap in the draft's order.

    With form "month" they hold the picks that the draft places in them, and the editor's own sections are among them.
    Else they hold the picks of their monthly issues, as lists beside the categories.
    """
    rows = [row for row in issue.sections if issue.form == "month" or _is_month(issue, row["slug"])]
    anchors = period.get_month_anchors()
    section_by_key = {key: row["slug"] for row in rows for key in row.get("keys", ())}
    by_slug: dict[str, list[PickView]] = {}
    for view in views:
        by_slug.setdefault(section_by_key.get(view.key) or anchors.get(view.issue_period, "other"), []).append(view)
    if issue.form == "month":
        translations, slugs = load_translations(config.newsletter.language), {row["slug"] for row in rows}
        titles = {anchor: translations.period(month) for month, anchor in anchors.items()}
        rows += [
            {"slug": s, "title": titles.get(s, s)}
            for s in dict.fromkeys([*titles, *by_slug])
            if s in by_slug and s not in slugs
        ]
    return [_build_section(row, by_slug.get(row["slug"], [])) for row in rows]


def _is_month(issue: Issue, slug: str) -> bool:
    return issue.kind != "monthly" and issue.form != "category" and is_month_section(slug)


def _build_section(row: Mapping[str, Any], picks: list[PickView]) -> SectionView:
    texts = {name: row.get(name, "") for name in ("note", "engine", "closing")}
    return SectionView(slug=row["slug"], title=row["title"], anchor=row["slug"], picks=picks, **texts)


def _get_titles(config: Config) -> dict[str, str]:
    return {category.slug: category.title for category in config.taxonomy.categories}


def _build_charts(config: Config, issue: Issue) -> list[dict[str, Any]]:
    """Build a recap's charts: items kept by category, and read and kept by month.

    Fixed texts are keys of translations: a recap keeps its figures, and the site may change its language.
    """
    titles, charts = _get_titles(config), []
    categories, months = issue.numbers.get("categories", {}), issue.numbers.get("months", {})
    if categories:
        labels = [titles.get(slug, slug) for slug in categories]
        charts.append(_build_chart("bars", "chart_categories", labels, {"kept": list(categories.values())}))
    if len(months) > 1:
        counts_read = all(row["read"] >= row["kept"] for row in months.values())
        names = ("read", "kept") if counts_read else ("kept",)
        series = {name: [row[name] for row in months.values()] for name in names}
        charts.append(_build_chart("lines", "chart_months" if counts_read else "chart_kept", list(months), series))
    return charts


def _build_chart(kind: str, title: str, labels: list[str], series: Mapping[str, list[int]]) -> dict[str, Any]:
    rows = [{"name": name, "values": values} for name, values in series.items()]
    return {"kind": kind, "title": title, "labels": labels, "series": rows}


def _find_published_months(session: Session, period: Period) -> dict[int, Period]:
    """Find the first month whose issue published each work, for a recap."""
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
    """Find the month of a recap's work that no issue published, and whether it was only ranked."""
    if imported_decision is not None and imported_decision.period:
        return imported_decision.period, False
    return get_month_of(item.published or item.first_seen, ZoneInfo(config.newsletter.timezone)).name, True


def _list_predictions(session: Session, issue: Issue, period: Period) -> list[dict[str, str]]:
    """List the year's predictions, each with its outcome and the editor's comment."""
    comments = issue.numbers.get("bets", {})
    rows = load_predictions(session, period.last[0])
    return [{"text": _append_comment(row.text, comments.get(str(row.id), "")), "outcome": row.outcome} for row in rows]


def _append_comment(prediction: str, comment: str) -> str:
    """Append a comment, after a dash where the prediction has no final punctuation."""
    separator = " " if not prediction or prediction[-1] in ".!?…。！？" else " – "
    return f"{prediction}{separator}{comment}" if comment else prediction


def _list_missed(session: Session, config: Config, issue: Issue) -> list[PickView]:
    """List the works that a recap names as missed, in the editor's order, with the editor's text."""
    texts = {row["key"]: row["words"] for row in issue.numbers.get("missed", [])}
    items = load_items_by_key(session, list(texts))
    editor: dict[str, Any] = {"origin": "editor", "grounding_status": "editor"}
    picks = {key: Pick(issue_id=0, item_id=0, category="", position=0, blurb=texts[key], **editor) for key in texts}
    return [_build_pick_view(config, picks[key], items[key], None, 1) for key in texts if key in items]


def _build_pick_view(config: Config, pick: Pick, item: Item, tagging: Tagging | None, mention_count: int) -> PickView:
    """Build a pick as readers see it."""
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
        grounding_status=cast(Literal["quoted", "grounded", "flagged", "editor"], pick.grounding_status),
        verdict=pick.verdict,
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
    """Link each issue to its neighbours of the same kind; `views` are in order of publication."""
    for kind in ("monthly", "yearly", "range"):
        for before, after in pairwise(view for view in views if view.kind == kind):
            before.next = Neighbour(after.title, after.path)
            after.previous = Neighbour(before.title, before.path)
