"""What the grounding check catches when true sentences are made untrue, and what it says of experts' own blurbs."""

from __future__ import annotations

import sys
from pathlib import Path

from digest.blurbs.grounding import check_grounding, prepare_grounding_source
from digest.embeddings import EmbeddingTable, load_embeddings
from digest.evaluation.grounding import GroundingOutcome, measure_grounding
from digest.text import normalise_line
from digest.text.sentences import split_sentences
from tests.bench.expert_blurbs import Pair, pairs
from tests.conftest import SHARED

# What is bound to a sentence of the source, beside what must stand in it anywhere.
BINDING_KINDS = {"misplaced", "scope", "cause", "unsupported"}
MAX_BINDING_ALARMS = 5.0  # per cent


def measure(data: Path = SHARED) -> list[GroundingOutcome]:
    """One outcome a test; the last is of human blurbs, which cite facts from outside the abstract and need not pass."""
    papers, vectors = pairs(data), load_embeddings()
    outcomes = measure_grounding([(paper.title, paper.abstract) for paper in papers], vectors)
    flagged = sum(
        bool(check_grounding(p.blurb, prepare_grounding_source(p.title, p.abstract), embeddings=load_embeddings()))
        for p in papers
    )
    return [
        *outcomes,
        GroundingOutcome("expert's own blurb", len(papers), 100 * flagged / len(papers), True),
        _measure_binding_alarms(papers, vectors),
    ]


def _measure_binding_alarms(papers: list[Pair], vectors: EmbeddingTable) -> GroundingOutcome:
    """Of the experts' sentences whose values all stand in the abstract, how many the binding of values flags."""
    flagged = total = 0
    for paper in papers:
        source = prepare_grounding_source(paper.title, paper.abstract)
        for sentence in split_sentences(normalise_line(paper.blurb)):
            kinds = {flag.kind for flag in check_grounding(sentence, source, embeddings=vectors)}
            if len(sentence.split()) > 5 and kinds <= BINDING_KINDS:
                total += 1
                flagged += bool(kinds)
    percent = 100 * flagged / total
    return GroundingOutcome("expert's own sentence", total, percent, percent <= MAX_BINDING_ALARMS)


def main() -> int:
    if not SHARED.is_dir():
        print("grounding: the shared data folder is not here")
        return 0
    for row in measure():
        print(f"{row.test:24} {row.texts:5} texts, {row.flagged_percent:.1f} % flagged")
    return 0


if __name__ == "__main__":
    sys.exit(main())
