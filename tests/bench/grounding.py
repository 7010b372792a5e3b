"""What the grounding check catches when true sentences are made untrue, and what it says of experts' own blurbs."""

from __future__ import annotations

import sys
from pathlib import Path

from digest.blurbs.grounding import check_grounding, prepare_grounding_source
from digest.embeddings import load_embeddings
from digest.evaluation.grounding import GroundingOutcome, measure_grounding
from tests.bench.expert_blurbs import pairs
from tests.conftest import SHARED


def measure(data: Path = SHARED) -> list[GroundingOutcome]:
    """One outcome a test; the last is of human blurbs, which cite facts from outside the abstract and need not pass."""
    papers = pairs(data)
    outcomes = measure_grounding([(paper.title, paper.abstract) for paper in papers], load_embeddings())
    flagged = sum(
        bool(check_grounding(p.blurb, prepare_grounding_source(p.title, p.abstract), embeddings=load_embeddings()))
        for p in papers
    )
    return [*outcomes, GroundingOutcome("expert's own blurb", len(papers), 100 * flagged / len(papers), True)]


def main() -> int:
    if not SHARED.is_dir():
        print("grounding: the shared data folder is not here")
        return 0
    for row in measure():
        print(f"{row.test:24} {row.texts:5} texts, {row.flagged_percent:.1f} % flagged")
    return 0


if __name__ == "__main__":
    sys.exit(main())
