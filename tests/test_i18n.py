"""The catalogue: every language has every word, with the same blanks, and every word is used."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

from digest.config.schema import Newsletter
from digest.i18n import load_translations

LANGUAGES = get_args(Newsletter.model_fields["language"].annotation)
ROOT = Path(__file__).parents[1]


def blanks(phrase: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(phrase) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_word_with_the_same_blanks(language: str) -> None:
    english, other = load_translations("en"), load_translations(language)
    assert set(english) == set(other)
    assert [key for key in english if not other[key].strip() or blanks(other[key]) != blanks(english[key])] == []


def test_every_word_is_used() -> None:
    files = [
        *ROOT.glob("digest/**/*.py"),
        *ROOT.glob("templates/**/*.j2"),
        *ROOT.glob("site/_*/*.html"),
        *ROOT.glob("site/*.html"),
        *ROOT.glob("site/*.md"),
    ]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    links = {"pdf", "code", "project", "discussion"}
    composed = tuple(re.findall(r"""f["'](\w+_){""", text))
    unused = [
        key
        for key in load_translations("en")
        if not re.search(rf"""words\.{key}\b|["']{key}["']""", text)
        and not key.startswith(composed)
        and key not in links
    ]
    assert unused == []


@pytest.mark.parametrize(
    ("language", "day", "full", "month", "number"),
    [
        ("en", "12 Jun", "12 June 2025", "June 2025", "8,123"),
        ("es", "12 jun", "12 de junio de 2025", "junio de 2025", "8.123"),
        ("de", "12. Juni", "12. Juni 2025", "Juni 2025", "8.123"),
        ("fr", "12 juin", "12 juin 2025", "juin 2025", "8\u202f123"),
        ("ca", "12 de juny", "12 de juny del 2025", "juny del 2025", "8.123"),
        ("zh", "6月12日", "2025年6月12日", "2025年6月", "8,123"),
    ],
)
def test_dates_and_numbers_are_written_as_the_language_does(
    language: str, day: str, full: str, month: str, number: str
) -> None:
    w, when = load_translations(language), date(2025, 6, 12)
    assert (w.day(when), w.full_day(when), w.month(when), w.number(8123)) == (day, full, month, number)


@pytest.mark.parametrize(
    ("language", "quarter", "months", "winter"),
    [
        ("en", "3rd quarter 2025", "June – October 2026", "November 2025 – February 2026"),
        ("es", "3.er trimestre de 2025", "junio–octubre de 2026", "noviembre de 2025 – febrero de 2026"),
        ("de", "3. Quartal 2025", "Juni–Oktober 2026", "November 2025 – Februar 2026"),
        ("fr", "3e trimestre 2025", "juin – octobre 2026", "novembre 2025 – février 2026"),
        ("ca", "3r trimestre del 2025", "juny–octubre del 2026", "novembre del 2025 – febrer del 2026"),
        ("zh", "2025年第3季度", "2026年6月至10月", "2025年11月至2026年2月"),
    ],
)
def test_a_period_is_named_in_words_as_the_language_does(language: str, quarter: str, months: str, winter: str) -> None:
    names = ("2025-Q3", "2026-06..2026-10", "2025-11..2026-02", "2025", "anything")
    assert [load_translations(language).period(name) for name in names] == [quarter, months, winter, "2025", "anything"]
    assert load_translations("de").period("2025-03") == "März 2025"
    assert [load_translations(name).month_name("2025-03") for name in ("en", "de", "ca")] == ["March", "März", "març"]


def test_the_shipped_words_are_the_english_ones(golden: bool) -> None:
    shipped = ROOT / "site" / "_data" / "words.json"
    if golden:
        shipped.write_text(
            json.dumps(dict(load_translations("en")), ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
    assert json.loads(shipped.read_text(encoding="utf-8")) == dict(load_translations("en")), (
        "`make golden` writes it anew"
    )
