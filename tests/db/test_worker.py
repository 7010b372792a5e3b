"""Workers: every workspace gets its pass, a killed worker's pass comes back, two workers do the work once."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from digest.cli.output import choose_clock, choose_progress
from digest.db.queue import QUEUE_SCHEMA, create_queue_app, get_server_address
from digest.errors import ConfigError
from digest.ops.workspaces import find_workspaces
from digest.worker import LOOK_TASK, build_worker_app, load_worker_figures, write_worker_metrics
from tests.db.test_postgres import server

__all__ = ["server"]


@pytest.fixture
def service(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three workspaces whose only source does not answer, and an empty queue."""
    monkeypatch.setenv("DIGEST_DATABASE_URL", server.replace("{hash}", "{name}"))
    for name in ("one", "two", "three"):
        folder = tmp_path / f"{tmp_path.name}_{name}"
        done = run("init", str(folder))
        assert done.returncode == 0, done.stderr
        config = folder / "sources.yaml"
        text = config.read_text(encoding="utf-8")
        before, _, after = text.partition("\nsources:")
        rest = after[after.index("\ntaxonomy:") :]
        config.write_text(
            f"{before}\nsources:\n  - {{id: blog, kind: feed, url: 'http://127.0.0.1:9/', allow_private: true}}\n{rest}"
        )
    create_queue_app()
    with psycopg.connect(get_server_address(), options=f"-c search_path={QUEUE_SCHEMA}") as connection:
        connection.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")
    return tmp_path


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "digest", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def start_worker(service: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "digest", "worker", "--workspaces", str(service), "--concurrency", "2"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def stop(worker: subprocess.Popen[str]) -> str:
    worker.send_signal(signal.SIGTERM)
    try:
        return worker.communicate(timeout=60)[0]
    finally:
        worker.kill()


def defer_all(service: Path) -> int:
    """What the tick does; returns how many jobs are new."""
    from procrastinate.exceptions import AlreadyEnqueued

    names = find_workspaces(service)
    app = build_worker_app(lambda: names, choose_progress(), choose_clock())

    async def defer() -> int:
        count = 0
        async with app.open_async():
            for name in names:
                try:
                    await app.configure_task(LOOK_TASK, queueing_lock=name, lock=name).defer_async(name=name)
                    count += 1
                except AlreadyEnqueued:
                    continue
        return count

    return asyncio.run(defer())


def wait_until_empty(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        figures = load_worker_figures()
        if figures.todo == figures.doing == 0:
            return
        time.sleep(0.5)
    pytest.fail(f"the queue still holds {load_worker_figures()}")


def count_fetches(service: Path) -> list[int]:
    """How many nightly fetches each workspace has recorded."""
    counts = []
    with psycopg.connect(get_server_address()) as connection:
        for name in find_workspaces(service):
            schema = f"t_{name.replace('-', '_')}"
            row = connection.execute(f'SELECT count(*) FROM "{schema}".run WHERE stage = %s', ["due:fetch"]).fetchone()
            counts.append(row[0] if row else 0)
    return counts


@pytest.mark.slow
def test_two_workers_look_once_at_every_workspace(service: Path) -> None:
    assert defer_all(service) == 3
    assert defer_all(service) == 0
    assert load_worker_figures().todo == 3
    workers = [start_worker(service), start_worker(service)]
    try:
        wait_until_empty(120)
    finally:
        said = "".join(stop(worker) for worker in workers)
    assert count_fetches(service) == [1, 1, 1], said
    assert load_worker_figures().failed == 0


@pytest.mark.slow
def test_the_pass_of_a_killed_worker_waits_again_once_its_heartbeat_is_old(service: Path) -> None:
    defer_all(service)
    with psycopg.connect(get_server_address(), options=f"-c search_path={QUEUE_SCHEMA}") as connection:
        dead = connection.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
        ).fetchone()
        assert dead is not None
        connection.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", [dead[0]])
    assert load_worker_figures().doing == 3
    app = build_worker_app(lambda: find_workspaces(service), choose_progress(), choose_clock())

    async def tick() -> None:
        async with app.open_async():
            await app.tasks["digest.tick"].func(timestamp=0)

    asyncio.run(tick())
    figures = load_worker_figures()
    assert (figures.todo, figures.doing) == (3, 0)
    assert figures.oldest is not None


def test_the_figures_are_written_for_prometheus(service: Path) -> None:
    defer_all(service)
    write_worker_metrics(service / "worker.prom", load_worker_figures())
    text = (service / "worker.prom").read_text()
    assert "digest_jobs_waiting 3\n" in text
    assert "# TYPE digest_jobs_failed gauge\n" in text


def test_a_service_is_a_folder_of_workspaces_or_a_list_of_them(service: Path) -> None:
    names = find_workspaces(service)
    listed = service / "list.txt"
    listed.write_text("# ours\n" + "".join(f"{name}\n" for name in names))
    assert find_workspaces(listed) == names
    listed.write_text("nowhere\n")
    with pytest.raises(ConfigError, match=r"has no sources\.yaml"):
        find_workspaces(listed)
    with pytest.raises(ConfigError, match="there is no workspace"):
        find_workspaces(service / "empty")


def test_without_postgresql_a_worker_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIGEST_DATABASE_URL", raising=False)
    with pytest.raises(ConfigError, match="PostgreSQL") as refused:
        create_queue_app()
    assert "digest schedule" in refused.value.hint
