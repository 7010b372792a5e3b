"""A recap's charts: drawn by matplotlib, put inline into the page, in its colours and its language."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag

from digest.i18n import load_translations
from digest.publishing.render.charts import describe_chart, render_chart_svg
from tests.markdown.hostile import HOSTILE
from tests.publishing.test_review_post import CHARTS

MONTHS: dict[str, Any] = {
    "kind": "lines",
    "title": "chart_months",
    "labels": ["2025-01", "2025-02", "2025-03"],
    "series": [{"name": "read", "values": [7000, 8123, 12]}, {"name": "kept", "values": [1, 0, 2]}],
}


def figure(chart: dict[str, Any], language: str = "en") -> Tag:
    found = BeautifulSoup(render_chart_svg(chart, load_translations(language)), "html.parser").figure
    assert found is not None
    return found


def bars(values: list[int], labels: list[str] | None = None) -> dict[str, Any]:
    return {
        "kind": "bars",
        "title": "t",
        "labels": labels or [str(n) for n in range(len(values))],
        "series": [{"name": "n", "values": values}],
    }


def extent(path: Tag) -> float:
    """How wide a path is."""
    across = [float(x) for x in re.findall(r"[ML] (-?[\d.]+) ", str(path["d"]))]
    return max(across) - min(across)


def test_bars_are_as_long_as_their_values() -> None:
    long, short, none = (extent(path) for path in figure(bars([40, 10, 0])).select("path.s1"))
    assert long == pytest.approx(4 * short, abs=0.3)
    assert none == 0


def test_each_series_has_a_panel_with_its_last_and_its_highest_number() -> None:
    drawing = figure(MONTHS)
    assert [text.string for text in drawing.select("text.n")] == ["12", "8,123", "2"]
    assert [text.string for text in drawing.select("text.t")] == ["Read", "Jan", "Feb", "Mar", "Kept"]
    assert len(drawing.select("path.l1")) == len(drawing.select("path.l2")) == 1


def test_a_chart_stands_in_a_page_beside_others_and_takes_its_colours() -> None:
    for chart in CHARTS:
        for part in figure(chart).select("svg *"):
            assert set(part.attrs) <= {
                "class", "d", "x", "y", "fill", "stroke", "stroke-width", "stroke-linecap", "fill-opacity", "opacity",
                "text-anchor",
            }  # fmt: skip
            assert {part.get("fill", "none"), part.get("stroke", "none")} <= {"none", "currentColor"}


def test_words_and_months_are_those_of_the_page() -> None:
    assert describe_chart(MONTHS, load_translations("zh")) == (
        "各月阅读与保留",
        "1月: 已读 7,000, 保留 1; 2月: 已读 8,123, 保留 0; 3月: 已读 12, 保留 2",
    )
    assert [text.string for text in figure(MONTHS, "de").select("text")][1:3] == ["8.123", "Gelesen"]


def test_the_highest_number_stands_clear_of_the_name_of_its_panel() -> None:
    falling = {**MONTHS, "series": [{**one, "values": [9, 1, 2]} for one in MONTHS["series"]]}
    lines = [(text.string, float(str(text["y"]))) for text in figure(falling).select("text")]
    names = [y for text, y in lines if text in ("Read", "Kept")]
    peaks = [y for text, y in lines if text == "9"]
    assert len(names) == 2
    assert all(peak - name > 13 for name, peak in zip(names, peaks, strict=True))  # 13 is the height of the letters


def test_months_of_two_years_are_told_apart_by_the_year() -> None:
    over = {**MONTHS, "labels": ["2024-12", "2025-01", "2025-12"]}
    axis = [text.string for text in figure(over).select("text.t")]
    assert [text for text in axis if text not in ("Read", "Kept")] == ["Dec", "Jan", "Dec", "2024", "2025"]
    assert describe_chart(over, load_translations("en"))[1].startswith(
        "December 2024: Read 7,000, Kept 1; January 2025: "
    )
    assert "2025年1月" in describe_chart(over, load_translations("zh"))[1]


def test_the_year_stands_below_the_first_month_shown_of_it() -> None:
    months = [f"{year}-{month:02d}" for year in (2024, 2025) for month in range(1, 13)][1:]
    long = {**MONTHS, "labels": months, "series": [{"name": "read", "values": [3] * len(months)}]}
    places = {text.string: (float(str(text["x"])), float(str(text["y"]))) for text in figure(long).select("text.t")}
    assert places["2024"][1] == places["2025"][1] > places["Feb"][1]
    assert places["2024"][0] < places["2025"][0]


@pytest.mark.parametrize("label", HOSTILE)
def test_any_label_is_shown_as_text(label: str) -> None:
    drawing = render_chart_svg(bars([1, 2], [label, "$x_1$"]), load_translations("en"))
    assert not re.search(r"[{}|\n]", drawing)
    shown = figure(bars([1, 2], [label, "$x_1$"]))
    assert {tag.name for tag in shown.find_all()} == {"figcaption", "svg", "path", "text"}
    assert shown.select("text.t")[1].string == "$x_1$"


def test_a_long_label_is_cut_and_told_in_full() -> None:
    long = ["Machine translation and multilingual models", "智能体与工具使用以及规划和推理方法综述"]
    drawing = figure(bars([1, 2], long))
    assert [text.string for text in drawing.select("text.t")] == ["Machine translation …", "智能体与工具使用以 …"]
    assert all(label in str(drawing.select("svg")[0]["aria-label"]) for label in long)


def test_files_and_settings_of_matplotlib_decide_nothing_and_none_is_left(tmp_path: Path) -> None:
    """A matplotlibrc in the folder the program runs in is not heeded; the home folder stays as it is."""
    (tmp_path / "matplotlibrc").write_text("font.size: 40\naxes.facecolor: red\nsvg.fonttype: path\naxes.grid: True\n")
    home = tmp_path / "home"
    home.mkdir()
    program = (
        "import sys; from digest.publishing.render.charts import render_chart_svg; "
        "from digest.i18n import load_translations; from tests.publishing.test_charts import MONTHS; "
        "sys.stdout.write(render_chart_svg(MONTHS, load_translations('en')))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG", "MPL"))}
    environment |= {"HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == (render_chart_svg(MONTHS, load_translations("en")), "")
    assert list(home.rglob("*")) == []


def test_settings_of_a_program_that_draws_with_matplotlib_too_are_left_alone() -> None:
    import matplotlib

    before = render_chart_svg(MONTHS, load_translations("en"))
    with matplotlib.rc_context({"font.size": 31, "axes.grid": True}):
        assert render_chart_svg(MONTHS, load_translations("en")) == before
        assert matplotlib.rcParams["font.size"] == 31
