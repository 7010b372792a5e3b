"""Stays, and lets a shift do what is due every minute. APScheduler only waits; our own tables say what was done."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from digest.errors import DigestError
from digest.ops.schedule import run_due

if TYPE_CHECKING:
    from apscheduler.schedulers.blocking import BlockingScheduler

    from digest.app import Workspace

_INTERVAL_SECONDS = 60.0


def run_scheduler(workspace: Workspace) -> None:
    """Do what is due, every minute, until interrupted; what is under way is brought to its end."""
    waiting = build_scheduler(workspace)
    try:
        waiting.start()
    except KeyboardInterrupt:
        workspace.context.progress.print_line("schedule: stops when what is under way is done")
        waiting.shutdown(wait=True)


def build_scheduler(workspace: Workspace, seconds: float = _INTERVAL_SECONDS) -> BlockingScheduler:
    """A scheduler with one job, a shift every so many seconds; after a sleep of the machine there is one, not many."""
    from apscheduler.schedulers.blocking import BlockingScheduler

    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)  # that a shift still lasts is no news
    context = workspace.context
    # APScheduler's default drops a job that is a second late; ours must run whenever the machine wakes, and once.
    made = BlockingScheduler(
        timezone=context.zone, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
    )

    def shift() -> None:
        try:
            reports = run_due(context)
        except DigestError as error:  # the database is busy or its disk full: the next minute may see it better
            context.progress.print_line(f"schedule: {error.message}\n  → {error.hint}")
            return
        for report in reports:
            context.progress.print_line(f"{report.stage}: {report.line}")
            for problem in report.problems:
                context.progress.print_line(f"  ! {problem}")

    made.add_job(shift, "interval", seconds=seconds, next_run_time=datetime.now(UTC))
    return made
