"""The queue of workers: Procrastinate in a schema of the PostgreSQL server that holds the workspaces."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from digest.db.engine import DATABASE_URL_ENV, compute_lock_key
from digest.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from procrastinate import App

QUEUE_SCHEMA = "digest_queue"
_OPTIONS = f"-c search_path={QUEUE_SCHEMA}"
HELP_TASK = "digest.help"
_MAX_HELPERS = 8
_ALIVE_SECONDS = 60  # since the last heartbeat
_ALIVE_SQL = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %s)"
_FIGURES_SQL = """
    SELECT count(*) FILTER (WHERE status = 'todo'), count(*) FILTER (WHERE status = 'doing'),
        count(*) FILTER (WHERE status = 'failed'),
        (SELECT min(at) FROM procrastinate_events JOIN procrastinate_jobs AS waiting ON waiting.id = job_id
            WHERE waiting.status = 'todo' AND type = 'deferred')
    FROM procrastinate_jobs WHERE task_name = %s
"""


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """How many jobs wait, run and failed, and since when the oldest waits."""

    todo: int
    doing: int
    failed: int
    oldest: datetime | None


def get_server_address() -> str:
    """Return the URL of the server as libpq takes it; raise ConfigError without one."""
    url = os.environ.get(DATABASE_URL_ENV, "")
    if not url:
        raise ConfigError(
            "workers need a database on PostgreSQL", f"set {DATABASE_URL_ENV}, or run `digest schedule` on one machine"
        )
    plain = make_url(url).difference_update_query(["schema", "shared"]).set(drivername="postgresql")
    return plain.render_as_string(hide_password=False)


def create_queue_app() -> App:
    """Create the Procrastinate app, and its tables the first time."""
    try:
        import psycopg

        app = _build_app()
    except ImportError as error:
        raise StoreError("workers need Procrastinate", "pip install 'digest-newsletter[postgres]'") from error
    try:
        with psycopg.connect(get_server_address(), options=_OPTIONS) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [compute_lock_key("queue")])
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {QUEUE_SCHEMA}")
            row = connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchone()
            if row is None or row[0] is None:
                connection.execute(app.schema_manager.get_schema().encode())
    except psycopg.OperationalError as error:
        reason = str(error).partition("\n")[0]
        raise StoreError(
            f"the queue cannot be reached: {reason}", f"check PostgreSQL and {DATABASE_URL_ENV}"
        ) from error
    return app


def _build_app() -> App:
    from procrastinate import App, PsycopgConnector

    return App(connector=PsycopgConnector(conninfo=get_server_address(), kwargs={"options": _OPTIONS}))


def request_help(workspace: str, stage: str, argument: str) -> int:
    """Ask each worker that is alive, up to eight, for help with a stage of a workspace; return how many were asked.

    A call that waits already is not repeated. Nobody is asked where no worker runs.
    """
    try:
        import psycopg
        from procrastinate.exceptions import AlreadyEnqueued
    except ImportError:
        return 0
    try:
        with psycopg.connect(get_server_address(), options=_OPTIONS) as connection:
            row = connection.execute("SELECT to_regclass('procrastinate_workers')").fetchone()
            if row is None or row[0] is None:
                return 0
            (alive,) = connection.execute(_ALIVE_SQL, [_ALIVE_SECONDS]).fetchone() or (0,)
    except psycopg.OperationalError:
        return 0
    asked = 0
    with _build_app().open() as app:
        for number in range(min(alive, _MAX_HELPERS)):
            task = app.configure_task(HELP_TASK, queueing_lock=f"{workspace}:{stage}:{number}")
            with suppress(AlreadyEnqueued):
                task.defer(name=workspace, stage=stage, argument=argument)
                asked += 1
    return asked


def load_queue_figures(task_name: str) -> QueueFigures:
    """Count the jobs of a task."""
    create_queue_app()
    import psycopg

    with psycopg.connect(get_server_address(), options=_OPTIONS) as connection:
        row = connection.execute(_FIGURES_SQL, [task_name]).fetchone()
    return QueueFigures(*row) if row else QueueFigures(0, 0, 0, None)
