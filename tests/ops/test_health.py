"""A run that could not do its work is red: it says why, alerts, and drafts nothing that would hide it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from sqlmodel import select

from digest.app import Workspace
from digest.db.runs import load_latest_runs, start_run
from digest.demo.records import RECORDED_PUBLISHERS
from digest.demo.server import serve_on_loopback, serve_recorded_sources
from digest.errors import CheckFailedError, EmptyPeriodError
from digest.mail.notifications import send_alert
from digest.models.items import Item
from digest.models.predictions import Tagging
from digest.models.runs import LLMCall
from digest.ops.health import find_missing_content, find_model_outage
from digest.ops.schedule import run_due
from digest.protocols import Report
from tests.mail.server import Faulty, always, serving
from tests.ops.workspace import configure, made, opened, rows

JANUARY = datetime(2026, 1, 5, 6, tzinfo=UTC)
FEEDS = [publisher.slug for publisher in RECORDED_PUBLISHERS.values() if publisher.form == "rss"]


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A webhook on loopback; the value is the texts it was sent."""
    texts: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            texts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent."""

    with serve_on_loopback(Handler) as base:
        monkeypatch.setenv("MY_HOOK", f"{base}/very-secret")
        yield texts


def reading(folder: Path, base: str, there: int, away: int) -> Path:
    """A workspace whose sources are `there` feeds that answer and `away` ones that answer 404."""
    made(folder)
    urls = {slug: f"{base}/rss/{slug}.xml" for slug in FEEDS[:there]}
    urls |= {f"gone-{number}": f"{base}/rss/gone-{number}.xml" for number in range(away)}
    sources = [{"id": name, "kind": "feed", "url": url, "allow_private": True} for name, url in urls.items()]
    configure(folder, sources=sources, cadence={"alert_webhook_env": "MY_HOOK"})
    return folder


def test_a_run_that_cannot_reach_half_its_sources_is_refused_and_told(tmp_path: Path, hook: list[str]) -> None:
    with serve_recorded_sources() as base:
        folder = reading(tmp_path / "w", base, 1, 1)
        with opened(folder, JANUARY) as workspace:
            with pytest.raises(CheckFailedError, match="1 of 2 sources could not be read: gone-0"):
                workspace.run("2025-12")
            with pytest.raises(CheckFailedError, match="1 of 2"):
                workspace.run("2025-12")  # nothing is due now, and the run is as red as before
            with workspace.db.read() as session:
                ended = load_latest_runs(session, 1, "run")[0]
    assert not list(folder.glob("site/_drafts/*.md"))
    assert (ended.state, ended.period) == ("refused", "2025-12")
    assert len(hook) == 1  # the same words are told once a day
    assert "1 of 2 sources" in hook[0]


def test_a_red_run_is_told_by_mail_once_a_day(tmp_path: Path) -> None:
    folder = made(tmp_path / "w")
    configure(folder, cadence={"alert_mail": "ed@example.org"})
    for hours in (0, 1, 25):
        with opened(folder, JANUARY + timedelta(hours=hours)) as workspace, pytest.raises(CheckFailedError):
            workspace.run("2025-12")
    mails = [path.read_bytes().decode() for path in (folder / "outbox").glob("*.eml")]
    assert len(mails) == 2
    assert all("To: ed@example.org" in mail and "2025-12 holds no items" in mail for mail in mails)


def test_a_night_that_reached_too_few_sources_is_tried_again_until_they_answer_and_told_once(
    tmp_path: Path, hook: list[str]
) -> None:
    night = JANUARY + timedelta(hours=1)
    with serve_recorded_sources() as base:
        folder = reading(tmp_path / "w", base, 1, 2)
        for minutes, states in ((0, ["failed", "failed", "failed"]), (5, []), (20, ["failed", "failed", "failed"])):
            with opened(folder, night + timedelta(minutes=minutes)) as workspace:
                assert [report.state for report in run_due(workspace.context)] == states
        assert len(hook) == 3
        assert "2 of 3 sources could not be read: gone-0, gone-1" in hook[0]
        there = [{"id": FEEDS[0], "kind": "feed", "url": f"{base}/rss/{FEEDS[0]}.xml", "allow_private": True}]
        configure(folder, sources=there)
        with opened(folder, night + timedelta(hours=1)) as workspace:
            assert run_due(workspace.context)[0].state == "done"


def test_an_alert_that_cannot_be_mailed_says_so_and_hides_nothing(tmp_path: Path) -> None:
    folder = made(tmp_path / "w")
    with serving(Faulty(MAIL=always("550 not from you"))) as mail:
        configure(folder, cadence={"alert_mail": "ed@example.org"}, mail=mail.model_dump(exclude_defaults=True))
        with opened(folder) as workspace, pytest.raises(CheckFailedError, match="holds no items") as caught:
            workspace.run("2025-12")
    assert "no alert was mailed to ed@example.org" in caught.value.hint


def test_one_source_of_three_that_fails_leaves_the_run_partial_and_the_draft_made(
    tmp_path: Path, hook: list[str]
) -> None:
    with serve_recorded_sources() as base:
        folder = reading(tmp_path / "w", base, 2, 1)
        with opened(folder, JANUARY) as workspace:
            report = workspace.run("2025-12")
    assert report.state == "partial"
    assert any("gone-0" in problem for problem in report.problems)
    assert (folder / "site/_drafts/2025-12.md").exists()
    assert "gone-0" in hook[0]


def test_gaps_may_be_accepted_and_are_then_told(tmp_path: Path) -> None:
    with serve_recorded_sources() as base:
        folder = reading(tmp_path / "w", base, 1, 1)
        with opened(folder, JANUARY) as workspace:
            report = workspace.run("2025-12", accept_gaps=True)
    assert any("(accepted)" in problem for problem in report.problems)
    assert any("MY_HOOK is empty" in problem for problem in report.problems)
    assert (folder / "site/_drafts/2025-12.md").exists()


def test_a_month_without_items_is_red(tmp_path: Path) -> None:
    folder = made(tmp_path / "w")
    with opened(folder) as workspace:
        workspace.add_jsonl(folder / "month.jsonl")
        with pytest.raises(EmptyPeriodError, match="2025-12 holds no items") as empty:
            workspace.run("2025-12")
        assert empty.value.exit_code == 3  # nothing failed, and nothing was refused
        assert workspace.run("2026-01").state == "done"


def _sorted_by_title(workspace: Workspace) -> None:
    """Verdicts that do not hang on how the tagger is trained."""
    with workspace.db.write() as session:
        rows = [
            Tagging(
                item_id=item.id,
                engine="embedded",
                category="agents" if "agents" in item.title else "techniques",
                confidence=1.0,
                taxonomy="1",
                item_digest=item.digest,
                at=JANUARY,
            )
            for item in session.exec(select(Item))
        ]
        session.add_all(rows)


def test_a_category_that_was_never_empty_is_missed(tmp_path: Path) -> None:
    folder = made(tmp_path / "w")
    with opened(folder) as workspace:
        lines = [
            json.loads(line) for month in ("2025-10", "2025-11", "2025-12") for line in rows(month).splitlines() * 3
        ]
        agents = [line for line in lines if "agents" in line["title"]]
        many = [line | {"title": f"{line['title']} {n}", "url": f"{line['url']}-{n}"} for n, line in enumerate(agents)]
        other = [line for line in map(json.loads, rows().splitlines()) if "agents" not in line["title"]]
        (folder / "all.jsonl").write_text("".join(json.dumps(line) + "\n" for line in many + other))
        workspace.add_jsonl(folder / "all.jsonl")
        _sorted_by_title(workspace)
        period = workspace.context.parse_period("2026-01")
        missed = find_missing_content(workspace.context, period)
    assert len(missed) == 1
    assert "had items in each of the months before" in missed[0]


def test_a_model_that_cannot_be_reached_makes_the_run_red(folder: Path) -> None:
    with opened(folder) as workspace:
        with workspace.db.write() as session:
            run_id = start_run(session, "judge", "2026-01", JANUARY)
            call = LLMCall(run_id=run_id, stage="judge", provider="x", model="y", state="failed", at=JANUARY)
            session.add(call)
        down = Report("judge", "", "partial", {"left": 3}, ["3 keep this machine's own verdict: no answer"], run_id)
        well = Report("judge", "", "done", {"left": 0}, [], run_id)
        assert find_model_outage(workspace.context, down) != []
        assert find_model_outage(workspace.context, well) == []


def test_an_alert_never_shows_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = reading(tmp_path / "w", "http://127.0.0.1:9", 1, 0)
    for address in ("http://127.0.0.1:9/very-secret", "very-secret", "http://[very-secret"):
        monkeypatch.setenv("MY_HOOK", address)
        with opened(folder) as workspace:
            told = send_alert(workspace.context, "x", ["y"])
        assert "MY_HOOK" in told
        assert "very-secret" not in told
