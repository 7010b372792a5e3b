"""What the grounding check catches when true sentences are made untrue, and what it says of verbatim and human text."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from digest.grounding import Source, check, quote, source_of
from digest.grounding.claims import names, normal
from digest.text import one_line, sentences
from digest.vectors import vectors
from tests.bench.expert_blurbs import Pair, pairs
from tests.conftest import SHARED

_DIGITS = re.compile(r"(?<![\w.-])\d+(?:\.\d+)?")
Case = tuple[str, Source]


def measure(data: Path = SHARED) -> list[dict[str, float | str]]:
    """Rows of test, number of texts, and percent flagged."""
    papers = pairs(data)
    table = vectors()
    sources = {paper.arxiv_id: source_of(paper.title, paper.abstract) for paper in papers}
    out: list[dict[str, float | str]] = []
    for name, cases in TESTS.items():
        texts = list(cases(papers, sources))
        near = table if name in WITH_VECTORS else None
        flagged = sum(bool(check(text, source, vectors=near)) for text, source in texts)
        out.append({"test": name, "texts": len(texts), "flagged": 100 * flagged / len(texts)})
    return out


def _verbatim(papers: list[Pair], sources: dict[str, Source]) -> Iterator[Case]:
    return ((piece, sources[p.arxiv_id]) for p in papers for piece in sentences(one_line(p.abstract)))


def _numbers(papers: list[Pair], sources: dict[str, Source]) -> Iterator[Case]:
    """The first number of each sentence, raised by one to nine."""
    dice = random.Random(1)
    for piece, source in _verbatim(papers, sources):
        if found := _DIGITS.search(piece):
            old = found[0]
            new = f"{float(old) + dice.randint(1, 9):.1f}" if "." in old else str(int(old) + dice.randint(1, 9))
            yield piece[: found.start()] + new + piece[found.end() :], source


def _names(papers: list[Pair], sources: dict[str, Source]) -> Iterator[Case]:
    """The first name of each quotation, for one of another paper's."""
    dice = random.Random(1)
    for place, paper in enumerate(papers):
        other = papers[(place + 7) % len(papers)]
        theirs = list(names(normal(f"{other.title}. {other.abstract}")))
        text = quote(paper.title, paper.abstract).text
        ours = [name for name in names(normal(text)) if name in text]
        if ours and theirs:
            yield text.replace(ours[0], dice.choice(theirs)), sources[paper.arxiv_id]


def _adding(words: str) -> Callable[[list[Pair], dict[str, Source]], Iterator[Case]]:
    def cases(papers: list[Pair], sources: dict[str, Source]) -> Iterator[Case]:
        return ((f"{quote(p.title, p.abstract).text} {words}", sources[p.arxiv_id]) for p in papers)

    return cases


def _another(papers: list[Pair], sources: dict[str, Source]) -> Iterator[Case]:
    half = len(papers) // 2
    for place, paper in enumerate(papers):
        other = papers[(place + half) % len(papers)]
        yield quote(other.title, other.abstract).text, sources[paper.arxiv_id]


def _human(papers: list[Pair], sources: dict[str, Source]) -> Iterator[Case]:
    return ((p.blurb, sources[p.arxiv_id]) for p in papers)


TESTS: dict[str, Callable[[list[Pair], dict[str, Source]], Iterator[Case]]] = {
    "verbatim sentence": _verbatim,
    "number changed": _numbers,
    "name swapped": _names,
    "citation invented": _adding("It extends Smith et al. (2023)."),
    "link invented": _adding("More at https://example.org/more."),
    "hype added": _adding("This is a groundbreaking result."),
    "another paper's blurb": _another,
    "expert's own blurb": _human,
}
WITH_VECTORS = {"verbatim sentence", "another paper's blurb", "expert's own blurb"}


def main() -> int:
    if not SHARED.is_dir():
        print("grounding: the shared data folder is not here")
        return 0
    for row in measure():
        print(f"{row['test']:24} {row['texts']:5} texts, {row['flagged']:.1f} % flagged")
    return 0


if __name__ == "__main__":
    sys.exit(main())
