"""What a heading of a past issue stands for: a category of the taxonomy, a month, or nothing we know."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import takewhile

from digest.config.schema import Category

_LANGUAGES = ("en", "es", "de", "fr", "ca")
_WIDE_NAME_LANGUAGES = ("de_AT", "it", "pt", "nl")  # whose short months (`set`, `out`, `mag`) begin other headings
_AMBIGUOUS_MONTH_NAMES = frozenset(("set", "gen"))  # Catalan for short, but headings begin `Gen AI` and `Set pieces`
_FILLER_WORDS = frozenset(
    ("ai", "ml", "the", "of", "a", "an", "in", "and", "our", "my", "new", "on", "for", "to", "best", "top")
)
_CONJUNCTIONS = frozenset(("and", "y", "und", "et", "i", "e"))
_PREPOSITIONS = frozenset(
    ("of", "for", "in", "with", "on", "to", "from", "de", "para", "por", "für", "pour", "per", "en")
)
_YEAR = re.compile(r"\b((?:19|20)\d\d)\b|['’](\d\d)\b")


class HeadingMap:
    """Categories by their headings: slugs, titles, aliases, and what the editor said (`--map`, remembered)."""

    def __init__(self, categories: Iterable[Category], editor_categories: Mapping[str, str] | None = None) -> None:
        self._exact: dict[str, str] = {}
        self._stems: dict[str, list[frozenset[str]]] = {}
        self._first_words: dict[str, set[str]] = {}  # the words their slugs and titles begin with
        for category in categories:
            self._first_words[category.slug] = {
                first for name in (category.slug, category.title) for first in fold_heading(name).split()[:1]
            }
            for name in (category.slug, category.title, *category.aliases):
                self._exact.setdefault(fold_heading(name), category.slug)
                if words := _extract_content_words(name):
                    self._stems.setdefault(category.slug, []).append(words)
        self._exact |= {fold_heading(heading): slug for heading, slug in (editor_categories or {}).items()}

    def find_category(self, heading: str) -> str:
        """The slug, exactly named or by the one category whose words the heading holds; empty when unknown.

        Of several, what it is about comes before `of` or `for`, else it is named first (`Beyond language models`) or
        last (`LLM agents`); of two that are joined (`Agents and safety`) none.
        """
        if slug := self._exact.get(fold_heading(heading)):
            return slug
        words = fold_heading(heading).split()
        found = self._match_categories(words)
        if len(found) > 1 and not _CONJUNCTIONS.intersection(words):
            found = (
                _select_single_match(self._match_categories(_select_head(words)))
                or _select_single_match(self._match_first_word(words))
                or _select_last_match(words, found)
            )
        return next(iter(found)) if len(found) == 1 else ""

    def _match_categories(self, tokens: list[str]) -> dict[str, set[int]]:
        """Each category named, and where its words stand."""
        return {slug: at for slug, names in self._stems.items() if (at := _find_positions(tokens, names))}

    def _match_first_word(self, tokens: list[str]) -> dict[str, set[int]]:
        return {slug: {0} for slug, leads in self._first_words.items() if tokens[0] in leads}


def _select_head(tokens: list[str]) -> list[str]:
    """The words before `of`, `for`, …, or a first word such as `Evaluating`."""
    if tokens[0].endswith("ing"):
        return tokens[:1]
    return list(takewhile(lambda word: word not in _PREPOSITIONS, tokens))


def _select_last_match(tokens: list[str], matches: Mapping[str, set[int]]) -> dict[str, set[int]]:
    return {slug: at for slug, at in matches.items() if len(tokens) - 1 in at}


def _select_single_match(matches: dict[str, set[int]]) -> dict[str, set[int]]:
    return matches if len(matches) == 1 else {}


def fold_heading(heading: str) -> str:
    """A heading without case, numbering, emoji and punctuation; `&` is `and`."""
    text = unicodedata.normalize("NFKD", heading.casefold().replace("&", " and "))
    text = re.sub(r"^\W*(?:\d+|[ivx]+)[.):]\s+", "", text)
    return " ".join(re.findall(r"\w+", "".join(c for c in text if not unicodedata.combining(c))))


def _extract_content_words(name: str) -> frozenset[str]:
    return frozenset(word for word in fold_heading(name).split() if word not in _FILLER_WORDS)


def _find_positions(tokens: list[str], names: Iterable[frozenset[str]]) -> set[int]:
    """Where the words of those names stand of which every word is there, be it in the plural or as `eval`."""
    found = set[int]()
    for name in names:
        at = [{n for n, word in enumerate(tokens) if word == part or _has_same_stem(word, part)} for part in name]
        if all(at):
            found.update(*at)
    return found


def _has_same_stem(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    if len(long) >= 9 and a[: len(long) - 3] == b[: len(long) - 3]:
        return True  # evaluating, evaluation
    return len(short) >= 4 and long.startswith(short.removesuffix("s")) and len(short.removesuffix("s")) >= 4


@cache
def _load_month_names() -> dict[str, int]:
    from babel.dates import get_month_names

    names = {
        fold_heading(name): number
        for language in (*_LANGUAGES, *_WIDE_NAME_LANGUAGES)
        for width in (("wide", "abbreviated") if language in _LANGUAGES else ("wide",))
        for context in ("format", "stand-alone")
        for number, name in get_month_names(width, context, language).items()
    }
    names = {name.removeprefix("de "): number for name, number in names.items()}
    return {name: number for name, number in names.items() if name not in _AMBIGUOUS_MONTH_NAMES} | {"sept": 9}


def parse_heading_month(heading: str) -> int | None:
    """The month a heading begins with: `January`, `Jan 2025`, `March: the month of agents`, `1月`."""
    if match := re.match(r"\W*(?:\d{4}[年년]\s*)?(\d{1,2})[月월]", heading):
        return int(match[1]) if 1 <= int(match[1]) <= 12 else None
    if match := re.match(r"\W*(?:19|20)\d\d[-/](\d{1,2})\b", heading):
        return int(match[1]) if 1 <= int(match[1]) <= 12 else None
    if match := re.match(r"\W*(\d{1,2})[/.-](?:19|20)\d\d\b", heading):
        return int(match[1]) if 1 <= int(match[1]) <= 12 else None
    words = fold_heading(heading).split()
    first = next((word for word in words if not word.isdigit()), "")
    return _load_month_names().get(first) if first and words.index(first) <= 1 else None


def parse_heading_year(text: str) -> int | None:
    """The year a title or a heading names."""
    match = _YEAR.search(text)
    return (int(match[1]) if match[1] else 2000 + int(match[2])) if match else None
