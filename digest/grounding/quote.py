"""Quotes a blurb from a source, word for word: the sentence on the contribution and the best one on results.

The weights were chosen on expert blurbs of 184 papers; `python -m tests.bench.quotes` measures them again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from digest.hostile import LINK
from digest.injection import looks_injected
from digest.ports import Quote
from digest.text import one_line, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digest.vectors import Vectors

POST_CHARACTERS = 1_500  # a post says what it is about at its beginning
_LONG, _SHORT, _CUT = 40, 8, 80  # words

_WHO = r"\b(?:we|this (?:paper|work|study|article|report|survey|post)|our (?:work|paper|approach|method))\b[^.]{0,60}?"
_DOES = (
    r"\b(?:propos|introduc|present|develop|describ|releas|design|formali[sz]|demonstrat|show|investigat|stud(?:y|ies)"
    r"|explor|examin|argu|provid|survey|review|address|build|built|creat|unveil|launch|announc|tackl|offer|conduct"
    r"|evaluat|find|analy[sz])"
)
_Cues = tuple[tuple[float, re.Pattern[str]], ...]


def _cues(*rows: tuple[float, str]) -> _Cues:
    return tuple((weight, re.compile(pattern, re.I)) for weight, pattern in rows)


CONTRIBUTION = _cues(
    (3.0, r"\b(?:we|this (?:paper|work|study|report|article)|and) (?:\w+ ){0,3}?(?:propose|introduce|present)s?\b"),
    (2.0, _WHO + _DOES),
    (1.0, r"\b(?:is|are|a|an) (?:\w+ ){0,2}?(?:novel|new|first|unified|open|simple)\b"),
    (1.0, r"\b(?:first|in this (?:paper|work|study))\b"),
    (0.6, r"^(?:in this (?:paper|work|study)|to (?:address|bridge|tackle|fill|overcome|mitigate|solve)|here,)"),
)
RESULT = _cues(
    (1.5, r"\b(?:outperform|surpass|achiev|attain|exceed|improv|reduc|yield|boost|match|gain)\w*"),
    (1.0, r"\d+(?:\.\d+)?\s*\\?(?:%|x\b|×|times|points|percent|\$\\times)"),
    (
        1.0,
        r"\b(?:results?|experiments?|evaluations?|empirical(?:ly)?|benchmarks?) (?:\w+ ){0,6}?"
        r"(?:show|demonstrat|reveal|indicat|confirm|suggest|highlight|validat)",
    ),
    (1.0, r"\bwe (?:\w+ )?(?:find|show|demonstrate|observe|reveal|discover)\b"),
    (0.7, r"\bstate[- ]of[- ]the[- ]art\b|\bSOTA\b"),
    (0.5, r"\d"),
)
_THING = r"(?:code|data|dataset|models?|weights|demo|project|resources?|checkpoints?)"
AGAINST = _cues(
    (  # where to get it, and what a feed adds by itself
        4.0,
        rf"\b{_THING}\b[^.]{{0,60}}\b(?:available|released|open[- ]sourced|found at)\b"
        rf"|\bproject page\b|\bgithub\b|\bopen[- ]source\b[^.]{{0,40}}\b{_THING}\b"
        r"|\bappeared first on\b|\b(?:read|learn) more\b|\bsubscribe\b|\bsign up\b",
    ),
    (  # background, and hopes
        0.5,
        r"\b(?:crucial|important|challeng\w*|increasingly|widely|however|despite|remains?|existing|prior|previous|hope"
        r"|future)\b",
    ),
)


def quote(title: str, text: str, vectors: Vectors | None = None, *, post: bool = False) -> Quote:
    """The blurb that needs no model, at most two sentences, each verbatim in `text` (white space folded).

    Of a `post` only the first 1,500 characters are read. With `vectors`, nearness to the title counts too.
    """
    pieces = _readable(text[:POST_CHARACTERS] if post else text, cut=post and len(text) > POST_CHARACTERS)
    if not pieces:
        return Quote(text="", sentences=())
    near = _nearness(title, pieces, vectors)
    against = [_against(piece) for piece in pieces]
    first = _contribution(pieces, near, against)
    second = _result(pieces, near, against, first)
    chosen = [_shortened(pieces[i]) for i in sorted({first, second})]
    return Quote(text=" ".join(chosen), sentences=tuple(piece.removesuffix(" …") for piece in chosen))


def _readable(text: str, *, cut: bool) -> list[str]:
    """The sentences of all paragraphs; no address, no instruction to a model, no sentence cut in two.

    Headings stay out where there is prose.
    """
    pieces = [piece for part in re.split(r"\n\s*\n", text) for piece in sentences(one_line(part))]
    if cut and len(pieces) > 1:
        pieces.pop()
    pieces = [piece for piece in pieces if not LINK.search(piece) and looks_injected(piece) is None]
    prose = [piece for piece in pieces if len(piece.split()) >= _SHORT or re.search(r"[.!?…][\"”’)]*$", piece)]
    return prose or pieces


def _nearness(title: str, pieces: Sequence[str], vectors: Vectors | None) -> list[float]:
    """Cosine of each sentence with the title; 0 without vectors."""
    if vectors is None:
        return [0.0] * len(pieces)
    rows = vectors.embed([title, *pieces])
    return [float(value) for value in rows[1:] @ rows[0]]


def _weight(cues: _Cues, piece: str) -> float:
    return sum(weight for weight, pattern in cues if pattern.search(piece))


def _against(piece: str) -> float:
    words = len(piece.split())
    return _weight(AGAINST, piece) + 0.03 * max(0, words - _LONG) + 1.5 * (words < _SHORT)


def _contribution(pieces: Sequence[str], near: Sequence[float], against: Sequence[float]) -> int:
    scores = [
        _weight(CONTRIBUTION, piece) + 3.0 * near[i] - 2.0 * i / len(pieces) - against[i]
        for i, piece in enumerate(pieces)
    ]
    return scores.index(max(scores))


def _result(pieces: Sequence[str], near: Sequence[float], against: Sequence[float], first: int) -> int:
    """The best other sentence, later ones before earlier ones; `first` itself when none is worth it."""
    scores = {
        i: _weight(RESULT, piece)
        + 0.3 * _weight(CONTRIBUTION, piece)
        + 1.5 * near[i]
        + (i == first + 1)
        - 2.0 * (i < first)
        - against[i]
        for i, piece in enumerate(pieces)
        if i != first
    }
    best = max(scores, key=lambda i: scores[i], default=first)
    return best if scores.get(best, 0.0) > -2.0 else first


def _shortened(piece: str) -> str:
    """A sentence of more than 80 words ends after them, with an ellipsis."""
    words = piece.split(" ")
    return piece if len(words) <= _CUT else " ".join(words[:_CUT]) + " …"
