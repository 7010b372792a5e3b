"""The embedded tagger: trained scores for known categories, likeness for the owner's own, the editor's corrections."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from digest.config.schema import Category, Taxonomy
from digest.ports import TagInput, Verdict
from digest.tagging.features import Floats, unit
from digest.tagging.own import OwnWords
from digest.tagging.taxonomy import OTHER
from digest.tagging.weights import Weights, shipped
from digest.vectors import vectors

ENGINE = "embedded"
_BATCH = 1000  # inputs scored at once: bounds memory
_SAME_MEANING = 0.5  # a category keeps its trained scores while its description still says about the same
_NEAR = 0.55  # likeness below which a correction says nothing about another item
_PULL = 9.0  # log-odds a correction moves its own twin by
_OWN_SLOPE, _OWN_START = 22.0, 0.49  # likeness to log-odds of a category of the owner's, against the best of the rest
_KEYWORD = 1.5  # log-odds, at least, by which a keyword in the title puts a category of the owner's ahead


class EmbeddedTagger:
    """Sorts items into a taxonomy without a service; `examples` are what the editor sorted by hand."""

    name = ENGINE

    def __init__(
        self, taxonomy: Taxonomy, examples: Sequence[tuple[TagInput, str]] = (), weights: Weights | None = None
    ) -> None:
        self._weights = weights or shipped()
        self._threshold = taxonomy.threshold
        self._slugs = taxonomy.slugs
        trained = {slug: number for number, slug in enumerate(self._weights.slugs)}
        self._own = [c for c in taxonomy.categories if not self._known(c, trained)]
        self._known_at = [
            (self._slugs.index(s), trained[s]) for s in self._slugs if s not in {c.slug for c in self._own}
        ]
        self._trained = {place for place, _ in self._known_at}
        self._words = OwnWords(self._own, self._weights.vocabulary) if self._own else None
        self._keywords = [_pattern(category.keywords) for category in self._own]
        self._examples: Floats | None = None
        self._learn([(item, slug) for item, slug in examples if slug in self._slugs])

    def tag(self, inputs: Sequence[TagInput]) -> list[Verdict]:
        """A verdict for each input, in order; `other` below the taxonomy's threshold."""
        return [
            verdict
            for start in range(0, len(inputs), _BATCH)
            for verdict in self._batch(inputs[start : start + _BATCH])
        ]

    def _batch(self, inputs: Sequence[TagInput]) -> Iterator[Verdict]:
        scores, taught = self._scores(inputs)
        chances = _softmax(scores)
        order = np.argsort(-scores, axis=1)
        for item, row, places, lesson in zip(inputs, chances, order, taught, strict=True):
            best = places[0]
            sure = self._calibrated(float(row[best]), item)
            if best in self._trained and not lesson:
                sure = round(sure * self._weights.familiarity.chance(item), 3)
            second = self._slugs[places[1]] if len(places) > 1 and row[places[1]] >= 0.05 else None
            if sure < self._threshold:
                yield Verdict(OTHER, self._slugs[best], sure)
            else:
                yield Verdict(self._slugs[best], second, sure)

    def _calibrated(self, chance: float, item: TagInput) -> float:
        curve = self._weights.curve[0 if item.abstract else 1]
        return round(float(np.interp(chance, curve[0], curve[1])), 3)

    def _scores(self, inputs: Sequence[TagInput]) -> tuple[Floats, list[bool]]:
        """Scores of the categories, and whether a correction had a part in them."""
        scores = self._base(inputs)
        if self._examples is None:
            return scores, [False] * len(inputs)
        likeness: Floats = np.clip((self._vectors(inputs) @ self._examples.T - _NEAR) / (1 - _NEAR), 0, 1)
        scores += (_PULL * likeness @ self._lessons).astype(np.float32)
        return scores, (likeness.max(axis=1) > 0).tolist()

    def _base(self, inputs: Sequence[TagInput]) -> Floats:
        """Scores before corrections, in the taxonomy's order: trained, or by likeness to the owner's own words."""
        scores = np.full((len(inputs), len(self._slugs)), -30.0, dtype=np.float32)
        if self._known_at:
            mine, theirs = zip(*self._known_at, strict=True)
            scores[:, mine] = self._weights.scores(inputs)[:, theirs]
        if self._words is not None:
            rest = scores.max(axis=1) if self._known_at else np.zeros(len(inputs), dtype=np.float32)
            alike = self._words.likeness(inputs)
            for category, likeness, keywords in zip(self._own, alike.T, self._keywords, strict=True):
                lead = _OWN_SLOPE * (likeness - _OWN_START)
                named = np.array([bool(keywords and keywords.search(item.title)) for item in inputs])
                scores[:, self._slugs.index(category.slug)] = rest + np.where(
                    named, np.maximum(lead, 0) + _KEYWORD, lead
                )
        return scores

    def _learn(self, examples: Sequence[tuple[TagInput, str]]) -> None:
        """Keep what each example says that the scores did not say already."""
        if not examples:
            return
        inputs = [item for item, _ in examples]
        wanted = np.zeros((len(examples), len(self._slugs)), dtype=np.float32)
        wanted[np.arange(len(examples)), [self._slugs.index(slug) for _, slug in examples]] = 1
        self._lessons = wanted - _softmax(self._base(inputs))
        self._examples = self._vectors(inputs)

    def _known(self, category: Category, trained: dict[str, int]) -> bool:
        if category.slug not in trained:
            return False
        meaning = self._meanings([category.description])[0]
        return float(meaning @ self._weights.meanings[trained[category.slug]]) >= _SAME_MEANING

    def _vectors(self, inputs: Sequence[TagInput]) -> Floats:
        """Unit vectors of title and abstract together, the title counting as much as the abstract."""
        titles = self._meanings([item.title for item in inputs])
        bodies = self._meanings([item.abstract for item in inputs])
        return unit(titles + bodies)

    def _meanings(self, texts: Sequence[str]) -> Floats:
        raw = vectors().embed(texts)
        empty = ~raw.any(axis=1)
        centred: Floats = (raw - self._weights.middle).astype(np.float32)
        centred[empty] = 0
        return unit(centred)


def _softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances: Floats = raised / raised.sum(axis=1, keepdims=True)
    return chances


def _pattern(keywords: Sequence[str]) -> re.Pattern[str] | None:
    """The keywords as whole words, in any case; they are plain text, not expressions."""
    if not keywords:
        return None
    return re.compile(r"\b(?:" + "|".join(re.escape(word) for word in keywords) + r")", re.IGNORECASE)
