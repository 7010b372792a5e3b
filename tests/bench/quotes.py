"""How near quoted blurbs come to what experts wrote: ROUGE-2 F1, beside the first two sentences and the best pair."""

from __future__ import annotations

import sys
from itertools import combinations
from pathlib import Path
from statistics import fmean

from digest.blurbs.extract import extract_quote
from digest.embeddings import load_embeddings
from digest.text import normalise_line
from digest.text.sentences import split_sentences
from tests.bench.expert_blurbs import Pair, pairs
from tests.bench.rouge import rouge
from tests.conftest import SHARED


def measure(data: Path = SHARED) -> list[dict[str, float | str]]:
    """Rows of method, ROUGE-1, ROUGE-2 (percent) and words."""
    papers = pairs(data)
    table = load_embeddings()
    methods = {
        "quote": lambda p: extract_quote(p.title, p.abstract, table).text,
        "quote without vectors": lambda p: extract_quote(p.title, p.abstract).text,
        "first two sentences": lambda p: " ".join(split_sentences(normalise_line(p.abstract))[:2]),
        "best possible pair": _oracle,
    }
    out: list[dict[str, float | str]] = []
    for name, method in methods.items():
        texts = [(method(paper), paper.blurb) for paper in papers]
        scores = [100 * fmean(rouge(n, text, blurb) for text, blurb in texts) for n in (1, 2)]
        tokens = fmean(len(text.split()) for text, _ in texts)
        out.append({"method": name, "papers": len(papers), "r1": scores[0], "r2": scores[1], "words": tokens})
    return out


def _oracle(paper: Pair) -> str:
    pieces = split_sentences(normalise_line(paper.abstract))
    couples = [" ".join(couple) for couple in combinations(pieces, 2)] or pieces
    return max(couples, key=lambda text: rouge(2, text, paper.blurb))


def main() -> int:
    if not SHARED.is_dir():
        print("quotes: the shared data folder is not here")
        return 0
    for row in measure():
        print(
            ", ".join(f"{name} {value if isinstance(value, str) else round(value, 1)}" for name, value in row.items())
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
