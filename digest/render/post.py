"""The Jekyll post: front matter that 3.10 and 4.3 both read, and a body of escaped Markdown.

A review that would be too heavy as one page lists its works there, and has them in full on a page for each section.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from digest.config import Newsletter
from digest.markdown import Md
from digest.ports import Document, IssueView
from digest.render.cards import card_path
from digest.render.charts import svg
from digest.render.present import Block, Shown, anchor, describe, local_day, present, short_title
from digest.render.templating import Templates, render
from digest.render.words import words
from digest.text import one_line, strip_hidden

_HEAVY = 80_000  # bytes of Markdown; with the layout some 96 kB of HTML, and a page should weigh less than 100


def pages(view: IssueView, newsletter: Newsletter, templates: Templates | None = None) -> list[Document]:
    """The post of an issue, at the path Jekyll wants (_posts/DATE-PERIOD.md), and the pages of a review's sections."""
    shown = present(view, newsletter)
    whole = _post(shown, templates or {}, {})
    if not shown.recap or len(whole) <= _HEAVY:
        return [Document(post_path(view), whole)]
    parts = {block.section.slug: f"{view.path}{anchor(block.section.anchor)}/" for block in shown.blocks if block.count}
    return [Document(post_path(view), _post(shown, templates or {}, parts)), *_parts(shown, templates or {}, parts)]


def _post(shown: Shown, templates: Templates, parts: Mapping[str, str]) -> bytes:
    """The post; of sections that have a page of their own in `parts` (slug to path) it only lists the works."""
    body = render(
        "post.md.j2",
        templates,
        front=Md(front_matter(shown.view, shown.newsletter)),
        shown=shown,
        view=shown.view,
        words=shown.words,
        base=shown.newsletter.base_path,
        charts=[Md(svg(chart, shown.words)) for chart in shown.view.charts],
        parts=parts,
    )
    return strip_hidden(body).encode()


def _parts(shown: Shown, templates: Templates, parts: Mapping[str, str]) -> Iterator[Document]:
    """A page for each section of a review, with its neighbours."""
    blocks = [block for block in shown.blocks if block.section.slug in parts]
    for place, block in enumerate(blocks):
        last = place + 1 == len(blocks)
        near = {"previous": blocks[place - 1] if place else None, "next": None if last else blocks[place + 1]}
        body = render(
            "part.md.j2",
            templates,
            front=Md(_part_front(shown, block, parts, near)),
            block=block,
            words=shown.words,
            base=shown.newsletter.base_path,
        )
        yield Document(f"reviews/{shown.view.period}-{anchor(block.section.anchor)}.md", strip_hidden(body).encode())


def _part_front(shown: Shown, block: Block, parts: Mapping[str, str], near: Mapping[str, Block | None]) -> str:
    view, newsletter, title = shown.view, shown.newsletter, one_line(block.section.title)
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
    for name, other in near.items():
        if other:
            values[f"{name}_part"] = {"title": one_line(other.section.title), "path": parts[other.section.slug]}
    lines = [f"{name}: {_json(value)}" for name, value in values.items()]
    return "\n".join(["layout: post", f"date: {_stamp(view.published)}", *lines])


def post_path(view: IssueView) -> str:
    """_posts/2025-06-30-2025-06.md"""
    return f"_posts/{view.published:%Y-%m-%d}-{view.period}.md"


def front_matter(view: IssueView, newsletter: Newsletter) -> str:
    """YAML in which every text is a JSON string, so that no title can break it."""
    w = words(newsletter.language)
    texts = {
        "title": view.title,
        "description": describe(view, newsletter),
        "permalink": view.path,
        "image": "/" + card_path(view.title, newsletter.title, view.period),
        "lang": newsletter.language,
        "period": view.period,
        "kind": view.kind,
        "date_words": w.full_day(local_day(view.published, newsletter)),
        "updated_words": w("updated", date=w.full_day(local_day(view.updated, newsletter))) if view.corrections else "",
        "picks_words": w.picks(len(view.picks())),
    }
    lines = ["layout: post", f"date: {_stamp(view.published)}", f"last_modified_at: {_stamp(view.updated)}"]
    lines += [f"{name}: {_json(one_line(text))}" for name, text in texts.items() if text]
    for name, neighbour in (("previous_issue", view.previous), ("next_issue", view.next)):
        if neighbour:
            lines.append(
                f"{name}: {_json({'title': short_title(neighbour.title, newsletter), 'path': neighbour.path})}"
            )
    return "\n".join(lines)


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} +0000"


def _json(value: str | dict[str, str]) -> str:
    return json.dumps(value, ensure_ascii=False)
