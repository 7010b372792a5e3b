"""A chart drawn by matplotlib: the SVG of the page and the PNG of the mail are one drawing.

Nothing outside decides how it looks: a chart has its own sizes and the shipped fonts, and a matplotlibrc is not heeded.
Parts that readers see have a name (gid): s1 a bar, l1 a line, a1 the area below it, n a number, t a text, axis.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from digest.render.fonts import SANS, SANS_BOLD, drawable, path_of
from digest.render.present import shortened
from digest.render.words import Words
from digest.text import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties
    from matplotlib.text import Text

Chart = Mapping[str, Any]
Form = Literal["svg", "png"]

WIDTH = 420  # points, a pixel each; so narrow that the letters can still be read on a telephone
PAPER = "#fbf9f5"
_INK, _QUIET, _LINE = "#211f1b", "#665f54", "#ddd6c9"
_SHADES = ("#96391f", "#2f6b74", "#8a6a12", "#5b4b8a", "#4f7136", "#8c3b66")
_SIZE, _ROW, _LABEL, _PLOT = 13, 24, 150, 224
_LEFT, _RIGHT, _PANEL, _NAME, _FOOT, _YEAR = 20, 52, 84, 38, 26, 16
_CELLS = 21  # of a label at most; a Chinese character takes two
_INCH = 72
_LOCK = threading.Lock()  # matplotlib's settings are those of the whole process


def drawn(chart: Chart, words: Words, form: Form, scale: float = 1) -> bytes:
    """The chart, WIDTH points wide, without its title; `scale` says how many pixels of a PNG a point has."""
    with _LOCK, _settled():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(WIDTH / _INCH, 1), dpi=_INCH, facecolor=PAPER)
        _DRAW[chart["kind"]](figure, chart, words, form)
        out = io.BytesIO()
        figure.savefig(out, format=form, dpi=_INCH * scale)
    return out.getvalue()


def _bars(figure: Figure, chart: Chart, words: Words, form: Form) -> None:
    """Horizontal bars of the first series: labels left, numbers behind the bars."""
    values = chart["series"][0]["values"]
    figure.set_figheight((len(values) * _ROW + 4) / _INCH)
    axes = _bare(figure.add_axes((_LABEL / WIDTH, 0, _PLOT / WIDTH, 1)))
    rows = range(len(values))
    bars = axes.barh(rows, values, height=0.68, color=_SHADES[0], gid="s1")
    for text in axes.bar_label(bars, [words.number(value) for value in values], padding=8):
        text.set(gid="n", color=_INK, fontproperties=_font(text.get_text(), SANS_BOLD)[0])
    fonts, labels = _said([_short(label) for label in chart["labels"]], form)
    axes.set_yticks(rows, labels, va="center")
    _dress(axes.get_yticklabels(), fonts)
    axes.set(xlim=(0, max([*values, 0]) or 1), ylim=(len(values) - 0.5, -0.5))


def _lines(figure: Figure, chart: Chart, words: Words, form: Form) -> None:
    """A panel for each series, each with a scale of its own, over the same labels."""
    labels, series = chart["labels"], chart["series"]
    every = -(-len(labels) // 12) or 1
    months, years = _parted(labels[::every])
    height = len(series) * (_PANEL + _NAME) + _FOOT + _YEAR * any(years)
    figure.set_figheight(height / _INCH)
    for number, one in enumerate(series):
        bottom = height - (number + 1) * (_PANEL + _NAME)
        axes = figure.add_axes((_LEFT / WIDTH, bottom / height, (WIDTH - _LEFT - _RIGHT) / WIDTH, _PANEL / height))
        _line(_bare(axes), one["values"], words, number % len(_SHADES))
        axes.set_xlim(0, max(len(labels) - 1, 1))
        if len(series) > 1:
            fonts, names = _said([one["name"]], form)
            _dress([axes.set_title(names[0], loc="left", x=-_LEFT / (WIDTH - _LEFT - _RIGHT), pad=20)], fonts)
    fonts, shown = _said(months, form)
    axes.set_xticks(range(0, len(labels), every), shown)
    _dress(axes.get_xticklabels(), fonts)
    for place, year in enumerate(years):
        _below(axes, place * every, year)


def _below(axes: Axes, place: int, year: str) -> None:
    """A second line of a label."""
    at: Any = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "xytext": (0, -_FOOT)}
    if year:
        _dress([axes.annotate(year, (place, 0), ha="center", va="top", **at)], [_font(year, SANS)[0]])


def _parted(labels: Sequence[str]) -> tuple[list[str], list[str]]:
    """The first lines of labels, and the second ones where they are others than the label's before."""
    parts = [label.partition("\n")[::2] for label in labels]
    seconds = [second for _, second in parts]
    return [first for first, _ in parts], [
        "" if second == before else second for before, second in zip(["", *seconds], seconds, strict=False)
    ]


def _line(axes: Axes, values: Sequence[float], words: Words, shade: int) -> None:
    """A line with its last value, and its highest one where that is another."""
    top = max(values, default=0) or 1
    axes.set_ylim(0, top)
    axes.axhline(0, color=_LINE, linewidth=1, gid="axis", clip_on=False)
    drawn: dict[str, Any] = {"color": _SHADES[shade], "clip_on": False}
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
        said = words.number(values[place]) if values else ""
        font = _font(said, SANS_BOLD)[0]
        at = (place, values[place]) if values else (0, 0)
        axes.annotate(said, at, textcoords="offset points", gid="n", color=_INK, fontproperties=font, **aside)


def _bare(axes: Axes) -> Axes:
    """Without frame, ticks and ground; only labels stay."""
    axes.set_facecolor("none")
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0, pad=9)
    axes.set(xticks=[], yticks=[])
    return axes


def _said(labels: Sequence[str], form: Form) -> tuple[list[FontProperties], list[str]]:
    """A font for each label, and its words: in a picture what the font has, in a page all of them."""
    whole = [one_line(label) for label in labels]
    found = [_font(label, SANS) for label in whole]
    return [font for font, _ in found], [left for _, left in found] if form == "png" else whole


def _dress(texts: Sequence[Text], fonts: Sequence[FontProperties]) -> None:
    for text, font in zip(texts, fonts, strict=True):
        text.set(gid="t", color=_QUIET, fontproperties=font)


def _font(text: str, first: str) -> tuple[FontProperties, str]:
    """A font, and as much of the text as it has."""
    from matplotlib.font_manager import FontProperties

    name, left = drawable(text, first)
    return FontProperties(fname=str(path_of(name or first)), size=_SIZE), left


def _short(label: str) -> str:
    from rich.cells import cell_len

    text = one_line(label)
    for most in chain([len(text)], range(_CELLS + 2, 1, -1)):
        if cell_len(short := shortened(text, most)) <= _CELLS:
            return short
    return ""


@contextmanager
def _settled() -> Iterator[None]:
    """matplotlib as it is by default, whatever its files and its user say. Texts are text: `$x$` is no formula."""
    _import_apart()
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({"svg.fonttype": "none", "text.parse_math": False})
        yield


def _import_apart() -> None:
    """Import matplotlib so that it leaves nothing at home: its folder, and a list of the system's fonts, go unused."""
    if "matplotlib.font_manager" in sys.modules or "MPLCONFIGDIR" in os.environ:
        return
    log = logging.getLogger("matplotlib.font_manager")
    log.addFilter(_unheard)  # where there are many fonts it says that listing them takes a while
    with tempfile.TemporaryDirectory(prefix="digest-") as folder:
        os.environ["MPLCONFIGDIR"] = folder
        try:
            import matplotlib.font_manager

            matplotlib.get_configdir()  # which it remembers
        finally:
            del os.environ["MPLCONFIGDIR"]
            log.removeFilter(_unheard)


def _unheard(record: logging.LogRecord) -> bool:
    return False


_DRAW: dict[str, Callable[[Figure, Chart, Words, Form], None]] = {"bars": _bars, "lines": _lines}
