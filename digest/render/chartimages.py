"""A recap's charts as PNG, for mail programs that show no SVG: the same data, drawn with the shipped fonts."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

from PIL import Image, ImageDraw

from digest.ports import IssueView
from digest.render.cards import font_for, font_of
from digest.render.charts import Chart
from digest.render.present import shortened
from digest.render.words import Words
from digest.text import hexdigest, one_line

WIDTH = 1200  # pixels, for 600 in a mail; screens are twice as fine
_PAPER, _INK, _QUIET, _LINE = "#fbf9f5", "#211f1b", "#665f54", "#ddd6c9"
_SHADES = ("#96391f", "#4f6f78", "#7a6a2f", "#5b4a7a", "#3f7a52", "#8a5a44")
_ROW, _LABEL, _PLOT, _PAD = 58, 400, 640, 24
_HEIGHT, _RIGHT, _FOOT = 460, 110, 60
_DESIGN = "1"  # counts up when charts are drawn otherwise


def chart_path(view: IssueView, chart: Chart) -> str:
    """Where a chart's picture stands; the name changes with the data, so one that is there need not be drawn again."""
    return f"assets/charts/{view.period}-{hexdigest(_DESIGN, json.dumps(chart, sort_keys=True))[:8]}.png"


def chart_png(chart: Chart, words: Words) -> bytes:
    """The chart, its title left to the text around it."""
    image = _DRAW[chart["kind"]](chart, words)
    out = io.BytesIO()
    image.quantize(32, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(out, "PNG")
    return out.getvalue()


def _bars(chart: Chart, words: Words) -> Image.Image:
    values = chart["series"][0]["values"]
    image = Image.new("RGB", (WIDTH, len(values) * _ROW + 2 * _PAD), _PAPER)
    draw = ImageDraw.Draw(image)
    top = max([*values, 0]) or 1
    for row, (label, value) in enumerate(zip(chart["labels"], values, strict=True)):
        middle = _PAD + row * _ROW + _ROW // 2
        end = _LABEL + max(round(value / top * _PLOT), 2)
        draw.rectangle((_LABEL, middle - 18, end, middle + 18), fill=_SHADES[0])
        _write(draw, (_LABEL - 20, middle), shortened(one_line(label), 26), _QUIET, "rm")
        _write(draw, (end + 16, middle), words.number(value), _INK, "lm")
    return image


def _lines(chart: Chart, words: Words) -> Image.Image:
    """A line a series with its last value at the end, the labels below, the names of the series above."""
    labels, base = chart["labels"], _HEIGHT - _FOOT
    image = Image.new("RGB", (WIDTH, _HEIGHT), _PAPER)
    draw = ImageDraw.Draw(image)
    top = max([value for series in chart["series"] for value in series["values"]] + [0]) or 1
    step = (WIDTH - _PAD - _RIGHT - 30) / max(len(labels) - 1, 1)
    across = [_PAD + 30 + round(i * step) for i in range(len(labels))]
    draw.line((_PAD, base, WIDTH - _PAD, base), fill=_LINE, width=2)
    named = _PAD
    for number, series in enumerate(chart["series"]):
        shade = _SHADES[number % len(_SHADES)]
        points = [(x, base - round(v / top * (base - 90))) for x, v in zip(across, series["values"], strict=True)]
        draw.line(points, fill=shade, width=6, joint="curve")
        if points:
            _write(draw, (points[-1][0] + 14, points[-1][1]), words.number(series["values"][-1]), shade, "lm")
        named += _write(draw, (named, 30), one_line(series["name"]), shade, "lm") + 40
    every = max(1, -(-len(labels) // 12))
    for x, label in list(zip(across, labels, strict=True))[::every]:
        _write(draw, (x, base + 34), one_line(label), _QUIET, "mm")
    return image


def _write(draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, colour: str, anchor: str) -> int:
    """Draw and return the width. Text that no shipped font has is left out; the alternative text says it."""
    name = font_for(text)
    if not name:
        return 0
    draw.text(at, text, font=font_of(name, 28), fill=colour, anchor=anchor)
    return round(draw.textlength(text, font=font_of(name, 28)))


_DRAW: dict[str, Callable[[Chart, Words], Image.Image]] = {"bars": _bars, "lines": _lines}
