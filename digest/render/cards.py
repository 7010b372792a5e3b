"""The Open Graph card of an issue: 1200 x 630 PNG, drawn with shipped fonts only, so that it is the same everywhere."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from PIL import Image, ImageDraw, ImageFont

from digest.text import one_line

SIZE = (1200, 630)
_PAPER, _INK, _QUIET, _ACCENT = "#fbf9f4", "#1f1d1a", "#6b665d", "#9a3b26"
_MARGIN = 84
_FONTS = ("SourceSerif4-SemiBold.ttf", "DejaVuSans-Bold.ttf")  # the first that has every character is taken
_MISSING = "\U0010fffe"  # a noncharacter: no font has it, so its picture is that of any missing character


def card(title: str, line: str, period: str) -> bytes:
    """A PNG: a line, the title, the period's numbers. Text that no shipped font has is left out; the numbers remain."""
    image = Image.new("RGB", SIZE, _PAPER)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 18, SIZE[1]), fill=_ACCENT)
    _small(draw, one_line(line))
    _title(draw, one_line(title))
    if period:
        draw.text((_MARGIN, SIZE[1] - _MARGIN), period, font=_font(_FONTS[0], 96), fill=_ACCENT, anchor="ls")
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _small(draw: ImageDraw.ImageDraw, line: str) -> None:
    if (name := _able(line)) and line:
        font = _font(name, 36)
        draw.text((_MARGIN, _MARGIN), _wrapped(line, font, 1)[0], font=font, fill=_QUIET)


def _title(draw: ImageDraw.ImageDraw, title: str) -> None:
    """The title as large as three lines allow."""
    name = _able(title)
    if not name:
        return
    for size in (88, 76, 64, 54):
        font = _font(name, size)
        lines = _wrapped(title, font, 99)
        if len(lines) <= 3 or size == 54:
            break
    for number, line in enumerate(_wrapped(title, font, 4)):
        draw.text((_MARGIN, 158 + number * int(size * 1.2)), line, font=font, fill=_INK)


def _wrapped(text: str, font: ImageFont.FreeTypeFont, most: int) -> list[str]:
    """Lines that fit between the margins, at most `most`; the last one ends in an ellipsis when words are left."""
    room = SIZE[0] - 2 * _MARGIN
    lines: list[str] = [""]
    for word in _words(text, font, room):
        longer = f"{lines[-1]}{word}"
        if font.getlength(longer.strip()) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    lines = [line.strip() for line in lines if line.strip()] or [""]
    return lines if len(lines) <= most else [*lines[: most - 1], _cut(lines[most - 1] + " …", font, room)]


def _words(text: str, font: ImageFont.FreeTypeFont, room: int) -> Sequence[str]:
    """Words with their space; what is too long for a line, or has no spaces at all, character by character."""
    pieces: list[str] = []
    for word in text.split(" "):
        pieces += [f"{word} "] if font.getlength(word) <= room else [*word, " "]
    return pieces


def _cut(line: str, font: ImageFont.FreeTypeFont, room: int) -> str:
    while font.getlength(line) > room and len(line) > 2:
        line = line[:-3] + "…"
    return line


def _able(text: str) -> str:
    """The first shipped font that has a picture for every character; empty when none has."""
    return next((name for name in _FONTS if all(_has(name, character) for character in set(text) - {" "})), "")


@cache
def _has(name: str, character: str) -> bool:
    font = _font(name, 32)
    return _picture(font, character) != _picture(font, _MISSING)


def _picture(font: ImageFont.FreeTypeFont, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    data = (files("digest") / "data" / "fonts" / name).read_bytes()
    return ImageFont.truetype(io.BytesIO(data), size, layout_engine=ImageFont.Layout.BASIC)
