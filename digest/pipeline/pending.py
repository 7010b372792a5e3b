"""What of the cadence's work is still to be done, by what was run and by the state of the issue. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from digest.config import Cadence
from digest.pipeline.context import Context
from digest.pipeline.due import DueJob, compute_next_try, list_due_jobs
from digest.store import issues as issue_store
from digest.store import runs

_MAX_RUNS = 100  # runs of a stage that are looked at; back-off keeps a month's failures below it


def find_pending_jobs(context: Context) -> Iterator[tuple[DueJob, datetime]]:
    """Each piece of work that is not done for its newest slot, with the moment from which to try it.

    One after the other, so that a draft made meanwhile is seen by what follows it.
    """
    for slot in list_due_jobs(context.config.cadence, context.now, context.zone):
        with context.db.read() as session:
            tried = runs.load_latest_runs(session, _MAX_RUNS, slot.stage)
            drafted = next(
                (r.state for r in runs.load_latest_runs(session, _MAX_RUNS, "due:draft") if r.started >= slot.due_at),
                "",
            )
            issue = issue_store.find_issue(session, slot.period.name)
        state = issue.state if issue else ""
        moment = compute_next_try(slot, tried, context.now)
        if moment is not None and _NEEDED_BY_JOB.get(slot.name, _is_always_needed)(
            context.config.cadence, state, drafted
        ):
            yield slot, moment


def _is_always_needed(cadence: Cadence, state: str, drafted: str) -> bool:
    return True


# Whether work is wanted, by the cadence, the issue's state ("" before there is one) and how the due draft ended.
_NEEDED_BY_JOB: dict[str, Callable[[Cadence, str, str], bool]] = {
    "draft": lambda cadence, state, drafted: state in ("", "draft"),
    "release": lambda cadence, state, drafted: cadence.autopilot and drafted == "done" and state != "sent",
    "remind": lambda cadence, state, drafted: (
        bool(cadence.remind) and drafted in ("done", "partial") and state == "draft"
    ),
}
