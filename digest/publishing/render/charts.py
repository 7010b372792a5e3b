"""SVG bar and line charts; HTML bars for mail.

A chart drawn by matplotlib: the SVG of the page and the PNG of the mail are one drawing.

Nothing outside decides how it looks: a chart has its own sizes and the shipped fonts, and a matplotlibrc is not heeded.
Parts that readers see have a name (gid): s1 a bar, l1 a line, a1 the area below it, n a number, t a text, axis.

A recap's charts in the page: inline SVG that takes the page's colours, light or dark, with a text alternative.

A chart is {"kind": "bars" | "lines", "title": str, "labels": [str], "series": [{"name": str, "values": [number]}]}. Its
title and names may be keys of the fixed words, and its labels months (2025-06): they are shown in the page's language.

A recap's charts as PNG, for mail programs that show no SVG: the drawing of the page, in the light colours.
"""

from __future__ import annotations

import html
import io
import json
import logging
import os
import re
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from PIL import Image

from digest.i18n import Translations
from digest.publishing.issue_view import IssueView
from digest.publishing.render.cards import SANS, SANS_BOLD, choose_font, font_path
from digest.text import hash_texts, normalise_line, shorten_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties
    from matplotlib.text import Text


Chart = Mapping[str, Any]
ImageFormat = Literal["svg", "png"]

CHART_WIDTH = 420  # points, a pixel each; so narrow that the letters can still be read on a telephone
PAPER_COLOUR = "#fbf9f5"
_INK_COLOUR, _QUIET_COLOUR, _LINE_COLOUR = "#211f1b", "#665f54", "#ddd6c9"
_SERIES_COLOURS = ("#96391f", "#2f6b74", "#8a6a12", "#5b4b8a", "#4f7136", "#8c3b66")
_FONT_SIZE, _ROW_HEIGHT, _LABEL_WIDTH, _PLOT_WIDTH = 13, 24, 150, 224
_LEFT_MARGIN, _RIGHT_MARGIN, _PANEL_HEIGHT, _NAME_HEIGHT, _FOOT_HEIGHT, _YEAR_HEIGHT = 20, 52, 84, 38, 26, 16
_MAX_LABEL_CELLS = 21  # of a label at most; a Chinese character takes two
_POINTS_PER_INCH = 72
_MATPLOTLIB_LOCK = threading.Lock()  # matplotlib's settings are those of the whole process


def draw_chart(chart: Chart, translations: Translations, image_format: ImageFormat, scale: float = 1) -> bytes:
    """The chart, WIDTH points wide, without its title; `scale` says how many pixels of a PNG a point has."""
    with _MATPLOTLIB_LOCK, _default_matplotlib_settings():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(CHART_WIDTH / _POINTS_PER_INCH, 1), dpi=_POINTS_PER_INCH, facecolor=PAPER_COLOUR)
        _DRAW_BY_KIND[chart["kind"]](figure, chart, translations, image_format)
        out = io.BytesIO()
        figure.savefig(out, format=image_format, dpi=_POINTS_PER_INCH * scale)
    return out.getvalue()


def _draw_bars(figure: Figure, chart: Chart, translations: Translations, image_format: ImageFormat) -> None:
    """Horizontal bars of the first series: labels left, numbers behind the bars."""
    values = chart["series"][0]["values"]
    figure.set_figheight((len(values) * _ROW_HEIGHT + 4) / _POINTS_PER_INCH)
    axes = _clear_axes(figure.add_axes((_LABEL_WIDTH / CHART_WIDTH, 0, _PLOT_WIDTH / CHART_WIDTH, 1)))
    rows = range(len(values))
    bars = axes.barh(rows, values, height=0.68, color=_SERIES_COLOURS[0], gid="s1")
    for text in axes.bar_label(bars, [translations.number(value) for value in values], padding=8):
        text.set(gid="n", color=_INK_COLOUR, fontproperties=_choose_font_properties(text.get_text(), SANS_BOLD)[0])
    fonts, labels = _choose_label_fonts([_shorten_label(label) for label in chart["labels"]], image_format)
    axes.set_yticks(rows, labels, va="center")
    _style_texts(axes.get_yticklabels(), fonts)
    axes.set(xlim=(0, max([*values, 0]) or 1), ylim=(len(values) - 0.5, -0.5))


def _draw_lines(figure: Figure, chart: Chart, translations: Translations, image_format: ImageFormat) -> None:
    """A panel for each series, each with a scale of its own, over the same labels."""
    labels, series = chart["labels"], chart["series"]
    every = -(-len(labels) // 12) or 1
    months, years = _split_labels(labels[::every])
    height = len(series) * (_PANEL_HEIGHT + _NAME_HEIGHT) + _FOOT_HEIGHT + _YEAR_HEIGHT * any(years)
    figure.set_figheight(height / _POINTS_PER_INCH)
    for number, one in enumerate(series):
        bottom = height - (number + 1) * (_PANEL_HEIGHT + _NAME_HEIGHT)
        axes = figure.add_axes(
            (
                _LEFT_MARGIN / CHART_WIDTH,
                bottom / height,
                (CHART_WIDTH - _LEFT_MARGIN - _RIGHT_MARGIN) / CHART_WIDTH,
                _PANEL_HEIGHT / height,
            )
        )
        _draw_line(_clear_axes(axes), one["values"], translations, number % len(_SERIES_COLOURS))
        axes.set_xlim(0, max(len(labels) - 1, 1))
        if len(series) > 1:
            fonts, names = _choose_label_fonts([one["name"]], image_format)
            _style_texts(
                [
                    axes.set_title(
                        names[0], loc="left", x=-_LEFT_MARGIN / (CHART_WIDTH - _LEFT_MARGIN - _RIGHT_MARGIN), pad=20
                    )
                ],
                fonts,
            )
    fonts, shown = _choose_label_fonts(months, image_format)
    axes.set_xticks(range(0, len(labels), every), shown)
    _style_texts(axes.get_xticklabels(), fonts)
    for place, year in enumerate(years):
        _draw_second_label(axes, place * every, year)


def _draw_second_label(axes: Axes, place: int, year: str) -> None:
    """A second line of a label."""
    at: Any = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "xytext": (0, -_FOOT_HEIGHT)}
    if year:
        _style_texts(
            [axes.annotate(year, (place, 0), ha="center", va="top", **at)], [_choose_font_properties(year, SANS)[0]]
        )


def _split_labels(labels: Sequence[str]) -> tuple[list[str], list[str]]:
    """The first lines of labels, and the second ones where they are others than the label's before."""
    parts = [label.partition("\n")[::2] for label in labels]
    seconds = [second for _, second in parts]
    return [first for first, _ in parts], [
        "" if second == before else second for before, second in zip(["", *seconds], seconds, strict=False)
    ]


def _draw_line(axes: Axes, values: Sequence[float], translations: Translations, shade: int) -> None:
    """A line with its last value, and its highest one where that is another."""
    top = max(values, default=0) or 1
    axes.set_ylim(0, top)
    axes.axhline(0, color=_LINE_COLOUR, linewidth=1, gid="axis", clip_on=False)
    drawn: dict[str, Any] = {"color": _SERIES_COLOURS[shade], "clip_on": False}
    places = range(len(values))
    axes.fill(
        [*places, *reversed(places)],
        [*values, *(0 for _ in places)],
        alpha=0.14,
        linewidth=0,
        gid=f"a{shade + 1}",
        **drawn,
    )
    axes.plot(values, linewidth=2.5, solid_capstyle="round", solid_joinstyle="round", gid=f"l{shade + 1}", **drawn)
    last, peak = len(values) - 1, max(range(len(values)), key=values.__getitem__, default=-1)
    for place in dict.fromkeys((last, peak)):
        aside: Any = {"xytext": (7, 0), "va": "center"} if place == last else {"xytext": (0, 5), "ha": "center"}
        said = translations.number(values[place]) if values else ""
        font = _choose_font_properties(said, SANS_BOLD)[0]
        at = (place, values[place]) if values else (0, 0)
        axes.annotate(said, at, textcoords="offset points", gid="n", color=_INK_COLOUR, fontproperties=font, **aside)


def _clear_axes(axes: Axes) -> Axes:
    """Without frame, ticks and ground; only labels stay."""
    axes.set_facecolor("none")
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0, pad=9)
    axes.set(xticks=[], yticks=[])
    return axes


def _choose_label_fonts(labels: Sequence[str], image_format: ImageFormat) -> tuple[list[FontProperties], list[str]]:
    """A font for each label, and its words: in a picture what the font has, in a page all of them."""
    whole = [normalise_line(label) for label in labels]
    found = [_choose_font_properties(label, SANS) for label in whole]
    return [font for font, _ in found], [left for _, left in found] if image_format == "png" else whole


def _style_texts(texts: Sequence[Text], fonts: Sequence[FontProperties]) -> None:
    for text, font in zip(texts, fonts, strict=True):
        text.set(gid="t", color=_QUIET_COLOUR, fontproperties=font)


def _choose_font_properties(text: str, preferred: str) -> tuple[FontProperties, str]:
    """A font, and as much of the text as it has."""
    from matplotlib.font_manager import FontProperties

    name, left = choose_font(text, preferred)
    return FontProperties(fname=str(font_path(name or preferred)), size=_FONT_SIZE), left


def _shorten_label(label: str) -> str:
    from rich.cells import cell_len

    text = normalise_line(label)
    for most in chain([len(text)], range(_MAX_LABEL_CELLS + 2, 1, -1)):
        if cell_len(short := shorten_text(text, most)) <= _MAX_LABEL_CELLS:
            return short
    return ""


@contextmanager
def _default_matplotlib_settings() -> Iterator[None]:
    """matplotlib as it is by default, whatever its files and its user say. Texts are text: `$x$` is no formula."""
    _import_matplotlib()
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({"svg.fonttype": "none", "text.parse_math": False})
        yield


def _import_matplotlib() -> None:
    """Import matplotlib so that it leaves nothing at home: its folder, and a list of the system's fonts, go unused."""
    if "matplotlib.font_manager" in sys.modules or "MPLCONFIGDIR" in os.environ:
        return
    log = logging.getLogger("matplotlib.font_manager")
    log.addFilter(_reject_record)  # where there are many fonts it says that listing them takes a while
    with tempfile.TemporaryDirectory(prefix="digest-") as folder:
        os.environ["MPLCONFIGDIR"] = folder
        try:
            import matplotlib.font_manager

            matplotlib.get_configdir()  # which it remembers
        finally:
            del os.environ["MPLCONFIGDIR"]
            log.removeFilter(_reject_record)


def _reject_record(record: logging.LogRecord) -> bool:
    return False


_DRAW_BY_KIND: dict[str, Callable[[Figure, Chart, Translations, ImageFormat], None]] = {
    "bars": _draw_bars,
    "lines": _draw_lines,
}


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


_PNG_WIDTH = 1200  # for 600 in a mail; screens are twice as fine
_CHART_DESIGN = "3"  # counts up when charts are drawn otherwise


def chart_path(view: IssueView, chart: Chart, translations: Translations) -> str:
    """Where a chart's picture stands; the name changes with what is drawn, so one that is there is not drawn again."""
    shown = json.dumps(translate_chart(chart, translations), sort_keys=True)
    return f"assets/charts/{view.period}-{hash_texts(_CHART_DESIGN, translations.language, shown)[:8]}.png"


def render_chart_png(chart: Chart, translations: Translations) -> bytes:
    """The chart, its title left to the text around it."""
    image = Image.open(
        io.BytesIO(draw_chart(translate_chart(chart, translations), translations, "png", _PNG_WIDTH / CHART_WIDTH))
    )
    out = io.BytesIO()
    image.convert("RGB").quantize(32, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(out, "PNG")
    return out.getvalue()
