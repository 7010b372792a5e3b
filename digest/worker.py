"""Workers for many workspaces on one PostgreSQL server.

A job of the queue is a hint to look at a workspace. The work is the pass over due jobs that cron runs, which reads
from the database what is due: a lost job comes again with the next tick, a doubled one finds nothing due. A stage with
many batches asks the other workers for help; what they leave it does itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from digest.app import Workspace
from digest.context import Context
from digest.db.queue import HELP_TASK, QueueFigures, create_queue_app, load_queue_figures
from digest.errors import DigestError
from digest.files import write_output_file
from digest.ops.helpers import help_stage
from digest.ops.schedule import run_due
from digest.protocols import Clock, Progress, Report

if TYPE_CHECKING:
    from procrastinate import App, JobContext
    from procrastinate.jobs import Job

LOOK_TASK = "digest.run_due"
_TASKS = (LOOK_TASK, HELP_TASK)
_RECONNECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class WorkerTimes:
    """How often a worker looks at every workspace, shows that it is alive, and when a silent one's jobs come back."""

    tick: str = "* * * * *"  # as cron has it, with seconds as a sixth field
    heartbeat: float = 10.0  # seconds
    stalled: float = 120.0  # seconds without a heartbeat


def run_worker(
    find_workspaces: Callable[[], Mapping[str, Path]],
    concurrency: int,
    progress: Progress,
    clock: Clock,
    times: WorkerTimes = WorkerTimes(),
) -> None:
    """Work until interrupted; running passes are finished first. A restart of PostgreSQL is waited for."""
    running: dict[int, int] = {}
    app = build_worker_app(find_workspaces, progress, clock, times, running)

    async def work() -> None:
        async with app.open_async():
            watcher = asyncio.create_task(_retry_forgotten_jobs(app, running, times.heartbeat))
            try:
                await app.run_worker_async(
                    concurrency=concurrency,
                    delete_jobs="successful",
                    update_heartbeat_interval=times.heartbeat,
                    stalled_worker_timeout=times.stalled,
                    fetch_job_polling_interval=min(times.heartbeat, 5.0),
                )
            finally:
                watcher.cancel()

    async def work_on() -> None:
        from procrastinate.exceptions import ConnectorException

        while True:
            try:
                return await work()
            except ConnectorException as error:
                progress.print_line(f"worker: PostgreSQL cannot be reached, next try in a moment: {error}")
                await asyncio.sleep(_RECONNECT_SECONDS)

    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
    asyncio.run(work_on())


def build_worker_app(
    find_workspaces: Callable[[], Mapping[str, Path]],
    progress: Progress,
    clock: Clock,
    times: WorkerTimes = WorkerTimes(),
    running: dict[int, int] | None = None,
) -> App:
    """Build the app with the pass over a workspace, the help with a stage, the tick, and the return of stalled jobs.

    `running` holds the jobs under way, each with the number of its worker.
    """
    from procrastinate.exceptions import AlreadyEnqueued

    app = create_queue_app()
    jobs = {} if running is None else running

    @contextmanager
    def record_job(context: JobContext) -> Iterator[None]:
        job_id = context.job.id or 0
        jobs[job_id] = context.job.worker_id or 0
        try:
            yield
        finally:
            del jobs[job_id]

    def open_and_run(name: str, work: Callable[[Context], list[Report]]) -> None:
        root = find_workspaces().get(name)
        if root is None:
            progress.print_line(f"{name}: this worker does not have the workspace")
            return
        try:
            with Workspace(root, clock=clock) as workspace:
                for report in work(workspace.context):
                    progress.print_line(f"{name}: {report.stage}: {report.line}")
        except DigestError as error:  # the next tick tries again
            progress.print_line(f"{name}: {error.message}\n  → {error.hint}")

    @app.task(name=LOOK_TASK, pass_context=True)
    def run_pass(job: JobContext, name: str) -> None:
        with record_job(job):
            open_and_run(name, run_due)

    @app.task(name=HELP_TASK, pass_context=True)
    def help_with_stage(job: JobContext, name: str, stage: str, argument: str) -> None:
        with record_job(job):
            open_and_run(name, lambda context: [help_stage(context, stage, argument)])

    @app.periodic(cron=times.tick)
    @app.task(name="digest.tick", queueing_lock="digest.tick")
    async def tick(timestamp: int) -> None:
        await retry_stalled_jobs(app, times.stalled)
        for name in find_workspaces():
            with suppress(AlreadyEnqueued):
                # The first lock keeps one job waiting, the second one running.
                await app.configure_task(LOOK_TASK, queueing_lock=name, lock=name).defer_async(name=name)

    return app


async def retry_stalled_jobs(app: App, seconds: float) -> None:
    """Let the jobs of workers without a heartbeat wait again."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=seconds):
        await _retry_job(app, job)


async def _retry_forgotten_jobs(app: App, running: Mapping[int, int], interval: float) -> None:
    """Let jobs of this worker wait again that it does not run: their end was not recorded when PostgreSQL was away."""
    from procrastinate.exceptions import ConnectorException

    suspected: set[int] = set()
    workers: set[int] = set()
    while True:
        await asyncio.sleep(interval)
        workers |= {*running.values()}
        try:
            jobs = await app.job_manager.list_jobs_async(status="doing")
            own_jobs = {job.id: job for job in jobs if job.id and job.worker_id in workers and job.task_name in _TASKS}
            forgotten = own_jobs.keys() - running.keys()
            for job_id in forgotten & suspected:  # seen twice, so not one that is just about to begin
                await _retry_job(app, own_jobs[job_id])
        except ConnectorException:
            continue
        suspected = forgotten


async def _retry_job(app: App, job: Job) -> None:
    """Let a job wait again; drop one whose like waits already."""
    from procrastinate.exceptions import ConnectorException, UniqueViolation
    from procrastinate.jobs import Status

    try:
        await app.job_manager.retry_job(job)
    except (UniqueViolation, ConnectorException):
        await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)


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
