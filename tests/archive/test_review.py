"""A past review keeps its author's text: into the store, into the draft, and onto the published page."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from difflib import SequenceMatcher
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt

from digest.app import Workspace, initialise
from digest.db.items import load_items_by_key
from digest.drafts.archive import import_archive, load_review, read_archive
from digest.drafts.archive.chapters import parse_review
from digest.drafts.archive.posts import ArchivePost, parse_archive_post
from digest.drafts.parser import parse_draft
from digest.urls import work_key

NOW = datetime(2026, 2, 3, 9, tzinfo=UTC)

BY_MONTH = (
    """---
title: "2024, month after month"
date: 2024-12-30
---
## Small boats, large rivers

A thesis of the year, with *weight* and a [link](https://thesis.example/a).

How it was made: from letters to friends.

- [January: thaw](#jan)
- [February: flood](#feb)
- [March: banks](#mar)
- [What I missed](#missed)

"""
    + "\n".join(
        f"""### <a name="{name[:3].lower()}"></a>{name}: {theme}

The paragraph of {name} says **one thing** and names [a boat](https://boats.example/{name}).

![A boat](/images/{name}.png)

- [First of {name}](https://works.example/{name}/1) - what it is, in a few words.
- Two of them, [second](https://works.example/{name}/2) and [third](https://works.example/{name}/3), came together.
- [Fourth of {name}](https://works.example/{name}/4)

{name} closed with one sentence.
"""
        for name, theme in (("January", "thaw"), ("February", "flood"), ("March", "banks"))
    )
    + """
### <a name="missed"></a>What I missed

Much, and here is why: the `river` was wide.
"""
)

BY_CATEGORY = (
    "<html><head><title>2023: what we read</title></head><body><article><h1>2023: what we read</h1>"
    "<p>Three hundred texts, of which some remain.</p>"
    + "".join(
        f'<h2 id="s{number}">{name}</h2><p>On {name}, before the list.</p><ol>'
        + "".join(
            f'<li><strong><a href="https://papers.example/{number}/{n}">Work {n} on {name}</a></strong> - It shows that '
            f"{n} rivers meet. <strong>For those who row at night</strong>.</li>"
            for n in range(4)
        )
        + "</ol>"
        for number, name in enumerate(("Agents", "Retrieval", "Rivers"))
    )
    + "<h2>Thanks</h2><p>To all who wrote back.</p><blockquote><p>A line of a friend.</p></blockquote></article></body></html>"
)


def text_of(html: str) -> list[str]:
    return re.findall(r"[\w’'-]+", BeautifulSoup(html, "lxml").get_text(" "))


def share_in_order(original: list[str], published: list[str]) -> float:
    matcher = SequenceMatcher(None, original, published, autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks()) / len(original)


def publish_review(folder: Path, source: Path, period: str) -> str:
    """Import, draft, approve and publish, offline; returns the post as HTML."""
    initialise(folder)
    with Workspace(folder, clock=lambda: NOW) as workspace:
        import_archive(workspace.context, read_archive(workspace.context, [str(source)], {}))
        workspace.recap(period)
        workspace.approve(period, by="the test", sign=True)
        workspace.publish(period)
    (post,) = (folder / "site" / "_posts").glob(f"*-{period}.md")
    front_matter, body = post.read_text(encoding="utf-8").split("---\n", 2)[1:]
    assert 'picks_words: ""' in front_matter or "picks_words" not in front_matter
    assert not re.search(r"\{#(?:numbers|how|full-list)\}|#full-list", body)  # they would state what is not so
    body = re.sub(r"\{:[^}]*\}|\{#[^}]*\}", "", body)
    return str(MarkdownIt("commonmark", {"html": True}).enable("table").render(body))


def check_round_trip(original: ArchivePost, html: str) -> None:
    before, after = text_of(original.html), text_of(html)
    assert share_in_order(before, after) >= 0.98
    assert len(after) <= len(before) * 4 / 3 + 100  # headings of the page weigh more on a short text
    source, page = BeautifulSoup(original.html, "lxml"), BeautifulSoup(html, "lxml")
    links = {str(a["href"]) for a in page.find_all("a", href=True)}
    assert {href for a in source.find_all("a", href=True) if (href := str(a["href"])).startswith("http")} <= links
    bold = [tag.get_text() for tag in page.find_all("strong")]
    assert all(tag.get_text() in bold for tag in source.find_all(["strong", "b"]))


@pytest.mark.parametrize(
    ("name", "text", "period"),
    [("2024-12-30-year.md", BY_MONTH, "2024"), ("2023-12-28-read.html", BY_CATEGORY, "2023")],
)
def test_a_review_is_published_again_with_its_own_words_links_and_bold(
    tmp_path: Path, name: str, text: str, period: str
) -> None:
    source = tmp_path / name
    source.write_text(text, encoding="utf-8")
    check_round_trip(parse_archive_post(name, text), publish_review(tmp_path / "workspace", source, period))


@pytest.mark.parametrize("period", ["2024", "2025"])
def test_the_owners_reviews_are_published_again_with_their_own_words(
    tmp_path: Path, shared_data: Path, period: str
) -> None:
    from digest.drafts.archive.posts import parse_feed_posts

    feed = shared_data / "archive" / "feed.xml"
    if not feed.is_file():
        pytest.skip("the owner's archive is not here")
    (post,) = (
        post for post in parse_feed_posts(feed.read_bytes(), feed.as_uri(), {}) if post.title.startswith(f"{period}: ")
    )
    html = publish_review(tmp_path / "workspace", feed, period)
    before, after = text_of(post.html), text_of(html)
    assert share_in_order(before, after) >= 0.98
    assert len(after) <= len(before) * 4 / 3


def test_chapters_keep_anchors_headings_lines_and_closing_sentences() -> None:
    review = parse_review(parse_archive_post("2024-12-30-year.md", BY_MONTH), "month")
    assert [(c.anchor, c.title) for c in review.chapters] == [
        ("jan", "January: thaw"), ("feb", "February: flood"), ("mar", "March: banks"), ("missed", "What I missed"),
    ]  # fmt: skip
    assert review.intro.startswith("### Small boats, large rivers\n\nA thesis of the year")
    assert "#jan" not in review.intro
    january = review.chapters[0]
    assert january.closing == "January closed with one sentence."
    assert "![A boat](/images/January.png)" in january.text
    assert (
        "- Two of them, [second](https://works.example/January/2) and [third](https://works.example/January/3), "
        "came together." in january.text
    )


def test_a_review_says_which_links_lead_nowhere_and_mends_those_typed_with_a_space() -> None:
    html = "<h2>A</h2><p><a href=''>Lost</a> and [typed] (https://typed.example/x).</p><h2>B</h2><p>b</p>"
    review = parse_review(ArchivePost("T", html, "https://me.example/post"), "month")
    assert review.broken_links == ("Lost",)
    assert review.chapters[0].text == "Lost and [typed](https://typed.example/x)."


def test_the_draft_of_an_imported_review_is_its_text_and_can_be_edited(tmp_path: Path) -> None:
    source = tmp_path / "2024-12-30-year.md"
    source.write_text(BY_MONTH, encoding="utf-8")
    initialise(tmp_path / "w")
    with Workspace(tmp_path / "w", clock=lambda: NOW) as workspace:
        import_archive(workspace.context, read_archive(workspace.context, [str(source)], {}))
        report = workspace.recap("2024")
        draft = parse_draft((tmp_path / "w" / "site" / "_drafts" / "2024.md").read_text(encoding="utf-8"))
        with workspace.db.read() as session:
            review = load_review(session, "2024")
            (work,) = load_items_by_key(session, [work_key("https://works.example/January/1")]).values()
    assert review is not None
    assert (draft.form, draft.title, draft.intro) == ("month", review.title, review.intro)
    assert [(s.slug, s.intro, s.closing) for s in draft.sections] == [
        (c.anchor, c.text, c.closing) for c in review.chapters
    ]
    assert "the text of “2024, month after month”, as you published it" in report.line
    assert (work.published, work.date_flag) == (None, "backlog")


def test_a_list_of_books_is_left_out_unless_it_is_chosen_by_name(tmp_path: Path) -> None:
    sections = "".join(
        f"<h2>{name}</h2><ul>"
        + "".join(f'<li><a href="https://www.amazon.com/dp/{name}{n}">{name} {n}</a>: good.</li>' for n in range(4))
        + "</ul>"
        for name in ("History", "Novels", "Poems")
    )
    page = tmp_path / "2025-01-02-shelf.html"
    page.write_text(f"<article><h1>My shelf, a review</h1>{sections}</article>", encoding="utf-8")
    initialise(tmp_path / "w")
    with Workspace(tmp_path / "w", clock=lambda: NOW) as workspace:
        (left_out,) = read_archive(workspace.context, [str(page)], {})
        (chosen,) = read_archive(workspace.context, [str(page)], {}, only=["my SHELF"])
        assert read_archive(workspace.context, [str(page)], {}, skip=["shelf"]) == []
    assert (left_out.form, left_out.items) == ("other", ())
    assert "12 of 12 links lead to shops" in left_out.reason
    assert len(chosen.items) == 12


def test_a_second_title_of_one_address_is_named(tmp_path: Path) -> None:
    text = BY_MONTH.replace("https://works.example/February/1", "https://works.example/January/1")
    source = tmp_path / "2024-12-30-year.md"
    source.write_text(text, encoding="utf-8")
    initialise(tmp_path / "w")
    with Workspace(tmp_path / "w", clock=lambda: NOW) as workspace:
        report = import_archive(workspace.context, read_archive(workspace.context, [str(source)], {}))
    assert "“First of February” has the address of “First of January”: one work, with both texts" in report.problems


def test_a_months_theme_gives_its_works_no_category(tmp_path: Path) -> None:
    text = BY_MONTH.replace("thaw", "agents and retrieval")
    source = tmp_path / "2024-12-30-year.md"
    source.write_text(text, encoding="utf-8")
    initialise(tmp_path / "w")
    with Workspace(tmp_path / "w", clock=lambda: NOW) as workspace:
        (post,) = read_archive(workspace.context, [str(source)], {})
    assert {item.category for item in post.items} == {""}
