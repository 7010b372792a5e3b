"""Render an issue as an HTML fragment with absolute links, and as plain text, for feeds and mail."""

from __future__ import annotations

import dataclasses

from digest.config.schema import Newsletter
from digest.publishing.issue_view import IssueView
from digest.publishing.render.charts import describe_chart
from digest.publishing.render.presentation import empty_other_sections, present_issue
from digest.publishing.render.templates import TemplateOverrides, render_template
from digest.text import strip_hidden


def render_html_fragment(
    view: IssueView, newsletter: Newsletter, templates: TemplateOverrides | None = None, category: str = ""
) -> str:
    """Render the whole issue or one category as HTML."""
    if category:
        sections = empty_other_sections(view.sections, [category])
        view = dataclasses.replace(view, form="category", intro="", sections=sections, by_month=[])
    shown = present_issue(view, newsletter)
    context = {"view": view, "shown": shown, "words": shown.words, "newsletter": newsletter, "whole": not category}
    charts = [describe_chart(chart, shown.words) for chart in view.charts]
    html = strip_hidden(render_template("issue.html.j2", templates or {}, **context, charts=charts))
    return make_anchors_absolute(html, newsletter.address + view.path)


def make_anchors_absolute(html: str, page_url: str) -> str:
    """Make links to places on the page absolute, for HTML that is read elsewhere."""
    return html.replace('<a href="#', f'<a href="{page_url}#')  # texts have no bare `<`


def render_plain_text(view: IssueView, newsletter: Newsletter, templates: TemplateOverrides | None = None) -> str:
    """Render the whole issue as plain text with lines of at most 76 characters."""
    shown = present_issue(view, newsletter)
    context = {"view": view, "shown": shown, "words": shown.words, "newsletter": newsletter}
    page = newsletter.address + view.path
    return strip_hidden(render_template("issue.txt.j2", templates or {}, **context, page=page))
