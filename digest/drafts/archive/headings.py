"""Match the headings of past issues with categories of the taxonomy, and parse months and years."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import takewhile

from digest.config.schema import Category
from digest.resources import load_lexicon

_LANGUAGES = ("en", "es", "de", "fr", "ca")
# The short months of these (`set`, `out`, `mag`) begin other headings.
_WIDE_NAME_LANGUAGES = ("de_AT", "it", "pt", "nl")
# Short months in Catalan; but headings begin with `Gen AI` and `Set pieces`.
_AMBIGUOUS_MONTH_NAMES = frozenset(("set", "gen"))
_FILLER_WORDS, _CONJUNCTIONS, _PREPOSITIONS = (
    frozenset(load_lexicon()["archive"][name].split()) for name in ("filler_words", "conjunctions", "prepositions")
)
_YEAR = re.compile(r"\b((?:19|20)\d\d)\b|['’](\d\d)\b")

_Matches = Mapping[str, set[int]]


class HeadingMap:
    """Categories by their headings: slugs, titles, aliases, and the editor's own (`--map`)."""

    def __init__(self, categories: Iterable[Category], editor_categories: Mapping[str, str] | None = None) -> None:
        self._exact: dict[str, str] = {}
        self._names: dict[str, list[frozenset[str]]] = {}
        self._first_words: dict[str, set[str]] = {}
        for category in categories:
            own_names = (category.slug, category.title)
            self._first_words[category.slug] = {first for n in own_names for first in fold_heading(n).split()[:1]}
            for name in (*own_names, *category.aliases):
                self._exact.setdefault(fold_heading(name), category.slug)
                if tokens := frozenset(fold_heading(name).split()) - _FILLER_WORDS:
                    self._names.setdefault(category.slug, []).append(tokens)
        self._exact |= {fold_heading(heading): slug for heading, slug in (editor_categories or {}).items()}

    def find_category(self, heading: str) -> str:
        """Find the category that a heading names exactly, or whose words alone it has; empty when unknown.

        Of several, the one before `of` or `for` counts, else the one named first (`Beyond language models`) or last
        (`LLM agents`). Of two that are joined (`Agents and safety`) none counts.
        """
        if slug := self._exact.get(fold_heading(heading)):
            return slug
        tokens = fold_heading(heading).split()
        matches = self._match_categories(tokens)
        if len(matches) > 1 and not _CONJUNCTIONS.intersection(tokens):
            # What precedes `of` or `for`, or a first word such as `Evaluating`.
            head = list(takewhile(lambda token: token not in _PREPOSITIONS, tokens))
            head = tokens[:1] if tokens[0].endswith("ing") else head
            candidates = (
                self._match_categories(head),
                [slug for slug, first_words in self._first_words.items() if tokens[0] in first_words],
                [slug for slug, positions in matches.items() if len(tokens) - 1 in positions],
            )
            return next((slug for slugs in candidates if len(slugs) == 1 for slug in slugs), "")
        return next(iter(matches)) if len(matches) == 1 else ""

    def _match_categories(self, tokens: Sequence[str]) -> _Matches:
        """Find each category named, with the positions of its words."""
        return {slug: positions for slug, names in self._names.items() if (positions := _find_positions(tokens, names))}


def fold_heading(heading: str) -> str:
    """Remove case, numbering, emoji and punctuation; `&` becomes `and`."""
    text = unicodedata.normalize("NFKD", heading.casefold().replace("&", " and "))
    text = re.sub(r"^\W*(?:\d+|[ivx]+)[.):]\s+", "", text)
    return " ".join(re.findall(r"\w+", "".join(c for c in text if not unicodedata.combining(c))))


def _find_positions(tokens: Sequence[str], names: Iterable[frozenset[str]]) -> set[int]:
    """Find the positions of the names of which every word is present, in any form."""
    found_positions = set[int]()
    for name in names:
        positions = [{n for n, t in enumerate(tokens) if t == word or _has_same_stem(t, word)} for word in name]
        if all(positions):
            found_positions.update(*positions)
    return found_positions


def _has_same_stem(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    # evaluating, evaluation
    if len(long) >= 9 and a[: len(long) - 3] == b[: len(long) - 3]:
        return True
    return len(short) >= 4 and long.startswith(short.removesuffix("s")) and len(short.removesuffix("s")) >= 4


@cache
def _load_month_names() -> dict[str, int]:
    from babel.dates import get_month_names

    names = {
        fold_heading(name).removeprefix("de "): number
        for language in (*_LANGUAGES, *_WIDE_NAME_LANGUAGES)
        for width in (("wide", "abbreviated") if language in _LANGUAGES else ("wide",))
        for context in ("format", "stand-alone")
        for number, name in get_month_names(width, context, language).items()
    }
    return {name: number for name, number in names.items() if name not in _AMBIGUOUS_MONTH_NAMES} | {"sept": 9}


_NUMERIC_MONTH = re.compile(
    r"\W*(?:(?:\d{4}[年년]\s*)?(\d{1,2})[月월]|(?:19|20)\d\d[-/](\d{1,2})\b|(\d{1,2})[/.-](?:19|20)\d\d\b)"
)


def parse_heading_month(heading: str) -> int | None:
    """Parse the month at the beginning: `January`, `Jan 2025`, `March: the month of agents`, `1月`."""
    if match := _NUMERIC_MONTH.match(heading):
        number = int(match[match.lastindex or 0])
        return number if 1 <= number <= 12 else None
    tokens = fold_heading(heading).split()
    first = next((token for token in tokens if not token.isdigit()), "")
    return _load_month_names().get(first) if first and tokens.index(first) <= 1 else None


def parse_heading_year(text: str) -> int | None:
    """Parse the year in a title or a heading."""
    match = _YEAR.search(text)
    return (int(match[1]) if match[1] else 2000 + int(match[2])) if match else None
