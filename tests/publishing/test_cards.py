"""Open Graph cards: the size sites expect, any script, any text."""

from __future__ import annotations

import io
import unicodedata

import pytest
from PIL import Image

from digest.publishing.render.cards import SERIF, _wrap_text, card_path, choose_font, draw_card, load_font
from tests.markdown.hostile import HOSTILE


def ink(png: bytes, top: int, bottom: int) -> int:
    """How many dark points a band of the card holds."""
    band = Image.open(io.BytesIO(png)).convert("L").crop((30, top, 1200, bottom))
    return sum(band.histogram()[:110])


@pytest.mark.parametrize(
    "title",
    [
        "June 2025",
        "2025 年 6 月：研究摘要",
        "論語說圖書館",
        "論文の図解と拡張",
        "연구 요약",
        "ملخص يونيو",
        "סיכום יוני",
        "Обзор за июнь",
        "Ελληνικά",
        "अनुसंधान सारांश",
        "গবেষণা সংকলন",
        "ஆய்வு சுருக்கம்",
        "పరిశోధన",
        "งานวิจัย",
    ],
)
def test_a_title_is_drawn_in_its_script(title: str) -> None:
    """Whole: no character is left out."""
    assert choose_font(title, SERIF)[1] == title
    image = Image.open(io.BytesIO(draw_card(title, "The Reading Room", "2025-06")))
    assert (image.size, image.format) == ((1200, 630), "PNG")
    assert ink(draw_card(title, "", ""), 150, 420) > 500


def test_text_without_a_font_leaves_the_numbers() -> None:
    png = draw_card("\U00012000\U00012001", "", "2025-06")  # cuneiform
    assert ink(png, 100, 420) == 0
    assert ink(png, 450, 630) > 500


@pytest.mark.parametrize("title", [*HOSTILE, "汉" * 200])
def test_no_title_runs_over_the_margins(title: str) -> None:
    image = Image.open(io.BytesIO(draw_card(title, title, "2025-06"))).convert("L")
    edge = image.crop((1130, 0, 1200, 630))
    assert sum(edge.histogram()[:200]) == 0


def test_the_path_changes_with_what_is_drawn_and_with_nothing_else() -> None:
    assert card_path("a", "b", "2025-06") == card_path("a", "b", "2025-06")
    assert len({card_path("a", "b", "2025-06"), card_path("x", "b", "2025-06"), card_path("a", "x", "2025-06")}) == 3


def test_a_character_without_a_font_is_left_out_and_not_its_title() -> None:
    assert draw_card("Rockets 🚀 and 👩‍🔬 labs", "", "") == draw_card("Rockets and labs", "", "")


def test_the_period_of_a_range_has_a_dash() -> None:
    assert draw_card("", "", "2026-06..2026-10") == draw_card("", "", "2026-06 – 2026-10")


def test_latin_letters_among_chinese_ones_keep_their_accents() -> None:
    assert choose_font("Résumé 智能体 – naïve", SERIF)[1] == "Résumé 智能体 – naïve"


def test_a_line_begins_with_no_mark_where_a_title_has_no_spaces() -> None:
    """In Thai a vowel or a tone stays on its consonant, and a vowel that is written before one stays there."""
    font = load_font("NotoSansThai-Bold.ttf", 54)
    for room in range(200, 1000, 7):
        for line in _wrap_text("ผู้เชี่ยวชาญด้านปัญญาประดิษฐ์" * 4, font, room):
            assert unicodedata.category(line[0]) != "Mn"
            assert line[-1] not in "เแโใไ"
