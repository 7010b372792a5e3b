"""A recap's charts as PNG, for mail programs that show no SVG: the drawing of the page, in the light colours."""

from __future__ import annotations

import io
import json

from PIL import Image

from digest.ports import IssueView
from digest.render.charts import in_words
from digest.render.plot import WIDTH, Chart, drawn
from digest.render.words import Words
from digest.text import hexdigest

_PIXELS = 1200  # for 600 in a mail; screens are twice as fine
_DESIGN = "3"  # counts up when charts are drawn otherwise


def chart_path(view: IssueView, chart: Chart, words: Words) -> str:
    """Where a chart's picture stands; the name changes with what is drawn, so one that is there is not drawn again."""
    shown = json.dumps(in_words(chart, words), sort_keys=True)
    return f"assets/charts/{view.period}-{hexdigest(_DESIGN, words.language, shown)[:8]}.png"


def chart_png(chart: Chart, words: Words) -> bytes:
    """The chart, its title left to the text around it."""
    image = Image.open(io.BytesIO(drawn(in_words(chart, words), words, "png", _PIXELS / WIDTH)))
    out = io.BytesIO()
    image.convert("RGB").quantize(32, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(out, "PNG")
    return out.getvalue()
