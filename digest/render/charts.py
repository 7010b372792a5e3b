"""A recap's charts in the page: inline SVG that takes the page's colours, light or dark, with a text alternative.

A chart is {"kind": "bars" | "lines", "title": str, "labels": [str], "series": [{"name": str, "values": [number]}]}. Its
title and names may be keys of the fixed words, and its labels months (2025-06): they are shown in the page's language.
"""

from __future__ import annotations

import html
import re
from typing import Any

from digest.render.plot import WIDTH, Chart, drawn
from digest.render.words import Words
from digest.text import one_line

_SVG = "{http://www.w3.org/2000/svg}"
_MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")
_PART = re.compile(r"axis|[aln]\d?|[st]1?")
_KEPT = ("stroke-width", "stroke-linecap", "fill-opacity", "opacity", "text-anchor")


def in_words(chart: Chart, words: Words) -> Chart:
    """The chart in a language."""
    series = [{**one, "name": words.get(one["name"], one["name"])} for one in chart["series"]]
    labels = [_label(label, words, _years(chart)) for label in chart["labels"]]
    return {**chart, "title": words.get(chart["title"], chart["title"]), "labels": labels, "series": series}


def _years(chart: Chart) -> bool:
    """Whether its months lie in more than one year."""
    return len({label[:4] for label in chart["labels"] if _MONTH.fullmatch(label)}) > 1


def _label(label: str, words: Words, year: bool) -> str:
    """A month's short name, with the year on a second line if it must be told."""
    if not _MONTH.fullmatch(label):
        return one_line(label)
    return words.short_month(label) + (f"\n{label[:4]}" if year else "")


def svg(chart: Chart, words: Words) -> str:
    """A figure of one line: title, drawing with a text alternative. Text is escaped for HTML and for Liquid."""
    title, alternative = (_text(text) for text in told(chart, words))
    parts, height = _parts(drawn(in_words(chart, words), words, "svg"))
    return (
        f'<figure class="chart"><figcaption>{title}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}: {alternative}">{parts}</svg></figure>'
    )


def told(chart: Chart, words: Words) -> tuple[str, str]:
    """The title, and the chart in words: label and numbers, one after another."""
    shown = in_words(chart, words)
    labels = map(words.period, chart["labels"]) if _years(chart) else shown["labels"]
    return shown["title"], "; ".join(
        f"{label}: " + ", ".join(_named(series, words.number(series["values"][i]), shown) for series in shown["series"])
        for i, label in enumerate(labels)
    )


def _named(series: Chart, number: str, chart: Chart) -> str:
    return f"{series['name']} {number}" if len(chart["series"]) > 1 else number


def _parts(drawing: bytes) -> tuple[str, int]:
    """The named parts of a drawing, without its ids, fonts and colours, and its height.

    Ids would stand in the page twice, and its style sheet has the colours; without one, parts are as dark as the text.
    """
    from lxml import etree

    root = etree.fromstring(drawing)
    groups = [group for group in root.iter(f"{_SVG}g") if _PART.fullmatch(group.get("id", ""))]
    shapes = [_shape(shape, group.get("id")) for group in groups for shape in group]
    return "".join(shapes), round(float(root.get("viewBox").split()[3]))


def _shape(shape: Any, name: str) -> str:
    style = dict(part.split(": ") for part in shape.get("style", "").split("; ") if part)
    looks = {key: style[key] for key in _KEPT if key in style}
    if shape.tag == f"{_SVG}text":
        place = {key: _rounded(shape.get(key)) for key in ("x", "y")}
        return f"<text{_written({'class': name} | place | looks)}>{_text(shape.text or '')}</text>"
    inks = {key: "none" if style[key] == "none" else "currentColor" for key in ("fill", "stroke") if key in style}
    return f"<path{_written({'class': name, 'd': _rounded(' '.join(shape.get('d').split()))} | inks | looks)}/>"


def _written(attributes: dict[str, str]) -> str:
    return "".join(f' {name}="{value}"' for name, value in attributes.items())


def _rounded(numbers: str) -> str:
    """Numbers to a tenth of a pixel, which is as much as a screen shows."""
    return re.sub(r"-?\d+\.\d+", lambda match: f"{float(match[0]):.1f}".removesuffix(".0"), numbers)


def _text(text: str) -> str:
    return html.escape(one_line(text)).replace("{", "&#123;").replace("}", "&#125;").replace("|", "&#124;")
