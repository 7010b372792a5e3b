"""Render an issue as one plain Markdown post for an existing blog of Jekyll or Hugo."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC
from typing import Any

from digest.config.schema import Newsletter, SiteConfig
from digest.markdown.escape import SafeMarkdown
from digest.markdown.render import PICTURE_FOLDER
from digest.protocols import Document
from digest.publishing.issue_view import IssueView
from digest.publishing.render.presentation import describe_issue, present_issue
from digest.publishing.render.templates import TemplateOverrides, render_template
from digest.text import normalise_line, strip_hidden

OWNER_KEY = "digest_issue"  # of the front matter: by it a later run knows its own post
_FIGURE = re.compile(
    rf'(?:<figure>)?<img src="[^"]*/{PICTURE_FOLDER}/(?P<name>[^"]+)" alt="(?P<alt>[^"]*)"[^>]*>'
    r"(?:<figcaption>(?P<caption>[^<]*)</figcaption>)?(?:</figure>)?"
)


def render_blog_post(
    view: IssueView, newsletter: Newsletter, site: SiteConfig, templates: TemplateOverrides | None = None
) -> Document:
    """Render the post of an issue, at the path that the blog's program reads."""
    shown = present_issue(view, newsletter)
    body = render_template(
        "blog.md.j2",
        templates or {},
        front=SafeMarkdown(_render_front_matter(view, newsletter, site)),
        view=view,
        shown=shown,
        words=shown.words,
        base=newsletter.base_path,
    )

    address = f"{newsletter.base_path}/{site.images.strip('/').removeprefix('static/')}"

    def refer_to_picture(match: re.Match[str]) -> str:
        caption = f' "{html.unescape(match["caption"])}"'.replace("{", "&#123;") if match["caption"] else ""
        return f"![{match['alt'].replace(']', '&#93;')}]({address}/{match['name']}{caption})"

    text = re.sub(r"\n{3,}", "\n\n", strip_hidden(_FIGURE.sub(refer_to_picture, body)))
    name = f"{view.published:%Y-%m-%d}-{view.period}.md" if site.format == "jekyll" else f"{view.period}.md"
    return Document(f"{site.posts.strip('/')}/{name}", text.encode())


def _render_front_matter(view: IssueView, newsletter: Newsletter, site: SiteConfig) -> str:
    """Render YAML in which every value is JSON, so that no title can break it."""
    values: dict[str, Any] = {
        "title": normalise_line(view.title),
        "description": describe_issue(view, newsletter),
        "author": newsletter.author,
        "tags": list(site.tags),
        "categories": list(site.categories),
    }
    if site.format == "jekyll":
        dates = {"date": f"{view.published.astimezone(UTC):%Y-%m-%d %H:%M:%S} +0000"}
        values |= {"layout": site.layout, "permalink": view.path}
    else:
        dates = {name: f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for name, when in _list_hugo_dates(view)}
        values |= {"url": view.path}
    values |= {**site.front_matter, OWNER_KEY: view.period}
    filled = {name: json.dumps(value, ensure_ascii=False) for name, value in values.items() if value not in ("", [])}
    return "\n".join(f"{name}: {value}" for name, value in {**dates, **filled}.items())


def _list_hugo_dates(view: IssueView) -> list[tuple[str, Any]]:
    return [("date", view.published), ("lastmod", view.updated)]
