"""Small charts as inline SVG that follow the page's colours, 0.7 kB each, drawn here for want of a library that fits.

pygal 3.1.3 writes 8 kB for two bars, with a random id, styles that leak into the page and the day it was drawn, all of
which would have to be taken out again; it gives 13 Chinese characters of a label the room of 13 Latin letters, and cuts
them. leather 0.4 has fixed sizes and colours and no text alternative; matplotlib keeps a font cache outside the
workspace; plotly draws with a browser, and Vega is a wheel of 34 MB.

A chart is {"kind": "bars" | "lines", "title": str, "labels": [str], "series": [{"name": str, "values": [number]}]}.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from typing import Any

from digest.render.present import shortened
from digest.render.words import Words
from digest.text import one_line

Chart = Mapping[str, Any]

WIDTH = 420  # so narrow that the letters can still be read on a telephone
_ROW, _LABEL, _PLOT = 24, 140, 230
_HEIGHT, _LEFT, _RIGHT, _TOP, _FOOT = 190, 12, 46, 14, 28


def svg(chart: Chart, words: Words) -> str:
    """A figure of one line: title, drawing with a text alternative. Text is escaped for HTML and for Liquid."""
    drawing, height = _DRAW[chart["kind"]](chart, words)
    title = _text(chart["title"])
    return (
        f'<figure class="chart"><figcaption>{title}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}: {_text(alternative(chart, words))}">'
        f"{drawing}</svg>{_legend(chart)}</figure>"
    )


def alternative(chart: Chart, words: Words) -> str:
    """The same in words: label and numbers, one after another."""
    return "; ".join(
        f"{label}: " + ", ".join(_named(series, words.number(series["values"][i]), chart) for series in chart["series"])
        for i, label in enumerate(chart["labels"])
    )


def _named(series: Mapping[str, Any], number: str, chart: Chart) -> str:
    return f"{series['name']} {number}" if len(chart["series"]) > 1 else number


def _bars(chart: Chart, words: Words) -> tuple[str, int]:
    """Horizontal bars of the first series: labels left, numbers behind the bars."""
    values = chart["series"][0]["values"]
    top = max([*values, 0]) or 1
    rows = []
    for i, (label, value) in enumerate(zip(chart["labels"], values, strict=True)):
        y, width = i * _ROW, value / top * _PLOT
        rows.append(
            f'<text x="{_LABEL - 10}" y="{y + 17}" text-anchor="end">{_text(shortened(label, 22))}</text>'
            f'<rect class="s1" x="{_LABEL}" y="{y + 5}" width="{max(width, 1):.1f}" height="16" rx="2"/>'
            f'<text class="n" x="{_LABEL + max(width, 1) + 8:.1f}" y="{y + 17}">{words.number(value)}</text>'
        )
    return "".join(rows), len(values) * _ROW + 4


def _lines(chart: Chart, words: Words) -> tuple[str, int]:
    """A line a series over the labels, the last value written at its end."""
    labels = chart["labels"]
    top = max([value for series in chart["series"] for value in series["values"]] + [0]) or 1
    step = (WIDTH - _LEFT - _RIGHT) / max(len(labels) - 1, 1)
    base = _HEIGHT - _FOOT
    parts = [f'<line class="axis" x1="0" y1="{base}" x2="{WIDTH}" y2="{base}"/>']
    for number, series in enumerate(chart["series"], 1):
        points = [(_LEFT + i * step, base - value / top * (base - _TOP)) for i, value in enumerate(series["values"])]
        parts.append(
            f'<polyline class="l{_shade(number)}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'
        )
        if points:
            x, y = points[-1]
            parts.append(f'<text class="n" x="{x + 6:.1f}" y="{y + 4:.1f}">{words.number(series["values"][-1])}</text>')
    every = max(1, len(labels) // 12 + (len(labels) % 12 > 0))
    parts += [
        f'<text x="{_LEFT + i * step:.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{_text(label)}</text>'
        for i, label in enumerate(labels)
        if i % every == 0
    ]
    return "".join(parts), _HEIGHT


def _legend(chart: Chart) -> str:
    if len(chart["series"]) < 2:
        return ""
    names = "".join(
        f'<span class="k{_shade(i)}">{_text(series["name"])}</span>' for i, series in enumerate(chart["series"], 1)
    )
    return f'<p class="legend">{names}</p>'


def _shade(number: int) -> int:
    return (number - 1) % 6 + 1


def _text(text: str) -> str:
    return html.escape(one_line(text)).replace("{", "&#123;").replace("}", "&#125;").replace("|", "&#124;")


_DRAW: dict[str, Callable[[Chart, Words], tuple[str, int]]] = {"bars": _bars, "lines": _lines}
