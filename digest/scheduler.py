"""Stays, and lets a shift do what is due every minute. APScheduler only waits; our own tables say what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digest.pipeline.shift import work

if TYPE_CHECKING:
    from digest.app import Workspace

_MINUTE = 60


def stay(workspace: Workspace) -> None:
    """Do what is due, every minute, until interrupted; after a sleep of the machine everything missed is done once."""
    from apscheduler.schedulers.blocking import BlockingScheduler

    context = workspace.context
    # APScheduler's default drops a job that is a second late; ours must run whenever the machine wakes, and once.
    scheduler = BlockingScheduler(
        timezone=context.zone, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
    )

    def shift() -> None:
        for report in work(context):
            context.progress.say(f"{report.stage}: {report.line}")
            for problem in report.problems:
                context.progress.say(f"  ! {problem}")

    scheduler.add_job(shift, "interval", seconds=_MINUTE, next_run_time=context.now)
    try:
        scheduler.start()
    except KeyboardInterrupt:
        scheduler.shutdown(wait=False)
