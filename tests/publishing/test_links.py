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

from digest.app import Workspace
from digest.context import Context
from digest.db.issues import get_issue, load_picks
from digest.db.items import load_items_by_key
from digest.db.link_checks import load_link_checks
from digest.drafts.checks import DeadLink
from digest.drafts.edit import update_pick
from digest.drafts.model import Draft, DraftPick, DraftSection
from digest.drafts.storage import get_draft_path, load_draft
from digest.drafts.writer import render_draft
from digest.errors import CheckFailedError
from digest.models.items import Item
from digest.publishing.checks import check_release
from digest.publishing.links import LinkReport, build_link_report, check_links, collect_draft_links, collect_work_links
from tests.workbench import Clock, context

STATUS = {"/fine": 200, "/gone": 404, "/forever": 410, "/down": 503, "/private": 403, "/slow": 429}
MOVES = {"/moved": (301, "/other"), "/www": (301, "/www/"), "/for-now": (302, "/other")}


def load_link_report(here: Context, links: dict[str, bool]) -> LinkReport:
    with here.db.read() as session:
        return build_link_report(links, load_link_checks(session, links))


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
    assert answers.dead_links == [
        DeadLink(web.base + "/gone", "is not there (HTTP 404)"),
        DeadLink(web.base + "/forever", "is gone for good (HTTP 410)"),
        DeadLink(web.base + "/moved", moved_to=web.base + "/other"),
    ]
    assert (answers.request_count, answers.unknown_count) == (10, 3)


def test_a_site_that_cannot_be_reached_says_nothing_about_its_links(here: Context) -> None:
    with serving() as closed:
        links = closed.links("/fine")
    answers = check_links(here, links)
    assert (answers.dead_links, answers.unknown_count) == ([], 1)


def test_a_good_answer_holds_two_weeks_and_a_bad_one_a_day(tmp_path: Path, web: Web) -> None:
    clock = Clock()
    here = context(tmp_path, [], clock)
    links = web.links("/fine", "/gone", "/down")
    told = [check_links(here, links).dead_links for _ in range(2)]
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
    items = {url: Item(key=url, title="T", url=url, source_id="x", first_seen=now) for url in urls}
    picks = tuple(DraftPick(url, "T", url) for url in urls)
    section = DraftSection("agents", "Agents", entries=picks)
    sheet = Draft("2026-01", "T", now, intro="See [this](https://example.org/b?x=1&y=2).", sections=(section,))
    assert collect_draft_links(here, sheet, items) == {
        "https://example.org/b?x=1&y=2": False,
        "https://blog.example/a?x=1&y=2": False,
    }


def test_an_address_the_editor_gave_is_asked_in_place_of_the_works_own_and_never_in_a_private_network(
    here: Context,
) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    dead = "https://blog.example/a"
    item = Item(key=dead, title="T", url=dead, source_id="x", first_seen=now)
    assert collect_work_links(here, [("https://archive.example/a", item), ("", item)]) == {
        "https://archive.example/a": False,
        dead: False,
    }


@pytest.fixture
def drafted(workspace_folder: Path, web: Web) -> Iterator[tuple[Workspace, str]]:
    """May's issue as a draft again, with one work whose link is dead; its key."""
    with Workspace(workspace_folder, clock=lambda: datetime(2026, 1, 6, tzinfo=UTC)) as workspace:
        here = workspace.context
        _, sheet = load_draft(here, here.parse_period("2025-05"))
        key = next(pick.key for _, pick in sheet.iter_picks() if not pick.key.startswith("arxiv:"))
        with here.db.write() as session:
            issue = get_issue(session, "2025-05")
            issue.state, issue.published = "draft", None
            for item in load_items_by_key(session, [pick.key for _, pick in sheet.iter_picks()]).values():
                if not item.key.startswith("arxiv:"):
                    item.url = web.base + ("/gone" if item.key == key else f"/fine?{item.id}")
                    session.add(item)
        write(here, relinked(here, sheet))
        yield workspace, key


def relinked(here: Context, sheet: Draft) -> Draft:
    """The sheet with the links that its works have now."""
    with here.db.read() as session:
        items = load_items_by_key(session, [pick.key for _, pick in sheet.iter_picks()])
    for key, item in items.items():
        sheet = update_pick(sheet, key, url=item.url)
    return sheet


def write(here: Context, sheet: Draft) -> None:
    get_draft_path(here, here.parse_period(sheet.period)).write_text(render_draft(sheet), encoding="utf-8")


def test_approval_asks_links_when_told_to_and_goes_by_their_last_answers_when_not(
    drafted: tuple[Workspace, str], web: Web
) -> None:
    workspace, key = drafted
    workspace.check("2025-05", accept_gaps=True)
    assert web.asked == []
    with pytest.raises(CheckFailedError, match="is not there") as refused:
        workspace.approve("2025-05", accept_gaps=True, links=True)
    assert f"{web.base}/gone: is not there (HTTP 404)" in refused.value.message
    assert web.asked
    asked = list(web.asked)
    with pytest.raises(CheckFailedError, match="is not there"):
        workspace.approve("2025-05", accept_gaps=True)
    assert web.asked == asked
    period = workspace.context.parse_period("2025-05")
    _, sheet = load_draft(workspace.context, period)
    (found,) = (one for one in check_release(workspace.context, period, sheet).problems if one.rule == "links")
    assert found.key == key


def test_a_dead_link_is_mended_in_the_sheet_and_readers_get_the_new_one(
    drafted: tuple[Workspace, str], web: Web
) -> None:
    workspace, key = drafted
    here, period = workspace.context, workspace.context.parse_period("2025-05")
    with pytest.raises(CheckFailedError, match="is not there"):
        workspace.check("2025-05", accept_gaps=True, links=True)
    _, sheet = load_draft(here, period)
    write(here, update_pick(sheet, key, url=f"{web.base}/other"))
    workspace.draft("2025-05")
    assert f"]({web.base}/other)" in get_draft_path(here, period).read_text(encoding="utf-8")
    report = workspace.approve("2025-05", accept_gaps=True, links=True)
    # the editor's link is of nobody's network, and this machine's own addresses are not asked for it
    assert report.problems == ["links not checked: offline, none of the sites answered"]
    workspace.publish("2025-05")
    with here.db.read() as session:
        issue = get_issue(session, "2025-05")
        rows = {item.key: (pick, item) for pick, item in load_picks(session, issue.id)}
    pick, item = rows[key]
    assert (pick.url, item.url) == (f"{web.base}/other", f"{web.base}/gone")
    (post,) = (here.site_folder / "_posts").glob("*2025-05.md")
    assert f"{web.base}/other" in post.read_text(encoding="utf-8")
    assert f"{web.base}/gone" not in post.read_text(encoding="utf-8")


def test_publishing_asks_the_gates_once_more_by_what_is_known(drafted: tuple[Workspace, str], web: Web) -> None:
    workspace, _ = drafted
    here = workspace.context
    workspace.approve("2025-05", accept_gaps=True)
    check_links(here, web.links("/gone"))
    with pytest.raises(CheckFailedError, match="cannot be published yet") as refused:
        workspace.publish("2025-05")
    assert "/gone: is not there" in refused.value.message


def test_without_a_network_the_check_says_so_and_what_was_known_stays(here: Context, web: Web) -> None:
    links = web.links("/gone")
    assert check_links(here, links).dead_links
    with serving() as closed:
        nowhere = closed.links("/a", "/b", "/c", "/d", "/e", "/f")
    answers = check_links(here, nowhere)
    assert (answers.dead_links, answers.request_count, answers.unknown_count) == ([], 4, 6)
    assert answers.summary == "links not checked: offline, none of the sites answered"
    assert load_link_report(here, links | nowhere).dead_links == check_links(here, links).dead_links


def test_an_issue_too_long_for_a_mail_is_told(workspace_folder: Path) -> None:
    with Workspace(workspace_folder, clock=lambda: datetime(2026, 1, 6, tzinfo=UTC)) as workspace:
        here = workspace.context
        _, sheet = load_draft(here, here.parse_period("2025-05"))
        long = replace(sheet, outro="words " * 18_000)
        assert [one.rule for one in check_release(here, here.parse_period("2025-05"), long).problems] == ["length"]


def test_what_is_withdrawn_stands_in_the_way_of_an_issue_but_not_of_its_correction(workspace_folder: Path) -> None:
    with Workspace(workspace_folder, clock=lambda: datetime(2026, 1, 6, tzinfo=UTC)) as workspace:
        here, period = workspace.context, workspace.context.parse_period("2025-05")
        _, sheet = load_draft(here, period)
        with here.db.write() as session:
            issue = get_issue(session, period.name)
            _, item = load_picks(session, issue.id)[0]
            item.withdrawn = here.now - timedelta(days=1)
            session.add(item)
        assert check_release(here, period, sheet, accept_gaps=True).problems == []
        with here.db.write() as session:
            get_issue(session, period.name).state = "draft"
        assert [one.rule for one in check_release(here, period, sheet, accept_gaps=True).problems] == ["withdrawn"]
