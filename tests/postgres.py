"""Start Debian's PostgreSQL in a temporary folder: `python -m tests.postgres [PYTEST ARGUMENTS]` runs the suite on it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digest.db.dump import dump_tables, load_dump
from digest.db.engine import DATABASE_FILE, HEAD_REVISION, Database, uses_postgres

# The folder of a test names its schemas, so that no test meets the rows of another.
SCHEMAS = "?schema=t_{hash}&shared=s_{hash}"


def find_programs() -> Path | None:
    """The folder of initdb and pg_ctl; None where PostgreSQL is not installed."""
    if place := os.environ.get("DIGEST_POSTGRES_PROGRAMS"):  # of an installation elsewhere
        return Path(place) if (Path(place) / "initdb").exists() else None
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb", path=os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")]))
    return Path(found).resolve().parent if found else None


@dataclass(frozen=True)
class Server:
    """A running server: its URL, and the command that stops and starts it again."""

    url: str
    restart: Callable[[], object]


@contextmanager
def running_server(programs: Path) -> Iterator[str]:
    """A server on loopback while the block runs; the value is its URL."""
    with restartable_server(programs) as server:
        yield server.url


@contextmanager
def restartable_server(programs: Path) -> Iterator[Server]:
    """A server on loopback while the block runs."""
    # PostgreSQL refuses to run as root.
    user: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="digest-postgres-"))
    try:
        if user:
            shutil.chown(folder, "postgres", "postgres")
        data = folder / "data"
        quiet = {"stdout": subprocess.DEVNULL, "cwd": folder, **user}
        start = [programs / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync"]
        subprocess.run([*map(str, start), "--locale=C"], check=True, **quiet)
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=300"
        control = [str(programs / "pg_ctl"), "-D", str(data), "-l", str(folder / "log"), "-w"]
        subprocess.run([*control, "-o", options, "start"], check=True, **quiet)
        try:
            again = [*control, "-m", "fast", "-o", options, "restart"]
            yield Server(
                f"postgresql://postgres@127.0.0.1:{port}/postgres",
                lambda: subprocess.run(again, check=True, **quiet),
            )
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=False, **quiet)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def copy_workspace(source: Path, target: Path) -> Path:
    """A copy of a workspace: its folder, and its rows where they are not in the folder."""
    shutil.copytree(source, target)
    if uses_postgres():
        with closing(Database(source / DATABASE_FILE)) as old, closing(Database(target / DATABASE_FILE)) as new:
            with old.read() as session:
                rows = {name: list(lines) for name, lines in dump_tables(session)}
            with new.write() as session:
                load_dump(session, target, HEAD_REVISION, lambda name: iter(rows[name]))
    return target


def main(arguments: list[str]) -> int:
    programs = find_programs()
    if programs is None:
        print("PostgreSQL is not installed (apt-get install postgresql): nothing was tested")
        return int(os.environ.get("CI") == "true")
    with running_server(programs) as url:
        environment = {**os.environ, "DIGEST_DATABASE_URL": url + SCHEMAS}
        command = [sys.executable, "-m", "pytest", *(arguments or ["-n", "2", "--dist", "loadfile"])]
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
