"""Items of our own among those of a call: an order in a foreign text that sways the call shows in what becomes of them.

A text may steer a model in words that no pattern knows. But the items here were judged before, among themselves alone,
so that what is said of them in other company must be the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

from digest.config import Taxonomy
from digest.judging.tags import Grade, PromptItem

CANARIES_PER_CALL = 2
_CANARY_PREFIX = "control:"
_OFF_TOPIC_TEXTS = (  # what no reader of a digest on artificial intelligence waits for
    (
        "Flowering dates of three apple orchards",
        "We noted when the trees of three orchards came into flower in six springs. The southern slope was earliest.",
    ),
    (
        "Timetable of a village ferry",
        "The ferry crosses the lake every forty minutes from May to September. Bicycles travel free on weekdays.",
    ),
)


def build_canaries(taxonomy: Taxonomy) -> tuple[PromptItem, ...]:
    """Items whose verdicts lie far apart: typical ones of two categories, and two that belong to none."""
    typical = dict.fromkeys((taxonomy.categories[0], taxonomy.categories[-1]))
    near = [(next(iter(one.exemplars), one.title), one.description) for one in typical]
    ours = (
        PromptItem.from_text(f"{_CANARY_PREFIX}{place}", *words)
        for place, words in enumerate((*near, *_OFF_TOPIC_TEXTS))
    )
    return tuple(replace(one, injected_text=None, needs_own_call=False) for one in ours)


def is_canary(key: str) -> bool:
    """Whether a candidate is one of ours."""
    return key.startswith(_CANARY_PREFIX)


def choose_canary_pair(grades: Mapping[str, Grade]) -> tuple[str, ...]:
    """The two whose verdicts lie so that no one verdict given to all goes unseen: two steps apart, else alike."""

    def apart(two: tuple[str, ...]) -> tuple[bool, bool, bool]:
        one, other = (grades[key] for key in two)
        steps = abs(one.relevance - other.relevance)
        return steps > 1, steps != 1, one.category != other.category

    return max(combinations(sorted(grades), CANARIES_PER_CALL), key=apart, default=())


def is_tampered(expected: Mapping[str, Grade], grades: Mapping[str, Grade]) -> bool:
    """Whether something in a call has moved our items: one of them far, or all of them at all, or none came back.

    A model left to itself may move one of them by a step. An order in place of a reason, or one reason for all where
    there were two, is as good a sign.
    """
    ours = [(expected[key], judgement) for key, judgement in grades.items() if is_canary(key)]
    if not ours or any(_is_far(*two) for two in ours) or all(_has_moved(*two) for two in ours):
        return True
    reasons, now = ([two[when].reason for two in ours] for when in (0, 1))
    return len(set(now)) < len(set(reasons)) or any(old and not new for old, new in zip(reasons, now, strict=True))


def _is_far(before: Grade, now: Grade) -> bool:
    steps = (before.relevance - now.relevance, before.novelty - now.novelty)
    return before.category != now.category or max(map(abs, steps)) > 1


def _has_moved(before: Grade, now: Grade) -> bool:
    return (before.relevance, before.novelty) != (now.relevance, now.novelty)
