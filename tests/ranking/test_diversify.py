"""The shortlist serves every category and repeats no theme while there are others."""

from __future__ import annotations

import numpy as np

from digest.embeddings import load_embeddings
from digest.ranking.diversify import diversify_candidates
from digest.ranking.score import RankingContext, rank_candidates
from digest.ranking.types import Candidate, RankedCandidate

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


def _ranked(titles: list[str], categories: list[str] | None = None) -> tuple[list[RankedCandidate], np.ndarray]:
    kinds = categories or ["other"] * len(titles)
    candidates = [Candidate(f"{i:03d}", t, category=k) for i, (t, k) in enumerate(zip(titles, kinds, strict=True))]
    ranked = [RankedCandidate(i + 1, c, 3.0 - i * 0.01, ()) for i, c in enumerate(candidates)]
    return ranked, load_embeddings().embed(titles)


def test_eight_near_copies_of_one_theme_do_not_fill_the_list() -> None:
    copies = [f"{THEMES[0]}, part {n}" for n in ("one", "two", "three", "four", "five", "six", "seven", "eight")]
    ranked, embedded = _ranked(copies + THEMES[1:])
    chosen = [one.candidate.title for one in diversify_candidates(ranked, 8, embedded)]
    assert sum(title in copies for title in chosen) <= 2
    assert set(THEMES[1:]) & set(chosen) == set(chosen) - set(copies)


def test_when_only_near_copies_are_left_the_list_is_still_filled() -> None:
    ranked, embedded = _ranked([f"{THEMES[0]} {n}" for n in ("a", "b", "c", "d")])
    assert len(diversify_candidates(ranked, 4, embedded)) == 4


def test_every_category_gets_its_quota_even_from_the_bottom_of_the_ranking() -> None:
    ranked, embedded = _ranked(THEMES, ["agents"] * 6 + ["health", "robots"])
    chosen = diversify_candidates(ranked, 4, embedded, {"health": 1, "robots": 1, "law": 3})
    assert sorted(one.candidate.category for one in chosen) == ["agents", "agents", "health", "robots"]


def test_the_best_comes_first_and_no_one_comes_twice() -> None:
    ranked, embedded = _ranked(THEMES)
    chosen = diversify_candidates(ranked, 100, embedded)
    assert chosen[0] is ranked[0]
    assert len(chosen) == len({one.candidate.key for one in chosen}) == len(THEMES)


def test_an_empty_ranking_gives_an_empty_list() -> None:
    assert diversify_candidates(rank_candidates([], RankingContext()), 5, np.zeros((0, 128), dtype=np.float32)) == []
