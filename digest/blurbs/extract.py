"""Extract a blurb from a source, verbatim: one sentence on the contribution and one on the results.

The weights were chosen on expert blurbs of 184 papers. `python -m tests.bench.quotes` measures them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from digest.llm.injection import find_injection
from digest.llm.sanitize import LINK_PATTERN
from digest.resources import load_lexicon
from digest.text import normalise_line
from digest.text.sentences import split_sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digest.embeddings import EmbeddingTable

# A post says at its beginning what it is about.
MAX_POST_CHARACTERS = 1_500
_MAX_PAPER_CHARACTERS = 20_000
_LEANING_COST = 6.0  # of a sentence that cannot be understood without the one before it
_TEX_COST = 5.0  # of a sentence with macros, which are shown as they are written
_MIN_REST = 5  # words that remain of a sentence without its opening
_REFERRING_OPENING, _LEANS, _TEX = (
    re.compile(load_lexicon()["extract"][name]) for name in ("referring_opening", "leaning", "tex")
)
_LONG_SENTENCE, _SHORT_SENTENCE, _MAX_SENTENCE_WORDS = 40, 8, 80  # words
_CONTRIBUTION, _RESULT, _PENALTY = (
    tuple((weight, re.compile(pattern, re.I)) for weight, pattern in load_lexicon()["extract"][name])
    for name in ("contribution", "result", "penalty")
)


class ExtractedQuote(NamedTuple):
    """A blurb quoted from a source, and its sentences, each verbatim."""

    text: str
    sentences: tuple[str, ...]


def extract_quote(
    title: str, text: str, embeddings: EmbeddingTable | None = None, *, is_post: bool = False
) -> ExtractedQuote:
    """Choose at most two sentences of `text`, verbatim but for white space.

    Reads only the first 1,500 characters of a post. With `embeddings`, similarity to the title counts too.
    """
    is_truncated = is_post and len(text) > MAX_POST_CHARACTERS
    limit = MAX_POST_CHARACTERS if is_post else _MAX_PAPER_CHARACTERS
    sentences = _select_sentences(text[:limit], title, is_truncated=is_truncated)
    if not sentences:
        return ExtractedQuote("", ())
    similarities = _score_title_similarity(title, sentences, embeddings)
    penalties = [_score_penalty(sentence) for sentence in sentences]
    contribution = _find_contribution(sentences, similarities, penalties)
    result = _find_result(sentences, similarities, penalties, contribution)
    rows = sorted({contribution, result})
    # The sentence that an opening refers to may be missing: then the opening goes too.
    chosen = [_truncate_sentence(sentences[i] if i - 1 in rows else _cut_opening(sentences[i])) for i in rows]
    verbatim = tuple(sentence.removeprefix("… ").removesuffix(" …") for sentence in chosen)
    return ExtractedQuote(" ".join(chosen), verbatim)


def _cut_opening(sentence: str) -> str:
    """Replace an opening that refers to an earlier sentence by an ellipsis: `To fill this gap, we…` is `… we…`."""
    match = _REFERRING_OPENING.match(sentence)
    rest = sentence[match.end() :] if match else ""
    return f"… {rest}" if len(rest.split()) >= _MIN_REST and not _LEANS.match(rest) else sentence


def _leans(sentence: str) -> bool:
    """Return whether a sentence needs the one before it, also without its opening."""
    return bool(_LEANS.match(sentence) or (_REFERRING_OPENING.match(sentence) and _cut_opening(sentence) == sentence))


def _select_sentences(text: str, title: str, *, is_truncated: bool) -> list[str]:
    """Split all paragraphs; drop links, instructions to a model, the last sentence of a truncated text.

    Headings and the title are dropped where there is prose.
    """
    paragraphs = re.split(r"\n\s*\n", text)
    sentences = [sentence for paragraph in paragraphs for sentence in split_sentences(normalise_line(paragraph))]
    if is_truncated and len(sentences) > 1:
        sentences.pop()
    sentences = [text for text in sentences if not LINK_PATTERN.search(text) and find_injection(text) is None]
    prose = [text for text in sentences if len(text.split()) >= _SHORT_SENTENCE or re.search(r"[.!?…][\"”’)]*$", text)]
    return [text for text in prose if _fold(text) != _fold(title)] or prose or sentences


def _fold(text: str) -> str:
    return re.sub(r"\W+", " ", text).casefold().strip()


def _score_title_similarity(title: str, sentences: Sequence[str], embeddings: EmbeddingTable | None) -> list[float]:
    """Compute each sentence's cosine with the title; 0 without embeddings."""
    if embeddings is None:
        return [0.0] * len(sentences)
    rows = embeddings.embed([title, *sentences])
    return [float(value) for value in rows[1:] @ rows[0]]


def _score_cues(cues: Sequence[tuple[float, re.Pattern[str]]], sentence: str) -> float:
    return sum(weight for weight, pattern in cues if pattern.search(sentence))


def _score_penalty(sentence: str) -> float:
    length = len(sentence.split())
    return (
        _score_cues(_PENALTY, sentence)
        + _TEX_COST * bool(_TEX.search(sentence))
        + 0.03 * max(0, length - _LONG_SENTENCE)
        + 1.5 * (length < _SHORT_SENTENCE)
    )


def _find_contribution(sentences: Sequence[str], similarities: Sequence[float], penalties: Sequence[float]) -> int:
    scores = [
        _score_cues(_CONTRIBUTION, sentence)
        + 3.0 * similarities[i]
        - 2.0 * i / len(sentences)
        - penalties[i]
        - _LEANING_COST * (i > 0 and _leans(sentence))
        for i, sentence in enumerate(sentences)
    ]
    return scores.index(max(scores))


def _find_result(
    sentences: Sequence[str], similarities: Sequence[float], penalties: Sequence[float], contribution: int
) -> int:
    """Find the best other sentence, later ones preferred; `contribution` itself when none is good enough."""
    scores = {
        i: _score_cues(_RESULT, sentence)
        + 0.3 * _score_cues(_CONTRIBUTION, sentence)
        + 1.5 * similarities[i]
        + (i == contribution + 1)
        - 2.0 * (i < contribution)
        - penalties[i]
        - _LEANING_COST * (i > 0 and i != contribution + 1 and _leans(sentence))
        for i, sentence in enumerate(sentences)
        if i != contribution
    }
    best = max(scores, key=lambda i: scores[i], default=contribution)
    return best if scores.get(best, 0.0) > -2.0 else contribution


def _truncate_sentence(sentence: str) -> str:
    tokens = sentence.split(" ")
    return sentence if len(tokens) <= _MAX_SENTENCE_WORDS else " ".join(tokens[:_MAX_SENTENCE_WORDS]) + " …"
