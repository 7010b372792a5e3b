"""A recap's charts in the page: inline SVG that takes the page's colours, light or dark, with a text alternative.

A chart is {"kind": "bars" | "lines", "title": str, "labels": [str], "series": [{"name": str, "values": [number]}]}. Its
title and names may be keys of the fixed words, and its labels months (2025-06): they are shown in the page's language.
"""

from __future__ import annotations

import html
import re
from typing import Any

from digest.render.plot import CHART_WIDTH, Chart, draw_chart
from digest.render.words import Translations
from digest.text import normalise_line

_SVG_NAMESPACE = "{http://www.w3.org/2000/svg}"
_MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")
_NAMED_GROUP = re.compile(r"axis|[aln]\d?|[st]1?")
_PRESERVED_STYLES = ("stroke-width", "stroke-linecap", "fill-opacity", "opacity", "text-anchor")


def translate_chart(chart: Chart, translations: Translations) -> Chart:
    """The chart in a language."""
    series = [{**one, "name": translations.get(one["name"], one["name"])} for one in chart["series"]]
    labels = [_format_label(label, translations, _spans_years(chart)) for label in chart["labels"]]
    return {**chart, "title": translations.get(chart["title"], chart["title"]), "labels": labels, "series": series}


def _spans_years(chart: Chart) -> bool:
    """Whether its months lie in more than one year."""
    return len({label[:4] for label in chart["labels"] if _MONTH.fullmatch(label)}) > 1


def _format_label(label: str, translations: Translations, has_year: bool) -> str:
    """A month's short name, with the year on a second line if it must be told."""
    if not _MONTH.fullmatch(label):
        return normalise_line(label)
    return translations.short_month(label) + (f"\n{label[:4]}" if has_year else "")


def render_chart_svg(chart: Chart, translations: Translations) -> str:
    """A figure of one line: title, drawing with a text alternative. Text is escaped for HTML and for Liquid."""
    title, alternative = (_escape_text(text) for text in describe_chart(chart, translations))
    parts, height = _extract_shapes(draw_chart(translate_chart(chart, translations), translations, "svg"))
    return (
        f'<figure class="chart"><figcaption>{title}</figcaption>'
        f'<svg viewBox="0 0 {CHART_WIDTH} {height}" role="img" aria-label="{title}: {alternative}">{parts}</svg></figure>'
    )


def describe_chart(chart: Chart, translations: Translations) -> tuple[str, str]:
    """The title, and the chart in words: label and numbers, one after another."""
    shown = translate_chart(chart, translations)
    labels = map(translations.period, chart["labels"]) if _spans_years(chart) else shown["labels"]
    return shown["title"], "; ".join(
        f"{label}: "
        + ", ".join(
            _format_value(series, translations.number(series["values"][i]), shown) for series in shown["series"]
        )
        for i, label in enumerate(labels)
    )


def _format_value(series: Chart, number: str, chart: Chart) -> str:
    return f"{series['name']} {number}" if len(chart["series"]) > 1 else number


def _extract_shapes(drawing: bytes) -> tuple[str, int]:
    """The named parts of a drawing, without its ids, fonts and colours, and its height.

    Ids would stand in the page twice, and its style sheet has the colours; without one, parts are as dark as the text.
    """
    from lxml import etree

    root = etree.fromstring(drawing)
    groups = [group for group in root.iter(f"{_SVG_NAMESPACE}g") if _NAMED_GROUP.fullmatch(group.get("id", ""))]
    shapes = [_convert_shape(shape, group.get("id")) for group in groups for shape in group]
    return "".join(shapes), round(float(root.get("viewBox").split()[3]))


def _convert_shape(shape: Any, name: str) -> str:
    style = dict(part.split(": ") for part in shape.get("style", "").split("; ") if part)
    looks = {key: style[key] for key in _PRESERVED_STYLES if key in style}
    if shape.tag == f"{_SVG_NAMESPACE}text":
        place = {key: _round_numbers(shape.get(key)) for key in ("x", "y")}
        return f"<text{_format_attributes({'class': name} | place | looks)}>{_escape_text(shape.text or '')}</text>"
    inks = {key: "none" if style[key] == "none" else "currentColor" for key in ("fill", "stroke") if key in style}
    return f"<path{_format_attributes({'class': name, 'd': _round_numbers(' '.join(shape.get('d').split()))} | inks | looks)}/>"


def _format_attributes(attributes: dict[str, str]) -> str:
    return "".join(f' {name}="{value}"' for name, value in attributes.items())


def _round_numbers(numbers: str) -> str:
    """Numbers to a tenth of a pixel, which is as much as a screen shows."""
    return re.sub(r"-?\d+\.\d+", lambda match: f"{float(match[0]):.1f}".removesuffix(".0"), numbers)


def _escape_text(text: str) -> str:
    return html.escape(normalise_line(text)).replace("{", "&#123;").replace("}", "&#125;").replace("|", "&#124;")
