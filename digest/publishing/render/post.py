"""Render the Jekyll post: front matter for Jekyll 3.10 and 4.3, and a body of escaped Markdown.

A recap too heavy for one page lists its works, and shows them on one page for each section.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from digest.config.schema import Newsletter
from digest.markdown.escape import SafeMarkdown
from digest.protocols import Document
from digest.publishing.issue_view import IssueView
from digest.publishing.render.cards import card_path
from digest.publishing.render.charts import render_chart_svg
from digest.publishing.render.presentation import (
    IssuePresentation,
    SectionPresentation,
    describe_issue,
    local_day,
    make_anchor,
    present_issue,
    short_title,
)
from digest.publishing.render.templates import TemplateOverrides, render_template
from digest.text import normalise_line, strip_hidden

_MAX_POST_BYTES = 105_000  # of Markdown; about 126 kB of HTML with the layout, and a page should weigh at most 130


def render_post_pages(
    view: IssueView, newsletter: Newsletter, templates: TemplateOverrides | None = None
) -> list[Document]:
    """Render the post of an issue, and the pages of a heavy recap's sections."""
    shown, templates = present_issue(view, newsletter), templates or {}
    post = _render_post(shown, templates, {})
    if not shown.recap or len(post.body) <= _MAX_POST_BYTES:
        return [post]
    blocks = [block for block in shown.blocks if block.count]
    paths = {block.section.slug: f"{view.path}{make_anchor(block.section.anchor)}/" for block in blocks}
    pages = [_render_post(shown, templates, paths)]
    for previous, block, following in zip([None, *blocks], blocks, [*blocks[1:], None], strict=False):
        neighbours = {"previous_part": previous, "next_part": following}
        front = SafeMarkdown(_render_section_front_matter(shown, block, paths, neighbours))
        context = {"front": front, "block": block, "words": shown.words, "base": newsletter.base_path}
        body = strip_hidden(render_template("part.md.j2", templates, **context))
        path = f"reviews/{view.period}-{make_anchor(block.section.anchor)}.md"
        pages.append(Document(path, body.encode()))
    return pages


def _render_post(shown: IssuePresentation, templates: TemplateOverrides, parts: Mapping[str, str]) -> Document:
    """Render the post; it only lists the works of sections in `parts` (slug to path)."""
    view = shown.view
    body = render_template(
        "post.md.j2",
        templates,
        front=SafeMarkdown(_render_front_matter(shown)),
        shown=shown,
        view=view,
        words=shown.words,
        base=shown.newsletter.base_path,
        charts=[SafeMarkdown(render_chart_svg(chart, shown.words)) for chart in view.charts],
        parts=parts,
    )
    return Document(f"_posts/{view.published:%Y-%m-%d}-{view.period}.md", strip_hidden(body).encode())


def _render_section_front_matter(
    shown: IssuePresentation,
    block: SectionPresentation,
    paths: Mapping[str, str],
    neighbours: Mapping[str, SectionPresentation | None],
) -> str:
    view, newsletter, title = shown.view, shown.newsletter, normalise_line(block.section.title)
    recap = short_title(view.title, newsletter)
    values: dict[str, str | dict[str, str]] = {
        "title": f"{title} · {recap}",
        "heading": title,
        "description": f"{recap}: {title}",
        "permalink": paths[block.section.slug],
        "image": "/" + card_path(view.title, newsletter.title, view.period),
        "lang": newsletter.language,
        "kind": "part",
        "picks_words": shown.words.picks(block.count),
        "review": {"title": recap, "path": view.path},
    }
    for name, other in neighbours.items():
        if other:
            values[name] = {"title": normalise_line(other.section.title), "path": paths[other.section.slug]}
    return "\n".join(["layout: post", f"date: {_format_timestamp(view.published)}", *_format_yaml(values)])


def _render_front_matter(shown: IssuePresentation) -> str:
    """Render YAML in which every text is a JSON string, so that no title can break it."""
    view, newsletter, translations = shown.view, shown.newsletter, shown.words
    updated = (
        translations("updated", date=translations.full_day(local_day(view.updated, newsletter)))
        if view.corrections
        else ""
    )
    texts = {
        "title": view.title,
        "description": describe_issue(view, newsletter),
        "permalink": view.path,
        "image": "/" + card_path(view.title, newsletter.title, view.period),
        "lang": newsletter.language,
        "period": view.period,
        "kind": view.kind,
        "date_words": translations.full_day(local_day(view.published, newsletter)),
        "updated_words": updated,
        "picks_words": translations.picks(len(view.picks())) if view.picks() else "",
    }
    values: dict[str, str | dict[str, str]] = {name: normalise_line(text) for name, text in texts.items() if text}
    for name, neighbour in (("previous_issue", view.previous), ("next_issue", view.next)):
        if neighbour:
            values[name] = {"title": short_title(neighbour.title, newsletter), "path": neighbour.path}
    dates = [f"date: {_format_timestamp(view.published)}", f"last_modified_at: {_format_timestamp(view.updated)}"]
    return "\n".join(["layout: post", *dates, *_format_yaml(values)])


def _format_yaml(values: Mapping[str, str | dict[str, str]]) -> list[str]:
    return [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]


def _format_timestamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} +0000"
