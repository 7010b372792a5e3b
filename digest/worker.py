"""Workers for many workspaces on one PostgreSQL server.

A job of the queue is a hint to look at a workspace. The work is the pass over due jobs that cron runs, which reads
from the database what is due: a lost job comes again with the next tick, a doubled one finds nothing due.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from digest.app import Workspace
from digest.db.queue import QueueFigures, create_queue_app, load_queue_figures
from digest.errors import DigestError
from digest.files import write_output_file
from digest.ops.schedule import run_due
from digest.protocols import Clock, Progress

if TYPE_CHECKING:
    from procrastinate import App

LOOK_TASK = "digest.run_due"
HEARTBEAT_SECONDS = 10.0
STALLED_SECONDS = 120.0  # without a heartbeat; the job of a dead worker then waits again


def run_worker(workspaces: Mapping[str, Path], concurrency: int, progress: Progress, clock: Clock) -> None:
    """Work until interrupted; running passes are finished first."""
    app = build_worker_app(workspaces, progress, clock)

    async def work() -> None:
        async with app.open_async():
            await app.run_worker_async(
                concurrency=concurrency, delete_jobs="successful", update_heartbeat_interval=HEARTBEAT_SECONDS
            )

    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    asyncio.run(work())


def build_worker_app(workspaces: Mapping[str, Path], progress: Progress, clock: Clock) -> App:
    """Build the app with the pass over a workspace, the tick of every minute, and the return of stalled jobs."""
    from procrastinate.exceptions import AlreadyEnqueued

    app = create_queue_app()

    @app.task(name=LOOK_TASK)
    def run_pass(name: str) -> None:
        if name not in workspaces:
            progress.print_line(f"{name}: this worker does not have the workspace")
            return
        try:
            with Workspace(workspaces[name], clock=clock) as workspace:
                for report in run_due(workspace.context):
                    progress.print_line(f"{name}: {report.stage}: {report.line}")
        except DigestError as error:  # the next tick tries again
            progress.print_line(f"{name}: {error.message}\n  → {error.hint}")

    @app.periodic(cron="* * * * *")
    @app.task(name="digest.tick")
    async def tick(timestamp: int) -> None:
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
            await app.job_manager.retry_job(job)
        for name in workspaces:
            try:
                # The first lock keeps one job waiting, the second one running.
                await app.configure_task(LOOK_TASK, queueing_lock=name, lock=name).defer_async(name=name)
            except AlreadyEnqueued:
                continue

    return app


def load_worker_figures() -> QueueFigures:
    """Load the figures of the passes."""
    return load_queue_figures(LOOK_TASK)


def write_worker_metrics(path: Path, figures: QueueFigures) -> None:
    """Write the figures as Prometheus text, for node_exporter's textfile collector."""
    oldest = figures.oldest.timestamp() if figures.oldest else 0
    values = {
        "jobs_waiting": ("Passes that wait for a worker.", figures.todo),
        "jobs_running": ("Passes that a worker runs.", figures.doing),
        "jobs_failed": ("Passes that ended with an unexpected error.", figures.failed),
        "oldest_job_timestamp_seconds": ("When the oldest waiting pass was queued, or 0.", oldest),
    }
    lines = (
        f"# HELP digest_{name} {text}\n# TYPE digest_{name} gauge\ndigest_{name} {value:.15g}\n"
        for name, (text, value) in values.items()
    )
    write_output_file(path, "".join(lines).encode())
