"""Possible duplicates are found when tagging, among works of which one at least does not come from arXiv."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.app import Workspace
from digest.db.items import get_item
from digest.db.merges import load_merged_keys, load_possible_duplicates
from digest.errors import ConfigError
from digest.tagging.items import merge_items_by_name, split_item_by_name
from tests.small import rows, workspace, write_jsonl

_TEXT = (
    "Citegraph-7 stores citation links between clauses of statutes and walks them backwards from a verdict. "
    "On 412 Maltese rulings it names the overturned clause in 87.3 percent of cases."
)
PAPER: dict[str, object] = {
    "arxiv_id": "2506.00009",
    "title": "Citegraph-7: walking statutes backwards from a verdict",
    "abstract": _TEXT,
    "authors": ["Grace Hopper"],
    "published": "2025-06-11",
    "source": "arxiv",
}
POST: dict[str, object] = {
    "url": "https://lab.example/blog/citegraph-7",
    "title": "Introducing Citegraph-7",
    "summary": _TEXT,
    "published": "2025-06-12",
    "source": "lab",
}


def added(made: Workspace, folder: Path, *lines: dict[str, object]) -> int:
    """Add lines and tag them; how many possible duplicates tagging has found."""
    made.add_jsonl(write_jsonl(folder / "lines.jsonl", list(lines)))
    return int(made.tag().numbers.get("possible_duplicates", 0))


def open_pairs(made: Workspace, name: str) -> list[tuple[str, str]]:
    with made.db.read() as session:
        item = get_item(session, name)
        found = load_possible_duplicates(session, [item.id]).get(item.id, [])
        return [(other.key, pair.reason) for pair, other in found]


def test_a_post_about_a_paper_is_flagged_whichever_comes_first(tmp_path: Path) -> None:
    for name, lines in {"paper": (PAPER, POST), "post": (POST, PAPER)}.items():
        (tmp_path / name).mkdir()
        with workspace(tmp_path / name) as made:
            assert added(made, tmp_path, *rows(), lines[0]) == 0
            assert added(made, tmp_path, lines[1]) == 1
            ((key, reason),) = open_pairs(made, "arxiv:2506.00009")
            assert "lab.example" in key
            assert reason


def test_two_arxiv_papers_are_not_compared(tmp_path: Path) -> None:
    with workspace(tmp_path) as made:
        assert added(made, tmp_path, *rows(), PAPER, PAPER | {"arxiv_id": "2506.00010"}) == 0


def test_a_pair_that_a_person_has_settled_stays_settled(tmp_path: Path) -> None:
    with workspace(tmp_path) as made:
        added(made, tmp_path, PAPER, POST)
        with made.db.write() as session:
            paper = get_item(session, "arxiv:2506.00009")
            ((pair, _),) = load_possible_duplicates(session, [paper.id])[paper.id]
            pair.state = "distinct"
            session.add(pair)
        made.tag(again=True)
        assert open_pairs(made, "arxiv:2506.00009") == []


def test_split_with_two_works_says_that_they_differ_and_merge_joins_them_whatever_was_said(tmp_path: Path) -> None:
    with workspace(tmp_path) as made:
        added(made, tmp_path, PAPER, POST)
        ((post, _),) = open_pairs(made, "arxiv:2506.00009")
        assert (
            split_item_by_name(made.context, "arxiv:2506.00009", post) == f"arxiv:2506.00009 and {post} are two works"
        )
        made.tag(again=True)
        assert open_pairs(made, "arxiv:2506.00009") == open_pairs(made, post) == []
        merge_items_by_name(made.context, post, "arxiv:2506.00009")
        with made.db.read() as session:
            assert load_merged_keys(session) == {post: ("arxiv:2506.00009", "https://arxiv.org/abs/2506.00009")}
        with pytest.raises(ConfigError, match="is one item"):
            split_item_by_name(made.context, "arxiv:2506.00009", post)


def test_a_year_is_compared_season_by_season_and_finds_the_same_pairs(tmp_path: Path) -> None:
    texts = [f"Tool{n}grove counts {n}7 rings of {name} trees." for n, name in enumerate(("oak", "elm", "yew"))]
    lines: list[dict[str, object]] = []
    for n, (text, month) in enumerate(zip(texts, (1, 3, 11), strict=True)):
        about = {"title": f"Tool{n}grove: rings of trees", "abstract": text, "published": f"2025-{month:02d}-28"}
        lines.append({"arxiv_id": f"2501.0000{n}", "authors": ["Ada Oak"], "source": "arxiv", **about})
        post = {"title": f"Tool{n}grove", "summary": text, "published": f"2025-{month + 1:02d}-02", "source": "lab"}
        lines.append({"url": f"https://lab.example/{n}", **post})
    with workspace(tmp_path) as made:
        assert added(made, tmp_path, *lines) == 3
        assert [len(open_pairs(made, f"arxiv:2501.0000{n}")) for n in range(3)] == [1, 1, 1]


def test_a_run_killed_between_tags_and_flags_is_made_good_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with workspace(tmp_path) as made:
        made.add_jsonl(write_jsonl(tmp_path / "lines.jsonl", [*rows(), PAPER, POST]))
        with monkeypatch.context() as patch:
            patch.setattr("digest.tagging.stage.flag_possible_duplicates", _interrupt)
            with pytest.raises(KeyboardInterrupt):
                made.tag()
        assert open_pairs(made, "arxiv:2506.00009") == []
        report = made.tag()
        assert (report.numbers["tagged"], report.numbers["possible_duplicates"]) == (0, 1)
        assert len(open_pairs(made, "arxiv:2506.00009")) == 1
        assert made.tag().numbers["possible_duplicates"] == 0


def _interrupt(*_: object) -> int:
    raise KeyboardInterrupt


def test_a_post_finds_a_paper_by_the_name_that_only_its_text_introduces(tmp_path: Path) -> None:
    paper = PAPER | {"title": "Walking statutes backwards from a verdict"}
    with workspace(tmp_path) as made:
        assert added(made, tmp_path, *rows(), paper) == 0
        assert added(made, tmp_path, POST) == 1
