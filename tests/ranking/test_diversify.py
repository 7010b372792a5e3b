"""The shortlist serves every category and repeats no theme while there are others."""

from __future__ import annotations

import numpy as np

from digest.embeddings import load_embeddings
from digest.ranking.diversify import diversify_candidates

THEMES = [
    "Planning with language model agents",
    "Protein structure by diffusion",
    "Jailbreak attacks on aligned models",
    "Dense retrieval for question answering",
    "Quantization of large networks",
    "Benchmarks for code generation",
    "Clinical notes and diagnosis",
    "Robot grasping from video",
]


def _choose(titles: list[str], count: int, categories: list[str] | None = None, **quotas: int) -> list[int]:
    scores = [3.0 - number * 0.01 for number in range(len(titles))]
    vectors = load_embeddings().embed(titles)
    return diversify_candidates(scores, categories or ["other"] * len(titles), vectors, count, quotas)


def test_eight_near_copies_of_one_theme_do_not_fill_the_list() -> None:
    copies = [f"{THEMES[0]}, part {n}" for n in ("one", "two", "three", "four", "five", "six", "seven", "eight")]
    titles = copies + THEMES[1:]
    chosen = [titles[row] for row in _choose(titles, 8)]
    assert sum(title in copies for title in chosen) <= 2
    assert set(THEMES[1:]) & set(chosen) == set(chosen) - set(copies)


def test_when_only_near_copies_are_left_the_list_is_still_filled() -> None:
    assert len(_choose([f"{THEMES[0]} {n}" for n in ("a", "b", "c", "d")], 4)) == 4


def test_every_category_gets_its_quota_even_from_the_bottom_of_the_ranking() -> None:
    categories = ["agents"] * 6 + ["health", "robots"]
    chosen = _choose(THEMES, 4, categories, health=1, robots=1, law=3)
    assert sorted(categories[row] for row in chosen) == ["agents", "agents", "health", "robots"]


def test_the_best_comes_first_and_no_one_comes_twice() -> None:
    chosen = _choose(THEMES, 100)
    assert chosen[0] == 0
    assert len(chosen) == len(set(chosen)) == len(THEMES)


def test_an_empty_ranking_gives_an_empty_list() -> None:
    assert diversify_candidates([], [], np.zeros((0, 128), dtype=np.float32), 5) == []
