"""Links are asked politely and judged with caution: only what is certainly gone or moved stands in an issue's way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from digest import issues
from digest.app import Workspace
from digest.errors import Refused
from digest.issues import DeadLink
from digest.models import Item
from digest.pipeline.context import Context
from digest.pipeline.gates import problems
from digest.pipeline.links import check_links, links_of
from digest.pipeline.sheets import current
from digest.store import issues as issue_store
from digest.store import items as item_store
from tests.pipeline.workbench import Clock, context

STATUS = {"/fine": 200, "/gone": 404, "/forever": 410, "/down": 503, "/private": 403, "/slow": 429}
MOVES = {"/moved": (301, "/other"), "/www": (301, "/www/"), "/for-now": (302, "/other")}


class Web:
    """A site on loopback that notes what it was asked."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.asked: list[str] = []

    def links(self, *paths: str) -> dict[str, bool]:
        return {self.base + path: True for path in paths}


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as site:
        yield site


@contextmanager
def serving() -> Iterator[Web]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            status, place = MOVES.get(self.path, (STATUS.get(self.path, 200), ""))
            self.send_response(status)
            if place:
                self.send_header("Location", site.base + place)
            self.send_header("Content-Length", "9000000" if self.path == "/huge" else "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site = Web(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Context]:
    made = context(tmp_path, [])
    yield made
    made.db.close()


def test_only_what_is_gone_or_moved_to_another_work_counts(here: Context, web: Web) -> None:
    answers = check_links(here, web.links(*STATUS, *MOVES, "/huge"))
    assert answers.bad == [
        DeadLink(web.base + "/gone", "is not there (HTTP 404)"),
        DeadLink(web.base + "/forever", "is gone for good (HTTP 410)"),
        DeadLink(web.base + "/moved", moved_to=web.base + "/other"),
    ]
    assert (answers.asked, answers.unjudged) == (10, 3)


def test_a_site_that_cannot_be_reached_says_nothing_about_its_links(here: Context) -> None:
    with serving() as closed:
        links = closed.links("/fine")
    answers = check_links(here, links)
    assert (answers.bad, answers.unjudged) == ([], 1)


def test_a_good_answer_holds_two_weeks_and_a_bad_one_a_day(tmp_path: Path, web: Web) -> None:
    clock = Clock()
    here = context(tmp_path, [], clock)
    links = web.links("/fine", "/gone", "/down")
    told = [check_links(here, links).bad for _ in range(2)]
    assert told[0] == told[1] != []
    assert sorted(web.asked) == ["/down", "/down", "/fine", "/gone"]
    clock.forward(days=2)
    check_links(here, links)
    assert web.asked.count("/gone") == 2
    assert web.asked.count("/fine") == 1
    clock.forward(days=13)
    check_links(here, links)
    assert web.asked.count("/fine") == 2
    here.db.close()


def test_works_and_links_in_the_editors_prose_are_asked_but_not_arxiv(here: Context) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    urls = ("https://arxiv.org/abs/2501.00663", "https://blog.example/a?x=1&y=2")
    items = [Item(key=url, title="T", url=url, source_id="x", first_seen=now) for url in urls]
    sheet = issues.Sheet("2026-01", "T", now, intro="See [this](https://example.org/b?x=1&y=2).")
    assert links_of(here, sheet, items) == {
        "https://example.org/b?x=1&y=2": False,
        "https://blog.example/a?x=1&y=2": False,
    }


def test_approval_with_links_names_what_is_dead_and_without_asks_nobody(workspace_folder: Path, web: Web) -> None:
    now = datetime(2026, 1, 6, tzinfo=UTC)
    with Workspace(workspace_folder, clock=lambda: now) as workspace:
        here = workspace.context
        _, sheet = current(here, here.period("2025-05"))
        keys = [pick.key for _, pick in sheet.picks() if not pick.key.startswith("arxiv:")]
        with here.db.write() as session:
            for key, item in item_store.by_keys(session, keys).items():
                item.url = web.base + ("/gone" if key == keys[0] else "/fine")
                session.add(item)
        assert problems(here, here.period("2025-05"), sheet) == []
        assert web.asked == []
        found = problems(here, here.period("2025-05"), sheet, links=True)
        assert [(one.gate, one.reason) for one in found] == [("links", f"{web.base}/gone: is not there (HTTP 404)")]
        with pytest.raises(Refused, match="is not there"):
            workspace.approve("2025-05", accept_gaps=True, links=True)


def test_an_issue_too_long_for_a_mail_is_told(workspace_folder: Path) -> None:
    with Workspace(workspace_folder, clock=lambda: datetime(2026, 1, 6, tzinfo=UTC)) as workspace:
        here = workspace.context
        _, sheet = current(here, here.period("2025-05"))
        long = replace(sheet, outro="words " * 18_000)
        assert [one.gate for one in problems(here, here.period("2025-05"), long)] == ["length"]


def test_what_is_withdrawn_stands_in_the_way_of_an_issue_but_not_of_its_correction(workspace_folder: Path) -> None:
    with Workspace(workspace_folder, clock=lambda: datetime(2026, 1, 6, tzinfo=UTC)) as workspace:
        here, period = workspace.context, workspace.context.period("2025-05")
        _, sheet = current(here, period)
        with here.db.write() as session:
            issue = issue_store.existing(session, period.name)
            _, item = issue_store.picks(session, issue.id or 0)[0]
            item.withdrawn = here.now - timedelta(days=1)
            session.add(item)
        assert problems(here, period, sheet, accept_gaps=True) == []
        with here.db.write() as session:
            issue_store.existing(session, period.name).state = "draft"
        assert [one.gate for one in problems(here, period, sheet, accept_gaps=True)] == ["withdrawn"]
