"""Names, fingerprints and differences of taxonomies."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.config.schema import Category, Taxonomy
from digest.errors import NotFoundError
from digest.tagging.taxonomy import (
    RetagMoves,
    TaxonomyChange,
    count_retag_moves,
    diff_taxonomies,
    find_renamed_categories,
    fingerprint_taxonomy,
    resolve_category,
)


def category(slug: str, **more: Any) -> Category:
    return Category(**{"slug": slug, "title": slug.title(), "description": f"What is said of {slug}", **more})


def taxonomy(*categories: Category, version: int = 1) -> Taxonomy:
    return Taxonomy(version=version, categories=categories)


OLD = taxonomy(category("rag", aliases=("retrieval",)), category("agents"), category("vision"))


@pytest.mark.parametrize("name", ["rag", " RAG ", "Retrieval", "Rag"])
def test_a_category_answers_to_its_slug_its_title_and_its_aliases_in_any_case(name: str) -> None:
    assert resolve_category(OLD, name) == "rag"


def test_other_is_a_name_of_every_taxonomy() -> None:
    assert resolve_category(OLD, "Other") == "other"


def test_an_unknown_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(NotFoundError) as caught:
        resolve_category(OLD, "agnets")
    assert caught.value.hint == "did you mean 'agents'?"


def test_a_name_near_to_nothing_is_answered_with_the_whole_list() -> None:
    with pytest.raises(NotFoundError) as caught:
        resolve_category(OLD, "xyzzy")
    assert caught.value.hint == "one of: rag, agents, vision, other"


def test_the_fingerprint_begins_with_the_version() -> None:
    assert fingerprint_taxonomy(taxonomy(category("rag"), version=7)).startswith("7-")


@pytest.mark.parametrize(
    "change", [{"description": "Another meaning altogether"}, {"exemplars": ("A title",)}, {"keywords": ("graph",)}]
)
def test_the_fingerprint_changes_with_whatever_can_change_a_verdict(change: dict[str, Any]) -> None:
    assert fingerprint_taxonomy(taxonomy(category("rag", **change))) != fingerprint_taxonomy(taxonomy(category("rag")))


@pytest.mark.parametrize("change", [{"title": "Retrieval"}, {"quota": 9}, {"aliases": ("search",)}])
def test_the_fingerprint_stays_when_only_the_looks_change(change: dict[str, Any]) -> None:
    assert fingerprint_taxonomy(taxonomy(category("rag", **change))) == fingerprint_taxonomy(taxonomy(category("rag")))


def test_the_fingerprint_does_not_depend_on_the_order() -> None:
    assert fingerprint_taxonomy(Taxonomy(categories=OLD.categories[::-1])) == fingerprint_taxonomy(OLD)


def test_a_diff_names_what_was_added_removed_renamed_and_changed() -> None:
    new = taxonomy(category("retrieval", aliases=("rag",)), category("agents", quota=5), category("law"))
    assert diff_taxonomies(OLD, new) == [
        TaxonomyChange("added", "law"),
        TaxonomyChange("removed", "vision"),
        TaxonomyChange("renamed", "retrieval", "rag", ("title", "description", "aliases")),
        TaxonomyChange("changed", "agents", fields=("quota",)),
    ]


def test_a_change_reads_as_one_line() -> None:
    assert TaxonomyChange("renamed", "retrieval", "rag", ("title",)).description == "renamed retrieval (was rag): title"
    assert TaxonomyChange("added", "law").description == "added law"


def test_two_categories_cannot_both_be_the_old_one_renamed() -> None:
    old, new = taxonomy(category("rag")), taxonomy(category("search", aliases=("rag",)), category("graphs"))
    assert find_renamed_categories(old, new) == {"search": "rag"}
    assert [change.kind for change in diff_taxonomies(old, new)] == ["added", "renamed"]


def test_a_retag_counts_moves_most_first_and_a_rename_is_no_move() -> None:
    before = ["rag", "rag", "agents", "agents", "vision"]
    after = ["retrieval", "agents", "law", "law", "vision"]
    assert count_retag_moves(before, after, {"retrieval": "rag"}) == RetagMoves(
        2, (("agents", "law", 2), ("rag", "agents", 1))
    )


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc"))))
def test_each_item_of_a_retag_stays_or_moves_once(pairs: list[tuple[str, str]]) -> None:
    moves = count_retag_moves([old for old, _ in pairs], [new for _, new in pairs])
    assert moves.unchanged + moves.moved_count == len(pairs)


def test_a_taxonomy_does_not_differ_from_itself() -> None:
    assert diff_taxonomies(OLD, OLD) == []
