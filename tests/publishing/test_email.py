"""A reader's edition: the sections they follow, and nothing lost of what those say."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup

from digest.publishing.issue_view import IssueView, SectionView
from digest.publishing.render.email import filter_issue_by_topics, render_email
from tests.publishing.samples import NEWSLETTER, issue, pick


def unsure() -> IssueView:
    """Two sections of one pick each; the tagger is unsure of the first."""
    return issue(
        sections=[
            SectionView("models", "Models", "models", picks=[pick(1, confidence=0.5, second_guess="rag")]),
            SectionView("rag", "Retrieval", "rag", note="On retrieval.", picks=[pick(2, category="rag")]),
        ]
    )


def test_an_edition_names_the_categories_it_leaves_out_by_their_titles() -> None:
    view = filter_issue_by_topics(unsure(), ["models"])
    assert view is not None
    made = render_email(view, NEWSLETTER, unsubscribe="https://u.example")
    for part in (made.html, made.text):
        assert "Perhaps" not in part
        assert "Work number 1" in part
        assert "Work number 2" not in part
        assert "On retrieval" not in part


@pytest.mark.parametrize(("topics", "sections"), [((), ["Models", "Retrieval"]), (["rag"], ["Retrieval"])])
def test_an_edition_has_the_sections_that_are_followed_and_all_without_any(
    topics: list[str], sections: list[str]
) -> None:
    view = filter_issue_by_topics(unsure(), topics)
    assert view is not None
    assert [section.title for section in view.sections if section.picks] == sections


def test_the_text_of_a_mail_has_every_link_of_its_html() -> None:
    view = issue()
    made = render_email(view, NEWSLETTER, unsubscribe="https://u.example/x")
    page = NEWSLETTER.address + view.path
    links = {str(a["href"]).partition("#")[0] for a in BeautifulSoup(made.html, "html.parser").select("a[href]")}
    assert page in links
    assert {link for link in links if link not in made.text} == set()


def test_an_edition_in_which_nothing_is_left_is_none() -> None:
    assert filter_issue_by_topics(unsure(), ["agents"]) is None
