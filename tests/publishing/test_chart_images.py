"""Charts for mail programs without SVG: the same data as a picture on the site, named in the mail with its words."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from bs4 import BeautifulSoup
from PIL import Image

from digest.i18n import load_translations
from digest.publishing.render.charts import chart_path, render_chart_png
from digest.publishing.render.email import render_email
from digest.publishing.render.site_data import render_site_files
from tests.publishing.samples import NEWSLETTER, SITE, TAXONOMY, issue
from tests.publishing.test_review_post import CHARTS, recap


def shades(chart: dict[str, Any], language: str = "en") -> set[tuple[int, ...]]:
    """The colours of a chart's picture that fill more than a few points."""
    image = Image.open(io.BytesIO(render_chart_png(chart, load_translations(language)))).convert("RGB")
    assert image.width == 1200
    return {colour for count, colour in image.getcolors(1 << 20) or [] if count > 500 and isinstance(colour, tuple)}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_kind_is_drawn_with_a_colour_for_each_series(language: str) -> None:
    bars, lines = (shades(chart, language) for chart in CHARTS)
    assert len(bars) >= 2
    assert len(lines - bars) >= 1


def test_a_longer_bar_has_more_ink() -> None:
    def inked(values: list[int]) -> int:
        chart = {**CHARTS[0], "series": [{"name": "n", "values": values}]}
        return sum(
            Image.open(io.BytesIO(render_chart_png(chart, load_translations("en")))).convert("L").histogram()[:120]
        )

    assert inked([3, 3]) > inked([3, 1]) > 5000


def test_the_mail_shows_the_pictures_that_the_site_holds_with_their_numbers_in_words() -> None:
    view = recap("both")
    files = {document.path: document.body for document in render_site_files([view], NEWSLETTER, SITE, TAXONOMY)}
    mail = render_email(view, NEWSLETTER, unsubscribe="https://example.org/u")
    images = BeautifulSoup(mail.html, "html.parser").select("img")
    assert len(images) == len(CHARTS)
    for image in images:
        assert files[str(image["src"]).removeprefix("https://example.org/digest/")].startswith(b"\x89PNG")
    assert images[1]["alt"] == "Jan: Read 7,000, Kept 1; Feb: Read 8,123, Kept 2"
    assert "Jan: Read 7,000, Kept 1;" in mail.text


def test_a_month_has_no_pictures_in_its_mail() -> None:
    assert "<img" not in render_email(issue(), NEWSLETTER, unsubscribe="https://example.org/u").html


def test_the_path_changes_with_what_is_drawn_alone() -> None:
    view, english = recap("both"), load_translations("en")
    other = {**CHARTS[0], "labels": ["A", "C"]}
    path = chart_path(view, CHARTS[0], english)
    assert path == chart_path(replace(view, title="x"), dict(reversed(CHARTS[0].items())), english)
    assert len({path, chart_path(view, other, english), chart_path(view, CHARTS[0], load_translations("de"))}) == 3


@pytest.mark.parametrize("label", ["机器翻译", "機械翻訳", "기계 번역", "मशीन अनुवाद", "การแปลภาษา", "ترجمة", "Перевод"])
def test_a_label_is_drawn_in_its_script(label: str) -> None:
    """Where it has letters, not boxes: two words of it differ."""
    drawn = {
        render_chart_png({**CHARTS[0], "labels": [one, "B"]}, load_translations("en"))
        for one in (label, label[:-1], "\U00012000")
    }
    assert len(drawn) == 3


def test_the_ground_is_the_paper_of_the_mail() -> None:
    for chart in CHARTS:
        image = Image.open(io.BytesIO(render_chart_png(chart, load_translations("en")))).convert("RGB")
        assert image.getpixel((0, 0)) == (251, 249, 245)
        assert "#fbf9f5" in render_email(recap("both"), NEWSLETTER, unsubscribe="https://example.org/u").html
