"""One shift: does what is due and no more. Cron calls it, the scheduler calls it, and two at a time do it once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from digest.errors import DigestError
from digest.pipeline.alert import alert
from digest.pipeline.context import Context, recorded
from digest.pipeline.due import Slot
from digest.pipeline.fetch import fetch
from digest.pipeline.notices import remind
from digest.pipeline.pending import pending
from digest.pipeline.rank import rank
from digest.pipeline.red import unreached
from digest.pipeline.refresh import refresh
from digest.pipeline.release import release
from digest.pipeline.run import run
from digest.pipeline.tag import tag
from digest.pipeline.waiting import wait_for
from digest.ports import Report
from digest.store import sources as source_store
from digest.store.leases import held

_LATE = timedelta(hours=1)


def work(context: Context) -> list[Report]:
    """Do what is due now, in order; a failure is a report and an alert, and does not stop the rest.

    Does nothing, and says so in an empty list, when another process of the workspace is at it.
    """
    with held(context.db, "schedule", context.clock) as ours:
        if not ours:
            return []
        return [_done(context, slot) for slot, moment in pending(context) if moment <= context.now]


def attended(context: Context) -> Context:
    """The same workspace without `cadence.autopilot`: nothing in it is published or sent but by a person."""
    cadence = context.config.cadence.model_copy(update={"autopilot": False})
    return replace(context, config=context.config.model_copy(update={"cadence": cadence}))


def together(reports: Sequence[Report]) -> Report:
    """What a shift did, as one report."""
    whole = Report("run", "" if reports else "nothing is due, or another process is at it")
    for report in reports:
        _add(whole, report)
    return whole


def _done(context: Context, slot: Slot) -> Report:
    """Do one piece of work. When it fails, what was done before that stands in the report too."""
    report = Report(slot.stage, "")
    try:
        with recorded(context, slot.stage, slot.period.name) as report:
            _WORK[slot.work](context, slot, report)
    except DigestError as error:
        trouble = "" if slot.work == "draft" else alert(context, f"{slot.work} failed", [error.message, error.hint])
        problems = [error.hint, *filter(None, [trouble])]  # `run` has told the webhook itself
        report.line = "; ".join(dict.fromkeys(filter(None, [report.line, error.message])))
        report.state, report.problems = "failed", problems
    return report


def _fetch(context: Context, slot: Slot, report: Report) -> None:
    _add(report, wait_for(fetch(context)))
    _add(report, tag(context))
    _red(context, report)


def _refresh(context: Context, slot: Slot, report: Report) -> None:
    """The month under way, asked for and ranked anew; what was published, looked at again: errata are only proposed."""
    if names := _not_asked_of_late(context):
        _add(report, wait_for(fetch(context, names, force=True)))
    _add(report, tag(context))
    _add(report, rank(context, slot.period))
    again = refresh(context)
    if proposed := again.numbers["errata"]:
        told = (f"{one['period']} {one['key']}: {one['before']} → {one['after']}" for one in proposed)
        again.line += f" ({'; '.join(told)}); `digest refresh --apply` puts them in"
    _add(report, again)
    _red(context, report)


def _not_asked_of_late(context: Context) -> list[str]:
    """The sources that are due or not: after a sleep of the machine the nightly fetch has just asked most of them."""
    enabled = [source.id for source in context.config.sources if source.enabled]
    with context.db.read() as session:
        states = source_store.states(session, enabled)
    asked = {name for name, state in states.items() if state.last_checked and state.last_checked > context.now - _LATE}
    return [name for name in enabled if name not in asked]


def _red(context: Context, report: Report) -> None:
    """Raise DigestError when it failed, or half the sources are out of reach: then it is tried again.

    A source that failed is not asked by the next try if its own pause is longer, which makes that try no better.
    """
    if reasons := unreached(context):
        raise DigestError(
            "; ".join(reasons), "`digest status` names each trouble, `digest doctor --sources` asks again"
        )
    if report.state == "failed":
        raise DigestError(report.line, "; ".join(report.problems[:3]))


def _draft(context: Context, slot: Slot, report: Report) -> None:
    _add(report, run(context, slot.period))
    if not (context.config.cadence.autopilot and report.state == "done"):
        report.line += f"; waits for `digest approve {slot.period}`"


def _release(context: Context, slot: Slot, report: Report) -> None:
    for stage in release(context, slot.period):
        _add(report, stage)


def _remind(context: Context, slot: Slot, report: Report) -> None:
    _add(report, remind(context, slot.period))


def _add(whole: Report, stage: Report) -> None:
    """Let a stage speak in the whole's report."""
    whole.line = f"{whole.line}; {stage.line}" if whole.line else stage.line
    whole.numbers[stage.stage] = stage.numbers
    whole.problems = [*whole.problems, *stage.problems]
    whole.state = max(whole.state, stage.state, key=("done", "partial", "failed").index)


_WORK = {"fetch": _fetch, "refresh": _refresh, "draft": _draft, "release": _release, "remind": _remind}
