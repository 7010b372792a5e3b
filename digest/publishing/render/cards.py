"""Open Graph card.

The Open Graph card of an issue: 1200 x 630 PNG, drawn with the shipped fonts.

The shipped fonts, and which of them can show a text: cards and charts are drawn with these alone, alike anywhere.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, features

from digest.text import hash_texts, normalise_line

SERIF, SANS, SANS_BOLD = "SourceSerif4-SemiBold.ttf", "SourceSans3-Regular.ttf", "SourceSans3-SemiBold.ttf"
_FALLBACK_FONTS = (
    "DejaVuSans-Bold.ttf",
    "NotoSansCJK-Bold-subset.otf",
    *(f"NotoSans{script}-Bold.ttf" for script in ("Devanagari", "Bengali", "Tamil", "Telugu", "Thai")),
)
_HAS_SHAPING = features.check("raqm") and features.check(
    "fribidi"
)  # without them Arabic comes out unjoined and reversed
_ZERO_WIDTH_JOINER = "\u200d"  # of emoji: it has an empty picture
_MISSING_CHARACTER = "\U0010fffe"  # a noncharacter: no font has it, so its picture is that of any missing character


def choose_font(text: str, preferred: str) -> tuple[str, str]:
    """A font and as much of a text as it has, when that is more than half: a title with an emoji does without it.

    `first` is the font that is preferred. Both are empty when no font will do, or none could shape the text.
    """
    if is_right_to_left(text) and not _HAS_SHAPING:
        return "", ""
    names = (preferred, *_FALLBACK_FONTS)
    if name := next(
        (name for name in names if all(_has_glyph(name, character) for character in set(text) - {" "})), ""
    ):
        return name, text
    left = {name: _remove_missing_glyphs(name, text) for name in names}
    name = max(names, key=lambda one: len(left[one]))
    return (name, left[name]) if len(left[name]) * 2 > len(text) else ("", "")


def _remove_missing_glyphs(name: str, text: str) -> str:
    return normalise_line("".join(c for c in text if c == " " or (c != _ZERO_WIDTH_JOINER and _has_glyph(name, c))))


def is_right_to_left(text: str) -> bool:
    """True when something in the text is written from right to left."""
    return any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)


def font_path(name: str) -> Path:
    """Where a shipped font lies."""
    return Path(str(files("digest") / "data" / "fonts" / name))


@cache
def load_font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """A shipped font at a size in pixels."""
    return ImageFont.truetype(
        io.BytesIO(font_path(name).read_bytes()),
        size,
        layout_engine=ImageFont.Layout.RAQM if _HAS_SHAPING else ImageFont.Layout.BASIC,
    )


@cache
def _has_glyph(name: str, character: str) -> bool:
    font = load_font(name, 32)
    return _rasterise_character(font, character) != _rasterise_character(font, _MISSING_CHARACTER)


def _rasterise_character(font: ImageFont.FreeTypeFont, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)


CARD_SIZE = (1200, 630)
_PAPER, _INK, _QUIET, _ACCENT = "#fbf9f4", "#1f1d1a", "#6b665d", "#9a3b26"
_MARGIN = 84
_CARD_DESIGN = "3"  # counts up when cards are drawn otherwise
_VIRAMA = 9  # its combining class: it makes one sign of two letters
_TEXT_WIDTH = CARD_SIZE[0] - 2 * _MARGIN
_TITLE_SIZES = ((84, 2), (72, 3), (54, 4))  # sizes, and how many lines of each there is room for
_BREAKABLE_PIECE = re.compile(r"[!-~]{1,20}|[เ-ไ]?.")  # where a long word may break: numbers and names stay whole


def draw_card(title: str, tagline: str, period: str) -> bytes:
    """A PNG: a line, the title, the period's numbers. Characters that no shipped font has are left out."""
    image = Image.new("RGB", CARD_SIZE, _PAPER)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 18, CARD_SIZE[1]), fill=_ACCENT)
    _draw_text(draw, normalise_line(tagline), _MARGIN, _QUIET, ((36, 1),))
    _draw_text(draw, normalise_line(title), 156, _INK, _TITLE_SIZES)
    if period:
        draw.text(
            (_MARGIN, CARD_SIZE[1] - _MARGIN),
            period.replace("..", " – "),
            font=load_font(SERIF, 88),
            fill=_ACCENT,
            anchor="ls",
        )
    out = io.BytesIO()
    image.quantize(64, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(out, "PNG")
    return out.getvalue()


def card_path(title: str, tagline: str, period: str) -> str:
    """Where that card stands. The name changes with what is drawn, so a card that is there need not be drawn again."""
    return f"assets/cards/{period or 'site'}-{hash_texts(_CARD_DESIGN, title, tagline)[:8]}.png"


def _draw_text(draw: ImageDraw.ImageDraw, text: str, top: int, colour: str, sizes: Sequence[tuple[int, int]]) -> None:
    """Text at the largest size of which it needs no more lines than stand beside it; right to left at the right."""
    name, text = choose_font(text, SERIF)
    if not text or not name:
        return
    for size, most in sizes:
        lines = _wrap_text(text, load_font(name, size), _TEXT_WIDTH)
        if len(lines) <= most:
            break
    font = load_font(name, size)
    lines = (
        _balance_lines(text, font, lines)
        if len(lines) <= most
        else [*lines[: most - 1], _truncate_line(lines[most - 1], font)]
    )
    place, anchor = (CARD_SIZE[0] - _MARGIN, "ra") if is_right_to_left(text) else (_MARGIN, "la")
    for number, line in enumerate(lines):
        at = (place, top + number * int(size * 1.2))
        draw.text(at, line, font=font, fill=colour, anchor=anchor)


def _balance_lines(text: str, font: ImageFont.FreeTypeFont, lines: list[str]) -> list[str]:
    """The same number of lines, of more equal length; broken behind a colon where that makes no more of them."""
    head, colon, rest = text.partition(": ")
    apart = [*_wrap_text(f"{head}:", font, _TEXT_WIDTH), *_wrap_text(rest, font, _TEXT_WIDTH)]
    if colon and len(apart) == len(lines) == 2:
        return apart
    for room in range(_TEXT_WIDTH // len(lines), _TEXT_WIDTH, 24):
        narrower = _wrap_text(text, font, room)
        if len(narrower) == len(lines) and all(font.getlength(line) <= room for line in narrower):
            return narrower
    return lines


def _wrap_text(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Lines no wider than `room`, broken between words; where there is no space, between characters."""
    lines = [""]
    for word in _split_words(text, font):
        if font.getlength((lines[-1] + word).strip()) <= width:
            lines[-1] += word
        else:
            lines.append(word)
    return [line.strip() for line in lines if line.strip()]


def _split_words(text: str, font: ImageFont.FreeTypeFont) -> list[str]:
    pieces: list[str] = []
    for word in text.split(" "):
        pieces += [f"{word} "] if font.getlength(word) <= _TEXT_WIDTH else [*_split_characters(word), " "]
    return pieces


def _split_characters(word: str) -> list[str]:
    """Where there are no spaces: characters, each with its marks and with what a joining mark ties to it."""
    pieces: list[str] = []
    for piece in _BREAKABLE_PIECE.findall(word):
        tied = pieces and (unicodedata.category(piece[0])[0] == "M" or unicodedata.combining(pieces[-1][-1]) == _VIRAMA)
        pieces = [*pieces[:-1], pieces[-1] + piece] if tied else [*pieces, piece]
    return pieces


def _truncate_line(line: str, font: ImageFont.FreeTypeFont) -> str:
    """Shorter by words, or by characters where there is one word."""
    while font.getlength(f"{line} …") > _TEXT_WIDTH:
        line = line.rpartition(" ")[0] or "".join(_split_characters(line)[:-1])
    return f"{line} …"
