"""The score: a sum of parts, each said in words. Topic match, taste, source, recency, mentions, a model, the past."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from digest.ranking import topic
from digest.ranking.taste import GROUPS, Taste, background, prior
from digest.ranking.values import Candidate, Ranked, Reason
from digest.vectors import vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digest.ranking.values import Matrix

    Vector = NDArray[np.float64]

# What one unit of each feature adds to the score, in log-odds: a spread of topic match, a doubling of weight or of
# mentions, a month of age, a point of a model's relevance above or below 3, an issue that held it already.
TOPIC, SOURCE, AGE, MENTION, RELEVANCE, COVERED = 0.6, 0.7, -0.3, 0.8, 1.2, -8.0
DIGITS = 4  # kept of a part: what lies below is rounding, and must not decide between equals
_UNWEIGHTED = 0.05  # what a source of weight 0 counts as
_MONTH = 30.44


@dataclass(frozen=True, slots=True)
class Context:
    """What is known beside the candidates. `interests` is one line; without it the taxonomy's descriptions stand in.

    `taste` is the editor's own once it has proved itself; without one the packaged prior serves. `use_prior=False`
    ranks by what is said here alone.
    """

    now: datetime | None = None
    interests: str = ""
    descriptions: tuple[str, ...] = ()
    taste: Taste | None = None
    use_prior: bool = True

    @property
    def subjects(self) -> Sequence[str]:
        return topic.phrases(self.interests) or self.descriptions


def rank(candidates: Sequence[Candidate], context: Context, embedded: Matrix | None = None) -> list[Ranked]:
    """All candidates, the best first, each with the parts of its score; equal scores stand in the order of their keys.

    `embedded` are the vectors of `Candidate.text`, row by row; they are computed where absent.
    """
    if not candidates:
        return []
    if embedded is None:
        embedded = vectors().embed([candidate.text for candidate in candidates])
    reasons = explained(candidates, context, embedded)
    scores = [round(sum(reason.part for reason in row), DIGITS) for row in reasons]
    order = sorted(range(len(candidates)), key=lambda i: (-scores[i], candidates[i].key))
    return [Ranked(place, candidates[i], scores[i], reasons[i]) for place, i in enumerate(order, 1)]


def explained(candidates: Sequence[Candidate], context: Context, embedded: Matrix) -> list[tuple[Reason, ...]]:
    """For each candidate what each feature added, the strongest first; what added nothing is left out."""
    near = topic.matches(context.subjects, embedded)
    tasted = _tasted(candidates, context, embedded)
    rows = []
    for i, candidate in enumerate(candidates):
        found = [_topic(float(near[i])) if context.subjects else None, *(_taste(context, *pair) for pair in tasted[i])]
        found += [sign(candidate, context) for sign in (_source, _recency, _mentions, _relevance, _covered)]
        rows.append(tuple(sorted((r for r in found if r and r.part), key=lambda r: -abs(r.part))))
    return rows


def _tasted(candidates: Sequence[Candidate], context: Context, embedded: Matrix) -> list[list[tuple[str, float]]]:
    """The taste's parts of each candidate by name."""
    taste = context.taste or (prior() if context.use_prior else None)
    if taste is None:
        return [[] for _ in candidates]
    parts = taste.parts(background().design(candidates, embedded)).tolist()
    return [list(zip(GROUPS, row, strict=True)) for row in parts]


def _reason(feature: str, value: float, part: float, words: str) -> Reason:
    return Reason(feature, value, round(part, DIGITS), words)


def _topic(match: float) -> Reason:
    return _reason("topic", match, TOPIC * match, f"topic match {topic.out_of_five(match)}/5")


_LIKE = {
    "topic": "{like} in subject: {whose}",
    "form": "{like} in form (authors, title, where it was filed): {whose}",
    "words": "{like} in wording: {whose}",
}


def _taste(context: Context, group: str, part: float) -> Reason:
    whose = "what you picked before" if context.taste else "what experts pick"
    return _reason(
        f"taste-{group}", part, part, _LIKE[group].format(like="like" if part > 0 else "unlike", whose=whose)
    )


def _source(candidate: Candidate, _: Context) -> Reason | None:
    doublings = math.log2(max(candidate.source_weight, _UNWEIGHTED))
    words = f"{candidate.source_id or 'its source'} weighs {candidate.source_weight:g}"
    return _reason("source", candidate.source_weight, SOURCE * doublings, words)


def _recency(candidate: Candidate, context: Context) -> Reason | None:
    if context.now is None or candidate.published is None:
        return None
    days = max(0.0, (context.now - candidate.published).total_seconds() / 86400)
    return _reason("recency", days, AGE * min(days / _MONTH, 12), f"published {days:.0f} days ago")


def _mentions(candidate: Candidate, _: Context) -> Reason | None:
    count = max(candidate.mentions, 1)
    return _reason("mentions", count, MENTION * math.log2(count), f"mentioned by {count} sources")


def _relevance(candidate: Candidate, _: Context) -> Reason | None:
    if candidate.relevance is None:
        return None
    points = candidate.relevance
    return _reason("relevance", points, RELEVANCE * (points - 3), f"the model finds it relevant {points}/5")


def _covered(candidate: Candidate, _: Context) -> Reason | None:
    if not candidate.covered_in:
        return None
    return _reason("covered", 1.0, COVERED, f"already covered in {candidate.covered_in}")
