"""Health checks of a run: unreachable sources, missing content, an unavailable model."""

from __future__ import annotations

from datetime import timedelta

from digest.context import Context
from digest.db.llm_calls import count_failed_calls
from digest.db.predictions import count_items_by_category
from digest.db.runs import load_source_results
from digest.db.sources import load_source_states
from digest.periods import Period, get_month_of
from digest.protocols import Report
from digest.tagging.embedded import EMBEDDED_ENGINE

_COMPARED_MONTHS = 3  # before the period
_MIN_ITEMS = 5  # a month; with fewer an empty month may be chance


def find_source_outage(context: Context) -> list[str]:
    """Return a reason when half of the enabled sources or more failed at their last fetch."""
    enabled = [source for source in context.config.sources if source.enabled]
    with context.db.read() as session:
        states = load_source_states(session, [source.id for source in enabled])
    failing = [source.id for source in enabled if (state := states.get(source.id)) is not None and state.errors]
    if not failing or len(failing) * 2 < len(enabled):
        return []
    return [f"{len(failing)} of {len(enabled)} sources could not be read: {', '.join(failing[:5])}"]


def find_earlier_failures(context: Context, fetch_report: Report) -> list[str]:
    """Describe each source that failed at its last fetch and was not due in this run."""
    enabled = [source for source in context.config.sources if source.enabled]
    with context.db.read() as session:
        fetched_ids = {result.source_id for result in load_source_results(session, fetch_report.run_id or 0)}
        states = load_source_states(session, [source.id for source in enabled if source.id not in fetched_ids])
    return [
        f"{name}: could not be read in an earlier run: {state.last_error}"
        for name, state in states.items()
        if state.errors
    ]


def find_missing_content(context: Context, period: Period) -> list[str]:
    """Return reasons when a month, or a category of it, is empty although the months before were not."""
    if period.kind != "monthly":
        return []
    with context.db.read() as session:
        months = [period]
        for _ in range(_COMPARED_MONTHS):
            months.append(get_month_of(months[-1].start(context.zone) - timedelta(days=1), context.zone))
        counts, *earlier_counts = [
            count_items_by_category(session, EMBEDDED_ENGINE, month.start(context.zone), month.end(context.zone))
            for month in months
        ]
    if not counts:
        return [f"{period} holds no items"]
    titles = {category.slug: category.title for category in context.config.taxonomy.categories}
    return [
        f"{title!r} is empty, and had items in each of the months before"
        for slug, title in titles.items()
        if not counts.get(slug) and all(earlier.get(slug, 0) >= _MIN_ITEMS for earlier in earlier_counts)
    ]


def find_model_outage(context: Context, grade_report: Report) -> list[str]:
    """Return a reason when candidates were not graded because the model was unavailable."""
    if not grade_report.numbers.get("left"):
        return []
    with context.db.read() as session:
        failed = count_failed_calls(session, grade_report.run_id or 0)
    return [f"the language model was unavailable: {'; '.join(grade_report.problems)}"] if failed else []
