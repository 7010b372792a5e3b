"""A confirmed verdict is bold wherever readers see the work."""

from __future__ import annotations

import pytest

from digest.config.schema import SiteConfig
from digest.publishing.issue_view import SectionView
from digest.publishing.render.blog_post import render_blog_post
from digest.publishing.render.email import render_email
from digest.publishing.render.feeds import render_feeds
from digest.publishing.render.post import render_post_pages
from tests.publishing.samples import NEWSLETTER, SITE, TAXONOMY, issue, pick

VERDICT = "For those who *row*."


@pytest.mark.parametrize("is_brief", [False, True])
def test_a_verdict_is_bold_in_post_feeds_mail_and_blog(is_brief: bool) -> None:
    work = pick(1, verdict=VERDICT, note=is_brief, origin="editor", grounding_status="editor", blurb="It flows.")
    view = issue(sections=[SectionView("models", "Models", "models", picks=[work])])
    mail = render_email(view, NEWSLETTER)
    post = "\n".join(page.body.decode() for page in render_post_pages(view, NEWSLETTER))
    feeds = {page.path: page.body.decode() for page in render_feeds([view], NEWSLETTER, SITE, TAXONOMY)}
    assert '<strong class="verdict">For those who <em>row</em>.</strong>' in post
    assert "<strong>For those who <em>row</em>.</strong>" in mail.html
    assert "For those who row." in mail.text
    assert "&lt;strong&gt;For those who &lt;em&gt;row&lt;/em&gt;.&lt;/strong&gt;" in feeds["feed.xml"]
    assert "For those who" in render_blog_post(view, NEWSLETTER, SiteConfig()).body.decode()
