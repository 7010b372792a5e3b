"""What intake has joined by itself is taken apart by a word of the editor, and stays apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.app import Workspace
from digest.db.items import get_item, load_item_mentions
from digest.db.merges import load_possible_duplicates
from digest.errors import ConfigError
from digest.models.items import Item
from digest.tagging.items import merge_items_by_name, split_item_by_name
from tests.small import workspace, write_jsonl

POST: dict[str, object] = {
    "url": "https://lab.example/blog/rings",
    "title": "Counting the Rings of Old Trees",
    "summary": "Our post tells how we count rings.",
    "authors": ["Grace Hopper"],
    "published": "2025-06-12",
    "source": "lab",
}
PAPER: dict[str, object] = {
    **POST,
    "url": "",
    "arxiv_id": "2506.00009",
    "summary": "We count rings.",
    "source": "arxiv",
}
OTHER: dict[str, object] = {**POST, "url": "https://news.example/rings", "source": "news", "summary": "They count."}
KEY = "url:https://lab.example/blog/rings"


def added(made: Workspace, folder: Path, *lines: dict[str, object]) -> None:
    made.add_jsonl(write_jsonl(folder / "lines.jsonl", list(lines)))


def found(made: Workspace, name: str) -> tuple[Item, list[str]]:
    """The item that a key stands for, and the sources that mention it."""
    with made.db.read() as session:
        item = get_item(session, name)
        return item, [mention.source_id for mention in load_item_mentions(session, item.id)]


@pytest.mark.parametrize("name", ["https://lab.example/blog/rings", KEY, "arxiv:2506.00009"])
def test_a_post_that_was_taken_for_the_paper_stands_by_itself_again(tmp_path: Path, name: str) -> None:
    with workspace(tmp_path) as made:
        added(made, tmp_path, PAPER, POST)
        assert found(made, KEY)[1] == ["arxiv", "lab"]
        assert split_item_by_name(made.context, name) == f"{KEY} is one work again (1 mentions)"
        post, places = found(made, KEY)
        assert (post.kind, post.title, post.summary, places) == ("post", POST["title"], POST["summary"], ["lab"])
        paper, places = found(made, "arxiv:2506.00009")
        assert (paper.summary, places) == (PAPER["summary"], ["arxiv"])
        added(made, tmp_path, PAPER, POST)
        post, places = found(made, KEY)
        assert (post.authors, places) == (["Grace Hopper"], ["lab"])
        made.tag()
        with made.db.read() as session:
            assert load_possible_duplicates(session, [post.id]) == {}


def test_a_post_whose_words_gave_way_to_the_paper_s_has_them_back(tmp_path: Path) -> None:
    with workspace(tmp_path) as made:
        added(made, tmp_path, POST)
        added(made, tmp_path, PAPER)
        assert found(made, KEY)[0].summary == PAPER["summary"]
        split_item_by_name(made.context, KEY)
        post, places = found(made, KEY)
        assert (post.kind, post.url, post.summary, places) == ("post", POST["url"], POST["summary"], ["lab"])
        paper, places = found(made, "arxiv:2506.00009")
        assert (paper.url, places) == ("https://arxiv.org/abs/2506.00009", ["arxiv"])
        assert (paper.summary, paper.authors) == (PAPER["summary"], PAPER["authors"])
        added(made, tmp_path, POST, PAPER)
        assert found(made, KEY)[0].authors == POST["authors"]


def test_of_several_that_were_joined_one_is_named(tmp_path: Path) -> None:
    with workspace(tmp_path) as made:
        added(made, tmp_path, PAPER, POST, OTHER)
        with pytest.raises(ConfigError, match="3 keys in one") as caught:
            split_item_by_name(made.context, "arxiv:2506.00009")
        assert "url:https://news.example/rings" in caught.value.hint
        split_item_by_name(made.context, "https://news.example/rings")
        assert found(made, "url:https://news.example/rings")[1] == ["news"]
        assert found(made, "arxiv:2506.00009")[1] == ["arxiv", "lab"]


def test_what_was_merged_by_hand_is_found_from_the_item_it_went_into(tmp_path: Path) -> None:
    with workspace(tmp_path) as made:
        added(made, tmp_path, PAPER, {**POST, "title": "Of rings"})
        merge_items_by_name(made.context, KEY, "arxiv:2506.00009")
        split_item_by_name(made.context, "arxiv:2506.00009")
        assert found(made, KEY)[1] == ["lab"]


def test_what_was_never_joined_is_told(tmp_path: Path) -> None:
    with workspace(tmp_path) as made:
        added(made, tmp_path, PAPER)
        with pytest.raises(ConfigError, match="not merged with another"):
            split_item_by_name(made.context, "arxiv:2506.00009")
