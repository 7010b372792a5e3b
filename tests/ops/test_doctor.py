"""`digest doctor` names each fault with its cure, and its exit code says how bad it is."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from digest.errors import StoreError
from digest.models.items import Item, Mention, SourceState
from digest.ops.doctor import choose_exit_code, diagnose_workspace, probe_sources
from digest.protocols import Finding
from tests.http.server import answer, redirect, serving
from tests.ops.workspace import NOW, configure, made, opened
from tests.workbench import rss


def looked(folder: Path, now: datetime = NOW, **environ: str) -> list[Finding]:
    with opened(folder) as workspace:
        return diagnose_workspace(folder, environ, now, lambda: workspace.context)


def faults(findings: list[Finding]) -> dict[str, str]:
    return {finding.subject: finding.text for finding in findings if finding.state in ("warning", "bad")}


def test_a_sound_workspace_has_no_faults_and_every_subject_is_looked_at(folder: Path) -> None:
    found = looked(folder)
    assert {f.subject: f.text for f in found if f.state == "bad"} == {}
    assert {"configuration", "model", "clock", "database", "templates", "site", "mail", "sources", "disk"} == {
        finding.subject for finding in found
    }


def test_every_fault_has_a_cure(folder: Path) -> None:
    configure(
        folder, mail={"transport": "smtp", "host": "mail.example", "security": "none"}, model={"provider": "gemini"}
    )
    (folder / "templates" / "post.md.j2").write_text("{% if x %}")
    (folder / "templates" / "psot.md.j2").write_text("fine")
    found = looked(folder, DIGEST_SMTP_USER="me")
    assert set(faults(found)) >= {"model", "templates", "mail"}
    assert all(finding.fix for finding in found if finding.state in ("warning", "bad"))
    words = " ".join(finding.text for finding in found)
    for expected in ("GOOGLE_API_KEY", "post.md.j2:1", "nothing uses psot.md.j2", "in clear", "DIGEST_SMTP_PASSWORD"):
        assert expected in words
    assert choose_exit_code(found) == 1


@pytest.mark.sqlite
def test_a_database_of_a_newer_version_is_one_finding_and_the_rest_is_looked_at_all_the_same(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "digest.db")) as database, database:
        database.execute("update alembic_version set version_num = '9999'")
    found = looked(folder)
    (bad,) = (finding for finding in found if finding.state == "bad")
    assert (bad.subject, bad.fix) == ("database", "install the newer version, or restore a backup")
    assert "made by a newer digest" in bad.text
    assert {"model", "templates", "site", "mail", "disk"} <= {finding.subject for finding in found}
    assert "run `digest backup`" not in [finding.fix for finding in found]  # it could not


def test_a_configuration_that_cannot_be_read_is_one_finding_not_an_error(folder: Path) -> None:
    (folder / "sources.yaml").write_text("newsletter: {titel: x}\n")
    found = looked(folder)
    assert [finding.subject for finding in found if finding.state == "bad"] == ["configuration"]
    assert "did you mean 'title'" in found[0].text


def test_sources_that_fail_alike_are_one_finding_with_their_names(folder: Path) -> None:
    names = ("one", "two", "three")
    configure(folder, sources=[{"id": name, "kind": "feed", "url": f"https://{name}.example/feed"} for name in names])
    with opened(folder) as workspace:
        with workspace.db.write() as session:
            for name in names:
                words = f"the host {name}.example cannot be found"
                session.add(SourceState(source_id=name, errors=1, last_error=words))
        found = diagnose_workspace(folder, {}, NOW, lambda: workspace.context)
    told = [finding.text for finding in found if finding.subject == "sources" and finding.state == "warning"]
    assert told == ["3 sources: the host cannot be found: one, two, three"]


def test_silent_sources_are_one_finding_with_their_names(folder: Path) -> None:
    names = ("one", "two")
    configure(folder, sources=[{"id": name, "kind": "feed", "url": f"https://{name}.example/feed"} for name in names])
    with opened(folder) as workspace:
        with workspace.db.write() as session:
            for name in names:
                session.add(SourceState(source_id=name, last_checked=NOW))
                item = Item(
                    key=f"url:{name}", url=f"https://{name}.example", title=name, source_id=name, first_seen=NOW
                )
                session.add(item)
                session.flush()
                for days in range(90, 110):
                    at, guid = NOW - timedelta(days=days), f"{name} {days}"
                    seen = Mention(item_id=item.id, source_id=name, guid=guid, url=item.url, title=name, first_seen=at)
                    session.add(seen)
        found = diagnose_workspace(folder, {}, NOW, lambda: workspace.context)
    told = [finding.text for finding in found if finding.subject == "sources" and finding.state == "warning"]
    assert told == ["2 silent for longer than usual: one (90 days), two (90 days)"]


@pytest.mark.sqlite
def test_a_damaged_database_is_found_and_not_touched(folder: Path) -> None:
    (folder / "digest.db").write_bytes(b"no database" * 500)
    found = looked(folder)
    assert "database" in faults(found)
    assert (folder / "digest.db").read_bytes() == b"no database" * 500


@pytest.mark.sqlite
def test_a_folder_in_the_databases_place_is_a_finding_not_an_error(folder: Path) -> None:
    (folder / "digest.db").unlink()
    (folder / "digest.db").mkdir()
    assert "unable to open" in faults(looked(folder))["database"]


@pytest.mark.sqlite
def test_a_database_cut_to_nothing_beside_published_posts_is_bad_and_a_missing_one_will_be(folder: Path) -> None:
    (folder / "digest.db").write_bytes(b"")
    cut = looked(folder)
    assert faults(cut)["database"] == "digest.db is empty, and 1 post is in site/_posts"
    assert choose_exit_code(cut) == 1
    with pytest.raises(StoreError, match="is empty, and 1 post is"), opened(folder) as workspace:
        workspace.status()
    assert (folder / "digest.db").read_bytes() == b""
    (folder / "digest.db").unlink()
    gone = looked(folder)
    assert faults(gone)["database"] == "digest.db is gone, and 1 post is in site/_posts"
    assert choose_exit_code(gone) == 3


def test_a_template_with_an_unknown_filter_is_found_before_it_is_used(folder: Path) -> None:
    (folder / "templates" / "post.md.j2").write_text("fine\n{{ issue.title | shuot }}")
    told = faults(looked(folder))["templates"]
    assert told.startswith("post.md.j2:2: ")
    assert "shuot" in told


def test_a_clock_behind_the_last_run_is_bad(folder: Path) -> None:
    assert "before the last run" in faults(looked(folder, NOW - timedelta(days=1)))["clock"]


@pytest.mark.sqlite
def test_a_workspace_without_a_database_gets_none(tmp_path: Path) -> None:
    folder = made(tmp_path / "fresh")
    (folder / "digest.db").unlink()
    assert "there is none yet" in " ".join(finding.text for finding in looked(folder))
    assert not (folder / "digest.db").exists()


def test_the_free_tier_is_told_and_no_key_is_shown(folder: Path) -> None:
    configure(folder, model={"provider": "auto"})
    told = repr(looked(folder, GEMINI_API_KEY="secret-of-mine"))
    assert "free tier" in told
    assert "secret-of-mine" not in told


@pytest.mark.parametrize(
    ("states", "code"), [((), 0), (("good", "note"), 0), (("good", "warning"), 3), (("warning", "bad"), 1)]
)
def test_the_exit_code_is_the_worst_state(states: tuple[str, ...], code: int) -> None:
    assert choose_exit_code([Finding("x", state, "") for state in states]) == code  # type: ignore[arg-type]


def test_asking_the_sources_tells_which_answer(folder: Path) -> None:
    from digest.demo.server import serve_recorded_sources

    with serve_recorded_sources() as base:
        sources = [
            {"id": "there", "kind": "feed", "url": f"{base}/rss/none.xml", "allow_private": True},
            {"id": "api", "kind": "feed", "url": f"{base}/api/query", "allow_private": True},
        ]
        configure(folder, sources=sources)
        with opened(folder) as workspace:
            found = {finding.text.split(":")[0]: finding for finding in probe_sources(workspace.context)}
    assert found["there"].state == "bad"
    assert "404" in found["there"].text
    assert found["api"].state in ("good", "warning")


async def test_a_page_is_told_of_the_feed_it_has_or_might_have(folder: Path) -> None:
    page = b'<html><body><h2><a href="/blog/one">The first post of all</a></h2></body></html>'
    own = page.replace(b"<body>", b'<link rel="alternate" type="application/rss+xml" href="/own.xml"><body>')
    async with serving() as server:
        server.paths |= {"/quiet/": answer(200, [], page), "/open/": answer(200, [], own)}
        server.paths["/quiet/rss.xml"] = answer(200, [], rss(["The first post of all"]))
        server.otherwise = redirect(302, "/quiet/rss.xml")
        names = ("quiet", "open")
        configure(folder, sources=[_page(name, server.url(f"/{name}/")) for name in names])
        with opened(folder) as workspace:
            found = await asyncio.to_thread(probe_sources, workspace.context)
    assert [finding.text for finding in found] == [
        "quiet: 1 item on its first page",
        f"quiet: there is a feed at {server.url('/quiet/rss.xml')}",
        f"open: is read through its feed {server.url('/own.xml')}",
    ]


def _page(name: str, url: str) -> dict[str, object]:
    return {"id": name, "kind": "page", "url": url, "allow_private": True}
