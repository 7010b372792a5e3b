"""The year in review: laid out by category, by month or both; every pick once."""

from __future__ import annotations

import dataclasses
import re

import pytest
from bs4 import BeautifulSoup

from digest.i18n import load_translations
from digest.periods import MONTH_ANCHORS
from digest.publishing.issue_view import IssueView, SectionView
from digest.publishing.render.charts import render_chart_svg
from digest.publishing.render.email import render_email
from digest.publishing.render.fragment import render_html_fragment
from digest.publishing.render.post import render_post_pages
from digest.publishing.render.presentation import present_issue
from tests.publishing.samples import NEWSLETTER, issue, pick

CHARTS = [
    {"kind": "bars", "title": "Picks | {{ x }}", "labels": ["A <b>", "B"], "series": [{"name": "n", "values": [3, 0]}]},
    {
        "kind": "lines",
        "title": "Read",
        "labels": ["Jan", "Feb"],
        "series": [{"name": "Read", "values": [7000, 8123]}, {"name": "Kept", "values": [1, 2]}],
    },
]


def recap(form: str) -> IssueView:
    """A year of twelve issues with eight picks each."""
    months = [f"2025-{month:02d}" for month in range(1, 13)]
    picks = [
        pick(
            n,
            category="models" if n % 2 else "rag",
            issue_period=p,
            issue_url=f"/2025/{p[5:]}/digest/#arxiv-2506-{n:05d}",
        )
        for i, p in enumerate(months)
        for n in range(8 * i, 8 * i + 8)
    ]
    by_category = [SectionView(s, s.title(), s, picks=[p for p in picks if p.category == s]) for s in ("models", "rag")]
    by_month = [
        SectionView(
            m,
            load_translations("en").period(m),
            MONTH_ANCHORS[int(m[5:]) - 1],
            f"Note on {m}.",
            [p for p in picks if p.issue_period == m],
            "End.",
        )
        for m in months
    ]
    view = issue("2025", form=form, sections=by_category, by_month=by_month, charts=CHARTS)
    view.notes = [{"text": "A *bet*.", "outcome": "wrong"}]
    view.missed = [dataclasses.replace(pick(999), title="Overlooked")]
    return view


def body(form: str) -> str:
    return render_post_pages(recap(form), NEWSLETTER)[0].body.decode()


@pytest.mark.parametrize("form", ["category", "month", "both"])
def test_every_pick_is_on_the_page_once_and_no_list_of_bare_titles_repeats_them(form: str) -> None:
    text = body(form)
    in_full = re.findall(r"^### .*\{#(arxiv-2506-\d{5})\}", text, re.M)
    assert len(in_full) == len(set(in_full)) == 96
    assert "full-list" not in text


def test_a_review_too_heavy_for_one_page_lists_each_work_once_and_has_it_in_full_on_its_sections_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("digest.publishing.render.post._MAX_POST_BYTES", 1000)
    page, *parts = (document.body.decode() for document in render_post_pages(recap("category"), NEWSLETTER))
    listed = re.findall(r"^1\. .*#(arxiv-2506-\d{5})\}", page, re.M)
    assert len(listed) == len(set(listed)) == 96
    in_full = re.findall(r"^## .*\{#(arxiv-2506-\d{5})\}", "\n".join(parts), re.M)
    assert sorted(in_full) == sorted(listed)


@pytest.mark.parametrize(
    ("form", "headings"),
    [
        ("category", ["Models", "Rag"]),
        ("month", ["January 2025", "December 2025"]),
        ("both", ["Models", "Rag", "Month by month"]),
    ],
)
def test_sections_follow_the_form_and_stand_in_the_contents(form: str, headings: list[str]) -> None:
    text = body(form)
    for heading in headings:
        assert re.search(rf"^## {heading} \{{#", text, re.M)
        assert f"- [{heading}](#" in text


def test_in_the_form_both_a_month_names_five_and_leads_to_its_issue() -> None:
    month = body("both").partition("### June 2025")[2].partition("###")[0]
    assert len(re.findall(r"^- \[Work", month, re.M)) == 5
    assert "- [Read the issue](/digest/2025/06/digest/)" in month
    assert "Note on 2025-06." in month


def test_a_pick_leads_to_its_place_in_its_issue() -> None:
    assert "<span>[June 2025](/digest/2025/06/digest/#arxiv-2506-00040)</span>" in body("category")


def test_bets_and_oversights_have_their_sections() -> None:
    text = body("category")
    assert "- **Wrong** A <em>bet</em>." in text
    assert "Overlooked" in text.partition("{#missed}")[2]


def test_a_chart_is_one_line_with_its_numbers_as_words() -> None:
    for chart in CHARTS:
        drawing = render_chart_svg(chart, load_translations("en"))
        assert "\n" not in drawing
        assert not re.search(r"[{}|]", drawing)
        assert BeautifulSoup(drawing, "html.parser").svg
    assert "Jan: Read 7,000, Kept 1; Feb: Read 8,123, Kept 2" in render_chart_svg(CHARTS[1], load_translations("en"))
    assert "Picks | {{ x }}</strong><br>A &lt;b&gt;: 3; B: 0" in render_html_fragment(recap("category"), NEWSLETTER)


def test_what_stood_out_and_what_moved_is_told_on_the_page_in_the_feed_and_in_the_mail() -> None:
    view = recap("category")
    view.numbers |= {
        "most_mentioned": [["arxiv:2506.00003", 9], ["arxiv:2506.00004", 8]],
        "first": "arxiv:2506.00000",
        "last": "arxiv:2506.00095",
        "rose": [{"text": "world models"}, {"text": "memory"}],
        "fell": [{"text": "adapters"}],
    }
    mail = render_email(view, NEWSLETTER, unsubscribe="https://example.org/u")
    for told in (render_html_fragment(view, NEWSLETTER), mail.html):
        shown = " ".join(BeautifulSoup(told, "html.parser").get_text(" ").split())
        assert "Most mentioned Work number 3 (9), Work number 4 (8)" in shown.replace(") ,", "),")
        assert "First work Work number 0 (12 Jun)" in shown
        assert "Terms that rose world models, memory" in shown
        assert 'href="https://example.org/digest/2025/review/#arxiv-2506-00003"' in told
    assert "Most mentioned:\n* Work number 3 (9)\n" in mail.text
    assert "<span>(9)</span>, [Work number 4]" in render_post_pages(view, NEWSLETTER)[0].body.decode()
    assert "Terms that fell: adapters\n" in mail.text
    assert (
        "- **Last work** [Work number 95](#arxiv-2506-00095) <span>(12 Jun)</span>"
        in render_post_pages(view, NEWSLETTER)[0].body.decode()
    )


def test_links_to_places_on_the_page_lead_there_from_feed_and_mail_too() -> None:
    view = recap("category")
    view.intro = 'See [the list](#numbers), not `<a href="#x">`.'
    mail = render_email(view, NEWSLETTER, unsubscribe="https://example.org/u")
    for told in (render_html_fragment(view, NEWSLETTER), mail.html):
        links = {a.get_text(): a["href"] for a in BeautifulSoup(told, "html.parser").select("a[href]")}
        assert links["the list"] == "https://example.org/digest/2025/review/#numbers"
        assert '&lt;a href="#x"&gt;' in told
    assert "See the list, not" in mail.text


def test_the_last_of_many_sources_is_named_rather_than_counted() -> None:
    rows = [{"name": f"Source {n}", "read": 1, "kept": 1} for n in range(14)]
    for count, shown, more in ((12, 12, 0), (13, 13, 0), (14, 12, 2)):
        view = issue(show_numbers="table", numbers={"sources": rows[:count]})
        told = present_issue(view, NEWSLETTER)
        assert (len(told.sources), told.more_sources) == (shown, more)


def test_a_range_speaks_of_numbers_not_of_a_year() -> None:
    view = recap("category")
    view.kind, view.period = "range", "2025-Q3"
    assert "## In numbers {#numbers}" in render_post_pages(view, NEWSLETTER)[0].body.decode()
