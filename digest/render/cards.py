"""The Open Graph card of an issue: 1200 x 630 PNG, drawn with the shipped fonts."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from digest.render.fonts import SERIF, backwards, drawable, font_of
from digest.text import hexdigest, one_line

SIZE = (1200, 630)
_PAPER, _INK, _QUIET, _ACCENT = "#fbf9f4", "#1f1d1a", "#6b665d", "#9a3b26"
_MARGIN = 84
_DESIGN = "3"  # counts up when cards are drawn otherwise
_VIRAMA = 9  # its combining class: it makes one sign of two letters
_ROOM = SIZE[0] - 2 * _MARGIN
_TITLES = ((84, 2), (72, 3), (54, 4))  # sizes, and how many lines of each there is room for
_PIECES = re.compile(r"[!-~]{1,20}|[เ-ไ]?.")  # where a long word may break: numbers and names stay whole


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
            font=font_of(SERIF, 88),
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
    name, text = drawable(text, SERIF)
    if not text or not name:
        return
    for size, most in sizes:
        lines = _wrapped(text, font_of(name, size), _ROOM)
        if len(lines) <= most:
            break
    font = font_of(name, size)
    lines = _balanced(text, font, lines) if len(lines) <= most else [*lines[: most - 1], _cut(lines[most - 1], font)]
    place, anchor = (SIZE[0] - _MARGIN, "ra") if backwards(text) else (_MARGIN, "la")
    for number, line in enumerate(lines):
        at = (place, top + number * int(size * 1.2))
        draw.text(at, line, font=font, fill=colour, anchor=anchor)


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
        pieces += [f"{word} "] if font.getlength(word) <= _ROOM else [*_pieces(word), " "]
    return pieces


def _pieces(word: str) -> list[str]:
    """Where there are no spaces: characters, each with its marks and with what a joining mark ties to it."""
    pieces: list[str] = []
    for piece in _PIECES.findall(word):
        tied = pieces and (unicodedata.category(piece[0])[0] == "M" or unicodedata.combining(pieces[-1][-1]) == _VIRAMA)
        pieces = [*pieces[:-1], pieces[-1] + piece] if tied else [*pieces, piece]
    return pieces


def _cut(line: str, font: ImageFont.FreeTypeFont) -> str:
    """Shorter by words, or by characters where there is one word."""
    while font.getlength(f"{line} …") > _ROOM:
        line = line.rpartition(" ")[0] or "".join(_pieces(line)[:-1])
    return f"{line} …"
