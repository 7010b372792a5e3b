"""Embedded tagger: trained, owner-defined, corrections.

The embedded tagger: trained scores for known categories, likeness for the owner's own, the editor's corrections.

How like a category of the owner's a text is, which is known by a description and a few titles only.

Both are read as their telling words: `large language model` is in half of all papers and makes nothing alike, `statute`
does. A word weighs the more the fewer papers have it, as the tagger's vocabulary knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from digest.config.schema import Category, Taxonomy
from digest.embeddings import EMBEDDING_DIMENSIONS, fold_word, load_embeddings
from digest.protocols import Classification, TagInput
from digest.tagging.features import Floats, Vocabulary, normalise_rows, singularise_word
from digest.tagging.taxonomy import OTHER_CATEGORY
from digest.tagging.weights import UNKNOWN_WORD_BITS, TaggerWeights, is_everyday_word, load_shipped_weights

_WORD = re.compile(r"[a-z][a-z0-9]+")
_MAX_ABSTRACT_CHARACTERS = 2000  # characters of an abstract that are read
_MAX_WORDS = 60_000  # kept: rare words beyond them are passed over, which bounds memory
_HALF_WEIGHT_BITS = 5.0  # bits: a word of one paper in 32 weighs half as much as a rare one
_MIN_SHARED_BITS = 3.0  # bits below which a word in common says nothing
_TITLE_MEAN_LENGTH, _ABSTRACT_MEAN_LENGTH = 0.47, 0.9  # how long the mean of titles' unit vectors is, and of abstracts'
_SIMILARITY_PER_BIT, _MAX_SHARED_BITS = 0.025, 20.0  # likeness a bit in common adds, and the bits that count


class OwnCategoryMatcher:
    """Categories of the owner's and the words they are known by."""

    def __init__(self, categories: Sequence[Category], vocabulary: Vocabulary) -> None:
        self._word_bits = vocabulary.compute_word_bits()
        self._rows: dict[str, int] = {}
        self._vectors: list[Floats] = [
            np.zeros(EMBEDDING_DIMENSIONS, dtype=np.float32)
        ]  # the first is of words passed over
        self._bits: list[float] = [0.0]
        self._mean_direction = self._compute_mean_direction()
        self._categories = [self._read_category(category) for category in categories]

    def compute_similarity(self, inputs: Sequence[TagInput]) -> Floats:
        """About 0.2 of the unlike to 1, shape (inputs, categories)."""
        titles = [self._word_rows(item.title) for item in inputs]
        bodies = [self._word_rows(item.abstract[:_MAX_ABSTRACT_CHARACTERS]) for item in inputs]
        near = normalise_rows(
            self._embed_texts(titles, _TITLE_MEAN_LENGTH) + self._embed_texts(bodies, _ABSTRACT_MEAN_LENGTH)
        )
        found = np.zeros((len(inputs), len(self._categories)), dtype=np.float32)
        for number, (meanings, telling) in enumerate(self._categories):
            alike = near @ meanings.T
            shared = [_count_shared_bits(telling, title, body) for title, body in zip(titles, bodies, strict=True)]
            found[:, number] = (alike[:, 1:].max(axis=1) + alike[:, 0]) / 2 + _SIMILARITY_PER_BIT * np.array(shared)
        return found

    def _read_category(self, category: Category) -> tuple[Floats, dict[int, float]]:
        """The mean of what its texts mean and each of them, and its telling words with their bits."""
        texts = [self._word_rows(text) for text in (f"{category.title}. {category.description}", *category.exemplars)]
        meanings = self._embed_texts(texts, _TITLE_MEAN_LENGTH)
        telling = {
            row: self._bits[row] - _MIN_SHARED_BITS
            for text in texts
            for row in text
            if self._bits[row] > _MIN_SHARED_BITS
        }
        return np.concatenate([normalise_rows(meanings.mean(axis=0, keepdims=True)), meanings]), telling

    def _word_rows(self, text: str) -> dict[int, None]:
        """The numbers of a text's distinct words, in order."""
        known = self._rows
        return dict.fromkeys(
            known[word] if word in known else self._add_word(word) for word in _WORD.findall(fold_word(text))
        )

    def _add_word(self, word: str) -> int:
        folded = singularise_word(word)
        if folded not in self._rows:
            learned = self._word_bits.get(folded)
            if learned is None and len(self._bits) >= _MAX_WORDS:
                return 0
            pieces = load_embeddings().embed([folded])[0]
            bits = (0.0 if is_everyday_word(word) else UNKNOWN_WORD_BITS) if learned is None else learned
            self._rows[folded] = len(self._bits)
            self._bits.append(bits)
            self._vectors.append(pieces * _word_weight(bits))
        self._rows[word] = self._rows[folded]
        return self._rows[word]

    def _embed_texts(self, texts: Sequence[dict[int, None]], mean_length: float) -> Floats:
        """Unit vectors of texts, off what texts of their kind have in common; zeros for a text without words."""
        sums = np.zeros((len(texts), EMBEDDING_DIMENSIONS), dtype=np.float32)
        for number, text in enumerate(texts):
            if text:
                sums[number] = np.sum([self._vectors[row] for row in text], axis=0)
        apart = np.where(sums.any(axis=1, keepdims=True), normalise_rows(sums) - mean_length * self._mean_direction, 0)
        return normalise_rows(apart.astype(np.float32))

    def _compute_mean_direction(self) -> Floats:
        """Which way the papers point that the vocabulary was learned from: the mean of their words."""
        words = list(self._word_bits)
        share = 2.0 ** -np.array([self._word_bits[word] for word in words])
        mean = (share * _word_weight(-np.log2(share))) @ load_embeddings().embed(words)
        one: Floats = normalise_rows(mean[None].astype(np.float32))[0]
        return one


def _word_weight(bits: Any) -> Any:
    """What a word of so many bits counts."""
    return 1 / (1 + 2 ** (_HALF_WEIGHT_BITS - bits))


def _count_shared_bits(distinctive: dict[int, float], title: dict[int, None], body: dict[int, None]) -> float:
    """Bits of the words in common, those of the title in full and those of the abstract by half."""
    bits = (
        sum(distinctive[row] for row in title if row in distinctive)
        + sum(distinctive[row] for row in body if row in distinctive) / 2
    )
    return min(bits, _MAX_SHARED_BITS)


EMBEDDED_ENGINE = "embedded"
_BATCH_SIZE = 1000  # inputs scored at once: bounds memory
_MIN_DESCRIPTION_SIMILARITY = 0.5  # a category keeps its trained scores while its description still says about the same
_MIN_CORRECTION_SIMILARITY = 0.55  # likeness below which a correction says nothing about another item
_CORRECTION_WEIGHT = 9.0  # log-odds a correction moves its own twin by
_OWN_SLOPE, _OWN_START = 22.0, 0.49  # likeness to log-odds of a category of the owner's, against the best of the rest
_KEYWORD_LEAD = 1.5  # log-odds, at least, by which a keyword in the title puts a category of the owner's ahead


class EmbeddedTagger:
    """Sorts items into a taxonomy without a service; `examples` are what the editor sorted by hand."""

    name = EMBEDDED_ENGINE

    def __init__(
        self, taxonomy: Taxonomy, examples: Sequence[tuple[TagInput, str]] = (), weights: TaggerWeights | None = None
    ) -> None:
        self._weights = weights or load_shipped_weights()
        self._threshold = taxonomy.threshold
        self._slugs = taxonomy.slugs
        trained = {slug: number for number, slug in enumerate(self._weights.slugs)}
        self._own_categories = [c for c in taxonomy.categories if not self._is_trained(c, trained)]
        self._trained_columns = [
            (self._slugs.index(s), trained[s]) for s in self._slugs if s not in {c.slug for c in self._own_categories}
        ]
        self._trained_positions = {place for place, _ in self._trained_columns}
        self._own_matcher = (
            OwnCategoryMatcher(self._own_categories, self._weights.vocabulary) if self._own_categories else None
        )
        self._keyword_patterns = [_compile_keywords(category.keywords) for category in self._own_categories]
        self._example_vectors: Floats | None = None
        self._learn_corrections([(item, slug) for item, slug in examples if slug in self._slugs])

    def tag(self, inputs: Sequence[TagInput]) -> list[Classification]:
        """A verdict for each input, in order; `other` below the taxonomy's threshold."""
        return [
            verdict
            for start in range(0, len(inputs), _BATCH_SIZE)
            for verdict in self._tag_batch(inputs[start : start + _BATCH_SIZE])
        ]

    def _tag_batch(self, inputs: Sequence[TagInput]) -> Iterator[Classification]:
        scores, taught = self._score_inputs(inputs)
        chances = _softmax(scores)
        order = np.argsort(-scores, axis=1)
        for item, row, places, lesson in zip(inputs, chances, order, taught, strict=True):
            best = places[0]
            sure = self._calibrate(float(row[best]), item)
            if best in self._trained_positions and not lesson:
                sure = round(sure * self._weights.domain_detector.compute_probability(item), 3)
            second = self._slugs[places[1]] if len(places) > 1 and row[places[1]] >= 0.05 else None
            if sure < self._threshold:
                yield Classification(OTHER_CATEGORY, self._slugs[best], sure)
            else:
                yield Classification(self._slugs[best], second, sure)

    def _calibrate(self, chance: float, item: TagInput) -> float:
        curve = self._weights.calibration_curves[0 if item.abstract else 1]
        return round(float(np.interp(chance, curve[0], curve[1])), 3)

    def _score_inputs(self, inputs: Sequence[TagInput]) -> tuple[Floats, list[bool]]:
        """Scores of the categories, and whether a correction had a part in them."""
        scores = self._base_scores(inputs)
        if self._example_vectors is None:
            return scores, [False] * len(inputs)
        likeness: Floats = np.clip(
            (self._embed_inputs(inputs) @ self._example_vectors.T - _MIN_CORRECTION_SIMILARITY)
            / (1 - _MIN_CORRECTION_SIMILARITY),
            0,
            1,
        )
        scores += (_CORRECTION_WEIGHT * likeness @ self._corrections).astype(np.float32)
        return scores, (likeness.max(axis=1) > 0).tolist()

    def _base_scores(self, inputs: Sequence[TagInput]) -> Floats:
        """Scores before corrections, in the taxonomy's order: trained, or by likeness to the owner's own words."""
        scores = np.full((len(inputs), len(self._slugs)), -30.0, dtype=np.float32)
        if self._trained_columns:
            mine, theirs = zip(*self._trained_columns, strict=True)
            scores[:, mine] = self._weights.compute_scores(inputs)[:, theirs]
        if self._own_matcher is not None:
            rest = scores.max(axis=1) if self._trained_columns else np.zeros(len(inputs), dtype=np.float32)
            alike = self._own_matcher.compute_similarity(inputs)
            for category, likeness, keywords in zip(self._own_categories, alike.T, self._keyword_patterns, strict=True):
                lead = _OWN_SLOPE * (likeness - _OWN_START)
                named = np.array([bool(keywords and keywords.search(item.title)) for item in inputs])
                scores[:, self._slugs.index(category.slug)] = rest + np.where(
                    named, np.maximum(lead, 0) + _KEYWORD_LEAD, lead
                )
        return scores

    def _learn_corrections(self, examples: Sequence[tuple[TagInput, str]]) -> None:
        """Keep what each example says that the scores did not say already."""
        if not examples:
            return
        inputs = [item for item, _ in examples]
        wanted = np.zeros((len(examples), len(self._slugs)), dtype=np.float32)
        wanted[np.arange(len(examples)), [self._slugs.index(slug) for _, slug in examples]] = 1
        self._corrections = wanted - _softmax(self._base_scores(inputs))
        self._example_vectors = self._embed_inputs(inputs)

    def _is_trained(self, category: Category, trained: dict[str, int]) -> bool:
        if category.slug not in trained:
            return False
        meaning = self._embed_centred([category.description])[0]
        return float(meaning @ self._weights.description_vectors[trained[category.slug]]) >= _MIN_DESCRIPTION_SIMILARITY

    def _embed_inputs(self, inputs: Sequence[TagInput]) -> Floats:
        """Unit vectors of title and abstract together, the title counting as much as the abstract."""
        titles = self._embed_centred([item.title for item in inputs])
        bodies = self._embed_centred([item.abstract for item in inputs])
        return normalise_rows(titles + bodies)

    def _embed_centred(self, texts: Sequence[str]) -> Floats:
        raw = load_embeddings().embed(texts)
        empty = ~raw.any(axis=1)
        centred: Floats = (raw - self._weights.mean_title_vector).astype(np.float32)
        centred[empty] = 0
        return normalise_rows(centred)


def _softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances: Floats = raised / raised.sum(axis=1, keepdims=True)
    return chances


def _compile_keywords(keywords: Sequence[str]) -> re.Pattern[str] | None:
    """The keywords as whole words, in any case; they are plain text, not expressions."""
    if not keywords:
        return None
    return re.compile(r"\b(?:" + "|".join(re.escape(word) for word in keywords) + r")", re.IGNORECASE)
