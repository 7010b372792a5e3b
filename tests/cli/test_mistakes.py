"""What people get wrong on the command line is told with its place and its cure, and never with a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_commands import run

MISTAKES = (
    (("init", "made/of"), "made/of cannot be made: not a directory"),
    (("-w", "made", "status"), "made/sources.yaml cannot be read: not a directory"),
    (("fetch", "arxv"), "did you mean 'arxiv'?"),
    (("add", "arxiv.org/abs/2510.00001x"), "write the whole URL, with https:// in front"),
    (("eval", "tagging", "--data", "none.jsonl"), "none.jsonl cannot be read: no such file or directory"),
    (("subscribers", "import", "none.csv"), "none.csv cannot be read: no such file or directory"),
    (("add", "--jsonl", "none.jsonl"), "none.jsonl cannot be read: no such file or directory"),
    (("add", "--jsonl", "bytes"), "bytes cannot be read: it is not UTF-8 text"),
    (("backup", "--restore", "none.zip"), "none.zip is not a backup: no such file or directory"),
    (("export", "--import", "none"), "none is not an export: no such file or directory"),
    (("eval", "duplicates", "--data", "broken.jsonl"), "broken.jsonl: line 2: is not JSON"),
    (("eval", "grounding", "--data", "list.jsonl"), "list.jsonl: line 1: is not a JSON object"),
    (("eval", "grounding", "--data", "bytes"), "bytes: line 1: is not UTF-8 text"),
    (("eval", "ranking", "--pools", "none", "--picks", "none"), "there are no pools in none"),
    (("eval", "all", "--data", "site"), "site holds none of the files to measure on"),
    (("judge", "2026-10", "--provider", "gemini"), "make a key in AI Studio"),
)
# Files that are there and hold something else: nothing is wrong with the command.
DAMAGED = ("broken.jsonl", "list.jsonl", "bytes")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace among files that are not what they are taken for."""
    folder = tmp_path_factory.mktemp("mistakes")
    run("init", ".", folder=folder)
    (folder / "made").write_text("a file")
    (folder / "bytes").write_bytes(b"\xff\xfe\x00")
    (folder / "broken.jsonl").write_text('{"a": {}, "b": {}, "label": "same"}\n{"a"\n')
    (folder / "list.jsonl").write_text("[1, 2]\n")
    return folder


@pytest.mark.parametrize(("words", "told"), MISTAKES, ids=[" ".join(words) for words, _ in MISTAKES])
def test_a_mistake_is_told_with_its_cure(place: Path, words: tuple[str, ...], told: str) -> None:
    done = run(*words, folder=place)
    assert told in done.stderr
    assert "\n  → " in done.stderr
    assert "Traceback" not in done.stderr
    assert "Errno" not in done.stderr
    assert done.returncode in ((1, 2) if words[-1] in DAMAGED else (2,))


def test_a_sheet_that_cannot_be_read_is_named_with_its_line(place: Path) -> None:
    drafts = place / "site" / "_drafts"
    drafts.mkdir(exist_ok=True)
    (drafts / "2026-10.md").write_text("no front matter\n")
    done = run("check", "2026-10", folder=place)
    assert "site/_drafts/2026-10.md, line 1: the draft does not begin with front matter" in done.stderr
