"""Many workspaces on PostgreSQL for a month, under kills: `python -m tests.scale` checks each line of the acceptance.

Three workers on a shared disk, loopback sources, a held clock, autopilot, mail to a
loopback SMTP server. Meanwhile workers are killed at random, PostgreSQL is restarted once, one worker is frozen and
woken. Then each workspace's month is played on SQLite in one process, at the same times of the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
from sqlmodel import select

from digest.app import Workspace
from digest.cli.output import QuietProgress
from digest.config.schema import MailConfig
from digest.db.engine import DATABASE_URL_ENV
from digest.db.queue import QUEUE_SCHEMA, create_queue_app, get_server_address
from digest.models.items import Item
from digest.models.runs import Run
from digest.ops.schedule import run_due
from digest.ops.workspaces import find_workspaces
from digest.worker import WorkerTimes, run_worker
from tests.mail.server import Faulty
from tests.mail.server import serving as serving_mail
from tests.ops.workspace import configure, made
from tests.postgres import Server, find_programs, restartable_server

MONTH = "2026-01"
FIRST, DRAFT_DAY = datetime(2026, 1, 2, 7, tzinfo=UTC), datetime(2026, 2, 4, 9, tzinfo=UTC)
PAUSED_HOST, PAUSE = "127.0.0.2", 0.3  # seconds
TIMES = WorkerTimes(tick="*/2 * * * * *", heartbeat=2.0, stalled=15.0)
MAX_DOING = 600.0  # seconds
READERS = ("ada", "grace")
TOPICS = ("agents that use tools", "vision transformers", "robot manipulation", "protein design", "reward hacking")
_SOON = timedelta(minutes=16)


@dataclass
class Sizes:
    """What is played; the default is the whole acceptance."""

    workspaces: int = 50
    nights: int = 30
    kills: int = 100
    workers: int = 3
    frozen_seconds: float = 600.0
    seed: int = 20261201
    patience: float = 300.0  # seconds for a night


@dataclass
class Sources:
    """The feeds of every workspace as of the held clock, and when the host with a pause was asked."""

    clock: Callable[[], datetime]
    port: int = 0
    asked: list[tuple[float, float]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str) -> bytes:
        _, number, kind, *_ = [*path.split("/"), "", ""]
        return write_feed(int(number), kind, self.clock()) if kind in ("blog", "paused") else b"<p>A post.</p>"


def write_feed(number: int, kind: str, now: datetime) -> bytes:
    """A feed with a post a day up to now, in January only."""
    items = []
    for day in range(1, 32):
        at = datetime(2026, 1, day, 5, number % 60, tzinfo=UTC)
        if at > now or (kind == "paused" and day % 3):
            continue
        topic = TOPICS[(number + day) % len(TOPICS)]
        title = f"Study {number}-{kind}-{day}: {topic} measured on {day + 3} public data sets"
        host = "127.0.0.1" if kind == "blog" else PAUSED_HOST
        items.append(
            f"<item><title>{title}</title><link>http://{host}:PORT/{number}/post/{kind}-{day}</link>"
            f"<guid isPermaLink='false'>{number}-{kind}-{day}</guid>"
            f"<description>We study {topic}. Our method improves results by {day} percent on average.</description>"
            f"<pubDate>{at:%a, %d %b %Y %H:%M:%S} GMT</pubDate></item>"
        )
    return f'<rss version="2.0"><channel><title>W{number}</title>{"".join(reversed(items))}</channel></rss>'.encode()


@contextmanager
def serving(sources: Sources) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            begun = time.monotonic()
            body = sources.answer(self.path).replace(b"PORT", str(sources.port).encode())
            self.send_response(200)
            self.send_header("Content-Type", "application/rss+xml" if body.startswith(b"<rss") else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            # Noted before the last byte is out, so that a pause is never taken to be shorter than it was.
            if self.headers["Host"].startswith(PAUSED_HOST):
                with sources.lock:
                    sources.asked.append((begun, time.monotonic()))
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:  # of clients that were killed
            pass

    server = Quiet(("0.0.0.0", 0), Handler)
    sources.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def read_clock(path: Path) -> datetime:
    return datetime.fromisoformat(path.read_text())


def hold_clock(path: Path, moment: datetime) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(moment.isoformat())
    partial.replace(path)


def make_service(place: Path, count: int, port: int, mail: MailConfig) -> None:
    """Workspaces of which every fifth also reads a host that wants a pause; each has two readers."""
    place.mkdir()
    for number in range(count):
        root = made(place / f"w{number:02d}")
        blog = {"id": "blog", "kind": "feed", "url": f"http://127.0.0.1:{port}/{number}/blog", "allow_private": True}
        feeds = [blog]
        if number % 5 == 0:
            url = f"http://{PAUSED_HOST}:{port}/{number}/paused"
            feeds.append({"id": "paused", "kind": "feed", "url": url, "allow_private": True})
        settings = {"transport": "smtp", "host": mail.host, "port": mail.port, "security": "none", "per_second": 1000}
        newsletter = {"email": f"w{number}@example.org", "timezone": "UTC", "title": f"Digest {number}"}
        cadence = {"autopilot": True, "fetch_hour_utc": 6, "draft_hour": 8}
        configure(root, sources=feeds, mail=settings, newsletter=newsletter, cadence=cadence)
        add_readers(root, number)


def add_readers(root: Path, number: int) -> None:
    """Add two readers; the drafts of the months before count as done, so that one issue is due."""
    with Workspace(root, clock=lambda: FIRST) as workspace:
        for reader in READERS:
            workspace.add_subscriber(f"{reader}{number}@example.org", confirmed=True)
        at = DRAFT_DAY - timedelta(days=2)
        with workspace.db.write() as session:
            session.add(Run(stage="due:draft", period="2025-12", state="partial", started=at, finished=at))


class Workers:
    """Worker processes, killed, frozen and started again."""

    def __init__(self, place: Path, clock: Path, log: Path) -> None:
        self._command = [sys.executable, "-m", "tests.scale", "--worker", str(place), "--clock", str(clock)]
        self._log = log.open("ab")
        self.running: list[subprocess.Popen[bytes]] = []
        self.frozen: subprocess.Popen[bytes] | None = None
        self.kills = 0

    def start(self) -> None:
        self.running.append(subprocess.Popen(self._command, stdout=self._log, stderr=self._log))

    def kill_one(self, dice: random.Random) -> None:
        victims = [each for each in self.running if each is not self.frozen]
        victim = dice.choice(victims)
        victim.kill()
        victim.wait()
        self.running.remove(victim)
        self.kills += 1
        self.start()

    def freeze(self) -> None:
        self.frozen = self.running[0]
        self.frozen.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        if self.frozen:
            self.frozen.send_signal(signal.SIGCONT)
            self.frozen = None

    def revive(self) -> int:
        """Start those that ended although nobody killed them; return how many."""
        ended = [each for each in self.running if each.poll() is not None]
        for each in ended:
            self.running.remove(each)
            self.start()
        return len(ended)

    def stop(self) -> None:
        self.wake()
        for each in self.running:
            each.send_signal(signal.SIGTERM)
        for each in self.running:
            try:
                each.wait(20)
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait()
        self._log.close()


@dataclass
class Watch:
    """What is seen of the queue during the month, and what the month needs."""

    workspaces: dict[str, Path]
    longest_doing: float = 0.0
    failed: int = 0
    stuck_nights: list[str] = field(default_factory=list)

    def look(self) -> None:
        query = """
            SELECT job.id, job.status, extract(epoch FROM now() - max(event.at)) FROM procrastinate_jobs AS job
            JOIN procrastinate_events AS event ON event.job_id = job.id AND event.type = 'started'
            WHERE job.status IN ('doing', 'failed') GROUP BY job.id, job.status"""
        with psycopg.connect(get_server_address(), options=f"-c search_path={QUEUE_SCHEMA}") as connection:
            rows = connection.execute(query).fetchall()
        self.failed = sum(status == "failed" for _, status, _ in rows)
        self.longest_doing = max([self.longest_doing, *(float(age) for _, status, age in rows if status == "doing")])

    def find_pending(self, stage: str, since: datetime) -> set[str]:
        """The workspaces without a successful run of a stage since then."""
        parts = [
            f"SELECT '{name}' WHERE NOT EXISTS (SELECT 1 FROM digest_{name}.run WHERE stage = '{stage}' "
            f"AND state IN ('done', 'partial') AND started >= %(since)s)"
            for name in self.workspaces
        ]
        with psycopg.connect(get_server_address()) as connection:
            return {row[0] for row in connection.execute(" UNION ALL ".join(parts), {"since": since})}


def play_month(sizes: Sizes, server: Server, workers: Workers, clock: Path, watch: Watch) -> None:
    """Let the workers run each night, then the draft; kill, restart and freeze meanwhile."""
    dice = random.Random(sizes.seed)
    step = max(30 // sizes.nights, 1)
    nights = [FIRST + timedelta(days=step * number) for number in range(sizes.nights)]
    moments = [*(("due:fetch", night) for night in nights if night.month == 1), ("due:release", DRAFT_DAY)]
    woken_at = 0.0
    for number, (stage, moment) in enumerate(moments):
        hold_clock(clock, moment)
        kills = sizes.kills * (number + 1) // len(moments) - sizes.kills * number // len(moments)
        if number == len(moments) // 3 and sizes.frozen_seconds:
            workers.freeze()
            woken_at = time.monotonic() + sizes.frozen_seconds
        if number == len(moments) - 1:
            while woken_at > time.monotonic():  # the issue of a workspace whose worker sleeps would be late
                time.sleep(0.5)
            workers.wake()
        play_moment(sizes, workers, clock, watch, stage, kills, dice)
        if workers.frozen and time.monotonic() > woken_at:
            workers.wake()
        if number == len(moments) // 2:
            server.restart()
    workers.wake()


def play_moment(
    sizes: Sizes, workers: Workers, clock: Path, watch: Watch, stage: str, kills: int, dice: random.Random
) -> None:
    """Wait until every workspace has done its job; move the clock on where one waits after a kill."""
    since, deadline, next_kill = read_clock(clock), time.monotonic() + sizes.patience, time.monotonic() + 1
    moved = time.monotonic()
    while True:
        try:
            watch.look()
            pending = watch.find_pending(stage, since)
        except psycopg.OperationalError:  # it is being restarted
            time.sleep(0.5)
            continue
        if kills and time.monotonic() > next_kill:
            workers.kill_one(dice)
            kills -= 1
            next_kill = time.monotonic() + dice.uniform(0.3, 3)
        workers.revive()
        # A workspace whose worker is frozen cannot go on; its next night comes anyway.
        spared = 2 if workers.frozen and stage == "due:fetch" else 0
        if not kills and len(pending) <= spared:
            return
        if time.monotonic() > deadline:
            watch.stuck_nights.append(f"{stage} {since:%Y-%m-%d}: {sorted(pending)}")
            return
        if time.monotonic() - moved > 10:
            hold_clock(clock, read_clock(clock) + _SOON)
            moved = time.monotonic()
        time.sleep(0.3)


def run_worker_process(place: Path, clock: Path) -> None:
    """Be a worker whose clock is held, whose ticks are seconds, and who minds the pause of a loopback host."""
    from digest.http import rate_limit

    rate_limit.SITE_PAUSES[PAUSED_HOST] = PAUSE
    rate_limit._CLAIM_MARGIN_SECONDS = 1.0
    passes = threading.local()

    def begin_pass() -> dict[str, Path]:  # the worker asks for the workspaces at the start of each
        passes.now = read_clock(clock)
        return find_workspaces(place)

    run_worker(begin_pass, 2, QuietProgress(), lambda: getattr(passes, "now", None) or read_clock(clock), TIMES)


def load_times(watch: Watch) -> dict[str, list[datetime]]:
    """By the held clock, when the fetches of each workspace succeeded, and when its issue was published."""
    times = {}
    with psycopg.connect(get_server_address()) as connection:
        for name in watch.workspaces:
            query = (
                f"SELECT started FROM digest_{name}.run WHERE stage = 'due:fetch' AND state IN ('done', 'partial') "
                f"AND started < %(draft)s UNION SELECT published FROM digest_{name}.issue WHERE period = '{MONTH}' "
                "AND published IS NOT NULL ORDER BY 1"
            )
            times[name] = [row[0].astimezone(UTC) for row in connection.execute(query, {"draft": DRAFT_DAY})]
    return times


def play_on_sqlite(place: Path, times: dict[str, list[datetime]], clock: Path) -> None:
    """Play the same month in one process without a server, each workspace at the times of its jobs."""
    for name, moments in times.items():
        for moment in moments:
            hold_clock(clock, moment)
            with Workspace(place / name, clock=lambda moment=moment: moment) as workspace:  # type: ignore[misc]
                run_due(workspace.context)


def read_site(root: Path) -> dict[str, bytes]:
    """The files of a site that readers get."""
    files = (path for path in (root / "site").rglob("*") if path.is_file() and not path.name.startswith("."))
    names = {path.relative_to(root).as_posix(): path.read_bytes() for path in files}
    return {name: body for name, body in names.items() if not name.startswith("site/_drafts/")}


def count_deliveries(watch: Watch) -> tuple[Counter[str], list[str]]:
    """The states of all deliveries, and the workspaces without a sent issue."""
    states: Counter[str] = Counter()
    missing = []
    with psycopg.connect(get_server_address()) as connection:
        for name in watch.workspaces:
            issue = connection.execute(f"SELECT state FROM digest_{name}.issue WHERE period = '{MONTH}'").fetchone()
            if issue is None or issue[0] != "sent":
                missing.append(f"{name}: {issue[0] if issue else 'no issue'}")
            rows = connection.execute(f"SELECT state FROM digest_{name}.delivery")
            states.update(row[0] for row in rows)
    return states, missing


def compare_items(items: dict[str, set[tuple[str, str]]], other: Path) -> list[str]:
    """The workspaces whose items differ from those of the run on SQLite."""
    lost = []
    for name, ours in items.items():
        with Workspace(other / name) as workspace, workspace.db.read() as session:
            theirs = {(item.key, item.title) for item in session.exec(select(Item))}
        if ours != theirs or not ours:
            lost.append(f"{name}: {len(ours)} and {len(theirs)}")
    return lost


def check_all(sizes: Sizes, workers: Workers, watch: Watch, seen: dict[str, Any]) -> dict[str, tuple[bool, str]]:
    """Each line of the acceptance, whether it holds, and its number."""
    states, missing, messages = seen["states"], seen["missing"], seen["messages"]
    twice = [key for key, count in messages.items() if count > 1]
    expected = sizes.workspaces * len(READERS)
    asked = sorted(seen["asked"])
    gaps = [after[0] - before[1] for before, after in pairwise(asked)]
    accounted = states["sent"] + states["unknown"]
    return {
        "every workspace has its issue": (not missing and not watch.stuck_nights, f"{missing + watch.stuck_nights}"),
        "the sites have the same bytes as on SQLite in one process": (
            not seen["different"],
            f"{seen['files']} files, {len(seen['different'])} differ {seen['different'][:5]}",
        ),
        "nothing is lost": (not seen["lost"], f"{seen['lost'][:5]}"),
        "nothing is mailed twice": (
            not twice and accounted == expected and len(messages) + states["unknown"] >= expected,
            f"{sum(messages.values())} messages to {len(messages)} readers, {len(twice)} twice, {dict(states)}",
        ),
        "mail in doubt is no more than the kills": (
            states["unknown"] <= workers.kills + 2,  # the restart, and the worker that was frozen
            f"{states['unknown']} in doubt, {workers.kills} kills",
        ),
        "no host is asked within its pause": (
            bool(gaps) and min(gaps) >= PAUSE,
            f"{len(asked)} requests, the shortest pause {min(gaps, default=0):.2f} s of {PAUSE} s",
        ),
        "no job runs for more than ten minutes": (
            watch.longest_doing <= MAX_DOING,
            f"the longest {watch.longest_doing:.0f} s; {watch.failed} failed",
        ),
        "workers were killed": (workers.kills >= sizes.kills, f"{workers.kills}"),
    }


def play(sizes: Sizes, folder: Path) -> dict[str, tuple[bool, str]]:
    """Play the month on PostgreSQL, then on SQLite; return the checks."""
    programs = find_programs()
    if programs is None:
        raise SystemExit("PostgreSQL is not installed (apt-get install postgresql): nothing was tested")
    clock = folder / "clock"
    hold_clock(clock, FIRST - timedelta(days=1))
    sources, mail_server = Sources(lambda: read_clock(clock)), Faulty()
    seen: dict[str, Any] = {}
    with ExitStack() as stack:
        server = stack.enter_context(restartable_server(programs))
        stack.enter_context(serving(sources))
        mail = stack.enter_context(serving_mail(mail_server))
        os.environ[DATABASE_URL_ENV] = server.url
        place, other = folder / "postgres", folder / "sqlite"
        make_service(place, sizes.workspaces, sources.port, mail)
        workers, watch = Workers(place, clock, folder / "workers.log"), Watch(find_workspaces(place))
        create_queue_app()
        begun = time.monotonic()
        for _ in range(sizes.workers):
            workers.start()
        try:
            play_month(sizes, server, workers, clock, watch)
        finally:
            workers.stop()
        show(f"the month on PostgreSQL took {time.monotonic() - begun:.0f} s")
        times = load_times(watch)
        seen["states"], seen["missing"] = count_deliveries(watch)
        seen["messages"] = Counter(
            (recipient, message_from_bytes(raw)["Message-ID"]) for _, recipient, raw in mail_server.messages
        )
        seen["asked"] = list(sources.asked)
        os.environ[DATABASE_URL_ENV] = ""
        begun = time.monotonic()
        make_service(other, sizes.workspaces, sources.port, mail)
        play_on_sqlite(other, times, clock)
        show(f"the month on SQLite in one process took {time.monotonic() - begun:.0f} s")
        seen["lost"] = find_lost_items_on(server.url, watch, other)
    sites = [(name, read_site(place / name), read_site(other / name)) for name in times]
    seen["files"] = sum(len(site) for _, site, _ in sites)
    seen["different"] = [
        f"{name}/{path}"
        for name, ours, theirs in sites
        for path in sorted({*ours, *theirs})
        if ours.get(path) != theirs.get(path)
    ]
    return check_all(sizes, workers, watch, seen)


def find_lost_items_on(url: str, watch: Watch, other: Path) -> list[str]:
    os.environ[DATABASE_URL_ENV] = url
    try:
        address = get_server_address()
    finally:
        os.environ[DATABASE_URL_ENV] = ""
    items: dict[str, set[tuple[str, str]]] = {}
    with psycopg.connect(address) as connection:
        for name in watch.workspaces:
            rows = connection.execute(f"SELECT key, title FROM digest_{name}.item")
            items[name] = {(row[0], row[1]) for row in rows}
    return compare_items(items, other)


def show(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspaces", type=int, default=50)
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--frozen", type=float, default=600.0, help="seconds")
    parser.add_argument("--seed", type=int, default=20261201)
    parser.add_argument("--keep", type=Path, help="folder that is kept, to look at")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--clock", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        run_worker_process(asked.worker, asked.clock)
        return 0
    sizes = Sizes(asked.workspaces, asked.nights, asked.kills, frozen_seconds=asked.frozen, seed=asked.seed)
    if find_programs() is None:
        show("PostgreSQL is not installed (apt-get install postgresql): nothing was tested")
        return int(os.environ.get("CI") == "true")
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        checks = play(sizes, folder)
    if asked.json:
        print(json.dumps(checks))
    else:
        for line, (holds, number) in checks.items():
            show(f"{'holds' if holds else 'FAILS'}  {line}: {number}")
    return int(not all(holds for holds, _ in checks.values()))


if __name__ == "__main__":
    sys.exit(main())
