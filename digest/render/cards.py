"""The Open Graph card of an issue: 1200 x 630 PNG, drawn with shipped fonts only, so that it is the same everywhere."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from PIL import Image, ImageDraw, ImageFont, features

from digest.text import hexdigest, one_line

SIZE = (1200, 630)
_PAPER, _INK, _QUIET, _ACCENT = "#fbf9f4", "#1f1d1a", "#6b665d", "#9a3b26"
_MARGIN = 84
_DESIGN = "2"  # counts up when cards are drawn otherwise
_ROOM = SIZE[0] - 2 * _MARGIN
_TITLES = ((84, 2), (72, 3), (54, 4))  # sizes, and how many lines of each there is room for
_FONTS = ("SourceSerif4-SemiBold.ttf", "DejaVuSans-Bold.ttf", "NotoSansCJK-Bold-subset.otf")  # the first that can
_SHAPED = features.check("raqm") and features.check("fribidi")  # without them Arabic comes out unjoined and reversed
_PIECES = re.compile(r"[!-~]{1,20}|.")  # where a long word may break: numbers and names stay whole
_JOINER = "\u200d"  # of emoji: it has an empty picture
_MISSING = "\U0010fffe"  # a noncharacter: no font has it, so its picture is that of any missing character


def card(title: str, line: str, period: str) -> bytes:
    """A PNG: a line, the title, the period's numbers. Characters that no shipped font has are left out."""
    image = Image.new("RGB", SIZE, _PAPER)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 18, SIZE[1]), fill=_ACCENT)
    _write(draw, one_line(line), _MARGIN, _QUIET, ((36, 1),))
    _write(draw, one_line(title), 156, _INK, _TITLES)
    if period:
        draw.text(
            (_MARGIN, SIZE[1] - _MARGIN),
            period.replace("..", " – "),
            font=font_of(_FONTS[0], 88),
            fill=_ACCENT,
            anchor="ls",
        )
    out = io.BytesIO()
    image.quantize(64, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(out, "PNG")
    return out.getvalue()


def card_path(title: str, line: str, period: str) -> str:
    """Where that card stands. The name changes with what is drawn, so a card that is there need not be drawn again."""
    return f"assets/cards/{period or 'site'}-{hexdigest(_DESIGN, title, line)[:8]}.png"


def _write(draw: ImageDraw.ImageDraw, text: str, top: int, colour: str, sizes: Sequence[tuple[int, int]]) -> None:
    """Text at the largest size of which it needs no more lines than stand beside it; right to left at the right."""
    name, text = _drawn(text)
    if not text or not name:
        return
    for size, most in sizes:
        lines = _wrapped(text, font_of(name, size), _ROOM)
        if len(lines) <= most:
            break
    font = font_of(name, size)
    lines = _balanced(text, font, lines) if len(lines) <= most else [*lines[: most - 1], _cut(lines[most - 1], font)]
    backwards = _backwards(text)
    place = SIZE[0] - _MARGIN if backwards else _MARGIN
    for number, line in enumerate(lines):
        at = (place, top + number * int(size * 1.2))
        draw.text(at, line, font=font, fill=colour, anchor="ra" if backwards else "la")


def _drawn(text: str) -> tuple[str, str]:
    """A font and as much of a text as it has, when that is more than half: a title with an emoji does without it."""
    if name := font_for(text):
        return name, text
    if _backwards(text) and not _SHAPED:
        return "", ""
    left = {name: one_line("".join(c for c in text if c == " " or (c != _JOINER and _has(name, c)))) for name in _FONTS}
    name = max(_FONTS, key=lambda one: len(left[one]))
    return (name, left[name]) if len(left[name]) * 2 > len(text) else ("", "")


def _balanced(text: str, font: ImageFont.FreeTypeFont, lines: list[str]) -> list[str]:
    """The same number of lines, of more equal length; broken behind a colon where that makes no more of them."""
    head, colon, rest = text.partition(": ")
    apart = [*_wrapped(f"{head}:", font, _ROOM), *_wrapped(rest, font, _ROOM)]
    if colon and len(apart) == len(lines) == 2:
        return apart
    for room in range(_ROOM // len(lines), _ROOM, 24):
        narrower = _wrapped(text, font, room)
        if len(narrower) == len(lines) and all(font.getlength(line) <= room for line in narrower):
            return narrower
    return lines


def _wrapped(text: str, font: ImageFont.FreeTypeFont, room: int) -> list[str]:
    """Lines no wider than `room`, broken between words; where there is no space, between characters."""
    lines = [""]
    for word in _words(text, font):
        if font.getlength((lines[-1] + word).strip()) <= room:
            lines[-1] += word
        else:
            lines.append(word)
    return [line.strip() for line in lines if line.strip()]


def _words(text: str, font: ImageFont.FreeTypeFont) -> list[str]:
    pieces: list[str] = []
    for word in text.split(" "):
        pieces += [f"{word} "] if font.getlength(word) <= _ROOM else [*_PIECES.findall(word), " "]
    return pieces


def _cut(line: str, font: ImageFont.FreeTypeFont) -> str:
    """Shorter by words, or by characters where there is one word."""
    while font.getlength(f"{line} …") > _ROOM:
        line = line.rpartition(" ")[0] or line[:-1]
    return f"{line} …"


def _backwards(text: str) -> bool:
    return any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)


def font_for(text: str) -> str:
    """The first shipped font that has a picture for every character; empty when none has, or none could shape it."""
    if _backwards(text) and not _SHAPED:
        return ""
    return next((name for name in _FONTS if all(_has(name, character) for character in set(text) - {" "})), "")


@cache
def _has(name: str, character: str) -> bool:
    font = font_of(name, 32)
    return _picture(font, character) != _picture(font, _MISSING)


def _picture(font: ImageFont.FreeTypeFont, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)


@cache
def font_of(name: str, size: int) -> ImageFont.FreeTypeFont:
    """A shipped font at a size in pixels."""
    data = (files("digest") / "data" / "fonts" / name).read_bytes()
    return ImageFont.truetype(
        io.BytesIO(data), size, layout_engine=ImageFont.Layout.RAQM if _SHAPED else ImageFont.Layout.BASIC
    )
