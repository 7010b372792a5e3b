"""Daemon that runs due jobs every minute. APScheduler only waits; the database knows what was done."""

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
    """Run due jobs every minute until interrupted; a running job is finished first."""
    scheduler = build_scheduler(workspace)
    try:
        scheduler.start()
    except KeyboardInterrupt:
        workspace.context.progress.print_line("schedule: stops after the running jobs")
        scheduler.shutdown(wait=True)


def build_scheduler(workspace: Workspace, seconds: float = _INTERVAL_SECONDS) -> BlockingScheduler:
    """Build a scheduler with one job at an interval; after the machine slept it runs once, not many times."""
    from apscheduler.schedulers.blocking import BlockingScheduler

    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)  # it warns while a job still runs
    context = workspace.context
    # APScheduler's default drops a job that is a second late; ours must run whenever the machine wakes, and once.
    scheduler = BlockingScheduler(
        timezone=context.zone, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
    )

    def run_due_jobs() -> None:
        try:
            reports = run_due(context)
        except DigestError as error:  # the database is busy or its disk full; the next minute tries again
            context.progress.print_line(f"schedule: {error.message}\n  → {error.hint}")
            return
        for report in reports:
            context.progress.print_line(f"{report.stage}: {report.line}")
            for problem in report.problems:
                context.progress.print_line(f"  ! {problem}")

    scheduler.add_job(run_due_jobs, "interval", seconds=seconds, next_run_time=datetime.now(UTC))
    return scheduler
