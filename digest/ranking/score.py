"""Score candidates: a sum of parts, each explained by a reason in words.

The parts are topic match, preferences, source, recency, namers, votes, a model's relevance and earlier coverage.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from digest.embeddings import load_embeddings
from digest.ranking.namers import NamerWeights
from digest.ranking.order import order_by_kind
from digest.ranking.preference import FEATURE_GROUPS, PreferenceModel, load_default_preferences, load_feature_statistics
from digest.ranking.steering import Steering, describe_boosted, describe_followed
from digest.ranking.topic import LARGE_POOL, compute_topic_match, rate_out_of_five, split_interests
from digest.ranking.types import RankedCandidate, RankerInput, Reason
from digest.urls.kinds import is_promotional

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digest.embeddings import Matrix
    from digest.ranking.logistic import DesignMatrix

    Vector = NDArray[np.float64]

# What one unit of each feature adds to the score, in log-odds: a spread of topic match, a doubling of weight,
# a month of age, a point of a model's relevance above or below 3, an issue that held it already.
TOPIC_WEIGHT, SOURCE_WEIGHT, AGE_WEIGHT = 0.8, 0.7, -0.3
RELEVANCE_WEIGHT, COVERED_WEIGHT = 1.2, -8.0
FOLLOW_WEIGHT, BOOST_WEIGHT, PROMOTION_WEIGHT = 1.6, 1.0, -2.5
ADDED_WEIGHT = 20.0  # puts what a person added before everything else
# Of the prior's parts when interests are stated: other people's taste must not drown them. Chosen by readers of eight
# subjects with a line each, on what experts picked of these in 2025-04 to 2025-08: mean AUC .944 and recall of the
# first hundred .46; by the line alone .915 and .28, by the prior alone .898 and .30, by the whole of both .936 and .41.
DEFAULT_PREFERENCES_SHARE = 0.5
SCORE_DIGITS = 4  # kept of a part: what lies below is rounding, and must not decide between equals
MAX_NAMED = 1000  # so many places from the top have the words named that spoke for them or against them
_MIN_SOURCE_WEIGHT = 0.05  # what a source of weight 0 counts as
_DAYS_PER_MONTH = 30.44  # days
_MAX_AGE_MONTHS = 12.0  # months, after which age costs no more


@dataclass(frozen=True, slots=True)
class RankingContext:
    """The facts beside the candidates. `interests` is one line; without it the taxonomy's descriptions are used.

    `preferences` are the editor's own, once proved; without them the public ones serve, unless
    `use_default_preferences` is false.
    """

    now: datetime | None = None
    interests: str | Sequence[str] = ""
    descriptions: tuple[str, ...] = ()
    preferences: PreferenceModel | None = None
    use_default_preferences: bool = True
    steering: Steering = field(default_factory=Steering)
    namer_weights: NamerWeights = field(default_factory=NamerWeights)

    @property
    def subjects(self) -> Sequence[str]:
        phrases = split_interests(self.interests) if isinstance(self.interests, str) else list(self.interests)
        return phrases or self.descriptions

    @property
    def active_preferences(self) -> PreferenceModel | None:
        """The editor's own preferences, else the public ones, weaker beside stated interests."""
        if self.preferences or not self.use_default_preferences:
            return self.preferences
        default = load_default_preferences()
        return default.scale(DEFAULT_PREFERENCES_SHARE) if self.interests else default


class _ItemFeature(NamedTuple):
    """A feature of one candidate: its value, the part it adds, and the reason in words. No value, no part."""

    feature: str
    value: Callable[[RankerInput, RankingContext], float | None]
    part: Callable[[float], float]
    describe: Callable[[RankerInput, RankingContext, float], str]


def _age_in_days(candidate: RankerInput, context: RankingContext) -> float | None:
    if context.now is None or candidate.published is None:
        return None
    return max(0.0, (context.now - candidate.published).total_seconds() / 86400)


_ITEM_FEATURES = (
    _ItemFeature(
        "source",
        lambda c, _: c.source_weight,
        lambda weight: SOURCE_WEIGHT * math.log2(max(weight, _MIN_SOURCE_WEIGHT)),
        lambda c, _, weight: f"{c.source_id or 'its source'} weighs {weight:g}",
    ),
    _ItemFeature(
        "recency",
        _age_in_days,
        lambda days: AGE_WEIGHT * min(days / _DAYS_PER_MONTH, _MAX_AGE_MONTHS),
        lambda _c, _, days: f"published {days:.0f} days ago",
    ),
    _ItemFeature(
        "named",
        lambda c, context: context.namer_weights.sum_weights(c.named_by) if c.named_by else None,
        lambda weight: weight,
        lambda c, context, _: context.namer_weights.describe(c.named_by),
    ),
    _ItemFeature(
        "votes",
        lambda c, context: context.namer_weights.weigh_votes(c.votes) if c.votes else None,
        lambda weight: weight,
        lambda c, *_: f"{c.votes} votes",
    ),
    _ItemFeature(
        "relevance",
        lambda c, _: c.relevance,
        lambda points: RELEVANCE_WEIGHT * (points - 3),
        lambda _c, _, points: f"the model finds it relevant {points:.0f}/5",
    ),
    _ItemFeature(
        "covered",
        lambda c, _: 1.0 if c.covered_in else None,
        lambda _: COVERED_WEIGHT,
        lambda c, _, __: f"already covered in {c.covered_in}",
    ),
    _ItemFeature(
        "follow",
        lambda c, context: float(len(describe_followed(c, context.steering))),
        lambda count: FOLLOW_WEIGHT * min(count, 2),
        lambda c, context, _: ", ".join(describe_followed(c, context.steering)[:2]),
    ),
    _ItemFeature(
        "boost",
        lambda c, context: float(len(describe_boosted(c, context.steering))),
        lambda count: BOOST_WEIGHT * min(count, 2),
        lambda c, context, _: ", ".join(describe_boosted(c, context.steering)[:2]),
    ),
    _ItemFeature(
        "added",
        lambda c, _: 1.0 if c.added_on else None,
        lambda _: ADDED_WEIGHT,
        lambda c, _, __: f"added by you on {c.added_on:%Y-%m-%d}" + f": “{c.added_note}”" * bool(c.added_note),
    ),
    _ItemFeature(
        "promotion",
        lambda c, _: 1.0 if c.kind != "paper" and is_promotional(c.title) else None,
        lambda _: PROMOTION_WEIGHT,
        lambda *_: "an announcement rather than a finding",
    ),
)


def rank_candidates(
    candidates: Sequence[RankerInput],
    context: RankingContext,
    embeddings: Matrix | None = None,
    *,
    explain_first: int | None = None,
    explain_keys: Collection[str] = (),
) -> list[RankedCandidate]:
    """Rank all candidates in the order to offer them (see `order_by_kind`), with reasons.

    `embeddings` are the vectors of `RankerInput.text`, row by row; they are computed where absent. Reasons are given for
    the first `explain_first` positions (default: all) and for `explain_keys`.
    """
    pool = _ScoredPool(candidates, context, embeddings)
    order = order_by_kind(candidates, pool.scores)
    last = len(order) if explain_first is None else explain_first
    ranked = []
    for position, row in enumerate(order, 1):
        is_wanted = candidates[row].key in explain_keys
        is_explained = position <= last or is_wanted
        reasons = pool.build_reasons(row, named=position <= MAX_NAMED or is_wanted) if is_explained else ()
        ranked.append(RankedCandidate(position, candidates[row], pool.scores[row], reasons))
    return ranked


def score_candidates(
    candidates: Sequence[RankerInput], context: RankingContext, embeddings: Matrix | None = None
) -> list[float]:
    """Return the scores by which `rank_candidates` orders, row by row."""
    return _ScoredPool(candidates, context, embeddings).scores


class _ScoredPool:
    """A pool with every part of every score; reasons are made on demand."""

    def __init__(self, candidates: Sequence[RankerInput], context: RankingContext, embeddings: Matrix | None) -> None:
        import numpy as np

        if embeddings is None:
            embeddings = load_embeddings().embed([candidate.text for candidate in candidates])
        self._candidates, self._context = candidates, context
        self._is_own = context.preferences is not None
        self._preferences = context.active_preferences
        self._design: DesignMatrix | None = None
        if self._preferences or (context.subjects and len(candidates) >= LARGE_POOL):
            self._design = load_feature_statistics().build_design(candidates, embeddings)
        self._matches = compute_topic_match(context.subjects, embeddings, self._design)
        if self._preferences and self._design:
            preference_parts = self._preferences.compute_parts(self._design)
            # The public prior knows papers alone; the form of a post says nothing about it.
            others = np.array([candidate.kind != "paper" for candidate in candidates], dtype=bool)
            preference_parts[others] *= np.array([1, 0, 1] if self._is_own else [0, 0, 0], dtype=np.float32)
        else:
            preference_parts = np.zeros((len(candidates), len(FEATURE_GROUPS)), dtype=np.float32)
        self._values = [[feature.value(candidate, context) for candidate in candidates] for feature in _ITEM_FEATURES]
        feature_parts = [
            np.array([0.0 if value is None else feature.part(value) for value in values])
            for feature, values in zip(_ITEM_FEATURES, self._values, strict=True)
        ]
        # Topic, then preferences by group, then features; rounded, so that they add up to the score as shown.
        parts = np.column_stack([TOPIC_WEIGHT * self._matches, preference_parts, *feature_parts]).astype(np.float64)
        self._parts: Vector = parts.round(SCORE_DIGITS)
        self.scores: list[float] = self._parts.sum(axis=1).round(SCORE_DIGITS).tolist()

    def build_reasons(self, row: int, *, named: bool) -> tuple[Reason, ...]:
        """Build the reasons of the parts that are not zero, the strongest first."""
        candidate, match = self._candidates[row], float(self._matches[row])
        topic_part, *others = self._parts[row].tolist()
        reasons = [Reason("topic", match, topic_part, f"topic match {rate_out_of_five(match)}/5")] if topic_part else []
        for group, part in zip(FEATURE_GROUPS, others, strict=False):
            if part:
                text = self._describe_preference(row, group, part, named=named)
                reasons.append(Reason(f"taste-{group}", part, part, text))
        for feature, values, part in zip(_ITEM_FEATURES, self._values, others[len(FEATURE_GROUPS) :], strict=True):
            value = values[row]
            if part and value is not None:
                reasons.append(Reason(feature.feature, value, part, feature.describe(candidate, self._context, value)))
        return tuple(sorted(reasons, key=lambda reason: -abs(reason.part)))

    def _describe_preference(self, row: int, group: str, part: float, *, named: bool) -> str:
        whose = "what you picked before" if self._is_own else "what experts pick"
        text = f"{'like' if part > 0 else 'unlike'} {whose} in {group}"
        if not named or self._preferences is None or self._design is None:
            return text
        names = self._preferences.find_strongest_features(group, self._candidates[row], self._design, row, up=part > 0)
        return f"{text}: {', '.join(names)}" if names else text
