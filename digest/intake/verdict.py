"""How likely two records are one work, and whether that is certain enough to join them without a person.

Two arXiv ids are judged by strict rules and never joined; other pairs by the weights of `data/match_weights.json`,
which `tests.bench.train_matcher` fits on labelled pairs: with whole works held out they flag with precision 0.98 at
recall 0.95.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from math import exp

from digest.intake.known import telling
from digest.intake.likeness import (
    MEASURES,
    coined,
    contained,
    gap,
    measures,
    nickname,
    other_edition,
    overlap,
    variants,
)
from digest.intake.profile import Record

FLAG = 0.5
_NEAR_DAYS = 30


@dataclass(frozen=True, slots=True)
class Verdict:
    """A chance from 0 to 1, whether the two may be joined at once, and the reason in words."""

    chance: float
    certain: bool
    reason: str


def verdict(one: Record, other: Record, vector: float) -> Verdict:
    """Judge a pair; `vector` is the cosine of the two texts' vectors."""
    if one.key and one.key == other.key:
        return Verdict(1.0, True, "same key")
    if hopeless(one, other, vector):
        return Verdict(0.02, False, "nothing telling in common")
    found = dict(zip(MEASURES, measures(one, other, vector), strict=True))
    if other_edition(one, other) or (one.arxiv and other.arxiv and variants(one, other)):
        return Verdict(0.02, False, "another edition")
    if one.arxiv and other.arxiv:
        return Verdict(_two_ids(one, other, found), False, _reason(one, other, found))
    chance = _chance(found)
    if _same_title(one, other):
        chance = max(chance, 0.9 if found["shared_bits"] >= 0.25 or found["short"] else chance)
    certain = _certain(one, other, found)
    return Verdict(max(chance, 0.99) if certain else chance, certain, _reason(one, other, found))


def _chance(found: dict[str, float]) -> float:
    weights = _weights()
    return 1 / (1 + exp(-weights["bias"] - sum(weights[name] * measure for name, measure in found.items())))


@lru_cache(maxsize=1)
def _weights() -> dict[str, float]:
    text = (resources.files("digest") / "data" / "match_weights.json").read_text(encoding="utf-8")
    weights: dict[str, float] = json.loads(text)
    return weights


def hopeless(one: Record, other: Record, vector: float) -> bool:
    """A cheap look that spares most pairs the measuring."""
    if one.arxiv and other.arxiv and (overlap(one.people, other.people) or 0) < 0.5:
        return True
    if vector >= 0.45 or nickname(one, other) or one.title_key == other.title_key or _linked(one, other):
        return False
    return not coined(one, other) and not contained(one, other)


def _linked(one: Record, other: Record) -> bool:
    return other.key in one.named or one.key in other.named


def _two_ids(one: Record, other: Record, found: dict[str, float]) -> float:
    """The chance that two arXiv ids are one work: the same people, and the same title or the same text."""
    if _same_title(one, other):
        return 0.97
    needed = 0.45 if found["swapped"] < 0.4 else 0.6 if found["swapped"] < 1 else 2.0
    close = found["title"] >= 0.8 and found["shared_bits"] >= needed
    renamed = found["title"] >= 0.9 and found["name_bits"] >= 0.3 and found["shared_bits"] >= 0.3
    same_text = found["shared_bits"] >= 0.65 or found["runs"] >= 0.4
    if close or renamed or same_text:
        return min(0.95, 0.5 + found["shared_bits"] / 2 + found["runs"] / 4)
    return min(0.5, found["shared_bits"])


def _same_title(one: Record, other: Record) -> bool:
    return one.title_key == other.title_key and telling(one.title_key)


def _certain(one: Record, other: Record, found: dict[str, float]) -> bool:
    """Whether only one work explains the agreement: the title with an author, the date or the text, or a link."""
    if one.source == other.source and one.source:
        return False
    if (
        _linked(one, other)
        and len(one.named | other.named) == 1
        and (nickname(one, other) or found["shared_bits"] >= 0.5)
    ):
        return True
    if not _same_title(one, other):
        return False
    if one.people and other.people:
        return bool(overlap(one.people, other.people))
    days = gap(one, other)
    return (days is not None and days <= _NEAR_DAYS) or found["shared_bits"] >= 0.5 or found["runs"] >= 0.3


def _reason(one: Record, other: Record, found: dict[str, float]) -> str:
    """What the two have in common, in words for the editor."""
    parts = []
    if _same_title(one, other):
        parts.append("the same title")
    elif nickname(one, other):
        shorter = min(one.title, other.title, key=len)
        parts.append(f"called the same ({shorter})")
    elif found["title"] >= 0.8:
        parts.append("nearly the same title")
    if found["authors"] > 0:
        parts.append(f"{len(one.people & other.people)} authors in common")
    if found["shared_bits"] >= 0.3:
        parts.append(f"{found['shared_bits']:.0%} of the telling words in common")
    if (days := gap(one, other)) is not None:
        parts.append(f"{days} days apart")
    return ", ".join(parts)
