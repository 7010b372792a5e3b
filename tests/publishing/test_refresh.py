"""Published works are looked at again; what changed is proposed as an erratum, and put in when a person says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import feedparser
import pytest
import yaml

from digest.app import Workspace
from digest.db.issues import get_issue, load_picks, load_published_issues
from digest.db.items import load_items_by_key
from digest.errors import NotFoundError
from digest.models.items import Item
from digest.publishing.refresh import format_errata
from digest.publishing.refresh import refresh_issues as refreshed
from tests.cli.test_commands import run
from tests.ops.test_walk import tree
from tests.publishing.test_links import Web, serving

LATER = datetime(2026, 2, 3, 9, tzinfo=UTC)


def opened(folder: Path, at: datetime = LATER) -> Workspace:
    return Workspace(folder, clock=lambda: at)


def papers(workspace: Workspace, period: str = "2025-05") -> list[Item]:
    """The arXiv papers of an issue, in its order."""
    with workspace.db.read() as session:
        issue = get_issue(session, period)
        return [item for _, item in load_picks(session, issue.id) if item.key.startswith("arxiv:")]


@pytest.fixture
def changed(workspace_folder: Path) -> Path:
    """A workspace in which one published paper was withdrawn and another has a new version."""
    with opened(workspace_folder) as workspace:
        rows = papers(workspace)
        with workspace.db.write() as session:
            rows[0].withdrawn = LATER
            rows[1].version, rows[1].updated = 3, LATER
            session.add_all(rows)
    return workspace_folder


def test_withdrawals_and_new_versions_are_proposed_and_nothing_is_changed(changed: Path) -> None:
    before = tree(changed / "site")
    with opened(changed) as workspace:
        report = workspace.refresh(ask=False)
        assert [(e["period"], e["kind"]) for e in report.numbers["errata"]] == [
            ("2025-05", "withdrawn"),
            ("2025-05", "version"),
            ("2025", "withdrawn"),
        ]
        lines = list(format_errata(report.numbers["errata"]))
        assert lines[1].startswith("- ")
        assert lines[2].endswith("(Withdrawn on 3 February 2026)")
        workspace.publish("2025-06")
    assert tree(changed / "site") == before


def test_an_applied_erratum_shows_on_the_page_with_its_day_moves_updated_and_is_not_proposed_again(
    changed: Path,
) -> None:
    with opened(changed) as workspace:
        first = papers(workspace)[0].key
        told = {
            entry.id: entry.updated for entry in feedparser.parse((changed / "site" / "feed.xml").read_bytes()).entries
        }
        workspace.refresh(["2025-05"], ask=False, apply=True)
        left = workspace.refresh(ask=False).numbers["errata"]
    post = next((changed / "site" / "_posts").glob("*-2025-05.md")).read_text()
    assert (
        post.partition(f"{{#{first.replace(':', '-').replace('.', '-')}}}")[2].count("Withdrawn on 3 February 2026")
        == 1
    )
    assert post.count("- **3 February 2026** ") == 2
    assert 'updated_words: "Updated 3 February 2026"' in post
    entries = feedparser.parse((changed / "site" / "feed.xml").read_bytes()).entries
    assert [e.id.rpartition("/")[2] for e in entries if e.updated != told[e.id]] == ["2025-05"]
    assert [(e["period"], e["kind"]) for e in left] == [("2025", "withdrawn")]


def test_a_name_without_errata_is_refused(changed: Path) -> None:
    with opened(changed) as workspace, pytest.raises(NotFoundError, match="no erratum is proposed for 2025-06"):
        workspace.refresh(["2025-06"], ask=False, apply=True)


def test_dead_and_moved_links_of_published_works_are_proposed(quiet: Path) -> None:
    with serving() as web, _arxiv(quiet), opened(quiet) as workspace:
        _lead_to(workspace, web)
        report = workspace.refresh()
        assert {(e["kind"], e["before"], e["after"]) for e in report.numbers["errata"]} == {
            ("dead", f"{web.base}/gone", f"{web.base}/gone is not there (HTTP 404)"),
            ("moved", f"{web.base}/moved", f"{web.base}/other"),
        }
        assert workspace.refresh(ask=False).numbers["errata"] == report.numbers["errata"]


def _lead_to(workspace: Workspace, web: Web) -> None:
    """Publish an issue anew with works whose links answer in all the ways."""
    with workspace.db.write() as session:
        issue = get_issue(session, "2025-05")
        rows = [item for _, item in load_picks(session, issue.id) if not item.key.startswith("arxiv:")]
        for item, place in zip(rows, ("/gone", "/moved", "/fine"), strict=False):
            item.url = web.base + place
            session.add(item)
        issue.state = "approved"
        session.add(issue)
    workspace.publish("2025-05")


class Query:
    """An arXiv query API that answers id lists, with other versions and `extra` elements where it is told so."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.versions: dict[str, int] = {}
        self.extra: dict[str, str] = {}
        self.items: dict[str, Item] = {}
        self.down = False

    def page(self, ids: list[str]) -> bytes:
        known = [name for name in ids if name in self.items]
        entries = "".join(map(self._entry, known))
        numbers = {"totalResults": len(known), "startIndex": 0, "itemsPerPage": len(ids)}
        told = "".join(f"<os:{name}>{value}</os:{name}>" for name, value in numbers.items())
        return (
            '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:os="http://a9.com/-/spec/opensearch/1.1/"'
            f' xmlns:arxiv="http://arxiv.org/schemas/atom"><title>q</title>{told}{entries}</feed>'
        ).encode()

    def _entry(self, name: str) -> str:
        item, version = self.items[name], self.versions.get(name, 1)
        authors = "".join(f"<author><name>{author}</name></author>" for author in item.authors)
        stamp = "2026-01-20T10:00:00Z" if version > 1 else f"{item.published:%Y-%m-%dT%H:%M:%SZ}"
        return (
            f"<entry><id>http://arxiv.org/abs/{name}v{version}</id><title>{item.title.replace('&', '&amp;')}</title>"
            f"<published>{item.published:%Y-%m-%dT%H:%M:%SZ}</published><updated>{stamp}</updated>"
            f"<summary>{item.summary.replace('&', '&amp;').replace('<', '&lt;')}</summary>{authors}"
            f"{self.extra.get(name, '')}"
            '<arxiv:primary_category term="cs.CL"/></entry>'
        )


@contextmanager
def _arxiv(folder: Path) -> Iterator[Query]:
    """A query API in place of the workspace's; it knows every paper that was published."""
    query = Query()
    with opened(folder) as workspace, workspace.db.read() as session:
        for issue in load_published_issues(session):
            for _, item in load_picks(session, issue.id):
                query.items[item.key.removeprefix("arxiv:")] = item

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ids = parse_qs(urlsplit(self.path).query).get("id_list", [""])[0].split(",")
            query.asked.append(ids)
            body = query.page(ids)
            self.send_response(503 if query.down else 200)
            self.send_header("Content-Type", "application/atom+xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    sources = folder / "sources.yaml"
    text = sources.read_text()
    old = text.partition("/api/query")[0].rpartition("http://")[2]
    sources.write_text(text.replace(f"http://{old}/api/query", f"http://127.0.0.1:{server.server_port}/api/query"))
    try:
        yield query
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def quiet(workspace_folder: Path) -> Path:
    """A workspace whose works that are not arXiv's were asked a moment ago, so that only arXiv is asked."""
    with opened(workspace_folder) as workspace, workspace.db.write() as session:
        from digest.models.issues import LinkCheck

        rows = [r for issue in load_published_issues(session) for r in load_picks(session, issue.id)]
        for url in {item.url for _, item in rows}:
            session.merge(LinkCheck(url=url, status=200, at=LATER))
    return workspace_folder


def test_arxiv_is_asked_by_id_in_batches_and_only_once_a_day(quiet: Path) -> None:
    with _arxiv(quiet) as query:
        with opened(quiet) as workspace:
            first, again = workspace.refresh(), workspace.refresh()
        with opened(quiet, LATER + timedelta(days=2)) as workspace:
            workspace.refresh()
    sizes = [len(ids) for ids in query.asked]
    assert sizes[:2] == [100, first.numbers["papers"] - 100]
    assert sizes[2:] == sizes[:2]
    assert again.numbers["papers"] == 0
    assert first.numbers["errata"] == []
    assert first.state == "done"


def test_what_arxiv_says_now_becomes_errata(quiet: Path) -> None:
    with _arxiv(quiet) as query, opened(quiet) as workspace:
        newer, gone, printed, renamed = (item.key.removeprefix("arxiv:") for item in papers(workspace)[:4])
        query.versions = {newer: 2, gone: 2, renamed: 2}
        query.items[renamed].title = "Quite another title"
        query.extra = {
            gone: "<arxiv:comment>This paper has been withdrawn by the authors</arxiv:comment>",
            printed: "<arxiv:journal_ref>TACL 13 (2025)</arxiv:journal_ref>",
        }
        told = workspace.refresh().numbers["errata"]
        kinds = {(e["key"], e["kind"]) for e in told if e["period"] == "2025-05"}
        assert kinds == {
            (f"arxiv:{newer}", "version"),
            (f"arxiv:{gone}", "withdrawn"),
            (f"arxiv:{printed}", "venue"),
            (f"arxiv:{renamed}", "title"),
            (f"arxiv:{renamed}", "version"),
        }
        assert {e["kind"] for e in told if e["period"] == "2025"} == {"withdrawn", "venue", "title"}
        assert workspace.publish("2025-05").numbers["changed"] == 0
        workspace.refresh([f"arxiv:{printed}"], apply=True)
        assert len(query.asked) == 2
    post = next((quiet / "site" / "_posts").glob("*-2025-05.md")).read_text()
    assert post.count("TACL 13 (2025)") == 2
    assert "Quite another title" not in post


def test_the_weekly_refresh_tells_the_errata_and_the_command_it_names_puts_them_in(quiet: Path) -> None:
    """A week after publication arXiv has a withdrawal and a new version; `run --due` meets them on its Saturday.

    That it knows of nothing new makes the shift a failed one, and hides no erratum.
    """
    saturday = {"DIGEST_NOW": "2026-02-07T12:00:00+00:00"}
    with opened(quiet) as workspace:
        gone, newer = (item.key.removeprefix("arxiv:") for item in papers(workspace)[:2])
    with _arxiv(quiet) as query:
        _read_arxiv_alone(quiet)
        query.versions = {gone: 2, newer: 2}
        query.extra = {gone: "<arxiv:comment>This paper has been withdrawn by the authors</arxiv:comment>"}
        told = run("run", "--due", folder=quiet, **saturday)
        assert told.returncode == 1
        (line,) = (line for line in told.stdout.splitlines() if "errata proposed" in line)
        assert "3 errata proposed" in line
        assert f"2025-05 arxiv:{gone}: " in line
        assert f"2025-05 arxiv:{newer}: " in told.stdout
        assert f"2025 arxiv:{gone}: " in told.stdout
        assert "apply them with `digest refresh --apply`" in told.stdout
        before = (quiet / "site" / "feed.xml").read_bytes()
        applied = run("refresh", "2025-05", "--apply", folder=quiet, **saturday)
    assert applied.returncode == 0
    assert "2 errata applied to 1 issue" in applied.stdout
    post = next((quiet / "site" / "_posts").glob("*-2025-05.md")).read_text()
    corrections = post.partition("{#corrections}")[2]
    assert corrections.count("- **7 February 2026** ") == 2
    assert "withdrawn" in corrections
    assert (quiet / "site" / "feed.xml").read_bytes() != before


def _read_arxiv_alone(folder: Path) -> None:
    """The recorded publishers are not served any more."""
    path = folder / "sources.yaml"
    config = yaml.safe_load(path.read_text())
    config["sources"] = [source for source in config["sources"] if source["kind"] == "arxiv"]
    path.write_text(yaml.safe_dump(config, sort_keys=False))


def test_an_arxiv_that_does_not_answer_is_told_and_the_rest_is_done(quiet: Path) -> None:
    async def sleep(seconds: float) -> None:
        pass

    with _arxiv(quiet) as query, opened(quiet) as workspace:
        query.down = True
        report = refreshed(workspace.context, sleep=sleep)
    assert report.state == "partial"
    assert "arXiv could not be asked" in report.problems[0]
    assert report.numbers["errata"] == []


def test_a_paper_that_arxiv_leaves_out_is_named(quiet: Path) -> None:
    with _arxiv(quiet) as query, opened(quiet) as workspace:
        lost = papers(workspace)[0].key
        del query.items[lost.removeprefix("arxiv:")]
        assert workspace.refresh().problems == [f"arXiv gave no answer for {lost}"]
        with workspace.db.read() as session:
            assert load_items_by_key(session, [lost])


def test_the_command_prints_a_diff_or_json(changed: Path) -> None:
    shown = run("refresh", "--offline", folder=changed)
    assert shown.returncode == 0
    assert shown.stdout.startswith("@@ 2025-05 arxiv:")
    told = json.loads(run("refresh", "2025-05", "--offline", "--json", folder=changed).stdout)
    assert len(told["numbers"]["errata"]) == 2


def test_a_paper_whose_authors_name_its_successor_is_marked_as_superseded(quiet: Path) -> None:
    with _arxiv(quiet) as query, opened(quiet) as workspace:
        old = papers(workspace)[0].key
        query.extra = {old.removeprefix("arxiv:"): "<arxiv:comment>Superseded by arXiv:2512.12345</arxiv:comment>"}
        told = workspace.refresh().numbers["errata"]
        assert {(e["period"], e["key"], e["kind"]) for e in told} == {
            ("2025-05", old, "superseded"),
            ("2025", old, "superseded"),
        }
        workspace.refresh(apply=True)
        assert workspace.refresh().numbers["errata"] == []
        workspace.recap("2025-Q2")
    for name in ("2025-05", "2025"):
        post = next((quiet / "site" / "_posts").glob(f"*-{name}.md")).read_text()
        assert "Superseded by arXiv 2512.12345" in post
        assert "has been superseded by arXiv 2512.12345" in post.partition("{#corrections}")[2]
    draft = (quiet / "site" / "_drafts" / "2025-Q2.md").read_text()
    assert draft.count("Superseded by arXiv 2512.12345") == 1
