"""Bind each number and name of a claim to the source sentence it rests on, and each claim to a sentence.

A value that stands somewhere in the source is not enough: in a sentence taken over with few changes it must stand where
the source has it, and in a paraphrase its neighbours must be those that it has in the source.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from digest.blurbs.grounding.claims import find_names
from digest.blurbs.grounding.relations import extract_content_stems, reduce_to_stem
from digest.resources import load_lexicon

if TYPE_CHECKING:
    from digest.embeddings import EmbeddingTable

# The thresholds were chosen on 172 experts' blurbs of papers: each flags at most 1 to 3 of 100 sentences that the
# value checks pass.
_MIN_ALIGNED_SHARE = 0.6  # of a claim's words, for it to be a sentence of the source with changes
_MIN_CLOSE_SHARE = 0.8  # of a claim's words, for a name without a counterpart to count
_MAX_REPLACED_WORDS = 6
_CONTEXT_WORDS = {"number": 4, "name": 3}  # on each side of a value in the claim; two more in the source
_MIN_CONTEXT_LEAD = {"number": 0.25, "name": 0.5}  # of another value's neighbours over the value's own
_MIN_SUPPORT = 0.8  # of 3: shared words, similarity to the subject, similarity to the nearest sentence
_MIN_CLAIM_STEMS = 3
_MAX_COMPARED_SENTENCES = 5
_MAX_SENTENCE_CHARACTERS = 2_000
_MAX_CONTEXT_SENTENCES = 300  # of a long page; more would take seconds
_MAX_EMBEDDED_SENTENCES = 50

_TOKEN = re.compile(r"[^\W_]+(?:[.'-][^\W_]+)*|[%×$]")
_NUMBER = re.compile(r"\d[\d.,]*(?:[kKMBTxX]|st|nd|rd|th)?")
_FUNCTION_WORDS = frozenset(map(reduce_to_stem, load_lexicon()["stopwords"]["function_words"].split()))
_OWN_SUBJECTS = frozenset(map(reduce_to_stem, load_lexicon()["stopwords"]["own_subjects"].split()))
_CAUSE = re.compile(
    r",? \b(?:because|since|due to|owing to|thanks to|which is why|as a result of|caused by|attributed to)\b", re.I
)
_MIN_CAUSE_SHARE = 0.5  # of a cause's words that the source has too
_WIDE_SCOPE = re.compile(r"(?<!not )(?<!not in )(?<!not for )\b(?:all|every|always|everyone|everywhere)\b", re.I)
_ANY_WIDE_SCOPE = re.compile(
    r"(?<!not )(?<!not in )(?<!not for )\b(?:all|every\w*|always|any\w*|each|entire\w*|whole|universal\w*|general\w*)\b",
    re.I,
)


class _Token(NamedTuple):
    """A word of a sentence, its stem, and whether it is a number, part of a name or a plain word."""

    word: str
    stem: str
    kind: str  # number, name or ""


@lru_cache(maxsize=4096)
def _parse_tokens(sentence: str) -> tuple[_Token, ...]:
    sentence = sentence[:_MAX_SENTENCE_CHARACTERS]
    name_words = {word for name in find_names(sentence) for word in _TOKEN.findall(name)}
    tokens = []
    for word in _TOKEN.findall(sentence):
        is_number = _NUMBER.fullmatch(word) is not None
        stem = word.rstrip("xX") if is_number else reduce_to_stem(word.casefold())
        tokens.append(_Token(word, stem, "number" if is_number else "name" if word in name_words else ""))
    return tuple(tokens)


def find_misplaced_values(claim: str, subject: str, sentences: Sequence[str]) -> Iterator[str]:
    """Yield numbers and names that the source has, but not here: of another sentence, or exchanged with another.

    A name of the title, which `subject` begins with, may stand in any paraphrase.
    """
    tokens = _parse_tokens(claim)
    stems = {token.stem for token in tokens}
    nearest = sorted(sentences, key=lambda sentence: -len(stems & {token.stem for token in _parse_tokens(sentence)}))
    aligned = [_align(tokens, _parse_tokens(sentence)) for sentence in nearest[:_MAX_COMPARED_SENTENCES]]
    best = max(aligned, key=lambda alignment: alignment.share, default=None)
    own_stems = {token.stem for token in _parse_tokens(subject.partition(". ")[0])} | _OWN_SUBJECTS
    if best is not None and best.share >= _MIN_ALIGNED_SHARE:
        yield from best.find_replaced_values()
        yield from best.find_exchanged_values()
        yield from best.find_replaced_subject(own_stems)
    for kind in ("number", "name"):
        for value in _find_values_out_of_context(kind, tokens, sentences):
            if kind == "number" or not (value.stem in own_stems or _is_frequent(value, sentences)):
                yield value.word


def _is_frequent(value: _Token, sentences: Sequence[str]) -> bool:
    """Return whether two sentences or more of the source speak of a value."""
    return sum(any(token.stem == value.stem for token in _parse_tokens(each)) for each in sentences) > 1


class _Alignment(NamedTuple):
    """A claim beside a sentence of the source: which words were replaced, and the share of the claim that was not."""

    claim: tuple[_Token, ...]
    source: tuple[_Token, ...]
    changes: tuple[tuple[str, int, int, int, int], ...]
    share: float

    def find_replaced_values(self) -> Iterator[str]:
        """Yield values that stand where the source has another one.

        A value that the sentence has elsewhere was moved with its words, unless it changed places with another.
        """
        claim_stems, source_stems = ({token.stem for token in tokens} for tokens in (self.claim, self.source))
        for tag, start, end, source_start, source_end in self.changes:
            claim, source = self.claim[start:end], self.source[source_start:source_end]
            if tag != "replace" or max(len(claim), len(source)) > _MAX_REPLACED_WORDS:
                continue
            values, source_values = _list_new_values(claim, source), _list_new_values(source, claim)
            for value in values:
                rivals = [other for other in source_values if other.kind == value.kind or self.share > _MIN_CLOSE_SHARE]
                is_exchanged = any(other.stem in claim_stems for other in rivals)
                is_short = value.kind == "number" and max(len(claim), len(source)) <= 3
                is_foreign = value.stem not in source_stems and (rivals or is_short or self.share > _MIN_CLOSE_SHARE)
                if is_exchanged or is_foreign:
                    yield value.word
            if source_values and not values and self.share > _MIN_CLOSE_SHARE and len(claim) <= 2 and len(source) <= 3:
                yield claim[0].word

    def find_exchanged_values(self) -> Iterator[str]:
        """Yield a value in the other order than in the source whose neighbours are those of the other value there."""
        places, source_places = _index_values(self.claim), _index_values(self.source)
        shared = sorted((stem for stem in places if stem in source_places), key=lambda stem: places[stem])
        for first, second in combinations(shared, 2):
            if source_places[first] < source_places[second]:
                continue
            for value, rival in ((first, second), (second, first)):
                neighbours = _get_neighbours(self.claim, places[value])
                own = len(neighbours & _get_neighbours(self.source, source_places[value]))
                if len(neighbours & _get_neighbours(self.source, source_places[rival])) > own:
                    yield self.claim[places[value]].word
                    return

    def find_replaced_subject(self, own_stems: Collection[str]) -> Iterator[str]:
        """Yield the first words when they are not the work's own and the source has `we` or `it` there."""
        if not self.changes or self.share <= _MIN_CLOSE_SHARE:
            return
        tag, start, end, source_start, source_end = self.changes[0]
        claim, source = self.claim[start:end], self.source[source_start:source_end]
        if tag == "replace" and start == source_start == 0 and source[0].stem in _OWN_SUBJECTS:
            yield from [claim[0].word for _ in claim[:1] if not any(token.stem in own_stems for token in claim)]


def _index_values(tokens: Sequence[_Token]) -> dict[str, int]:
    """Map the stem of each value that occurs once to its place."""
    counts = Counter(token.stem for token in tokens)
    return {token.stem: place for place, token in enumerate(tokens) if token.kind and counts[token.stem] == 1}


def _get_neighbours(tokens: Sequence[_Token], place: int) -> set[tuple[int, str]]:
    """Collect the stems of the two words on each side, with their distance; words of no kind only."""
    near = range(max(0, place - 2), min(len(tokens), place + 3))
    return {(other - place, tokens[other].stem) for other in near if other != place and not tokens[other].kind}


def _list_new_values(span: Sequence[_Token], other: Sequence[_Token]) -> list[_Token]:
    stems = {token.stem for token in other}
    return [token for token in span if token.kind and token.stem not in stems]


def _align(claim: tuple[_Token, ...], source: tuple[_Token, ...]) -> _Alignment:
    """Match the words in order; single function words do not count as matched."""
    stems = [token.stem for token in claim]
    matcher = SequenceMatcher(None, stems, [token.stem for token in source], autojunk=False)
    matched = sum(
        block.size
        for block in matcher.get_matching_blocks()
        if block.size > 1 or (block.size == 1 and stems[block.a] not in _FUNCTION_WORDS)
    )
    changes = tuple(code for code in matcher.get_opcodes() if code[0] != "equal")
    return _Alignment(claim, source, changes, matched / max(1, len(stems)))


def _find_values_out_of_context(kind: str, claim: Sequence[_Token], sentences: Sequence[str]) -> Iterator[_Token]:
    """Yield values whose neighbours are, in the source, those of another value of the kind."""
    width = _CONTEXT_WORDS[kind]
    content = _keep_content(claim)
    stems = {token.stem for token in content}
    for place, token in enumerate(content):
        context = _get_context(content, place, width)
        if token.kind != kind or len(context) < 2:
            continue
        own, other = -1.0, 0.0
        for sentence in sentences[:_MAX_CONTEXT_SENTENCES]:
            source = _keep_content(_parse_tokens(sentence))
            for position, candidate in enumerate(source):
                is_same = candidate.stem == token.stem
                if is_same or (candidate.kind == kind and candidate.stem not in stems):
                    share = len(context & _get_context(source, position, width + 2)) / len(context)
                    own, other = (max(own, share), other) if is_same else (own, max(other, share))
        if own >= 0 and other - own >= _MIN_CONTEXT_LEAD[kind]:
            yield token


def _keep_content(tokens: Sequence[_Token]) -> list[_Token]:
    return [
        token
        for token in tokens
        if token.stem not in _FUNCTION_WORDS and (len(token.word) > 2 or token.kind == "number" or token.word.isupper())
    ]


def _get_context(tokens: Sequence[_Token], place: int, width: int) -> set[str]:
    """Collect the stems of the words around a place, without numbers."""
    neighbours = [*tokens[max(0, place - width) : place], *tokens[place + 1 : place + 1 + width]]
    return {token.stem for token in neighbours if token.kind != "number"}


def find_widened_scope(claim: str, source_text: str) -> Iterator[str]:
    """Yield `all` and `every` where the source makes no claim of the kind."""
    if (word := _WIDE_SCOPE.search(claim)) and not _ANY_WIDE_SCOPE.search(source_text):
        yield word[0]


def find_unsupported_causes(claim: str, source_text: str) -> Iterator[str]:
    """Yield causes of which the source has less than half of the words."""
    causes = _CAUSE.split(claim)[1:]
    source_stems = extract_content_stems(source_text) if causes else frozenset()
    for cause in causes:
        stems = extract_content_stems(cause)
        if len(stems) > 1 and len(stems & source_stems) < _MIN_CAUSE_SHARE * len(stems):
            yield cause.strip(" .,")


def is_unsupported(claim: str, subject: str, sentences: Sequence[str], embeddings: EmbeddingTable) -> bool:
    """Return whether a claim has too little in common with the source to rest on any of its sentences.

    An invented sentence after a good one speaks of the same subject, but in words of its own.
    """
    stems = extract_content_stems(claim)
    if len(stems) < _MIN_CLAIM_STEMS or not sentences:
        return False
    shared_by_sentence = {sentence: stems & extract_content_stems(sentence) for sentence in sentences}
    shared = len(frozenset().union(*shared_by_sentence.values())) / len(stems)
    nearest = sorted(shared_by_sentence, key=lambda sentence: -len(shared_by_sentence[sentence]))
    vectors = embeddings.embed([claim, subject, *nearest[:_MAX_EMBEDDED_SENTENCES]])
    similarities = vectors[1:] @ vectors[0]
    return shared + float(similarities[0]) + float(similarities[1:].max()) < _MIN_SUPPORT
