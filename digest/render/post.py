"""The Jekyll post: front matter that 3.10 and 4.3 both read, and a body of escaped Markdown."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from digest.config import Newsletter, Site
from digest.markdown import Md
from digest.ports import Document, IssueView
from digest.render.cards import card_path
from digest.render.charts import svg
from digest.render.present import describe, local_day, present, short_title
from digest.render.templating import Templates, render
from digest.render.words import words
from digest.text import one_line, strip_hidden


def post(view: IssueView, newsletter: Newsletter, site: Site, templates: Templates | None = None) -> Document:
    """The post of an issue, at the path Jekyll wants: _posts/DATE-PERIOD.md."""
    shown = present(view, newsletter)
    body = render(
        "post.md.j2",
        templates or {},
        front=Md(front_matter(view, newsletter)),
        shown=shown,
        view=view,
        words=shown.words,
        base=newsletter.base_path,
        charts=[Md(svg(chart, shown.words)) for chart in view.charts],
    )
    return Document(post_path(view), strip_hidden(body).encode())


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
