"""`recap`: a year, quarter or range in review, drafted from the published picks themselves: a query, not a summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Literal, cast

from sqlmodel import Session

from digest.blurbs.generate import BlurbResults
from digest.context import Context, record_run
from digest.db.issues import find_issue, load_covered_in, load_predictions
from digest.db.items import count_sources_of_popular_items, load_items_by_id, load_items_by_key
from digest.drafts.model import DraftCandidate, DraftPrediction
from digest.drafts.propose import DraftProposal, format_item_facts
from digest.drafts.recap.build import RecapFigures, build_recap_draft, compute_figures, find_missed_works
from digest.drafts.recap.month_summary import MonthSummaries, generate_month_summaries
from digest.drafts.recap.picks import PastPick, find_months_to_rank, load_past_picks
from digest.drafts.stage import count_read_by_source, require_draftable, write_draft
from digest.errors import CheckFailedError, ConfigError
from digest.i18n import load_translations
from digest.periods import Period
from digest.protocols import Report
from digest.ranking.stage import rank_period

RECAP_FORMS = ("category", "month", "both")
RecapForm = Literal["category", "month", "both"]
_STORED_FIGURES = ("months", "categories", "most_mentioned", "first", "last", "rose", "fell", "unpublished")
_MISSED_MIN_MENTIONS = 3  # sources that name a work, its own among them, before a review owns to have missed it


def draft_recap(
    context: Context, period: Period, form: str = "", *, max_usd: float | None = None, dry_run: bool = False
) -> Report:
    """Draft the review of a period longer than a month from its issues; merged like any other draft.

    Without a `form` it keeps the one it has, at first "both". A model, where there is one, is asked for a sentence on
    each month, and may cost `max_usd`.
    """
    if period.kind == "monthly":
        raise ConfigError(f"{period} is one month", "a recap takes 2025, 2025-Q3 or 2025-03..2025-07")
    if form and form not in RECAP_FORMS:
        raise ConfigError(f"--by {form!r} is unknown", f"allowed: {', '.join(RECAP_FORMS)}")
    with record_run(context, "recap", period.name) as report:
        with context.db.read() as session:
            require_draftable(session, period)
            begun = find_issue(session, period.name)
            form = form or (begun.form if begun else "both")
            unranked = find_months_to_rank(session, period)
        ranked = [month.name for month in unranked if rank_period(context, month).numbers["candidates"]]
        with context.db.read() as session:
            past = _load_recap_picks(context, session, period)
        gists = (
            generate_month_summaries(context, period, past, report.run_id, max_usd)
            if form != "category" and not dry_run
            else MonthSummaries()
        )
        with context.db.read() as session:
            proposal = _build_recap_proposal(context, session, period, cast(RecapForm, form), past, gists)
        write_draft(context, period, proposal, report, max_usd=max_usd, dry_run=dry_run)
        if months := proposal.figures["unpublished"]:
            report.line += f"; never published, taken from the ranking: {', '.join(months)}"
        if ranked:
            report.line += f"; ranked for it just now: {', '.join(ranked)}"
        if empty := [name for name, row in proposal.figures["months"].items() if not row["kept"]]:
            report.line += f"; no work of {', '.join(empty)}"
        if gists.message:
            report.line += f"; {gists.message}"
        report.problems = [*report.problems, *gists.problems]
        if gists.is_model_unavailable:
            report.state = "partial"
    return report


def _load_recap_picks(context: Context, session: Session, period: Period) -> list[PastPick]:
    past = load_past_picks(context, session, period)
    if not past:
        raise CheckFailedError(
            f"nothing of {period} was published, imported or ranked",
            "publish or import its months, or `digest rank` them",
        )
    return past


def _build_recap_proposal(
    context: Context,
    session: Session,
    period: Period,
    form: RecapForm,
    picks: Sequence[PastPick],
    month_summaries: MonthSummaries,
) -> DraftProposal:
    config = context.config
    named = load_translations(config.newsletter.language)
    sheet = build_recap_draft(
        period.name,
        f"{config.newsletter.title}: {named('in_review', period=named.period(period.name))}",
        period.end(context.zone),
        picks,
        {category.slug: category.title for category in config.taxonomy.categories},
        {month.name: named.period(month.name) for month in period.months()},
        form=form,
        translations=named,
        month_summaries=month_summaries.by_month,
        missed=_load_missed_candidates(context, session, period, picks),
        predictions=[
            DraftPrediction(n.id, n.text, cast(Any, n.outcome)) for n in load_predictions(session, period.last[0])
        ]
        if period.kind == "yearly"
        else (),
    )
    return DraftProposal(
        sheet,
        BlurbResults(),
        _select_stored_figures(compute_figures(picks, _count_items_read(context, session, period))),
    )


def _load_missed_candidates(
    context: Context, session: Session, period: Period, picks: Sequence[PastPick]
) -> list[DraftCandidate]:
    """Works that several sources named and that stand in no issue of any month; all ticked, the editor decides."""
    start, end = period.start(context.zone), period.end(context.zone)
    named = count_sources_of_popular_items(session, start, end, _MISSED_MIN_MENTIONS)
    covered = load_items_by_id(session, load_covered_in(session, period.name)).values()
    keys = find_missed_works(
        named, [*(one.pick.key for one in picks), *(item.key for item in covered)], min_mentions=_MISSED_MIN_MENTIONS
    )
    items = load_items_by_key(session, keys)
    return [
        DraftCandidate(
            key,
            items[key].title,
            items[key].url,
            format_item_facts(context.config, items[key], None),
            mentions=named[key],
            mark="x",
        )
        for key in keys
    ]


def _count_items_read(context: Context, session: Session, period: Period) -> dict[str, int]:
    return {month.name: sum(count_read_by_source(context, session, month).values()) for month in period.months()}


def _select_stored_figures(figures_of_period: RecapFigures) -> dict[str, Any]:
    """The figures as the issue keeps them; what is read and kept in all is counted like any issue's."""
    told = asdict(figures_of_period)
    return {name: told[name] for name in _STORED_FIGURES}
