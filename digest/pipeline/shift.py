"""One shift: does what is due and no more. Cron calls it, the scheduler calls it, and two at a time do it once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from digest.errors import DigestError
from digest.pipeline.alert import alert
from digest.pipeline.approve import approve
from digest.pipeline.context import Context, recorded
from digest.pipeline.due import Slot, slots, waiting
from digest.pipeline.fetch import fetch
from digest.pipeline.publish import publish
from digest.pipeline.rank import rank
from digest.pipeline.run import run
from digest.pipeline.send import send
from digest.pipeline.tag import tag
from digest.ports import Report
from digest.store import issues as issue_store
from digest.store import runs
from digest.store.leases import held

_TRIED = 100  # runs of a stage that are looked at; back-off keeps a month's failures below it


def pending(context: Context) -> list[tuple[Slot, datetime]]:
    """Each piece of work that is not done for its newest slot, with the moment from which to try it."""
    out = []
    for slot in slots(context.config.cadence, context.now, context.zone):
        with context.db.read() as session:
            tried = runs.latest(session, _TRIED, slot.stage)
            issue = issue_store.find(session, slot.period.name)
        moment = waiting(slot, tried, context.now)
        out_of_hand = slot.work == "draft" and issue is not None and issue.state != "draft"
        if moment is not None and not out_of_hand:
            out.append((slot, moment))
    return out


def work(context: Context) -> list[Report]:
    """Do what is due now, in order; a failure is a report and an alert, and does not stop the rest.

    Does nothing, and says so in an empty list, when another process of the workspace is at it.
    """
    with held(context.db, "schedule", context.clock) as ours:
        if not ours:
            return []
        return [_done(context, slot) for slot, moment in pending(context) if moment <= context.now]


def together(reports: Sequence[Report]) -> Report:
    """What a shift did, as one report."""
    whole = Report("run", "" if reports else "nothing is due, or another process is at it")
    for report in reports:
        _add(whole, report)
    return whole


def _done(context: Context, slot: Slot) -> Report:
    try:
        with recorded(context, slot.stage, slot.period.name) as report:
            _WORK[slot.work](context, slot, report)
    except DigestError as error:
        trouble = "" if slot.work == "draft" else alert(context, f"{slot.work} failed", [error.message, error.hint])
        problems = [error.hint, *filter(None, [trouble])]  # `run` has told the webhook itself
        return Report(slot.stage, error.message, "failed", problems=problems)
    return report


def _fetch(context: Context, slot: Slot, report: Report) -> None:
    _add(report, asyncio.run(fetch(context)))
    _add(report, tag(context))
    if report.state == "failed":
        raise DigestError(report.line, "; ".join(report.problems[:3]))


def _refresh(context: Context, slot: Slot, report: Report) -> None:
    """The month under way, asked for and ranked anew, so that a shortlist is at hand before its draft."""
    _add(report, asyncio.run(fetch(context, force=True)))
    _add(report, tag(context))
    _add(report, rank(context, slot.period))
    if report.state == "failed":
        raise DigestError(report.line, "; ".join(report.problems[:3]))


def _draft(context: Context, slot: Slot, report: Report) -> None:
    _add(report, run(context, slot.period))
    if not context.config.cadence.autopilot:
        report.line += f"; waits for `digest approve {slot.period}`"
    elif report.state == "done":  # every gate of `run` is green; `approve` holds the others
        _add(report, approve(context, slot.period, by="autopilot", links=True))
        _add(report, publish(context, slot.period))
        _add(report, send(context, slot.period, yes=True))


def _add(whole: Report, stage: Report) -> None:
    """Let a stage speak in the whole's report."""
    whole.line = f"{whole.line}; {stage.line}" if whole.line else stage.line
    whole.numbers[stage.stage] = stage.numbers
    whole.problems = [*whole.problems, *stage.problems]
    whole.state = max(whole.state, stage.state, key=("done", "partial", "failed").index)


_WORK = {"fetch": _fetch, "refresh": _refresh, "draft": _draft}
