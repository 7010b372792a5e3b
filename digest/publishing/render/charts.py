"""Draw a recap's charts with matplotlib: inline SVG for the page, PNG for mail.

A chart is {"kind": "bars" | "lines", "title": str, "labels": [str], "series": [{"name": str, "values": [number]}]}. Its
title and names may be keys of the translations, and its labels months (2025-06), shown in the page's language.

The drawing depends on nothing outside: sizes are fixed, fonts are shipped, and a matplotlibrc is ignored. Its parts have
a name (gid), by which the style sheet colours them: s1 a bar, l1 a line, a1 the area below it, n a number, t a text,
axis.
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

CHART_WIDTH = 420  # points, a pixel each; narrow enough for letters to be readable on a telephone
_PNG_WIDTH = 1200  # pixels, for 600 in a mail; screens are twice as fine
_CHART_DESIGN = "3"  # increase it when the drawing changes
_PAPER, _INK, _QUIET, _RULE = "#fbf9f5", "#211f1b", "#665f54", "#ddd6c9"
_SERIES_COLOURS = ("#96391f", "#2f6b74", "#8a6a12", "#5b4b8a", "#4f7136", "#8c3b66")
_FONT_SIZE, _ROW, _LABEL_WIDTH, _BAR_WIDTH = 13, 24, 150, 224
_LEFT, _RIGHT, _PANEL, _NAME, _FOOT, _YEAR = 20, 52, 84, 38, 26, 16
_PANEL_WIDTH = CHART_WIDTH - _LEFT - _RIGHT
_MAX_LABEL_CELLS = 21  # a Chinese character takes two cells
_DPI = 72
_MATPLOTLIB_LOCK = threading.Lock()  # matplotlib's settings belong to the whole process
_SVG = "{http://www.w3.org/2000/svg}"
_MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")
_NAMED_GROUP = re.compile(r"axis|[aln]\d?|[st]1?")
_PRESERVED_STYLES = ("stroke-width", "stroke-linecap", "fill-opacity", "opacity", "text-anchor")


def translate_chart(chart: Chart, translations: Translations) -> Chart:
    """Translate the title, names and months; the year is a second line where there are several."""
    spans_years = _spans_years(chart)

    def translate_label(label: str) -> str:
        if not _MONTH.fullmatch(label):
            return normalise_line(label)
        return translations.short_month(label) + (f"\n{label[:4]}" if spans_years else "")

    series = [{**row, "name": translations.get(row["name"], row["name"])} for row in chart["series"]]
    title = translations.get(chart["title"], chart["title"])
    return {**chart, "title": title, "labels": list(map(translate_label, chart["labels"])), "series": series}


def _spans_years(chart: Chart) -> bool:
    return len({label[:4] for label in chart["labels"] if _MONTH.fullmatch(label)}) > 1


def describe_chart(chart: Chart, translations: Translations) -> tuple[str, str]:
    """Return the title and a text alternative: each label with its numbers."""
    shown = translate_chart(chart, translations)
    labels = map(translations.period, chart["labels"]) if _spans_years(chart) else shown["labels"]
    descriptions = []
    for position, label in enumerate(labels):
        numbers = [(row["name"], translations.number(row["values"][position])) for row in shown["series"]]
        has_names = len(numbers) > 1
        descriptions.append(f"{label}: " + ", ".join(f"{name} {n}" if has_names else n for name, n in numbers))
    return shown["title"], "; ".join(descriptions)


def chart_path(view: IssueView, chart: Chart, translations: Translations) -> str:
    """Return the path of a chart's picture; it changes with the drawing, so an existing one is current."""
    shown = json.dumps(translate_chart(chart, translations), sort_keys=True)
    return f"assets/charts/{view.period}-{hash_texts(_CHART_DESIGN, translations.language, shown)[:8]}.png"


def render_chart_png(chart: Chart, translations: Translations) -> bytes:
    """Render a chart without its title, in light colours."""
    drawing = _draw_chart(chart, translations, "png", _PNG_WIDTH / CHART_WIDTH)
    image = Image.open(io.BytesIO(drawing)).convert("RGB")
    out = io.BytesIO()
    image.quantize(32, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(out, "PNG")
    return out.getvalue()


def render_chart_svg(chart: Chart, translations: Translations) -> str:
    """Render a figure on one line: title, drawing, text alternative; escaped for HTML and Liquid.

    The drawing keeps matplotlib's named parts without ids, fonts and colours: ids would occur twice in a page, and the
    style sheet has the colours, light or dark.
    """
    from lxml import etree

    title, alternative = map(_escape_text, describe_chart(chart, translations))
    root: Any = etree.fromstring(_draw_chart(chart, translations, "svg"))
    groups = [group for group in root.iter(f"{_SVG}g") if _NAMED_GROUP.fullmatch(group.get("id", ""))]
    shapes = "".join(_convert_shape(shape, group.get("id")) for group in groups for shape in group)
    height = round(float(root.get("viewBox").split()[3]))
    return (
        f'<figure class="chart"><figcaption>{title}</figcaption><svg viewBox="0 0 {CHART_WIDTH} {height}" role="img" '
        f'aria-label="{title}: {alternative}">{shapes}</svg></figure>'
    )


def _convert_shape(shape: Any, name: str) -> str:
    style = dict(part.split(": ") for part in shape.get("style", "").split("; ") if part)
    attributes = {"class": name}
    if is_text := shape.tag == f"{_SVG}text":
        attributes |= {key: _round_numbers(shape.get(key)) for key in ("x", "y")}
    else:
        attributes["d"] = _round_numbers(" ".join(shape.get("d").split()))
        colours = {key: style[key] for key in ("fill", "stroke") if key in style}
        attributes |= {key: "none" if colour == "none" else "currentColor" for key, colour in colours.items()}
    attributes |= {key: style[key] for key in _PRESERVED_STYLES if key in style}
    written = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<text{written}>{_escape_text(shape.text or '')}</text>" if is_text else f"<path{written}/>"


def _round_numbers(numbers: str) -> str:
    """Round to a tenth of a pixel, the most that a screen shows."""
    return re.sub(r"-?\d+\.\d+", lambda match: f"{float(match[0]):.1f}".removesuffix(".0"), numbers)


def _escape_text(text: str) -> str:
    return html.escape(normalise_line(text)).replace("{", "&#123;").replace("}", "&#125;").replace("|", "&#124;")


def _draw_chart(chart: Chart, translations: Translations, image_format: ImageFormat, scale: float = 1) -> bytes:
    """Draw a chart without its title; `scale` is the pixels of a PNG per point."""
    with _MATPLOTLIB_LOCK, _default_matplotlib_settings():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(CHART_WIDTH / _DPI, 1), dpi=_DPI, facecolor=_PAPER)
        _DRAW_BY_KIND[chart["kind"]](figure, translate_chart(chart, translations), translations, image_format)
        out = io.BytesIO()
        figure.savefig(out, format=image_format, dpi=_DPI * scale)
    return out.getvalue()


def _draw_bars(figure: Figure, chart: Chart, translations: Translations, image_format: ImageFormat) -> None:
    """Draw the first series as horizontal bars: labels left, numbers behind the bars."""
    values = chart["series"][0]["values"]
    figure.set_figheight((len(values) * _ROW + 4) / _DPI)
    axes = _add_axes(figure, (_LABEL_WIDTH / CHART_WIDTH, 0, _BAR_WIDTH / CHART_WIDTH, 1))
    rows = range(len(values))
    bars = axes.barh(rows, values, height=0.68, color=_SERIES_COLOURS[0], gid="s1")
    for text in axes.bar_label(bars, [translations.number(value) for value in values], padding=8):
        text.set(gid="n", color=_INK, fontproperties=_load_font_properties(text.get_text(), SANS_BOLD)[0])
    fonts, labels = _choose_label_fonts([_shorten_label(label) for label in chart["labels"]], image_format)
    axes.set_yticks(rows, labels, va="center")
    _style_texts(axes.get_yticklabels(), fonts)
    axes.set(xlim=(0, max([*values, 0]) or 1), ylim=(len(values) - 0.5, -0.5))


def _draw_lines(figure: Figure, chart: Chart, translations: Translations, image_format: ImageFormat) -> None:
    """Draw a panel for each series, with its own scale, above common labels."""
    labels, series = chart["labels"], chart["series"]
    step = -(-len(labels) // 12) or 1
    months, years = zip(*(label.partition("\n")[::2] for label in labels[::step]), strict=True) if labels else ((), ())
    height = len(series) * (_PANEL + _NAME) + _FOOT + _YEAR * any(years)
    figure.set_figheight(height / _DPI)
    for number, row in enumerate(series):
        bottom = height - (number + 1) * (_PANEL + _NAME)
        panel = (_LEFT / CHART_WIDTH, bottom / height, _PANEL_WIDTH / CHART_WIDTH, _PANEL / height)
        axes = _add_axes(figure, panel)
        _draw_line(axes, row["values"], translations, number % len(_SERIES_COLOURS))
        axes.set_xlim(0, max(len(labels) - 1, 1))
        if len(series) > 1:
            fonts, names = _choose_label_fonts([row["name"]], image_format)
            _style_texts([axes.set_title(names[0], loc="left", x=-_LEFT / _PANEL_WIDTH, pad=20)], fonts)
    fonts, names = _choose_label_fonts(months, image_format)
    axes.set_xticks(range(0, len(labels), step), names)
    _style_texts(axes.get_xticklabels(), fonts)
    below: dict[str, Any] = {"textcoords": "offset points", "xytext": (0, -_FOOT), "ha": "center", "va": "top"}
    for position, (previous, year) in enumerate(zip(("", *years), years, strict=False)):
        if year and year != previous:
            text = axes.annotate(year, (position * step, 0), xycoords=("data", "axes fraction"), **below)
            _style_texts([text], [_load_font_properties(year, SANS)[0]])


def _draw_line(axes: Axes, values: Sequence[float], translations: Translations, shade: int) -> None:
    """Draw a line with its last value, and with its highest where that is another."""
    axes.set_ylim(0, max(values, default=0) or 1)
    axes.axhline(0, color=_RULE, linewidth=1, gid="axis", clip_on=False)
    look: dict[str, Any] = {"color": _SERIES_COLOURS[shade], "clip_on": False}
    xs = range(len(values))
    outline = [*values, *(0 for _ in xs)]
    axes.fill([*xs, *reversed(xs)], outline, alpha=0.14, linewidth=0, gid=f"a{shade + 1}", **look)
    axes.plot(values, linewidth=2.5, solid_capstyle="round", solid_joinstyle="round", gid=f"l{shade + 1}", **look)
    last, peak = len(values) - 1, max(xs, key=values.__getitem__, default=-1)
    for x in dict.fromkeys((last, peak)):
        offset: Any = {"xytext": (7, 0), "va": "center"} if x == last else {"xytext": (0, 5), "ha": "center"}
        number = translations.number(values[x]) if values else ""
        font = _load_font_properties(number, SANS_BOLD)[0]
        point = (x, values[x]) if values else (0, 0)
        axes.annotate(number, point, textcoords="offset points", gid="n", color=_INK, fontproperties=font, **offset)


def _add_axes(figure: Figure, rectangle: tuple[float, float, float, float]) -> Axes:
    """Add axes without frame, ticks and ground, with labels only."""
    axes = figure.add_axes(rectangle)
    axes.set_facecolor("none")
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0, pad=9)
    axes.set(xticks=[], yticks=[])
    return axes


def _choose_label_fonts(labels: Sequence[str], image_format: ImageFormat) -> tuple[list[FontProperties], list[str]]:
    """Choose a font for each label; a picture shows what the font has, a page the whole label."""
    texts = [normalise_line(label) for label in labels]
    choices = [_load_font_properties(text, SANS) for text in texts]
    return [font for font, _ in choices], [part for _, part in choices] if image_format == "png" else texts


def _style_texts(texts: Sequence[Text], fonts: Sequence[FontProperties]) -> None:
    for text, font in zip(texts, fonts, strict=True):
        text.set(gid="t", color=_QUIET, fontproperties=font)


def _load_font_properties(text: str, preferred: str) -> tuple[FontProperties, str]:
    """Load a font, and return with it the part of the text that it has."""
    from matplotlib.font_manager import FontProperties

    name, drawable = choose_font(text, preferred)
    return FontProperties(fname=str(font_path(name or preferred)), size=_FONT_SIZE), drawable


def _shorten_label(label: str) -> str:
    from rich.cells import cell_len

    text = normalise_line(label)
    shortened = (shorten_text(text, length) for length in chain([len(text)], range(_MAX_LABEL_CELLS + 2, 1, -1)))
    return next((short for short in shortened if cell_len(short) <= _MAX_LABEL_CELLS), "")


@contextmanager
def _default_matplotlib_settings() -> Iterator[None]:
    """Set matplotlib to its defaults, whatever its files say, and to take `$x$` as text."""
    _import_matplotlib()
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({"svg.fonttype": "none", "text.parse_math": False})
        yield


def _import_matplotlib() -> None:
    """Import matplotlib without leaving its folder and its list of fonts in the home folder."""
    if "matplotlib.font_manager" in sys.modules or "MPLCONFIGDIR" in os.environ:
        return
    logger = logging.getLogger("matplotlib.font_manager")  # on many fonts it warns that listing them takes a while
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="digest-") as folder:
        os.environ["MPLCONFIGDIR"] = folder
        try:
            import matplotlib.font_manager

            matplotlib.get_configdir()  # it caches the folder
        finally:
            del os.environ["MPLCONFIGDIR"]
            logger.setLevel(level)


_DRAW_BY_KIND: dict[str, Callable[[Figure, Chart, Translations, ImageFormat], None]] = {
    "bars": _draw_bars,
    "lines": _draw_lines,
}
