"""Posts have weights of their own, read title, lead and source, and are `other` rather than wrong."""

from __future__ import annotations

from pathlib import Path

from digest.config.schema import Taxonomy
from digest.db.items import get_item
from digest.protocols import TagInput
from digest.tagging.embedded import EmbeddedTagger
from digest.tagging.post_scores import MIN_POST_CONFIDENCE, describe_post_source
from digest.tagging.stage import build_tag_input
from tests.small import workspace, write_jsonl

_LAB = describe_post_source("https://lab.example/engineering/harness", "lab")


def test_the_source_of_a_post_is_its_name_and_its_address_without_the_last_part() -> None:
    assert describe_post_source("https://lab.example/news/2026/a-b", "lab") == "lab lab.example news 2026"
    assert describe_post_source("", "") == "post"


def test_a_changelog_and_company_news_are_other_and_an_agents_post_is_agents(taxonomy: Taxonomy) -> None:
    posts = [
        TagInput("v0.32.15", "What's changed: fixed a crash at start.", describe_post_source("https://github.com/o/p/releases/tag/1")),
        TagInput("A new chief financial officer joins the company", "", _LAB),
        TagInput("Building effective agents with tools", "How agents plan, call tools and work for hours.", _LAB),
    ]  # fmt: skip
    verdicts = EmbeddedTagger(taxonomy).tag(posts)
    assert [verdict.category for verdict in verdicts] == ["other", "other", "agents"]


def test_no_post_has_a_category_below_the_least_confidence(taxonomy: Taxonomy) -> None:
    titles = ["Notes from a week", "Our next chapter", "What we learned about search", "On safety and speed"]
    for verdict in EmbeddedTagger(taxonomy).tag([TagInput(title, "", _LAB) for title in titles]):
        assert verdict.category == "other" or verdict.confidence >= MIN_POST_CONFIDENCE
        assert verdict.secondary != "other"


def test_a_correction_of_a_post_holds(taxonomy: Taxonomy) -> None:
    post = TagInput("Our next chapter", "We look back on the year.", _LAB)
    [verdict] = EmbeddedTagger(taxonomy, [(post, "safety")]).tag([post])
    assert verdict.category == "safety"


def test_only_what_is_not_a_paper_has_a_source(tmp_path: Path) -> None:
    lines: list[dict[str, object]] = [
        {"arxiv_id": "2506.00001", "title": "A paper", "published": "2025-06-01"},
        {"url": "https://lab.example/blog/one", "title": "A post", "published": "2025-06-02", "source": "lab"},
    ]
    with workspace(tmp_path) as made:
        made.add_jsonl(write_jsonl(tmp_path / "lines.jsonl", lines))
        with made.db.read() as session:
            keys = ("arxiv:2506.00001", "url:https://lab.example/blog/one")
            sources = [build_tag_input(get_item(session, key)).source for key in keys]
    assert sources[0] == ""
    assert "lab.example blog" in sources[1]
