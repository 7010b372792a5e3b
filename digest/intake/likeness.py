"""How alike two records are, measure by measure; the weights that turn measures into a chance stand in `verdict`."""

from __future__ import annotations

import re
from typing import TypeVar

from digest.intake.profile import Record, figures
from digest.intake.rarity import bits

MEASURES = (
    "title", "nickname", "name_bits", "swapped", "vector", "shared_bits", "runs", "authors", "no_author", "days", "far",
    "short", "same_week",
)  # fmt: skip

T = TypeVar("T")
_LITTLE = 60.0  # bits: in fewer than some ten words, words in common say little
_WEEKS = 14  # days: two works of one name seldom appear together
_ABOUT = re.compile(r"(?:a )?(?:comments?|reply|response|rebuttal|critique|reproduc\w+)\b.* (?:on|to|of)\b", re.I)
_YEAR = re.compile(r"(?:19|20)\d\d")


def measures(one: Record, other: Record, vector: float) -> list[float]:
    """The measures of a pair, in the order of MEASURES; `vector` is the cosine of their texts' vectors."""
    nick = nickname(one, other)
    shared = bits(one.words & other.words) / max(_LITTLE, min(one.weight, other.weight))
    authors = overlap(one.people, other.people)
    days = 0 if one.key.startswith("doi:") or other.key.startswith("doi:") else gap(one, other)  # journals come late
    runs = overlap(one.shingles, other.shingles) if min(len(one.shingles), len(other.shingles)) > 20 else 0.0
    same = one.whole_name == other.whole_name
    return [
        _title_ratio(one, other) / 100,
        float(nick),
        name_bits(one if len(one.name) <= len(other.name) else other) / 30 if nick else 0.0,
        swapped(one, other),
        vector,
        shared,
        runs or 0.0,
        authors if authors is not None else 0.0,
        float(authors == 0),
        0.0 if same else min(days, 720) / 360 if days is not None else 0.25,
        float(days is not None and days > 120 and not same),
        float(min(len(one.text), len(other.text)) < 200),
        float(nick and days is not None and days <= _WEEKS),
    ]


def _title_ratio(one: Record, other: Record) -> float:
    from rapidfuzz import fuzz  # megabytes, which a reader of feeds can do without

    return fuzz.token_sort_ratio(one.title_key, other.title_key)


def nickname(one: Record, other: Record) -> bool:
    """Whether one record's title is what the other's work is called, or both are called the same."""
    if len(one.name) < 3 or len(other.name) < 3:
        return False
    same_name = one.name == other.name or one.whole_name == other.name or one.name == other.whole_name
    return same_name or one.whole_name == other.tail_name or one.tail_name == other.whole_name


def name_bits(record: Record) -> float:
    """How telling a name is."""
    return bits(token for token in record.head_tokens if token[0].isalnum())


def other_edition(one: Record, other: Record) -> bool:
    """Whether figures tell the two apart (`Gemma 3`, `Gemma 4`; a task of 2025, of 2026), or one is on the other."""
    if bool(_ABOUT.match(one.title)) != bool(_ABOUT.match(other.title)):
        return True
    if one.name != other.name and _letters(one.head_tokens) == _letters(other.head_tokens) != "":
        return True
    if nickname(one, other):
        return False
    mine, theirs = figures(one.tokens), figures(other.tokens)
    close = _title_ratio(one, other) >= 70
    both = bool(mine - theirs) and bool(theirs - mine)
    return close and (both or any(_YEAR.fullmatch(figure) for figure in mine ^ theirs))


def swapped(one: Record, other: Record) -> float:
    """The bits of the words that each title has and the other lacks, the smaller side of the two, in dozens."""
    if nickname(one, other):
        return 0.0
    return min(_own_bits(one, other), _own_bits(other, one)) / 12


def overlap(one: frozenset[T], other: frozenset[T]) -> float | None:
    """The shared part of the smaller set, None when one is empty."""
    return len(one & other) / min(len(one), len(other)) if one and other else None


def gap(one: Record, other: Record) -> int | None:
    """Days between the two, where both are dated."""
    return abs((one.published - other.published).days) if one.published and other.published else None


def _letters(tokens: tuple[str, ...]) -> str:
    """The letters of a name, without the `v` of a version."""
    letters = [token for token in tokens if token[0].isalpha()]
    return "".join(letters[:-1] if len(letters) > 1 and letters[-1] == "v" else letters)


def _own_bits(one: Record, other: Record) -> float:
    mine = set(one.whole_tokens) - set(other.whole_tokens)
    other_title = other.title_key.replace(" ", "")
    return bits(token for token in mine if token[0].isalnum() and token not in other_title)
