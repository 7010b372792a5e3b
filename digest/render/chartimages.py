"""A recap's charts as PNG, for mail programs that show no SVG: the drawing of the page, in the light colours."""

from __future__ import annotations

import io
import json

from PIL import Image

from digest.ports import IssueView
from digest.render.charts import translate_chart
from digest.render.plot import CHART_WIDTH, Chart, draw_chart
from digest.render.words import Translations
from digest.text import hash_texts

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
