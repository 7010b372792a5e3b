"""The score: a sum of parts, each said in words. Topic match, taste, source, recency, mentions, a model, the past."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from digest.ranking import topic
from digest.ranking.taste import GROUPS, Taste, background, prior
from digest.ranking.values import Candidate, Ranked, Reason
from digest.vectors import vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digest.ranking.logistic import Design
    from digest.ranking.values import Matrix

    Vector = NDArray[np.float64]

# What one unit of each feature adds to the score, in log-odds: a spread of topic match, a doubling of weight or of
# mentions, a month of age, a point of a model's relevance above or below 3, an issue that held it already.
TOPIC, SOURCE, AGE, MENTION, RELEVANCE, COVERED = 0.8, 0.7, -0.3, 0.8, 1.2, -8.0
# Of the prior's parts when interests are stated: other people's taste must not drown them. Chosen by readers of eight
# subjects with a line each, on what experts picked of these in 2025-04 to 2025-08: mean AUC .944 and recall of the
# first hundred .46; by the line alone .915 and .28, by the prior alone .898 and .30, by the whole of both .936 and .41.
PRIOR = 0.5
DIGITS = 4  # kept of a part: what lies below is rounding, and must not decide between equals
NAMED = 1000  # so many places from the top have the words named that spoke for them or against them
_UNWEIGHTED = 0.05  # what a source of weight 0 counts as
_MONTH = 30.44  # days
_OLD = 12.0  # months, after which age costs no more


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


class _Sign(NamedTuple):
    """A feature read off one candidate: its value, what that adds, and how it is said. No value, no part."""

    feature: str
    value: Callable[[Candidate, Context], float | None]
    part: Callable[[float], float]
    words: Callable[[Candidate, float], str]


def _age(candidate: Candidate, context: Context) -> float | None:
    if context.now is None or candidate.published is None:
        return None
    return max(0.0, (context.now - candidate.published).total_seconds() / 86400)


_SIGNS = (
    _Sign(
        "source",
        lambda c, _: c.source_weight,
        lambda weight: SOURCE * math.log2(max(weight, _UNWEIGHTED)),
        lambda c, weight: f"{c.source_id or 'its source'} weighs {weight:g}",
    ),
    _Sign(
        "recency",
        _age,
        lambda days: AGE * min(days / _MONTH, _OLD),
        lambda _, days: f"published {days:.0f} days ago",
    ),
    _Sign(
        "mentions",
        lambda c, _: max(c.mentions, 1),
        lambda count: MENTION * math.log2(count),
        lambda _, count: f"mentioned by {count:.0f} sources",
    ),
    _Sign(
        "relevance",
        lambda c, _: c.relevance,
        lambda points: RELEVANCE * (points - 3),
        lambda _, points: f"the model finds it relevant {points:.0f}/5",
    ),
    _Sign(
        "covered",
        lambda c, _: 1.0 if c.covered_in else None,
        lambda _: COVERED,
        lambda c, _: f"already covered in {c.covered_in}",
    ),
)


def rank(
    candidates: Sequence[Candidate],
    context: Context,
    embedded: Matrix | None = None,
    *,
    explained: int | None = None,
    wanted: Collection[str] = (),
) -> list[Ranked]:
    """All candidates, the best first, each with the parts of its score; equal scores stand in the order of their keys.

    `embedded` are the vectors of `Candidate.text`, row by row; they are computed where absent. Reasons are given for
    the first `explained` places (default: all) and for the keys `wanted`, wherever they stand.
    """
    judged = _Judged(candidates, context, embedded)
    scores = judged.scores
    order = sorted(range(len(candidates)), key=lambda i: (-scores[i], candidates[i].key))
    told = len(order) if explained is None else explained
    return [
        Ranked(
            place,
            candidates[i],
            scores[i],
            judged.reasons(i, named=place <= NAMED or candidates[i].key in wanted)
            if place <= told or candidates[i].key in wanted
            else (),
        )
        for place, i in enumerate(order, 1)
    ]


def scores(candidates: Sequence[Candidate], context: Context, embedded: Matrix | None = None) -> list[float]:
    """The scores alone, row by row: what `rank` orders by."""
    return _Judged(candidates, context, embedded).scores


def _start(context: Context) -> Taste | None:
    """What is believed without a taste of the editor's own."""
    if not context.use_prior:
        return None
    return prior().scaled(PRIOR) if context.interests else prior()


class _Judged:
    """A pool with every part of every score; words are made only for those asked about."""

    def __init__(self, candidates: Sequence[Candidate], context: Context, embedded: Matrix | None) -> None:
        import numpy as np

        if embedded is None:
            embedded = vectors().embed([candidate.text for candidate in candidates])
        self._candidates, self._context = candidates, context
        self._taste = context.taste or _start(context)
        read = self._taste or (context.subjects and len(candidates) >= topic.MANY)
        self._design: Design | None = background().design(candidates, embedded) if read else None
        self._matches = topic.matches(context.subjects, embedded, self._design)
        nothing = np.zeros((len(candidates), len(GROUPS)))
        tasted = self._taste.parts(self._design) if self._taste and self._design else nothing
        self._signs = [[sign.value(candidate, context) for candidate in candidates] for sign in _SIGNS]
        signs = [
            [0.0 if value is None else sign.part(value) for value in values]
            for sign, values in zip(_SIGNS, self._signs, strict=True)
        ]
        # Topic, then taste by group, then the signs; rounded, so that they add up to the score as shown.
        parts = np.column_stack([TOPIC * self._matches, tasted, *map(np.array, signs)]).astype(np.float64)
        self._parts: Vector = parts.round(DIGITS)
        self.scores: list[float] = self._parts.sum(axis=1).round(DIGITS).tolist()

    def reasons(self, row: int, *, named: bool) -> tuple[Reason, ...]:
        """The parts that are not nothing, the strongest first."""
        candidate, match = self._candidates[row], float(self._matches[row])
        topical, *others = self._parts[row].tolist()
        found = [Reason("topic", match, topical, f"topic match {topic.out_of_five(match)}/5")] if topical else []
        for group, part in zip(GROUPS, others, strict=False):
            if part:
                found.append(Reason(f"taste-{group}", part, part, self._said(row, group, part, named=named)))
        for sign, values, part in zip(_SIGNS, self._signs, others[len(GROUPS) :], strict=True):
            value = values[row]
            if part and value is not None:
                found.append(Reason(sign.feature, value, part, sign.words(candidate, value)))
        return tuple(sorted(found, key=lambda reason: -abs(reason.part)))

    def _said(self, row: int, group: str, part: float, *, named: bool) -> str:
        whose = "what you picked before" if self._context.taste else "what experts pick"
        said = f"{'like' if part > 0 else 'unlike'} {whose} in {group}"
        if not named or self._taste is None or self._design is None:
            return said
        names = self._taste.names(group, self._candidates[row], self._design, row, up=part > 0)
        return f"{said}: {', '.join(names)}" if names else said
