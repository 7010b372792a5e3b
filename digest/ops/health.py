"""What makes a run red: sources out of reach, a model that is down, nothing where there always was something."""

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

_COMPARED_MONTHS = 3  # how many months before make "always"
_MIN_ITEMS = 5  # items a month; below it an empty month is chance


def find_source_outage(context: Context) -> list[str]:
    """A reason when half of the enabled sources or more failed at their last visit, by this run or by one before."""
    enabled = [source for source in context.config.sources if source.enabled]
    with context.db.read() as session:
        states = load_source_states(session, [source.id for source in enabled])
    failing = [source.id for source in enabled if (state := states.get(source.id)) is not None and state.errors]
    if not failing or len(failing) * 2 < len(enabled):
        return []
    return [f"{len(failing)} of {len(enabled)} sources could not be read: {', '.join(failing[:5])}"]


def find_earlier_failures(context: Context, fetched: Report) -> list[str]:
    """A sentence for each source that failed at its last visit and was not due in this run, which is no better off."""
    enabled = [source for source in context.config.sources if source.enabled]
    with context.db.read() as session:
        visited = {count.source_id for count in load_source_results(session, fetched.run_id or 0)}
        states = load_source_states(session, [source.id for source in enabled if source.id not in visited])
    return [f"{name}: could not be read before: {state.last_error}" for name, state in states.items() if state.errors]


def find_missing_content(context: Context, period: Period) -> list[str]:
    """Reasons when the month, or a category of it, holds nothing and the months before never were without."""
    if period.kind != "monthly":
        return []
    with context.db.read() as session:
        now = count_items_by_category(session, EMBEDDED_ENGINE, period.start(context.zone), period.end(context.zone))
        before, month = [], period
        for _ in range(_COMPARED_MONTHS):
            month = get_month_of(month.start(context.zone) - timedelta(days=1), context.zone)
            before.append(
                count_items_by_category(session, EMBEDDED_ENGINE, month.start(context.zone), month.end(context.zone))
            )
    if not now:
        return [f"{period} holds no items at all"]
    titles = {category.slug: category.title for category in context.config.taxonomy.categories}
    always = [slug for slug in titles if all(counts.get(slug, 0) >= _MIN_ITEMS for counts in before)]
    return [
        f"{titles[slug]!r} is empty, and had items in each of the months before" for slug in always if not now.get(slug)
    ]


def find_model_outage(context: Context, judged: Report) -> list[str]:
    """A reason when the model left candidates unjudged because it could not be reached."""
    if not judged.numbers.get("left"):
        return []
    with context.db.read() as session:
        failed = count_failed_calls(session, judged.run_id or 0)
    return [f"the language model was down: {'; '.join(judged.problems)}"] if failed else []
