"""The issue as an HTML fragment with absolute links, and as plain text; what feeds and mails are made of."""

from __future__ import annotations

import dataclasses

from digest.config import Newsletter
from digest.ports import IssueView
from digest.render.charts import told
from digest.render.present import keeping, present
from digest.render.templating import Templates, render
from digest.text import strip_hidden


def html(view: IssueView, newsletter: Newsletter, templates: Templates | None = None, only: str = "") -> str:
    """The whole issue, or the one category `only`, as HTML."""
    if only:
        view = dataclasses.replace(
            view, form="category", intro="", sections=keeping(view.sections, [only]), by_month=[]
        )
    shown = present(view, newsletter)
    rendered = strip_hidden(
        render(
            "issue.html.j2",
            templates or {},
            view=view,
            shown=shown,
            words=shown.words,
            newsletter=newsletter,
            whole=not only,
            charts=[told(chart, shown.words) for chart in view.charts],
        )
    )
    return away(rendered, newsletter.address + view.path)


def away(rendered: str, page: str) -> str:
    """HTML that is read elsewhere: what the editor's links to places on the page lead to is the page's."""
    return rendered.replace('<a href="#', f'<a href="{page}#')  # texts have no bare `<`


def text(view: IssueView, newsletter: Newsletter, templates: Templates | None = None) -> str:
    """The whole issue as plain text, lines of at most 76 characters but for addresses."""
    shown = present(view, newsletter)
    return strip_hidden(
        render(
            "issue.txt.j2",
            templates or {},
            view=view,
            shown=shown,
            words=shown.words,
            newsletter=newsletter,
            page=newsletter.address + view.path,
        )
    )
