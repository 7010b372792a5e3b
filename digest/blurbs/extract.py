"""Quotes a blurb from a source, word for word: the sentence on the contribution and the best one on results.

The weights were chosen on expert blurbs of 184 papers; `python -m tests.bench.quotes` measures them again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from digest.llm.injection import find_injection
from digest.llm.sanitize import LINK_PATTERN
from digest.protocols import ExtractedQuote
from digest.text import normalise_line, split_sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digest.embeddings import EmbeddingTable

MAX_POST_CHARACTERS = 1_500  # a post says what it is about at its beginning
_LONG_SENTENCE, _SHORT_SENTENCE, _MAX_SENTENCE_WORDS = 40, 8, 80  # words

_SUBJECT = (
    r"\b(?:we|this (?:paper|work|study|article|report|survey|post)|our (?:work|paper|approach|method))\b[^.]{0,60}?"
)
_CONTRIBUTION_VERB = (
    r"\b(?:propos|introduc|present|develop|describ|releas|design|formali[sz]|demonstrat|show|investigat|stud(?:y|ies)"
    r"|explor|examin|argu|provid|survey|review|address|build|built|creat|unveil|launch|announc|tackl|offer|conduct"
    r"|evaluat|find|analy[sz])"
)
_Cues = tuple[tuple[float, re.Pattern[str]], ...]


def _compile_cues(*rows: tuple[float, str]) -> _Cues:
    return tuple((weight, re.compile(pattern, re.I)) for weight, pattern in rows)


CONTRIBUTION_CUES = _compile_cues(
    (3.0, r"\b(?:we|this (?:paper|work|study|report|article)|and) (?:\w+ ){0,3}?(?:propose|introduce|present)s?\b"),
    (2.0, _SUBJECT + _CONTRIBUTION_VERB),
    (1.0, r"\b(?:is|are|a|an) (?:\w+ ){0,2}?(?:novel|new|first|unified|open|simple)\b"),
    (1.0, r"\b(?:first|in this (?:paper|work|study))\b"),
    (0.6, r"^(?:in this (?:paper|work|study)|to (?:address|bridge|tackle|fill|overcome|mitigate|solve)|here,)"),
)
RESULT_CUES = _compile_cues(
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
_ARTIFACT = r"(?:code|data|dataset|models?|weights|demo|project|resources?|checkpoints?)"
PENALTY_CUES = _compile_cues(
    (  # where to get it, and what a feed adds by itself
        4.0,
        rf"\b{_ARTIFACT}\b[^.]{{0,60}}\b(?:available|released|open[- ]sourced|found at)\b"
        rf"|\bproject page\b|\bgithub\b|\bopen[- ]source\b[^.]{{0,40}}\b{_ARTIFACT}\b"
        r"|\bappeared first on\b|\b(?:read|learn) more\b|\bsubscribe\b|\bsign up\b",
    ),
    (  # background, and hopes
        0.5,
        r"\b(?:crucial|important|challeng\w*|increasingly|widely|however|despite|remains?|existing|prior|previous|hope"
        r"|future)\b",
    ),
)


def extract_quote(
    title: str, text: str, vectors: EmbeddingTable | None = None, *, is_post: bool = False
) -> ExtractedQuote:
    """The blurb that needs no model, at most two sentences, each verbatim in `text` (white space folded).

    Of a `post` only the first 1,500 characters are read. With `vectors`, nearness to the title counts too.
    """
    pieces = _select_sentences(
        text[:MAX_POST_CHARACTERS] if is_post else text, is_truncated=is_post and len(text) > MAX_POST_CHARACTERS
    )
    if not pieces:
        return ExtractedQuote(text="", sentences=())
    near = _score_title_similarity(title, pieces, vectors)
    against = [_score_penalty(piece) for piece in pieces]
    first = _find_contribution(pieces, near, against)
    second = _find_result(pieces, near, against, first)
    chosen = [_truncate_sentence(pieces[i]) for i in sorted({first, second})]
    return ExtractedQuote(text=" ".join(chosen), sentences=tuple(piece.removesuffix(" …") for piece in chosen))


def _select_sentences(text: str, *, is_truncated: bool) -> list[str]:
    """The sentences of all paragraphs; no address, no instruction to a model, no sentence cut in two.

    Headings stay out where there is prose.
    """
    pieces = [piece for part in re.split(r"\n\s*\n", text) for piece in split_sentences(normalise_line(part))]
    if is_truncated and len(pieces) > 1:
        pieces.pop()
    pieces = [piece for piece in pieces if not LINK_PATTERN.search(piece) and find_injection(piece) is None]
    prose = [piece for piece in pieces if len(piece.split()) >= _SHORT_SENTENCE or re.search(r"[.!?…][\"”’)]*$", piece)]
    return prose or pieces


def _score_title_similarity(title: str, sentence_texts: Sequence[str], vectors: EmbeddingTable | None) -> list[float]:
    """Cosine of each sentence with the title; 0 without vectors."""
    if vectors is None:
        return [0.0] * len(sentence_texts)
    rows = vectors.embed([title, *sentence_texts])
    return [float(value) for value in rows[1:] @ rows[0]]


def _score_cues(cues: _Cues, sentence: str) -> float:
    return sum(weight for weight, pattern in cues if pattern.search(sentence))


def _score_penalty(sentence: str) -> float:
    words = len(sentence.split())
    return _score_cues(PENALTY_CUES, sentence) + 0.03 * max(0, words - _LONG_SENTENCE) + 1.5 * (words < _SHORT_SENTENCE)


def _find_contribution(sentence_texts: Sequence[str], similarities: Sequence[float], penalties: Sequence[float]) -> int:
    scores = [
        _score_cues(CONTRIBUTION_CUES, piece) + 3.0 * similarities[i] - 2.0 * i / len(sentence_texts) - penalties[i]
        for i, piece in enumerate(sentence_texts)
    ]
    return scores.index(max(scores))


def _find_result(
    sentence_texts: Sequence[str], similarities: Sequence[float], penalties: Sequence[float], contribution: int
) -> int:
    """The best other sentence, later ones before earlier ones; `first` itself when none is worth it."""
    scores = {
        i: _score_cues(RESULT_CUES, piece)
        + 0.3 * _score_cues(CONTRIBUTION_CUES, piece)
        + 1.5 * similarities[i]
        + (i == contribution + 1)
        - 2.0 * (i < contribution)
        - penalties[i]
        for i, piece in enumerate(sentence_texts)
        if i != contribution
    }
    best = max(scores, key=lambda i: scores[i], default=contribution)
    return best if scores.get(best, 0.0) > -2.0 else contribution


def _truncate_sentence(sentence: str) -> str:
    """A sentence of more than 80 words ends after them, with an ellipsis."""
    words = sentence.split(" ")
    return sentence if len(words) <= _MAX_SENTENCE_WORDS else " ".join(words[:_MAX_SENTENCE_WORDS]) + " …"
