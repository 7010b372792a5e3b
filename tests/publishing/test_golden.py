"""What readers see, as files to be read: `make golden` writes them anew, and the diff is the review."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from digest.publishing.issue_view import IssueView, Neighbour, SectionView
from digest.publishing.render.email import render_email
from digest.publishing.render.feeds import render_feeds
from digest.publishing.render.fragment import render_html_fragment, render_plain_text
from digest.publishing.render.post import render_post_pages
from tests.publishing.samples import NEWSLETTER, SITE, TAXONOMY, issue, pick
from tests.publishing.test_review_post import recap

GOLDEN = Path(__file__).with_name("golden")


def monthly() -> IssueView:
    """An issue that shows everything an issue can show."""
    models = [
        pick(
            1,
            origin="editor",
            grounding_status="editor",
            blurb="My own *words* on [it](https://example.org/).",
            highlight="Why.",
        ),
        pick(2, confidence=0.55, second_guess="rag", links={"code": "https://example.org/code", "x": "javascript:x"}),
        pick(
            3,
            update_of="2025-03",
            origin="model",
            grounding_status="grounded",
            engine="gemini:x",
            blurb="A model's sentence.",
        ),
        pick(4, note=True, withdrawn=date(2025, 7, 2), authors=["Solo"]),
    ]
    rag = [pick(5, category="rag", title="{{ Liquid }} | & <b>_*1.", quoted_from="post", venue="A blog", authors=[])]
    view = issue(
        sections=[
            SectionView("models", "Models", "models", note="The editor's note.", picks=models),
            SectionView("rag", "Retrieval", "rag", picks=rag, closing="A last word."),
        ],
        outro="Until next month.\n\n- one\n- two",
        corrections=[{"at": "2025-07-09", "text": "A size was *wrong*."}],
        notice="A trial issue.",
    )
    view.previous, view.next = Neighbour("May", "/2025/05/digest/"), Neighbour("July", "/2025/07/digest/")
    return view


VIEWS: dict[str, Callable[[], IssueView]] = {
    "monthly": monthly,
    "category": lambda: recap("category"),
    "month": lambda: recap("month"),
    "both": lambda: recap("both"),
}


@pytest.mark.parametrize("name", VIEWS)
def test_an_issue_looks_as_it_did(name: str, golden: bool) -> None:
    view = VIEWS[name]()
    check(f"{name}.md", render_post_pages(view, NEWSLETTER)[0].body.decode(), golden)
    check(f"{name}.html", render_html_fragment(view, NEWSLETTER), golden)
    check(f"{name}.txt", render_plain_text(view, NEWSLETTER), golden)


@pytest.mark.parametrize("name", ["monthly", "both"])
def test_a_mail_looks_as_it_did(name: str, golden: bool) -> None:
    made = render_email(VIEWS[name](), NEWSLETTER, unsubscribe="https://mail.example.org/u/token")
    check(f"{name}.mail.html", made.html, golden)
    check(f"{name}.mail.txt", made.text, golden)


def test_the_feed_looks_as_it_did(golden: bool) -> None:
    documents = {
        document.path: document.body.decode() for document in render_feeds([monthly()], NEWSLETTER, SITE, TAXONOMY)
    }
    check("feed.xml", documents["feed.xml"], golden)
    check("feed.json", documents["feed.json"], golden)


def check(name: str, made: str, golden: bool) -> None:
    file = GOLDEN / name
    if golden:
        file.parent.mkdir(exist_ok=True)
        file.write_text(made, encoding="utf-8")
    assert made == file.read_text(encoding="utf-8"), f"{name} differs; `make golden` and read the diff"
