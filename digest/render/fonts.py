"""The shipped fonts, and which of them can show a text: cards and charts are drawn with these alone, alike anywhere."""

from __future__ import annotations

import io
import unicodedata
from functools import cache
from importlib.resources import files
from pathlib import Path

from PIL import ImageFont, features

from digest.text import normalise_line

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
