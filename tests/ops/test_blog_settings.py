"""The settings of an existing blog are read from its configuration and its posts, and nothing in it is changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.config.loader import parse_config
from digest.errors import ConfigError
from digest.ops.blog_settings import find_blog_settings
from digest.ops.workspace import WorkspaceAnswers, create_workspace


def make_blog(folder: Path, config: str, posts: dict[str, str], name: str = "_config.yml") -> Path:
    for path, text in {name: config, **posts}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def test_a_jekyll_blog_gives_its_layout_tags_and_address(tmp_path: Path) -> None:
    post = "---\ntitle: P{n}\nlayout: essay\ntags: [rivers, p{n}]\ncategory: notes\ncomments: true\n---\nText.\n"
    blog = make_blog(
        tmp_path / "blog",
        'title: "Small boats: a log"\nurl: https://me.example\nbaseurl: /log\nauthor: {name: Ana}\n',
        {f"_posts/2024-0{n}-01-p.md": post.replace("{n}", str(n)) for n in range(1, 6)},
    )
    before = {path: path.read_bytes() for path in blog.rglob("*") if path.is_file()}
    found = find_blog_settings(blog, tmp_path / "newsletter")
    assert found.newsletter == {
        "title": "Small boats: a log", "author": "Ana", "url": "https://me.example", "base_path": "/log",
    }  # fmt: skip
    assert found.site == {
        "into": "../blog", "layout": "essay", "tags": ["rivers"], "categories": ["notes"],
        "front_matter": {"comments": True},
    }  # fmt: skip
    create_workspace(tmp_path / "newsletter", WorkspaceAnswers(**found.newsletter, site_lines=found.render_site()))
    config = parse_config((tmp_path / "newsletter" / "sources.yaml").read_text(encoding="utf-8"))
    assert (config.site.into, config.site.layout, config.site.tags) == ("../blog", "essay", ("rivers",))
    assert (config.newsletter.base_path, config.newsletter.title) == ("/log", "Small boats: a log")
    assert {path: path.read_bytes() for path in blog.rglob("*") if path.is_file()} == before


def test_the_defaults_of_a_configuration_come_before_the_posts(tmp_path: Path) -> None:
    defaults = "defaults:\n  - {scope: {path: '', type: posts}, values: {layout: single}}\n"
    blog = make_blog(tmp_path, defaults, {"blog/_posts/2024-01-01-a.md": "---\nlayout: other\n---\nText."})
    assert find_blog_settings(blog, tmp_path / "n").site == {"into": "..", "posts": "blog/_posts", "layout": "single"}


def test_a_hugo_blog_gets_hugos_format(tmp_path: Path) -> None:
    posts = {f"content/writing/{n}.md": f'+++\ntitle = "{n}"\ntags = ["a"]\n+++\nText.' for n in range(3)}
    blog = make_blog(tmp_path / "b", 'baseURL = "https://me.example/"\ntitle = "Log"\n', posts, "hugo.toml")
    found = find_blog_settings(blog, tmp_path)
    assert found.newsletter == {"title": "Log", "url": "https://me.example"}
    assert found.site == {
        "into": "b", "format": "hugo", "posts": "content/writing", "images": "static/assets/pictures", "tags": ["a"],
    }  # fmt: skip


@pytest.mark.parametrize(("config", "message"), [(None, "has no _config.yml"), ("a: [", "cannot be read")])
def test_a_folder_without_a_readable_configuration_is_refused(tmp_path: Path, config: str | None, message: str) -> None:
    if config is not None:
        make_blog(tmp_path, config, {})
    with pytest.raises(ConfigError, match=message):
        find_blog_settings(tmp_path, tmp_path / "n")
