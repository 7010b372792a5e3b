"""The shipped fonts, and which of them can show a text: cards and charts are drawn with these alone, alike anywhere."""

from __future__ import annotations

import io
import unicodedata
from functools import cache
from importlib.resources import files
from pathlib import Path

from PIL import ImageFont, features

from digest.text import one_line

SERIF, SANS, SANS_BOLD = "SourceSerif4-SemiBold.ttf", "SourceSans3-Regular.ttf", "SourceSans3-SemiBold.ttf"
_OTHERS = (
    "DejaVuSans-Bold.ttf",
    "NotoSansCJK-Bold-subset.otf",
    *(f"NotoSans{script}-Bold.ttf" for script in ("Devanagari", "Bengali", "Tamil", "Telugu", "Thai")),
)
_SHAPED = features.check("raqm") and features.check("fribidi")  # without them Arabic comes out unjoined and reversed
_JOINER = "\u200d"  # of emoji: it has an empty picture
_MISSING = "\U0010fffe"  # a noncharacter: no font has it, so its picture is that of any missing character


def drawable(text: str, first: str) -> tuple[str, str]:
    """A font and as much of a text as it has, when that is more than half: a title with an emoji does without it.

    `first` is the font that is preferred. Both are empty when no font will do, or none could shape the text.
    """
    if backwards(text) and not _SHAPED:
        return "", ""
    names = (first, *_OTHERS)
    if name := next((name for name in names if all(_has(name, character) for character in set(text) - {" "})), ""):
        return name, text
    left = {name: _without_missing(name, text) for name in names}
    name = max(names, key=lambda one: len(left[one]))
    return (name, left[name]) if len(left[name]) * 2 > len(text) else ("", "")


def _without_missing(name: str, text: str) -> str:
    return one_line("".join(c for c in text if c == " " or (c != _JOINER and _has(name, c))))


def backwards(text: str) -> bool:
    """True when something in the text is written from right to left."""
    return any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)


def path_of(name: str) -> Path:
    """Where a shipped font lies."""
    return Path(str(files("digest") / "data" / "fonts" / name))


@cache
def font_of(name: str, size: int) -> ImageFont.FreeTypeFont:
    """A shipped font at a size in pixels."""
    return ImageFont.truetype(
        io.BytesIO(path_of(name).read_bytes()),
        size,
        layout_engine=ImageFont.Layout.RAQM if _SHAPED else ImageFont.Layout.BASIC,
    )


@cache
def _has(name: str, character: str) -> bool:
    font = font_of(name, 32)
    return _picture(font, character) != _picture(font, _MISSING)


def _picture(font: ImageFont.FreeTypeFont, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)
