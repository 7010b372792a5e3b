"""An issue becomes one plain Markdown file of an existing blog, and nothing else there is touched."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from digest.config.schema import SiteConfig
from digest.context import Context
from digest.errors import CheckFailedError, ConfigError
from digest.markdown.render import PICTURE_FOLDER
from digest.publishing.blog import write_blog
from digest.publishing.issue_view import IssueView
from digest.publishing.render.blog_post import render_blog_post
from tests.publishing.samples import NEWSLETTER, issue
from tests.publishing.test_feeds import hostile
from tests.publishing.test_review_post import recap
from tests.workbench import context

PICTURE = f'![A chart](/{PICTURE_FOLDER}/c-12345678-640x200.png "Reads")'


@pytest.fixture
def work(tmp_path: Path) -> Context:
    """A workspace beside a blog that has a post and a picture of its own."""
    blog = tmp_path / "blog"
    (blog / "_posts").mkdir(parents=True)
    (blog / "_posts" / "2020-01-01-mine.md").write_text("mine")
    (blog / "_config.yml").write_text("title: Mine\n")
    (tmp_path / "work").mkdir()
    made = context(tmp_path / "work", [])
    (made.site_folder / PICTURE_FOLDER).mkdir(parents=True)
    (made.site_folder / PICTURE_FOLDER / "c-12345678-640x200.png").write_bytes(b"png")
    (made.site_folder / PICTURE_FOLDER / "unused-12345678-1x1.png").write_bytes(b"png")
    return with_site(made, into="../blog", tags=("ai", "reading"), front_matter={"comments": True})


def with_site(work: Context, **site: object) -> Context:
    config = work.config.model_copy(update={"site": work.config.site.model_copy(update=site), "newsletter": NEWSLETTER})
    return replace(work, config=config)


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_one_file_a_post_and_its_pictures_are_written_and_nothing_else(work: Context) -> None:
    blog = (work.root / "../blog").resolve()
    before = tree(blog)
    written = write_blog(work, [issue(intro=f"Hello.\n\n{PICTURE}")])
    assert written == ["_posts/2025-07-03-2025-06.md", f"{PICTURE_FOLDER}/c-12345678-640x200.png"]
    after = tree(blog)
    assert {path: body for path, body in after.items() if path not in written} == before
    assert write_blog(work, [issue(intro=f"Hello.\n\n{PICTURE}")]) == []
    post = after[written[0]].decode()
    assert f'![A chart](/digest/{PICTURE_FOLDER}/c-12345678-640x200.png "Reads")' in post
    for line in ('layout: "post"', 'permalink: "/2025/06/digest/"', 'tags: ["ai", "reading"]', "comments: true"):
        assert line in post
    assert "### [Work number 1](https://arxiv.org/abs/2506.00001) {#arxiv-2506-00001}" in post


@pytest.mark.parametrize("view", [issue(), hostile(), recap("category"), recap("month"), recap("both")])
def test_a_post_has_no_class_include_or_tag_of_ours(view: IssueView) -> None:
    post = render_blog_post(view, NEWSLETTER, SiteConfig()).body.decode()
    body = post.partition("\n---\n")[2]
    assert not re.search(r"class=|<div|<span|\{: \.|\{%|\{\{|markdown=", body)
    assert "\n\n\n" not in body


def test_a_file_of_the_author_is_never_overwritten(work: Context) -> None:
    target = work.root / "../blog/_posts/2025-07-03-2025-06.md"
    target.write_text("---\ntitle: Mine\n---\nby hand")
    with pytest.raises(CheckFailedError, match="not a post of this program"):
        write_blog(work, [issue()])
    assert target.read_text().endswith("by hand")


def test_a_folder_that_is_none_is_named_and_no_folder_writes_nothing(work: Context) -> None:
    with pytest.raises(ConfigError, match="is no folder"):
        write_blog(with_site(work, into="../nowhere"), [issue()])
    assert write_blog(with_site(work, into=""), [issue()]) == []


def test_the_same_post_for_hugo_has_its_front_matter(work: Context) -> None:
    site = SiteConfig(format="hugo", posts="content/posts", images="static/assets/pictures", categories=("notes",))
    post = render_blog_post(issue(intro=PICTURE), NEWSLETTER, site)
    text = post.body.decode()
    assert post.path == "content/posts/2025-06.md"
    assert 'url: "/2025/06/digest/"' in text
    assert "date: 2025-07-03T08:00:00Z" in text
    assert "layout" not in text
    assert "permalink" not in text
    assert f"](/digest/{PICTURE_FOLDER}/c-12345678-640x200.png" in text
    written = write_blog(with_site(work, **site.model_dump() | {"into": "../blog"}), [issue(intro=PICTURE)])
    assert written == ["content/posts/2025-06.md", "static/assets/pictures/c-12345678-640x200.png"]


def test_jekyll_builds_the_blog_strictly(work: Context, jekyll: str, tmp_path: Path) -> None:
    write_blog(with_site(work, layout="none"), [issue(), replace(hostile(), period="2025-05")])
    blog = (work.root / "../blog").resolve()
    (blog / "_posts" / "2020-01-01-mine.md").unlink()
    target = tmp_path / "out"
    call = [jekyll, "build", "--strict_front_matter", "--source", str(blog), "--destination", str(target)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (target / "2025/06/digest/index.html").is_file()
