"""How likely two records are one work, and whether that is certain enough to join them without a person.

Two arXiv ids are judged by strict rules and never joined; other pairs by weights fitted on 4,000 labelled pairs
(curators' picks against the arXiv papers nearest to them, posts seen in two feeds, works that share a name), where
five-fold cross-validation gave precision 0.98 at recall 0.97. `tests.bench.train_matcher` does it with what is shared.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

from digest.intake.known import telling
from digest.intake.likeness import MEASURES, gap, measures, nickname, other_edition, overlap
from digest.intake.profile import Record

FLAG = 0.6
# The last weight is set by hand: in the labelled pairs nearly all true ones lie within a week of each other.
WEIGHTS = (1.27, 0.12, 0.73, -0.85, 3.46, 7.14, 1.13, 1.86, -2.53, -2.30, -0.68, -0.48, 0.8)
BIAS = -4.18
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
    if other_edition(one, other):
        return Verdict(0.02, False, "another edition")
    if one.arxiv and other.arxiv:
        return Verdict(_two_ids(one, other, found), False, _reason(one, other, found))
    chance = 1 / (1 + exp(-BIAS - sum(w * found[name] for name, w in zip(MEASURES, WEIGHTS, strict=True))))
    if _same_title(one, other):
        chance = max(chance, 0.9 if found["shared_bits"] >= 0.25 or found["short"] else chance)
    certain = _certain(one, other, found)
    return Verdict(max(chance, 0.99) if certain else chance, certain, _reason(one, other, found))


def hopeless(one: Record, other: Record, vector: float) -> bool:
    """A cheap look that spares most pairs the measuring."""
    if one.arxiv and other.arxiv and (overlap(one.people, other.people) or 0) < 0.5:
        return True
    return vector < 0.45 and not nickname(one, other) and one.title_key != other.title_key and not _linked(one, other)


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
