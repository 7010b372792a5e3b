"""The Jekyll post: front matter that 3.10 and 4.3 both read, and a body of escaped Markdown.

A review that would be too heavy as one page lists its works there, and has them in full on a page for each section.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from digest.config.schema import Newsletter
from digest.i18n import load_translations
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

_MAX_POST_BYTES = 80_000  # bytes of Markdown; with the layout some 96 kB of HTML, and a page should weigh less than 100


def render_post_pages(
    view: IssueView, newsletter: Newsletter, templates: TemplateOverrides | None = None
) -> list[Document]:
    """The post of an issue, at the path Jekyll wants (_posts/DATE-PERIOD.md), and the pages of a review's sections."""
    shown = present_issue(view, newsletter)
    whole = _render_post(shown, templates or {}, {})
    if not shown.recap or len(whole) <= _MAX_POST_BYTES:
        return [Document(post_path(view), whole)]
    parts = {
        block.section.slug: f"{view.path}{make_anchor(block.section.anchor)}/" for block in shown.blocks if block.count
    }
    return [
        Document(post_path(view), _render_post(shown, templates or {}, parts)),
        *_render_section_pages(shown, templates or {}, parts),
    ]


def _render_post(shown: IssuePresentation, templates: TemplateOverrides, parts: Mapping[str, str]) -> bytes:
    """The post; of sections that have a page of their own in `parts` (slug to path) it only lists the works."""
    body = render_template(
        "post.md.j2",
        templates,
        front=SafeMarkdown(render_front_matter(shown.view, shown.newsletter)),
        shown=shown,
        view=shown.view,
        words=shown.words,
        base=shown.newsletter.base_path,
        charts=[SafeMarkdown(render_chart_svg(chart, shown.words)) for chart in shown.view.charts],
        parts=parts,
    )
    return strip_hidden(body).encode()


def _render_section_pages(
    shown: IssuePresentation, templates: TemplateOverrides, parts: Mapping[str, str]
) -> Iterator[Document]:
    """A page for each section of a review, with its neighbours."""
    blocks = [block for block in shown.blocks if block.section.slug in parts]
    for place, block in enumerate(blocks):
        last = place + 1 == len(blocks)
        near = {"previous": blocks[place - 1] if place else None, "next": None if last else blocks[place + 1]}
        body = render_template(
            "part.md.j2",
            templates,
            front=SafeMarkdown(_section_front_matter(shown, block, parts, near)),
            block=block,
            words=shown.words,
            base=shown.newsletter.base_path,
        )
        yield Document(
            f"reviews/{shown.view.period}-{make_anchor(block.section.anchor)}.md", strip_hidden(body).encode()
        )


def _section_front_matter(
    shown: IssuePresentation,
    block: SectionPresentation,
    parts: Mapping[str, str],
    neighbours: Mapping[str, SectionPresentation | None],
) -> str:
    view, newsletter, title = shown.view, shown.newsletter, normalise_line(block.section.title)
    review = short_title(view.title, newsletter)
    values: dict[str, str | dict[str, str]] = {
        "title": f"{title} · {review}",
        "heading": title,
        "description": f"{review}: {title}",
        "permalink": parts[block.section.slug],
        "image": "/" + card_path(view.title, newsletter.title, view.period),
        "lang": newsletter.language,
        "kind": "part",
        "picks_words": shown.words.picks(block.count),
        "review": {"title": review, "path": view.path},
    }
    for name, other in neighbours.items():
        if other:
            values[f"{name}_part"] = {"title": normalise_line(other.section.title), "path": parts[other.section.slug]}
    lines = [f"{name}: {_dump_json(value)}" for name, value in values.items()]
    return "\n".join(["layout: post", f"date: {_format_timestamp(view.published)}", *lines])


def post_path(view: IssueView) -> str:
    """_posts/2025-06-30-2025-06.md"""
    return f"_posts/{view.published:%Y-%m-%d}-{view.period}.md"


def render_front_matter(view: IssueView, newsletter: Newsletter) -> str:
    """YAML in which every text is a JSON string, so that no title can break it."""
    w = load_translations(newsletter.language)
    texts = {
        "title": view.title,
        "description": describe_issue(view, newsletter),
        "permalink": view.path,
        "image": "/" + card_path(view.title, newsletter.title, view.period),
        "lang": newsletter.language,
        "period": view.period,
        "kind": view.kind,
        "date_words": w.full_day(local_day(view.published, newsletter)),
        "updated_words": w("updated", date=w.full_day(local_day(view.updated, newsletter))) if view.corrections else "",
        "picks_words": w.picks(len(view.picks())),
    }
    lines = [
        "layout: post",
        f"date: {_format_timestamp(view.published)}",
        f"last_modified_at: {_format_timestamp(view.updated)}",
    ]
    lines += [f"{name}: {_dump_json(normalise_line(text))}" for name, text in texts.items() if text]
    for name, neighbour in (("previous_issue", view.previous), ("next_issue", view.next)):
        if neighbour:
            lines.append(
                f"{name}: {_dump_json({'title': short_title(neighbour.title, newsletter), 'path': neighbour.path})}"
            )
    return "\n".join(lines)


def _format_timestamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} +0000"


def _dump_json(value: str | dict[str, str]) -> str:
    return json.dumps(value, ensure_ascii=False)
