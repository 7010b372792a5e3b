"""`digest eval` compares its figures with the gates and with its last run, and says by its exit which it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_commands import run

LABELS = (
    ("Retrieval-augmented generation with passages", "rag"),
    ("A jailbreak of safety-trained language models", "safety"),
    ("A benchmark to evaluate language models", "eval"),
    ("An apple orchard in flower", "agents"),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with labelled papers, one of which nobody could sort so."""
    folder = tmp_path_factory.mktemp("measured")
    run("init", ".", folder=folder)
    rows = [{"arxiv_id": str(n), "title": title, "label": label} for n, (title, label) in enumerate(LABELS)]
    (folder / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def gates(place: Path, text: str) -> None:
    (place / "eval.yaml").write_text(text)


def test_a_figure_below_its_gate_ends_with_4_and_is_named_with_the_gate(place: Path) -> None:
    gates(place, "tagging: {accuracy: 0.9, macro_f1: 0, acceptable: 0}")
    done = run("eval", "tagging", "--data", "labels.jsonl", folder=place)
    assert done.returncode == 4
    assert "tagging: accuracy 0.75 is below 0.9" in done.stderr
    assert "gates can be set in eval.yaml" in done.stderr


def test_within_the_gates_it_ends_with_0_and_tells_what_moved_since_the_last_run_on_that_data(place: Path) -> None:
    gates(place, "tagging: {accuracy: 0.5, macro_f1: 0, acceptable: 0}")
    first = run("eval", "tagging", "--data", "labels.jsonl", folder=place)
    assert (first.returncode, "accuracy 0.75," in first.stdout) == (0, True)
    rows = (place / "labels.jsonl").read_text().splitlines()
    (place / "labels.jsonl").write_text("\n".join(rows[:3]))
    second = run("eval", "tagging", "--data", "labels.jsonl", folder=place)
    (place / "labels.jsonl").write_text("\n".join(rows))
    assert "accuracy 1 (+0.2500)" in second.stdout
    other = run("eval", "tagging", folder=place)  # the packaged set has a history of its own
    assert "(+" not in other.stdout


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("taging: {accuracy: 0.9}", "eval.yaml: there is no part 'taging'"),
        ("tagging: {acuracy: 0.9}", "eval.yaml: tagging has no figure 'acuracy'"),
        ("tagging: {accuracy: high}", "eval.yaml cannot be read"),
        ("tagging: [accuracy]", "eval.yaml cannot be read"),
        ("- tagging", "eval.yaml cannot be read"),
    ],
)
def test_a_gate_that_would_never_be_judged_is_a_mistake_and_not_a_pass(place: Path, text: str, told: str) -> None:
    gates(place, text)
    done = run("eval", "tagging", "--data", "labels.jsonl", folder=place)
    assert told in done.stderr
    assert "\n  → " in done.stderr
    assert (done.returncode, done.stdout) == (2, "")


def test_an_empty_file_of_gates_leaves_the_programs_own(place: Path) -> None:
    gates(place, "# none yet\n")
    assert run("eval", "tagging", "--data", "labels.jsonl", folder=place).returncode == 4


def test_papers_that_taught_the_tagger_are_owned_up_to(place: Path) -> None:
    gates(place, "tagging: {accuracy: 0, macro_f1: 0, acceptable: 0, sure_right: 0}")
    known = {"arxiv_id": "2502.09673", "title": "Retrieval-augmented generation", "label": "rag"}
    (place / "known.jsonl").write_text(json.dumps(known) + "\n" + json.dumps(known | {"arxiv_id": "2912.99999"}))
    done = run("eval", "tagging", "--data", "known.jsonl", folder=place)
    assert "1 of the 2 papers taught the tagger" in done.stdout
    assert "taught" not in run("eval", "tagging", "--data", "labels.jsonl", folder=place).stdout
