"""How alike two records are, measure by measure; the weights that turn measures into a chance stand in `verdict`."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TypeVar

from digest.intake.profile import DISTINCTIVE_BITS, RecordFeatures, extract_figures, measure_name_bits
from digest.intake.rarity import sum_rarity

SIMILARITY_FEATURES = (
    "title", "nickname", "name_bits", "swapped", "vector", "shared_bits", "runs", "authors", "no_author", "days", "far",
    "short", "same_week", "coined", "title_bits", "strangers", "sibling", "together",
)  # fmt: skip

T = TypeVar("T")
_SHARED_WORDS_SHARE = 0.3  # two texts on one work have this share of their telling words in common
_MIN_TEXT_BITS = 60.0  # bits: in fewer than some ten words, words in common say little
_MIN_NAME_LETTERS = 3
_MAX_NAME_WORDS = 6
_SAME_WEEK_DAYS = 14  # days: two works of one name seldom appear together
_COMMENT_TITLE = re.compile(
    r"(?:a )?(?:comments?|reply|response|rebuttal|critique|reproduc\w+)\b.* (?:on|to|of)\b", re.I
)
_YEAR = re.compile(r"(?:19|20)\d\d")


def measure_similarity(left: RecordFeatures, right: RecordFeatures, vector: float) -> list[float]:
    """The measures of a pair, in the order of MEASURES; `vector` is the cosine of their texts' vectors."""
    nick = has_shared_name(left, right)
    shared = sum_rarity(left.text_words & right.text_words) / max(_MIN_TEXT_BITS, min(left.text_bits, right.text_bits))
    authors = measure_overlap(left.author_keys, right.author_keys)
    days = (
        0 if left.key.startswith("doi:") or right.key.startswith("doi:") else count_days_apart(left, right)
    )  # journals come late
    runs = measure_overlap(left.shingles, right.shingles) if min(len(left.shingles), len(right.shingles)) > 20 else 0.0
    same = left.full_name == right.full_name
    return [
        _measure_title_ratio(left, right) / 100,
        float(nick),
        measure_name_bits(min(left.name_tokens, right.name_tokens, key=lambda name: len("".join(name)))) / 30
        if nick
        else 0.0,
        measure_swapped_words(left, right),
        vector,
        shared,
        runs or 0.0,
        authors if authors is not None else 0.0,
        float(authors == 0),
        0.0 if same else min(days, 720) / 360 if days is not None else 0.25,
        float(days is not None and days > 120 and not same),
        float(min(len(left.text), len(right.text)) < 200),
        float(nick and days is not None and days <= _SAME_WEEK_DAYS),
        0.0 if nick else measure_coined_name(left, right) / 30,
        min(sum_rarity(set(left.tokens) & set(right.tokens)) / 40, 1.0),
        max(0.0, _SHARED_WORDS_SHARE - shared) / _SHARED_WORDS_SHARE
        if nick and min(len(left.text), len(right.text)) > 200
        else 0.0,
        float(is_sibling_edition(left, right)),
        max(vector, 0.0) * shared,
    ]


def _measure_title_ratio(left: RecordFeatures, right: RecordFeatures) -> float:
    from rapidfuzz import fuzz  # megabytes, which a reader of feeds can do without

    return fuzz.token_sort_ratio(left.expanded_title, right.expanded_title)


def has_shared_name(left: RecordFeatures, right: RecordFeatures) -> bool:
    """Whether one record's title is what the other's work is called, or both are called the same."""
    mine, its = {left.name, left.full_name}, {right.name, right.full_name}
    shared = mine & (its | {right.tail_name}) | its & {left.tail_name}
    return any(len(name) >= _MIN_NAME_LETTERS for name in shared)


def measure_coined_name(left: RecordFeatures, right: RecordFeatures) -> float:
    """The bits of the name that one text introduces and the other's title bears, or that both introduce; 0 if none."""
    shared = left.coined_names.keys() & (right.coined_names.keys() | {right.name}) | right.coined_names.keys() & {
        left.name
    }
    return max((left.coined_names.get(name) or right.coined_names[name] for name in shared), default=0.0)


def is_sibling_edition(left: RecordFeatures, right: RecordFeatures) -> bool:
    """Whether one is called like another edition with something added: `Gemma 3`, `Gemma 3n`; `Qwen3`, `Qwen3-Omni`."""
    short, long = sorted((left.name_tokens, right.name_tokens), key=len)
    named = (
        len(long) <= _MAX_NAME_WORDS and bool(extract_figures(short)) and measure_name_bits(short) >= DISTINCTIVE_BITS
    )
    return named and set(short) < set(long)


def is_family_variant(left: RecordFeatures, right: RecordFeatures) -> bool:
    """Whether one word tells two works of a numbered family apart: `Nemotron 3 Super` and `Nemotron 3 Ultra`."""
    mine, its = set(left.name_tokens), set(right.name_tokens)
    shared = tuple(mine & its)
    family = bool(extract_figures(shared)) and measure_name_bits(shared) >= DISTINCTIVE_BITS
    return family and max(len(mine), len(its)) <= _MAX_NAME_WORDS and len(mine - its) == len(its - mine) == 1


def is_other_edition(left: RecordFeatures, right: RecordFeatures) -> bool:
    """Whether figures tell the two apart (`Gemma 3`, `Gemma 4`; a task of 2025, of 2026), or one is on the other."""
    if bool(_COMMENT_TITLE.match(left.title)) != bool(_COMMENT_TITLE.match(right.title)):
        return True
    if left.name != right.name and _join_letters(left.name_tokens) == _join_letters(right.name_tokens) != "":
        return extract_figures(left.name_tokens) ^ extract_figures(right.name_tokens) != {"1"}
    if _find_part_number(left) != _find_part_number(right):
        return True
    if has_shared_name(left, right):
        return False
    mine, theirs = extract_figures(left.tokens), extract_figures(right.tokens)
    close = _measure_title_ratio(left, right) >= 70
    both = bool(mine - theirs) and bool(theirs - mine)
    return close and (both or any(_YEAR.fullmatch(figure) for figure in mine ^ theirs))


def is_title_contained(left: RecordFeatures, right: RecordFeatures) -> bool:
    """Whether all that one title says of any weight stands in the other one too."""
    return (
        sum_rarity(set(left.tokens) & set(right.tokens)) >= DISTINCTIVE_BITS
        and min(_measure_own_bits(left, right), _measure_own_bits(right, left)) < 3
    )


def measure_swapped_words(left: RecordFeatures, right: RecordFeatures) -> float:
    """The bits of the words that each title has and the other lacks, the smaller side of the two, in dozens."""
    if has_shared_name(left, right) or measure_coined_name(left, right):
        return 0.0
    return min(_measure_own_bits(left, right), _measure_own_bits(right, left)) / 12


def measure_overlap(left: frozenset[T], right: frozenset[T]) -> float | None:
    """The shared part of the smaller set, None when one is empty."""
    return len(left & right) / min(len(left), len(right)) if left and right else None


def count_days_apart(left: RecordFeatures, right: RecordFeatures) -> int | None:
    """Days between the two, where both are dated."""
    return abs((left.published - right.published).days) if left.published and right.published else None


def _join_letters(tokens: tuple[str, ...]) -> str:
    """The letters of a name, without the `v` of a version and the like."""
    following = (*tokens[1:], "")  # one longer than no tokens
    kept = (
        token
        for token, after in zip(tokens, following, strict=False)  # no words, no following
        if token[0].isalpha() and not (len(token) == 1 and after[:1].isdigit())
    )
    return "".join(kept) or "".join(token for token in tokens if token[0].isalpha())


def _find_part_number(record: RecordFeatures) -> str:
    """Which part of a series this is; the first where it does not say."""
    return next((after for word, after in pairwise(record.tokens) if word == "part" and after[0].isdigit()), "1")


def _measure_own_bits(left: RecordFeatures, right: RecordFeatures) -> float:
    mine = set(left.title_tokens) - set(right.title_tokens)
    other_title = "".join(right.tokens)
    return sum_rarity(token for token in mine if token[0].isalnum() and token not in other_title)
