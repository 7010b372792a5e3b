"""The figures of a tagger, on cases small enough to count by hand."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from digest.evaluation.labels import LabelledPaper
from digest.evaluation.tagging import score_tagging
from digest.protocols import Classification, TagInput

NOTHING = TagInput("")


def paper(*acceptable: str) -> LabelledPaper:
    return LabelledPaper("k", NOTHING, acceptable)


def said(category: str, confidence: float = 0.5) -> Classification:
    return Classification(category, None, confidence)


def test_accuracy_and_f1_are_of_papers_with_one_label_and_acceptable_is_of_all() -> None:
    scores = score_tagging(
        [paper("rag"), paper("rag"), paper("eval"), paper("rag", "eval")],
        [said("rag"), said("eval"), said("eval"), said("eval")],
    )
    assert (scores.papers, scores.single) == (4, 3)
    assert (scores.accuracy, scores.acceptable) == (0.6667, 0.75)
    assert scores.f1 == {"eval": 0.6667, "rag": 0.6667}
    assert scores.macro_f1 == 0.6667


def test_the_confusion_counts_labels_against_verdicts() -> None:
    scores = score_tagging([paper("rag"), paper("rag"), paper("eval")], [said("eval"), said("rag"), said("eval")])
    assert scores.confusion == {"eval": {"eval": 1}, "rag": {"eval": 1, "rag": 1}}


def test_abstaining_is_counted_and_is_wrong() -> None:
    scores = score_tagging([paper("rag")], [said("other", 0.2)])
    assert (scores.abstained, scores.accuracy, scores.macro_f1) == (1, 0.0, 0.0)


def test_sure_verdicts_are_judged_apart() -> None:
    scores = score_tagging(
        [paper("rag"), paper("rag"), paper("rag")], [said("rag", 0.95), said("eval", 0.9), said("eval", 0.89)]
    )
    assert (scores.sure, scores.sure_right) == (2, 0.5)


def test_a_bin_holds_its_lower_edge_and_the_last_one_holds_certainty() -> None:
    scores = score_tagging([paper("rag")] * 3, [said("rag", 0.7), said("eval", 0.79), said("rag", 1.0)])
    assert [(b.low, b.count, b.confidence, b.right) for b in scores.bins] == [(0.7, 2, 0.745, 0.5), (0.9, 1, 1.0, 1.0)]


def test_nothing_to_judge_gives_no_figures_rather_than_zeros() -> None:
    scores = score_tagging([], [])
    assert (scores.accuracy, scores.macro_f1, scores.acceptable, scores.sure_right) == (None, None, None, None)


SLUGS = st.sampled_from(["rag", "eval", "safety", "other"])


@given(st.lists(st.tuples(st.sampled_from(["rag", "eval", "safety"]), SLUGS, st.floats(0, 1))))
def test_bins_and_confusion_hold_every_verdict_once_and_figures_are_json(rows: list[tuple[str, str, float]]) -> None:
    scores = score_tagging([paper(label) for label, _, _ in rows], [said(slug, c) for _, slug, c in rows])
    assert sum(b.count for b in scores.bins) == len(rows)
    assert sum(sum(row.values()) for row in scores.confusion.values()) == len(rows)
    assert json.loads(json.dumps(scores.as_dict()))["papers"] == len(rows)
