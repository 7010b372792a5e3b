"""A picture beside the draft is copied into the site, sized, and shown in post, feeds and mail."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from PIL import Image

from digest.context import Context
from digest.markdown.render import render_html, render_text, rewrite_markdown
from digest.publishing.issue_view import IssueView, SectionView
from digest.publishing.pictures import find_picture_problems, publish_pictures
from digest.publishing.render.email import render_email
from digest.publishing.render.feeds import render_feeds
from digest.publishing.render.post import render_post_pages
from tests.publishing.samples import NEWSLETTER, SITE, TAXONOMY, issue, pick
from tests.workbench import context


def png(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "#345").save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def work(tmp_path: Path) -> Context:
    made = context(tmp_path, [])
    drafts = made.site_folder / "_drafts"
    drafts.mkdir(parents=True)
    (drafts / "My chart.png").write_bytes(png(640, 200))
    (drafts / "notes.png").write_text("no picture")
    return made


def shown(work: Context) -> tuple[IssueView, list[str]]:
    picture = '![A *chart* & more](My%20chart.png "Reads by month {{ x }}")'
    editor = {"origin": "editor", "grounding_status": "editor"}
    view = issue(
        intro=f"Hello.\n\n{picture}",
        outro="Inline ![tiny](My%20chart.png) here.",
        sections=[
            SectionView("models", "Models", "models", note=picture, picks=[pick(1, blurb=picture, **editor)]),
            SectionView("own", "Own", "own", note="![](https://example.org/far.png)", closing=picture),
        ],
    )
    return view, [document.path for document in publish_pictures(work, view)]


def test_a_picture_is_published_once_with_its_size_and_shown_everywhere(work: Context) -> None:
    view, paths = shown(work)
    (path,) = paths
    assert path.startswith("assets/pictures/my-chart-")
    assert path.endswith("-640x200.png")
    post = render_post_pages(view, NEWSLETTER)[0].body.decode()
    assert post.count(f'<img src="/digest/{path}"') == 5
    assert post.count("<figcaption>Reads by month") == 4
    assert "{{" not in post
    feeds = {feed.path: feed.body.decode() for feed in render_feeds([view], NEWSLETTER, SITE, TAXONOMY)}
    address = f"https://example.org/digest/{path}"
    assert f'thumbnail url="{address}"' in feeds["feed.xml"]
    assert feeds["feed.json"].count(f'<img src=\\"{address}\\"') == 5
    mail = render_email(view, NEWSLETTER)
    images = BeautifulSoup(mail.html, "html.parser").select("img")
    assert [str(image["src"]) for image in images] == [address] * 5
    assert all(image["alt"] and image["width"] == "640" and "max-width" in str(image["style"]) for image in images)
    assert mail.text.count("chart") >= 4


def test_publishing_again_changes_nothing_and_a_remote_picture_stays_a_link(work: Context) -> None:
    view, _ = shown(work)
    before = view.intro
    assert publish_pictures(work, view) == []
    assert view.intro == before
    assert "far.png" in view.sections[1].note
    assert "<img" not in render_html(view.sections[1].note)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("![a](gone.png)", "no such file"),
        ("![a](../../../../etc/passwd)", "no such file"),
        ("![a](notes.png)", "no PNG"),
        ("![](My%20chart.png)", "no alternative text"),
        ("![a](https://example.org/x.png)", "remote"),
        ("![a](My%20chart.png)", ""),
    ],
)
def test_a_picture_that_readers_would_miss_is_named(work: Context, text: str, problem: str) -> None:
    problems = list(find_picture_problems(work, [text]))
    assert len(problems) == bool(problem)
    assert problem in "".join(problems)


@pytest.mark.parametrize(
    "source", ["/assets/pictures/a.png", "/assets/pictures/../a-1x1.png", "//x.org/assets/pictures/a-1x1.png", "x.png"]
)
def test_only_a_picture_of_the_site_with_a_size_is_shown(source: str) -> None:
    for rendered in (render_html(f"![a]({source})"), rewrite_markdown(f"![a]({source})")):
        assert "<img" not in rendered


def test_a_picture_as_text_is_its_words_and_its_address() -> None:
    text = render_text('![A chart](/assets/pictures/a-1x1.png "Reads")', "https://example.org")
    assert text == "[A chart. Reads] (https://example.org/assets/pictures/a-1x1.png)"
