"""Every word of a draft reaches the post, the feeds and the mail, in every form of an issue."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from bs4 import BeautifulSoup
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.config.schema import SiteConfig
from digest.context import Context
from digest.db.issues import load_picks
from digest.drafts.model import Draft, DraftPick, DraftSection
from digest.drafts.storage import apply_draft_to_issue
from digest.models.issues import Issue
from digest.publishing.issue_view import IssueView
from digest.publishing.render.blog_post import render_blog_post
from digest.publishing.render.email import render_email
from digest.publishing.render.feeds import render_feeds
from digest.publishing.render.fragment import render_plain_text
from digest.publishing.render.post import render_post_pages
from digest.publishing.view import build_issue_view
from tests.small import rows, workspace, write_jsonl

NOW = datetime(2026, 1, 5, tzinfo=UTC)
MONTHS = ("may", "jun")
KEYS = [f"arxiv:{row['arxiv_id']}" for row in rows()[:5]]


class Store:
    """A workspace with five papers, short in reports."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def __repr__(self) -> str:
        return "Store()"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("words")
    with workspace(folder) as made:
        made.add_jsonl(write_jsonl(folder / "papers.jsonl", rows()[:5]))
        yield Store(made.context)


class Words:
    """Numbered words, so that each can be searched for."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        return f"wort{self.count:03d}x"

    def all(self) -> set[str]:
        return {f"wort{number:03d}x" for number in range(1, self.count + 1)}


PROSE = (
    "%s",
    "A *quiet* %s.\n\nAnd **%s**, [%s](https://example.org/a).",
    "First %s:\n\n- %s\n- %s",
    "1. %s\n2. %s",
    "> %s\n\n%s",
    "### %s\n\n%s",
    "`%s` & <%s> | {{ %s }}",
)


@st.composite
def drafts(draw: st.DrawFn) -> tuple[Draft, Words, set[str]]:
    """A draft with prose, own sections with and without picks; its words, and those that a recap's mail shows."""
    words, shown_by_mail = Words(), set[str]()
    form = draw(st.sampled_from(["monthly", "category", "month", "both"]))

    def prose() -> str:
        pattern = draw(st.sampled_from(PROSE))
        return re.sub("%s", lambda _: words(), pattern)

    slugs = {"monthly": ["models"], "category": ["models"], "month": [*MONTHS], "both": ["models", *MONTHS]}[form]
    slugs = draw(st.permutations([*slugs, "own-a", "own-b"]))
    keys = list(KEYS)
    sections = []
    for slug in slugs:
        has_picks = not (form == "both" and slug in MONTHS)
        count = draw(st.integers(0 if slug.startswith("own") else 1, 2)) if has_picks else 0
        picks = []
        for key in [keys.pop() for _ in range(min(count, len(keys)))]:
            highlight = words() if draw(st.booleans()) else None
            shown_by_mail |= {highlight} if highlight else set()
            blurb = words() if draw(st.booleans()) else prose()
            picks.append(
                DraftPick(key, words(), blurb=blurb, origin="editor", highlight=highlight, note=draw(st.booleans()))
            )
        intro = prose() if draw(st.booleans()) or not picks else ""
        closing = prose() if draw(st.booleans()) else ""
        sections.append(DraftSection(slug, words(), intro, closing, tuple(picks)))
    before = words.count
    intro = prose()
    shown_by_mail |= {f"wort{number:03d}x" for number in range(before + 1, words.count + 1)}
    period = "2025-06" if form == "monthly" else "2025"
    layout = "category" if form == "monthly" else form
    return (
        Draft(period, words(), NOW, cast(Any, layout), intro=intro, outro=prose(), sections=tuple(sections)),
        words,
        shown_by_mail,
    )


def view_of(context: Context, draft: Draft) -> IssueView:
    """The view of a draft, of which nothing stays in the database."""
    kind = "monthly" if "-" in draft.period else "yearly"
    with context.db.write() as session:
        issue = Issue(period=draft.period, kind=kind, title="", atom_id="tag:example.org,2025:digest/x", created=NOW)
        session.add(issue)
        session.flush()
        apply_draft_to_issue(session, issue, draft, None, NOW)
        assert len(load_picks(session, issue.id)) == sum(1 for _ in draft.iter_picks())
        view = build_issue_view(session, context.config, issue, context.parse_period(draft.period), NOW)
        session.rollback()
    return view


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drafts())
def test_every_word_of_a_draft_is_in_post_feeds_and_mail(store: Store, made: tuple[Draft, Words, set[str]]) -> None:
    draft, words, shown_by_mail = made
    view, newsletter = view_of(store.context, draft), store.context.config.newsletter
    pages = "\n".join(page.body.decode() for page in render_post_pages(view, newsletter))
    feeds = {
        feed.path: feed.body.decode()
        for feed in render_feeds([view], newsletter, SiteConfig(), store.context.config.taxonomy)
    }
    mail = render_email(view, newsletter)
    outputs = {
        "post": pages,
        "Atom": feeds["feed.xml"],
        "JSON feed": json.loads(feeds["feed.json"])["items"][0]["content_html"],
    }
    outputs["JSON feed"] += view.title
    outputs["blog"] = render_blog_post(view, newsletter, SiteConfig()).body.decode()
    if view.kind == "monthly":
        outputs |= {"mail": mail.html, "mail as text": mail.text, "text": render_plain_text(view, newsletter)}
    for name, output in outputs.items():
        assert {word for word in words.all() if word not in output.lower()} == set(), name
    for name, output in (("mail", mail.html), ("mail as text", mail.text)):
        assert {word for word in shown_by_mail if word not in output.lower()} == set(), name


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drafts())
def test_the_counts_of_a_page_agree_with_its_draft(store: Store, made: tuple[Draft, Words, set[str]]) -> None:
    draft = made[0]
    count = sum(1 for _ in draft.iter_picks())
    view = view_of(store.context, draft)
    assert len(view.picks()) == count
    (page,) = render_post_pages(view, store.context.config.newsletter)
    text = page.body.decode()
    assert re.search(r'^picks_words: "(\d+)', text, re.M)[1] == str(count)  # type: ignore[index]
    contents = text.partition("{: .contents}")[0]
    assert sum(map(int, re.findall(r'<span class="count">(\d+)</span>', contents))) == count
    highlights = sum(1 for _, pick in draft.iter_picks() if pick.highlight is not None)
    listed, marker, _ = text.partition("{: .highlights}")
    assert (listed.count("](#arxiv-") if marker else 0) == highlights


def test_a_list_at_the_end_of_an_own_section_is_a_list_like_any_other(store: Store) -> None:
    section = DraftSection("own-a", "Own", "Three things:\n\n- one\n- two")
    view = view_of(store.context, Draft("2025", "T", NOW, "month", sections=(section,)))
    body = render_post_pages(view, store.context.config.newsletter)[0].body.decode()
    assert "- two\n{: " not in body
    mail = render_email(view, store.context.config.newsletter)
    assert BeautifulSoup(mail.html, "html.parser").h1 is not None
