"""Draw Open Graph cards: PNG of 1200 x 630 pixels, with shipped fonts only, alike on every machine."""

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
# Without shaping, Arabic would be unjoined and reversed.
_HAS_SHAPING = features.check("raqm") and features.check("fribidi")
_ZERO_WIDTH_JOINER = "\u200d"  # joins emoji; its glyph is empty
_MISSING_CHARACTER = "\U0010fffe"  # a noncharacter: it is drawn like every character that a font lacks

CARD_SIZE = (1200, 630)
_PAPER, _INK, _QUIET, _ACCENT = "#fbf9f4", "#1f1d1a", "#6b665d", "#9a3b26"
_MARGIN = 84
_CARD_DESIGN = "3"  # increase it when the drawing changes
_VIRAMA = 9  # the combining class of a sign that joins two letters
_TEXT_WIDTH = CARD_SIZE[0] - 2 * _MARGIN
_TITLE_SIZES = ((84, 2), (72, 3), (54, 4))  # (pixels, most lines)
_BREAKABLE_PIECE = re.compile(r"[!-~]{1,20}|[เ-ไ]?.")  # keeps numbers and names of a long word whole


def choose_font(text: str, preferred: str) -> tuple[str, str]:
    """Choose a font and the part of the text it can draw.

    The part is the whole text or more than half of it (a title without its emoji). Both are empty when no font draws as
    much, or none could shape the text.
    """
    if is_right_to_left(text) and not _HAS_SHAPING:
        return "", ""
    names = (preferred, *_FALLBACK_FONTS)
    for name in names:
        if all(_has_glyph(name, character) for character in set(text) - {" "}):
            return name, text
    drawable = {name: _remove_missing_glyphs(name, text) for name in names}
    best = max(names, key=lambda name: len(drawable[name]))
    return (best, drawable[best]) if len(drawable[best]) * 2 > len(text) else ("", "")


def _remove_missing_glyphs(name: str, text: str) -> str:
    return normalise_line("".join(c for c in text if c == " " or (c != _ZERO_WIDTH_JOINER and _has_glyph(name, c))))


def is_right_to_left(text: str) -> bool:
    """Return whether any character of the text is written from right to left."""
    return any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)


def font_path(name: str) -> Path:
    """Return the path of a shipped font."""
    return Path(str(files("digest") / "data" / "fonts" / name))


@cache
def load_font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """Load a shipped font at a size in pixels."""
    engine = ImageFont.Layout.RAQM if _HAS_SHAPING else ImageFont.Layout.BASIC
    return ImageFont.truetype(io.BytesIO(font_path(name).read_bytes()), size, layout_engine=engine)


@cache
def _has_glyph(name: str, character: str) -> bool:
    font = load_font(name, 32)
    return _rasterise_character(font, character) != _rasterise_character(font, _MISSING_CHARACTER)


def _rasterise_character(font: ImageFont.FreeTypeFont, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)


def draw_card(title: str, tagline: str, period: str) -> bytes:
    """Draw a tagline, the title and the period, without characters that no shipped font has."""
    image = Image.new("RGB", CARD_SIZE, _PAPER)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 18, CARD_SIZE[1]), fill=_ACCENT)
    _draw_text(draw, normalise_line(tagline), _MARGIN, _QUIET, ((36, 1),))
    _draw_text(draw, normalise_line(title), 156, _INK, _TITLE_SIZES)
    if period:
        position = (_MARGIN, CARD_SIZE[1] - _MARGIN)
        draw.text(position, period.replace("..", " – "), font=load_font(SERIF, 88), fill=_ACCENT, anchor="ls")
    out = io.BytesIO()
    image.quantize(64, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(out, "PNG")
    return out.getvalue()


def card_path(title: str, tagline: str, period: str) -> str:
    """Return the path of a card; it changes with the drawing, so an existing card is current."""
    return f"assets/cards/{period or 'site'}-{hash_texts(_CARD_DESIGN, title, tagline)[:8]}.png"


def _draw_text(draw: ImageDraw.ImageDraw, text: str, top: int, colour: str, sizes: Sequence[tuple[int, int]]) -> None:
    """Draw text at the largest size at which it fits its lines; right-to-left text at the right."""
    name, text = choose_font(text, SERIF)
    if not text or not name:
        return
    for size, line_count in sizes:
        font = load_font(name, size)
        lines = _wrap_text(text, font, _TEXT_WIDTH)
        if len(lines) <= line_count:
            lines = _balance_lines(text, font, lines)
            break
    else:
        lines = [*lines[: line_count - 1], _truncate_line(lines[line_count - 1], font)]
    left, anchor = (CARD_SIZE[0] - _MARGIN, "ra") if is_right_to_left(text) else (_MARGIN, "la")
    for number, line in enumerate(lines):
        draw.text((left, top + number * int(size * 1.2)), line, font=font, fill=colour, anchor=anchor)


def _balance_lines(text: str, font: ImageFont.FreeTypeFont, lines: list[str]) -> list[str]:
    """Even out the lengths of lines without adding one; two lines break at a colon."""
    head, colon, rest = text.partition(": ")
    if colon and len(lines) == 2:
        parts = [*_wrap_text(f"{head}:", font, _TEXT_WIDTH), *_wrap_text(rest, font, _TEXT_WIDTH)]
        if len(parts) == 2:
            return parts
    for width in range(_TEXT_WIDTH // len(lines), _TEXT_WIDTH, 24):
        narrower = _wrap_text(text, font, width)
        if len(narrower) == len(lines) and all(font.getlength(line) <= width for line in narrower):
            return narrower
    return lines


def _wrap_text(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Wrap at `width` pixels between words; between characters where there are no spaces."""
    pieces: list[str] = []
    for word in text.split(" "):
        pieces += [f"{word} "] if font.getlength(word) <= _TEXT_WIDTH else [*_split_characters(word), " "]
    lines = [""]
    for piece in pieces:
        if font.getlength((lines[-1] + piece).strip()) <= width:
            lines[-1] += piece
        else:
            lines.append(piece)
    return [line.strip() for line in lines if line.strip()]


def _split_characters(word: str) -> list[str]:
    """Split a word where it may break: each character with its combining and joining marks."""
    pieces: list[str] = []
    for piece in _BREAKABLE_PIECE.findall(word):
        if pieces and (unicodedata.category(piece[0])[0] == "M" or unicodedata.combining(pieces[-1][-1]) == _VIRAMA):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return pieces


def _truncate_line(line: str, font: ImageFont.FreeTypeFont) -> str:
    """Shorten a line by words, or by characters where it is one word, and append an ellipsis."""
    while font.getlength(f"{line} …") > _TEXT_WIDTH:
        line = line.rpartition(" ")[0] or "".join(_split_characters(line)[:-1])
    return f"{line} …"
