"""Fixed phrases, dates and numbers in the six languages of pages and mails."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache, lru_cache
from importlib.resources import files
from typing import cast

from babel.dates import format_date, format_interval, format_skeleton
from babel.numbers import format_decimal

from digest.text import normalise_line

_PERIOD = re.compile(r"(\d{4})-(?:(\d\d)|Q([1-4]))(?:\.\.(\d{4}-\d\d))?")
_LOCALES = {"en": "en_GB", "zh": "zh_Hans_CN"}


class Translations(Mapping[str, str]):
    """The phrases of one language: `words["read"]`, `words("mentions", count=3)`, `words.day(date)`."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._locale = _LOCALES.get(language, language)
        self._phrases = {key: by_language[language] for key, by_language in _load_catalogue().items()}

    def __call__(self, key: str, **values: object) -> str:
        """Fill the blanks of a phrase."""
        return self._phrases[key].format(**values)

    def __getitem__(self, key: str) -> str:
        return self._phrases[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._phrases)

    def __len__(self) -> int:
        return len(self._phrases)

    def day(self, when: date | None) -> str:
        """Format 12 Jun."""
        return _format_by_skeleton("MMMd", when, self._locale) if when else ""

    def full_day(self, when: date | None) -> str:
        """Format 12 June 2025."""
        return str(format_date(when, "long", locale=self._locale)) if when else ""

    def month(self, when: date) -> str:
        """Format June 2025."""
        return _format_by_skeleton("yMMMM", when, self._locale)

    def short_month(self, name: str) -> str:
        """Format the month 2025-06 as Jun."""
        year, month = name.split("-")
        return str(format_skeleton("MMM", date(int(year), int(month), 1), locale=self._locale))

    def month_name(self, name: str) -> str:
        """Format the month 2025-06 as June."""
        year, month = name.split("-")
        return str(format_date(date(int(year), int(month), 1), "LLLL", locale=self._locale))

    def period(self, name: str) -> str:
        """Format a period: June 2025, 3rd quarter 2025, November 2025 – February 2026; a year stays."""
        match = _PERIOD.fullmatch(name)
        if not match:
            return name
        year, month, quarter, last = match.groups()
        first = date(int(year), int(month or int(quarter) * 3 - 2), 1)
        if quarter:
            return _format_by_skeleton("yQQQQ", first, self._locale)
        if not last:
            return self.month(first)
        return normalise_line(format_interval(first, date.fromisoformat(f"{last}-01"), "yMMMM", locale=self._locale))

    def number(self, value: int | float) -> str:
        """Format 8,123."""
        return str(format_decimal(value, locale=self._locale))

    def picks(self, count: int) -> str:
        return self["pick"] if count == 1 else self("picks", count=self.number(count))


@lru_cache(maxsize=4096)
def _format_by_skeleton(skeleton: str, when: date, locale: str) -> str:
    return str(format_skeleton(skeleton, when, locale=locale))


@cache
def _load_catalogue() -> dict[str, dict[str, str]]:
    text = (files("digest.data") / "translations.json").read_text(encoding="utf-8")
    return cast(dict[str, dict[str, str]], json.loads(text))


@cache
def load_translations(language: str) -> Translations:
    """Load the phrases of a language of sources.yaml: en, es, de, fr, ca or zh."""
    return Translations(language)
