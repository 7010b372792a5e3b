"""Steering: what the editor follows, boosts and mutes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from digest.ranking.types import RankerInput


@dataclass(frozen=True, slots=True)
class Steering:
    """Names and phrases of the configuration; each matches in any case, as whole words."""

    authors: Sequence[str] = ()
    labs: Sequence[str] = ()
    sources: Sequence[str] = ()
    terms: Sequence[str] = ()
    boost: Sequence[str] = ()
    mute: Sequence[str] = field(default=())


def describe_followed(candidate: RankerInput, steering: Steering) -> list[str]:
    """Name each thing of a candidate that the editor follows."""
    authors = {_fold(name): name for name in candidate.authors}
    reasons = [f"by {authors[_fold(name)]}, whom you follow" for name in steering.authors if _fold(name) in authors]
    origin = f"{candidate.source_id} ; {' ; '.join(candidate.authors)} ; {candidate.title}"
    reasons += [f"from {name}, which you follow" for name in find_phrases(steering.labs, origin)]
    names = {_fold(candidate.source_id), _fold(candidate.source_key)}
    reasons += [f"from {name}, which you follow" for name in steering.sources if _fold(name) in names]
    return reasons + [f"about {term}, which you follow" for term in find_phrases(steering.terms, _text(candidate))]


def describe_boosted(candidate: RankerInput, steering: Steering) -> list[str]:
    """Name each boosted phrase that a candidate holds."""
    return [f"about {phrase}, which you boost" for phrase in find_phrases(steering.boost, _text(candidate))]


def find_muted(candidate: RankerInput, steering: Steering) -> str:
    """Return the muted phrase, source or author of a candidate; empty when there is none."""
    names = {_fold(candidate.source_id), _fold(candidate.source_key), *map(_fold, candidate.authors)}
    exact = next((name for name in steering.mute if _fold(name) in names), "")
    return exact or next(iter(find_phrases(steering.mute, _text(candidate))), "")


def find_phrases(phrases: Iterable[str], text: str) -> list[str]:
    """Return the phrases that a text holds as whole words, in any case."""
    return [phrase for phrase in phrases if phrase.strip() and _compile_phrase(phrase).search(text)]


def _text(candidate: RankerInput) -> str:
    return f"{candidate.title}\n{candidate.abstract}"


def _fold(name: str) -> str:
    return " ".join(name.casefold().split())


@lru_cache(maxsize=1024)
def _compile_phrase(phrase: str) -> re.Pattern[str]:
    body = r"\s+".join(re.escape(word) for word in phrase.split())
    return re.compile(rf"(?<!\w){body}(?:s|es)?(?!\w)", re.IGNORECASE)
