"""What the editor added stands first in a period's ranking, and what they mute is not in it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from digest.context import Context
from digest.ingest.add import add_jsonl_file
from digest.models.predictions import Decision
from digest.ranking.stage import list_muted, load_ranked_candidates, rank_period
from tests.llm.workspace import context, period

MONTH = "2026-10-12T00:00:00+00:00"


@pytest.fixture
def workspace(tmp_path: Path) -> Context:
    made = context(tmp_path, lambda: None)
    papers = [
        {"title": f"Retrieval and memory of agents, part {n}", "arxiv_id": f"2610.{n:05d}", "published": MONTH}
        for n in range(40)
    ]
    _add(made, tmp_path / "papers.jsonl", papers)
    return made


def _add(made: Context, path: Path, rows: list[dict[str, str]]) -> None:
    path.write_text("\n".join(json.dumps(row) for row in rows))
    add_jsonl_file(made, path)


def _ranked(made: Context) -> list[tuple[str, list[str]]]:
    rank_period(made, period())
    with made.db.read() as session:
        return [(c.item.title, c.top_reasons) for c in load_ranked_candidates(session, period().name)]


def test_a_work_that_the_editor_adds_is_the_first_and_says_when(workspace: Context, tmp_path: Path) -> None:
    bread = {"title": "Baking bread at home", "url": "https://bread.example/a", "published": MONTH}
    _add(workspace, tmp_path / "one.jsonl", [bread])
    title, reasons = _ranked(workspace)[0]
    assert title == "Baking bread at home"
    assert reasons[0].startswith("added by you on ")


def test_a_large_file_is_no_addition_by_hand(workspace: Context) -> None:
    assert not any(reason.startswith("added") for _, reasons in _ranked(workspace) for reason in reasons)


def test_the_note_of_an_addition_is_shown(workspace: Context) -> None:
    with workspace.db.write() as session:
        session.add(Decision(item_id=40, verdict="add", detail={"note": "see table 2"}, origin="cli", at=workspace.now))
    assert _ranked(workspace)[0][1][0].endswith(": “see table 2”")


def test_what_is_muted_is_not_ranked_and_can_be_listed(workspace: Context) -> None:
    newsletter = workspace.config.newsletter.model_copy(update={"mute": ("part 7",)})
    quiet = replace(workspace, config=workspace.config.model_copy(update={"newsletter": newsletter}))
    assert len(_ranked(quiet)) == 39
    assert [row["muted"] for row in list_muted(quiet, period())] == ["part 7"]
