"""`eval tagging --engine`: a language model's figures on labelled papers, paid for once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from digest.errors import ModelError
from digest.evaluation import compare_with_gates, evaluate_tagging
from tests.llm.gemini_server import GeminiServer, candidate, error, sensible
from tests.llm.workspace import context, gemini


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    rows = [
        {"arxiv_id": f"2501.0000{n}", "title": f"Paper {n}", "abstract": "A.", "label": "rag" if n % 2 else "agents"}
        for n in range(8)
    ]
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_models_verdicts_are_measured_and_a_second_time_costs_nothing(
    tmp_path: Path, server: GeminiServer, labelled: Path
) -> None:
    place = context(tmp_path, gemini(server.url))
    numbers = evaluate_tagging(place, labelled, embedded=False)
    assert (numbers["papers"], numbers["accuracy"], numbers["unanswered"]) == (8, 0.5, 0)
    assert numbers["confusion"] == {"agents": {"rag": 4}, "rag": {"rag": 4}}
    assert numbers["usd"] > 0
    assert "sure_right" not in numbers
    again = evaluate_tagging(place, labelled, embedded=False)
    assert (again["calls"], again["accuracy"]) == (0, 0.5)
    report = compare_with_gates(place, "tagging by gemini", again, tmp_path, gate="tagging")
    assert "by gemini:gemini-3.5-flash-lite, 0 calls" in report.line


def test_papers_without_a_verdict_are_left_out_and_counted(
    tmp_path: Path, server: GeminiServer, labelled: Path
) -> None:
    def silent_on_three(asked: dict[str, Any]) -> Any:
        wanted = {"items": [item for item in asked["items"] if item["title"] != "Paper 3"]}
        return sensible(wanted)

    server.answer = silent_on_three
    place = context(tmp_path, gemini(server.url))
    numbers = evaluate_tagging(place, labelled, embedded=False)
    assert (numbers["papers"], numbers["unanswered"]) == (7, 1)
    report = compare_with_gates(place, "tagging by gemini", numbers, tmp_path, gate="golden")
    assert report.state == "partial"
    assert "1 papers without its verdict are left out: gemini" in report.line


def test_a_model_without_any_verdict_is_an_error_not_a_figure(
    tmp_path: Path, server: GeminiServer, labelled: Path
) -> None:
    server.fail.append(error(404, "NOT_FOUND", "no such model"))
    place = context(tmp_path, gemini(server.url))
    with pytest.raises(ModelError, match="no such model"):
        evaluate_tagging(place, labelled, embedded=False)
    server.fail.extend([candidate(None, "SAFETY")] * 30)
    with pytest.raises(ModelError, match="no grade that can be used"):
        evaluate_tagging(place, labelled, embedded=False)


def test_the_embedded_tagger_is_measured_where_no_model_is(tmp_path: Path, labelled: Path) -> None:
    place = context(tmp_path, lambda: None)
    assert evaluate_tagging(place, labelled)["engine"] == "embedded"


def test_figures_are_set_against_the_last_run_on_the_same_data(tmp_path: Path, labelled: Path) -> None:
    place = context(tmp_path, lambda: None)

    def line(accuracy: float, data: Path | None) -> str:
        return compare_with_gates(place, "tagging", {"accuracy": accuracy}, tmp_path, data=data).line

    assert line(0.90, labelled) == "accuracy 0.9"
    assert line(0.95, None) == "accuracy 0.95"
    assert line(0.92, labelled) == "accuracy 0.92 (+0.0200)"
