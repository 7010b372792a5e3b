"""What a heading of a past issue stands for: a category of the taxonomy, a month, or nothing we know."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import takewhile

from digest.config import Category

_LANGUAGES = ("en", "es", "de", "fr", "ca")
_WIDE = ("de_AT", "it", "pt", "nl")  # whose short months (`set`, `out`, `mag`) begin other headings
_OTHER_WORDS = frozenset(("set", "gen"))  # Catalan for short, but headings begin `Gen AI` and `Set pieces`
_FILLER = frozenset(
    ("ai", "ml", "the", "of", "a", "an", "in", "and", "our", "my", "new", "on", "for", "to", "best", "top")
)
_JOINED = frozenset(("and", "y", "und", "et", "i", "e"))
_OF = frozenset(("of", "for", "in", "with", "on", "to", "from", "de", "para", "por", "für", "pour", "per", "en"))
_YEAR = re.compile(r"\b((?:19|20)\d\d)\b|['’](\d\d)\b")


class Headings:
    """Categories by their headings: slugs, titles, aliases, and what the editor said (`--map`, remembered)."""

    def __init__(self, categories: Iterable[Category], said: Mapping[str, str] | None = None) -> None:
        self._exact: dict[str, str] = {}
        self._stems: dict[str, list[frozenset[str]]] = {}
        self._leads: dict[str, set[str]] = {}  # the words their slugs and titles begin with
        for category in categories:
            self._leads[category.slug] = {
                first for name in (category.slug, category.title) for first in folded(name).split()[:1]
            }
            for name in (category.slug, category.title, *category.aliases):
                self._exact.setdefault(folded(name), category.slug)
                if words := _words(name):
                    self._stems.setdefault(category.slug, []).append(words)
        self._exact |= {folded(heading): slug for heading, slug in (said or {}).items()}

    def category(self, heading: str) -> str:
        """The slug, exactly named or by the one category whose words the heading holds; empty when unknown.

        Of several, what it is about comes before `of` or `for`, else it is named first (`Beyond language models`) or
        last (`LLM agents`); of two that are joined (`Agents and safety`) none.
        """
        if slug := self._exact.get(folded(heading)):
            return slug
        words = folded(heading).split()
        found = self._found(words)
        if len(found) > 1 and not _JOINED.intersection(words):
            found = _only(self._found(_head(words))) or _only(self._named_first(words)) or _last(words, found)
        return next(iter(found)) if len(found) == 1 else ""

    def _found(self, words: list[str]) -> dict[str, set[int]]:
        """Each category named, and where its words stand."""
        return {slug: at for slug, names in self._stems.items() if (at := _places(words, names))}

    def _named_first(self, words: list[str]) -> dict[str, set[int]]:
        return {slug: {0} for slug, leads in self._leads.items() if words[0] in leads}


def _head(words: list[str]) -> list[str]:
    """The words before `of`, `for`, …, or a first word such as `Evaluating`."""
    if words[0].endswith("ing"):
        return words[:1]
    return list(takewhile(lambda word: word not in _OF, words))


def _last(words: list[str], found: Mapping[str, set[int]]) -> dict[str, set[int]]:
    return {slug: at for slug, at in found.items() if len(words) - 1 in at}


def _only(found: dict[str, set[int]]) -> dict[str, set[int]]:
    return found if len(found) == 1 else {}


def folded(heading: str) -> str:
    """A heading without case, numbering, emoji and punctuation; `&` is `and`."""
    text = unicodedata.normalize("NFKD", heading.casefold().replace("&", " and "))
    text = re.sub(r"^\W*(?:\d+|[ivx]+)[.):]\s+", "", text)
    return " ".join(re.findall(r"\w+", "".join(c for c in text if not unicodedata.combining(c))))


def _words(name: str) -> frozenset[str]:
    return frozenset(word for word in folded(name).split() if word not in _FILLER)


def _places(words: list[str], names: Iterable[frozenset[str]]) -> set[int]:
    """Where the words of those names stand of which every word is there, be it in the plural or as `eval`."""
    found = set[int]()
    for name in names:
        at = [{n for n, word in enumerate(words) if word == part or _same_stem(word, part)} for part in name]
        if all(at):
            found.update(*at)
    return found


def _same_stem(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    if len(long) >= 9 and a[: len(long) - 3] == b[: len(long) - 3]:
        return True  # evaluating, evaluation
    return len(short) >= 4 and long.startswith(short.removesuffix("s")) and len(short.removesuffix("s")) >= 4


@cache
def _months() -> dict[str, int]:
    from babel.dates import get_month_names

    names = {
        folded(name): number
        for language in (*_LANGUAGES, *_WIDE)
        for width in (("wide", "abbreviated") if language in _LANGUAGES else ("wide",))
        for context in ("format", "stand-alone")
        for number, name in get_month_names(width, context, language).items()
    }
    names = {name.removeprefix("de "): number for name, number in names.items()}
    return {name: number for name, number in names.items() if name not in _OTHER_WORDS} | {"sept": 9}


def month(heading: str) -> int | None:
    """The month a heading begins with: `January`, `Jan 2025`, `March: the month of agents`, `1月`."""
    if match := re.match(r"\W*(?:\d{4}[年년]\s*)?(\d{1,2})[月월]", heading):
        return int(match[1]) if 1 <= int(match[1]) <= 12 else None
    if match := re.match(r"\W*(?:19|20)\d\d[-/](\d{1,2})\b", heading):
        return int(match[1]) if 1 <= int(match[1]) <= 12 else None
    if match := re.match(r"\W*(\d{1,2})[/.-](?:19|20)\d\d\b", heading):
        return int(match[1]) if 1 <= int(match[1]) <= 12 else None
    words = folded(heading).split()
    first = next((word for word in words if not word.isdigit()), "")
    return _months().get(first) if first and words.index(first) <= 1 else None


def year(text: str) -> int | None:
    """The year a title or a heading names."""
    match = _YEAR.search(text)
    return (int(match[1]) if match[1] else 2000 + int(match[2])) if match else None
