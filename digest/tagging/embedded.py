"""Embedded tagger: trained scores, similarity to the owner's own categories, and the editor's corrections.

An owner-defined category is known by a description and a few titles only. Both are read as their distinctive words:
`large language model` is in half of all papers and makes nothing similar, `statute` does. A word weighs more the fewer
papers have it, by the tagger's vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from digest.config.schema import Category, Taxonomy
from digest.embeddings import EMBEDDING_DIMENSIONS, fold_word, load_embeddings
from digest.protocols import Classification, TagInput
from digest.tagging.chunks import Floats
from digest.tagging.features import SplitInputs, Vocabulary, centre_rows, normalise_rows, singularise_word
from digest.tagging.post_scores import MIN_POST_CONFIDENCE, POST_CLASSES, load_post_tagger
from digest.tagging.taxonomy import OTHER_CATEGORY
from digest.tagging.weights import UNKNOWN_WORD_BITS, TaggerWeights, is_everyday_word, load_shipped_weights

EMBEDDED_ENGINE = "embedded"
_BATCH_SIZE = 1000  # inputs scored at once, which bounds memory
_MIN_DESCRIPTION_SIMILARITY = 0.5  # a category keeps its trained scores while its description means about the same
_MIN_CORRECTION_SIMILARITY = 0.55  # below which a correction says nothing about another item
_CORRECTION_WEIGHT = 9.0  # log-odds a correction moves an identical item by
_OWN_SLOPE, _OWN_START = 22.0, 0.49  # similarity to log-odds of an owner-defined category, against the best of the rest
_KEYWORD_LEAD = 1.5  # least log-odds by which a keyword in the title puts an owner-defined category ahead
_MIN_SECOND_PROBABILITY = 0.05

_WORD = re.compile(r"[a-z][a-z0-9]+")
_MAX_ABSTRACT_CHARACTERS = 2000
_MAX_WORDS = 60_000  # rare words beyond them are ignored, which bounds memory
_HALF_WEIGHT_BITS = 5.0  # a word of one paper in 32 weighs half as much as a rare one
_MIN_SHARED_BITS = 3.0  # below which a word in common says nothing
_TITLE_MEAN_LENGTH, _ABSTRACT_MEAN_LENGTH = 0.47, 0.9  # lengths of the mean of titles' and abstracts' unit vectors
_SIMILARITY_PER_BIT, _MAX_SHARED_BITS = 0.025, 20.0


class OwnCategoryMatcher:
    """Similarity of texts to owner-defined categories."""

    def __init__(self, categories: Sequence[Category], vocabulary: Vocabulary) -> None:
        self._word_bits = vocabulary.compute_word_bits()
        self._rows: dict[str, int] = {}
        # Row 0 stands for ignored words.
        self._vectors: list[Floats] = [np.zeros(EMBEDDING_DIMENSIONS, dtype=np.float32)]
        self._bits: list[float] = [0.0]
        self._mean_direction = self._compute_mean_direction()
        self._categories = [self._read_category(category) for category in categories]

    def compute_similarity(self, inputs: Sequence[TagInput]) -> Floats:
        """Return similarities from about 0.2 to 1, shape (inputs, categories)."""
        titles = [self._word_rows(item.title) for item in inputs]
        bodies = [self._word_rows(item.abstract[:_MAX_ABSTRACT_CHARACTERS]) for item in inputs]
        title_vectors = self._embed_texts(titles, _TITLE_MEAN_LENGTH)
        vectors = normalise_rows(title_vectors + self._embed_texts(bodies, _ABSTRACT_MEAN_LENGTH))
        result = np.zeros((len(inputs), len(self._categories)), dtype=np.float32)
        for number, (meanings, distinctive) in enumerate(self._categories):
            cosines = vectors @ meanings.T
            shared = [_count_shared_bits(distinctive, title, body) for title, body in zip(titles, bodies, strict=True)]
            result[:, number] = (cosines[:, 1:].max(axis=1) + cosines[:, 0]) / 2 + _SIMILARITY_PER_BIT * np.array(
                shared
            )
        return result

    def _read_category(self, category: Category) -> tuple[Floats, dict[int, float]]:
        """Return the mean vector of a category's texts and each of them, and its distinctive words with their bits."""
        texts = [self._word_rows(text) for text in (f"{category.title}. {category.description}", *category.exemplars)]
        vectors = self._embed_texts(texts, _TITLE_MEAN_LENGTH)
        bits = {row: self._bits[row] - _MIN_SHARED_BITS for text in texts for row in text}
        mean = normalise_rows(vectors.mean(axis=0, keepdims=True))
        return np.concatenate([mean, vectors]), {row: value for row, value in bits.items() if value > 0}

    def _word_rows(self, text: str) -> dict[int, None]:
        """Return the rows of a text's distinct words, in order."""
        rows, tokens = self._rows, _WORD.findall(fold_word(text))
        return dict.fromkeys(rows[word] if word in rows else self._add_word(word) for word in tokens)

    def _add_word(self, word: str) -> int:
        singular = singularise_word(word)
        if singular not in self._rows:
            bits = self._word_bits.get(singular)
            if bits is None and len(self._bits) >= _MAX_WORDS:
                return 0
            vector = load_embeddings().embed([singular])[0]
            if bits is None:
                bits = 0.0 if is_everyday_word(word) else UNKNOWN_WORD_BITS
            self._rows[singular] = len(self._bits)
            self._bits.append(bits)
            self._vectors.append(vector * _word_weight(bits))
        self._rows[word] = self._rows[singular]
        return self._rows[word]

    def _embed_texts(self, texts: Sequence[dict[int, None]], mean_length: float) -> Floats:
        """Return unit vectors of texts, less what texts of their kind have in common; zeros for a text without words."""
        sums = np.zeros((len(texts), EMBEDDING_DIMENSIONS), dtype=np.float32)
        for number, text in enumerate(texts):
            if text:
                sums[number] = np.sum([self._vectors[row] for row in text], axis=0)
        centred = normalise_rows(sums) - mean_length * self._mean_direction
        return normalise_rows(np.where(sums.any(axis=1, keepdims=True), centred, 0).astype(np.float32))

    def _compute_mean_direction(self) -> Floats:
        """Return the mean direction of the papers that the vocabulary was learned from: the mean of their words."""
        share = 2.0 ** -np.array(list(self._word_bits.values()))
        mean = (share * _word_weight(-np.log2(share))) @ load_embeddings().embed(list(self._word_bits))
        direction: Floats = normalise_rows(mean[None].astype(np.float32))[0]
        return direction


def _word_weight(bits: Any) -> Any:
    return 1 / (1 + 2 ** (_HALF_WEIGHT_BITS - bits))


def _count_shared_bits(distinctive: dict[int, float], title: dict[int, None], body: dict[int, None]) -> float:
    """Return the bits of the words in common, those of the title in full and those of the abstract by half."""
    bits = sum(distinctive[row] for row in title if row in distinctive)
    return min(bits + sum(distinctive[row] for row in body if row in distinctive) / 2, _MAX_SHARED_BITS)


class EmbeddedTagger:
    """Sorts items into a taxonomy without a service; `examples` are the editor's corrections."""

    name = EMBEDDED_ENGINE

    def __init__(
        self, taxonomy: Taxonomy, examples: Sequence[tuple[TagInput, str]] = (), weights: TaggerWeights | None = None
    ) -> None:
        self._weights = weights or load_shipped_weights()
        self._threshold = taxonomy.threshold
        self._slugs = taxonomy.slugs
        columns = {slug: number for number, slug in enumerate(self._weights.slugs)}
        self._own = [category for category in taxonomy.categories if not self._is_trained(category, columns)]
        own_slugs = {category.slug for category in self._own}
        # Position in the taxonomy -> column of the trained weights.
        self._trained = {n: columns[slug] for n, slug in enumerate(self._slugs) if slug not in own_slugs}
        self._own_matcher = OwnCategoryMatcher(self._own, self._weights.vocabulary) if self._own else None
        self._keyword_patterns = [_compile_keywords(category.keywords) for category in taxonomy.categories]
        self._example_vectors: Floats | None = None
        exemplars = [
            (TagInput(text), c.slug) for c in taxonomy.categories if c not in self._own for text in c.exemplars
        ]
        self._learn_corrections([*exemplars, *((item, slug) for item, slug in examples if slug in self._slugs)])

    def tag(self, inputs: Sequence[TagInput]) -> list[Classification]:
        """Classify each input, in order; `other` below the taxonomy's threshold."""
        batches = (inputs[start : start + _BATCH_SIZE] for start in range(0, len(inputs), _BATCH_SIZE))
        return [classification for batch in batches for classification in self.tag_and_embed(batch)[0]]

    def tag_and_embed(self, inputs: Sequence[TagInput]) -> tuple[list[Classification], Floats]:
        """Classify inputs and return the unit vectors of their texts, `title. abstract`, read in one pass."""
        split = self._weights.vocabulary.split_inputs(inputs)
        return list(self._classify(inputs, split)), split.embed_texts()

    def _classify(self, inputs: Sequence[TagInput], split: SplitInputs) -> Iterator[Classification]:
        scores, corrected = self._score_inputs(inputs, split)
        order = np.argsort(-scores[:, :-1], axis=1)
        for item, row, positions, is_corrected in zip(inputs, _softmax(scores), order, corrected, strict=True):
            best = positions[0]
            confidence = round(float(row[best]), 3) if item.source else self._calibrate(float(row[best]), item)
            if best in self._trained and not is_corrected:
                confidence = round(confidence * self._weights.domain_detector.compute_probability(item), 3)
            has_second = len(positions) > 1 and row[positions[1]] >= _MIN_SECOND_PROBABILITY
            second = self._slugs[positions[1]] if has_second else None
            is_unsure_post = bool(item.source) and not is_corrected and confidence < MIN_POST_CONFIDENCE
            if confidence < self._threshold or is_unsure_post:
                yield Classification(OTHER_CATEGORY, self._slugs[best], confidence)
            else:
                yield Classification(self._slugs[best], second, confidence)

    def _calibrate(self, probability: float, item: TagInput) -> float:
        curve = self._weights.calibration_curves[0 if item.abstract else 1]
        return round(float(np.interp(probability, curve[0], curve[1])), 3)

    def _score_inputs(self, inputs: Sequence[TagInput], split: SplitInputs) -> tuple[Floats, list[bool]]:
        """Return the scores of the categories, and whether a correction contributed to them."""
        scores = self._base_scores(inputs, split)
        if self._example_vectors is None:
            return scores, [False] * len(inputs)
        cosines = self._embed_inputs(split) @ self._example_vectors.T
        similarity = np.clip((cosines - _MIN_CORRECTION_SIMILARITY) / (1 - _MIN_CORRECTION_SIMILARITY), 0, 1)
        scores += (_CORRECTION_WEIGHT * similarity @ self._corrections).astype(np.float32)
        return scores, (similarity.max(axis=1) > 0).tolist()

    def _base_scores(self, inputs: Sequence[TagInput], split: SplitInputs) -> Floats:
        """Return the scores before corrections, in the taxonomy's order, and last of no category.

        They are trained, or by similarity. Of a paper the score of no category is out of reach.
        """
        scores = np.full((len(inputs), len(self._slugs) + 1), -30.0, dtype=np.float32)
        rest = np.zeros(len(inputs), dtype=np.float32)
        if self._trained:
            trained = self._weights.compute_scores(split)
            is_post = np.array([bool(item.source) for item in inputs])
            if is_post.any():
                posts = load_post_tagger().compute_scores(inputs, split)
                columns = [POST_CLASSES.index(slug) for slug in self._weights.slugs]
                trained = np.where(is_post[:, None], posts[:, columns], trained)
                scores[is_post, -1] = posts[is_post, POST_CLASSES.index(OTHER_CATEGORY)]
            scores[:, list(self._trained)] = trained[:, list(self._trained.values())]
            rest = scores[:, :-1].max(axis=1)
        if self._own_matcher is not None:
            similarities = self._own_matcher.compute_similarity(inputs).T
            for category, similarity in zip(self._own, similarities, strict=True):
                scores[:, self._slugs.index(category.slug)] = rest + _OWN_SLOPE * (similarity - _OWN_START)
        rest = scores[:, :-1].max(axis=1) if self._trained else rest
        for number, pattern in enumerate(self._keyword_patterns):
            if pattern is not None:
                has_keyword = np.array([bool(pattern.search(item.title)) for item in inputs])
                lead = np.maximum(scores[:, number], rest) + _KEYWORD_LEAD
                scores[:, number] = np.where(has_keyword, lead, scores[:, number])
        return scores

    def _learn_corrections(self, examples: Sequence[tuple[TagInput, str]]) -> None:
        """Keep what each example adds to the scores."""
        if not examples:
            return
        inputs = [item for item, _ in examples]
        labels = np.zeros((len(examples), len(self._slugs) + 1), dtype=np.float32)
        labels[np.arange(len(examples)), [self._slugs.index(slug) for _, slug in examples]] = 1
        split = self._weights.vocabulary.split_inputs(inputs)
        self._corrections = labels - _softmax(self._base_scores(inputs, split))
        self._example_vectors = self._embed_inputs(split)

    def _is_trained(self, category: Category, columns: dict[str, int]) -> bool:
        if category.slug not in columns:
            return False
        vector = centre_rows(load_embeddings().embed([category.description]), self._weights.mean_title_vector)[0]
        trained = self._weights.description_vectors[columns[category.slug]]
        return float(vector @ trained) >= _MIN_DESCRIPTION_SIMILARITY

    def _embed_inputs(self, split: SplitInputs) -> Floats:
        """Return unit vectors of title and abstract together, both of equal weight."""
        centre = self._weights.mean_title_vector
        return normalise_rows(centre_rows(split.titles.sums, centre) + centre_rows(split.abstracts.sums, centre))


def _softmax(scores: Floats) -> Floats:
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities: Floats = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities


def _compile_keywords(keywords: Sequence[str]) -> re.Pattern[str] | None:
    """Compile keywords, which are plain text, to a pattern of whole words in any case."""
    if not keywords:
        return None
    return re.compile(r"\b(?:" + "|".join(re.escape(word) for word in keywords) + r")", re.IGNORECASE)
