"""How alike two records are, measure by measure; the weights that turn measures into a chance stand in `verdict`."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TypeVar

from digest.intake.profile import TELLING, Record, figures, name_bits
from digest.intake.rarity import bits

MEASURES = (
    "title", "nickname", "name_bits", "swapped", "vector", "shared_bits", "runs", "authors", "no_author", "days", "far",
    "short", "same_week", "coined", "title_bits", "strangers", "sibling", "together",
)  # fmt: skip

T = TypeVar("T")
_LIKE = 0.3  # two texts on one work have this share of their telling words in common
_LITTLE = 60.0  # bits: in fewer than some ten words, words in common say little
_NAME_LETTERS = 3
_NAME_WORDS = 6
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
        name_bits(min(one.head_tokens, other.head_tokens, key=lambda name: len("".join(name)))) / 30 if nick else 0.0,
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
        0.0 if nick else coined(one, other) / 30,
        min(bits(set(one.tokens) & set(other.tokens)) / 40, 1.0),
        max(0.0, _LIKE - shared) / _LIKE if nick and min(len(one.text), len(other.text)) > 200 else 0.0,
        float(sibling(one, other)),
        max(vector, 0.0) * shared,
    ]


def _title_ratio(one: Record, other: Record) -> float:
    from rapidfuzz import fuzz  # megabytes, which a reader of feeds can do without

    return fuzz.token_sort_ratio(one.plain_title, other.plain_title)


def nickname(one: Record, other: Record) -> bool:
    """Whether one record's title is what the other's work is called, or both are called the same."""
    mine, its = {one.name, one.whole_name}, {other.name, other.whole_name}
    shared = mine & (its | {other.tail_name}) | its & {one.tail_name}
    return any(len(name) >= _NAME_LETTERS for name in shared)


def coined(one: Record, other: Record) -> float:
    """The bits of the name that one text introduces and the other's title bears, or that both introduce; 0 if none."""
    shared = one.coined.keys() & (other.coined.keys() | {other.name}) | other.coined.keys() & {one.name}
    return max((one.coined.get(name) or other.coined[name] for name in shared), default=0.0)


def sibling(one: Record, other: Record) -> bool:
    """Whether one is called like another edition with something added: `Gemma 3`, `Gemma 3n`; `Qwen3`, `Qwen3-Omni`."""
    short, long = sorted((one.head_tokens, other.head_tokens), key=len)
    named = len(long) <= _NAME_WORDS and bool(figures(short)) and name_bits(short) >= TELLING
    return named and set(short) < set(long)


def variants(one: Record, other: Record) -> bool:
    """Whether one word tells two works of a numbered family apart: `Nemotron 3 Super` and `Nemotron 3 Ultra`."""
    mine, its = set(one.head_tokens), set(other.head_tokens)
    shared = tuple(mine & its)
    family = bool(figures(shared)) and name_bits(shared) >= TELLING
    return family and max(len(mine), len(its)) <= _NAME_WORDS and len(mine - its) == len(its - mine) == 1


def other_edition(one: Record, other: Record) -> bool:
    """Whether figures tell the two apart (`Gemma 3`, `Gemma 4`; a task of 2025, of 2026), or one is on the other."""
    if bool(_ABOUT.match(one.title)) != bool(_ABOUT.match(other.title)):
        return True
    if one.name != other.name and _letters(one.head_tokens) == _letters(other.head_tokens) != "":
        return figures(one.head_tokens) ^ figures(other.head_tokens) != {"1"}
    if _part(one) != _part(other):
        return True
    if nickname(one, other):
        return False
    mine, theirs = figures(one.tokens), figures(other.tokens)
    close = _title_ratio(one, other) >= 70
    both = bool(mine - theirs) and bool(theirs - mine)
    return close and (both or any(_YEAR.fullmatch(figure) for figure in mine ^ theirs))


def contained(one: Record, other: Record) -> bool:
    """Whether all that one title says of any weight stands in the other one too."""
    return (
        bits(set(one.tokens) & set(other.tokens)) >= TELLING and min(_own_bits(one, other), _own_bits(other, one)) < 3
    )


def swapped(one: Record, other: Record) -> float:
    """The bits of the words that each title has and the other lacks, the smaller side of the two, in dozens."""
    if nickname(one, other) or coined(one, other):
        return 0.0
    return min(_own_bits(one, other), _own_bits(other, one)) / 12


def overlap(one: frozenset[T], other: frozenset[T]) -> float | None:
    """The shared part of the smaller set, None when one is empty."""
    return len(one & other) / min(len(one), len(other)) if one and other else None


def gap(one: Record, other: Record) -> int | None:
    """Days between the two, where both are dated."""
    return abs((one.published - other.published).days) if one.published and other.published else None


def _letters(tokens: tuple[str, ...]) -> str:
    """The letters of a name, without the `v` of a version and the like."""
    following = (*tokens[1:], "")  # one longer than no tokens
    kept = (
        token
        for token, after in zip(tokens, following, strict=False)  # no words, no following
        if token[0].isalpha() and not (len(token) == 1 and after[:1].isdigit())
    )
    return "".join(kept) or "".join(token for token in tokens if token[0].isalpha())


def _part(record: Record) -> str:
    """Which part of a series this is; the first where it does not say."""
    return next((after for word, after in pairwise(record.tokens) if word == "part" and after[0].isdigit()), "1")


def _own_bits(one: Record, other: Record) -> float:
    mine = set(one.whole_tokens) - set(other.whole_tokens)
    other_title = "".join(other.tokens)
    return bits(token for token in mine if token[0].isalnum() and token not in other_title)
