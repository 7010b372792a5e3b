"""Published works are looked at again; what changed is proposed as an erratum until readers were told."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.app import Workspace
from digest.pipeline.refresh import as_diff
from digest.store import issues as issue_store
from tests.cli.test_commands import run
from tests.pipeline.test_links import Web, serving

LATER = datetime(2026, 2, 3, 9, tzinfo=UTC)


def opened(folder: Path) -> Workspace:
    return Workspace(folder, clock=lambda: LATER)


@pytest.fixture
def changed(workspace_folder: Path) -> Path:
    """A workspace in which one published paper was withdrawn and another has a new version."""
    with opened(workspace_folder) as workspace, workspace.db.write() as session:
        issue = issue_store.existing(session, "2025-05")
        rows = issue_store.picks(session, issue.id or 0)
        papers = [item for _, item in rows if item.key.startswith("arxiv:")]
        papers[0].withdrawn = LATER
        papers[1].version, papers[1].updated = 3, LATER
        session.add_all(papers)
    return workspace_folder


def test_withdrawals_and_new_versions_are_proposed_and_nothing_is_changed(changed: Path) -> None:
    with opened(changed) as workspace:
        report = workspace.refresh(links=False)
        assert [(e["period"], e["kind"]) for e in report.numbers["errata"]] == [
            ("2025-05", "withdrawn"),
            ("2025-05", "version"),
        ]
        lines = list(as_diff(report.numbers["errata"]))
        assert lines[1].startswith("- ")
        assert lines[2].endswith("(withdrawn on 2026-02-03)")
        assert workspace.publish("2025-06").line.startswith("2025-06")


def test_what_a_correction_told_is_not_proposed_again(changed: Path) -> None:
    with opened(changed) as workspace:
        first = workspace.refresh(links=False).numbers["errata"][0]
        *words, period, option, said = shlex.split(first["command"])
        assert (words, option) == (["digest", "publish"], "--correct")
        workspace.publish(period, correct=said)
        assert [e["kind"] for e in workspace.refresh(links=False).numbers["errata"]] == ["version"]


def test_dead_and_moved_links_of_published_works_are_proposed(workspace_folder: Path) -> None:
    with serving() as web, opened(workspace_folder) as workspace:
        _lead_to(workspace, web)
        report = workspace.refresh()
    assert {(e["kind"], e["before"], e["after"]) for e in report.numbers["errata"]} == {
        ("dead", f"{web.base}/gone", f"{web.base}/gone is not there (HTTP 404)"),
        ("moved", f"{web.base}/moved", f"{web.base}/other"),
    }


def _lead_to(workspace: Workspace, web: Web) -> None:
    with workspace.db.write() as session:
        issues = [issue for issue in issue_store.published(session) if issue.kind == "monthly"]
        rows = [item for issue in issues for _, item in issue_store.picks(session, issue.id or 0)]
        for number, item in enumerate(item for item in rows if not item.key.startswith("arxiv:")):
            item.url = web.base + ("/gone", "/moved", "/fine")[min(number, 2)]
            session.add(item)


def test_the_command_prints_a_diff_or_json(changed: Path) -> None:
    shown = run("refresh", "--no-links", folder=changed)
    assert shown.returncode == 0
    assert shown.stdout.startswith("@@ 2025-05 arxiv:")
    told = json.loads(run("refresh", "--no-links", "--json", folder=changed).stdout)
    assert len(told["numbers"]["errata"]) == 2
