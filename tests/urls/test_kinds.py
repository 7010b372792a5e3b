"""The kind of an item is told from its key, address and title."""

from __future__ import annotations

import pytest

from digest.urls.kinds import classify_kind, is_promotional


@pytest.mark.parametrize(
    ("key", "url", "title", "kind"),
    [
        ("arxiv:2605.00001", "https://arxiv.org/abs/2605.00001", "Introducing X", "paper"),
        ("k", "https://openreview.net/forum?id=a", "A", "paper"),
        ("k", "https://www.youtube.com/watch?v=1", "A", "talk"),
        ("k", "https://github.com/a/b", "b", "code"),
        ("k", "https://github.com/a/b/releases/tag/v1", "v1", "release"),
        ("k", "https://huggingface.co/org/model-8B", "model", "release"),
        ("k", "https://huggingface.co/blog/a", "A small guide", "post"),
        ("k", "https://lab.example/blog/a", "Introducing Gazelle 4", "release"),
        ("k", "https://lab.example/blog/a", "Why agents forget", "post"),
        ("k", "https://www.bbc.co.uk/news/1", "A", "news"),
        ("k", "https://notyoutube.com/a", "A", "post"),
    ],
)
def test_address_and_title_tell_the_kind(key: str, url: str, title: str, kind: str) -> None:
    assert classify_kind(key, url, title) == kind


@pytest.mark.parametrize(
    "title",
    ["v1.15.0", "AI trends 2026-05-05", "How Acme used Gazelle to build a shop on a cloud", "Acme raises a round"],
)
def test_announcements_and_roundups_are_recognised(title: str) -> None:
    assert is_promotional(title)


@pytest.mark.parametrize("title", ["Why agents forget", "How we contain models across products", "Measuring trust"])
def test_findings_are_no_announcements(title: str) -> None:
    assert not is_promotional(title)
