"""An issue as a mail: HTML with every style inline, and plain text. A recap is cut to its highlights and a link."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection
from dataclasses import dataclass

from markupsafe import Markup

from digest.config.schema import Newsletter
from digest.publishing.issue_view import IssueView, SectionView
from digest.publishing.render.charts import chart_path, describe_chart
from digest.publishing.render.fragment import make_anchors_absolute, render_plain_text
from digest.publishing.render.presentation import (
    describe_issue,
    empty_other_sections,
    local_day,
    present_issue,
)
from digest.publishing.render.templates import TemplateOverrides, render_template
from digest.text import normalise_line, shorten_text, strip_hidden

# What the editor's Markdown becomes carries no style, and Outlook inherits none from classes.
_STYLES = {
    "p": ("", "margin:0 0 16px"),
    "ul": ("", "margin:0 0 16px;padding:0 0 0 22px"),
    "ol": ("", "margin:0 0 16px;padding:0 0 0 22px"),
    "li": ("", "margin:0 0 6px"),
    "blockquote": ("line quiet", "margin:0 0 16px;padding:0 0 0 16px;border-left:3px solid #ddd6c9;color:#665f54"),
    "code": ("panel", "font-family:Menlo,Consolas,monospace;font-size:14px;background-color:#f3efe7"),
    "pre": ("panel", "margin:0 0 16px;padding:12px;background-color:#f3efe7;white-space:pre-wrap"),
    "h2": ("ink", "margin:24px 0 10px;font-size:21px;line-height:27px;color:#211f1b"),
    "h3": ("ink", "margin:20px 0 8px;font-size:18px;line-height:24px;color:#211f1b"),
    "a": ("accent", "color:#96391f;text-decoration:underline"),
}
_STYLED_TAG = re.compile(rf"<({'|'.join(_STYLES)})(?=[ >])")


@dataclass(frozen=True, slots=True)
class RenderedEmail:
    """An issue ready to be put in a message; `unsubscribe` stands in both parts as it was given."""

    subject: str
    html: str
    text: str


def render_email(
    view: IssueView, newsletter: Newsletter, *, unsubscribe: str, templates: TemplateOverrides | None = None
) -> RenderedEmail:
    """The issue as HTML and as text of lines of at most 76 characters but for addresses."""
    shown = present_issue(view, newsletter)
    w = shown.words
    page = newsletter.address + view.path
    context = {
        "view": view,
        "shown": shown,
        "words": w,
        "newsletter": newsletter,
        "page": page,
        "unsubscribe": unsubscribe,
        "charts": [
            (title, f"{newsletter.address}/{chart_path(view, chart, w)}", alternative)
            for chart in view.charts
            for title, alternative in [describe_chart(chart, w)]
        ],
        "figures": " · ".join(f"{name}: {w.number(value)}" for name, value in shown.figures),
    }
    html = render_template(
        "email/issue.html.j2",
        templates or {},
        **context,
        brief=shown.recap,
        styled=lambda prose: _inline_styles(make_anchors_absolute(str(prose), page)),
        count=len(view.picks()),
        day=w.full_day(local_day(view.published, newsletter)),
        preheader=shorten_text(describe_issue(view, newsletter), 140),
    )
    body = (
        render_template("email/brief.txt.j2", templates or {}, **context)
        if shown.recap
        else render_plain_text(view, newsletter, templates)
    )
    foot = render_template("email/foot.txt.j2", templates or {}, **context)
    return RenderedEmail(
        normalise_line(view.title),
        _remove_blank_lines(strip_hidden(html)),
        _separate_paragraphs(body) + strip_hidden(foot),
    )


def filter_issue_by_topics(view: IssueView, topics: Collection[str]) -> IssueView | None:
    """The sections a reader follows, all of them without `topics`; None when nothing is left."""
    if not topics:
        return view
    sections = empty_other_sections(view.sections, topics)
    months = [_filter_month_by_topics(month, topics) for month in view.by_month]
    if not any(section.picks for section in (*sections, *months)):
        return None
    return dataclasses.replace(view, sections=sections, by_month=[month for month in months if month.picks])


def _filter_month_by_topics(month: SectionView, topics: Collection[str]) -> SectionView:
    return dataclasses.replace(month, picks=[pick for pick in month.picks if pick.category in topics])


def _inline_styles(html: str) -> Markup:
    def opened(match: re.Match[str]) -> str:
        classes, style = _STYLES[match[1]]
        named = f' class="{classes}"' if classes else ""
        return f'<{match[1]}{named} style="{style}"'

    return Markup(_STYLED_TAG.sub(opened, html))  # noqa: S704 - sanitised HTML, to which only our own styles are added


def _remove_blank_lines(html: str) -> str:
    """Without empty lines, which mail programs would carry along."""
    return re.sub(r"\n\s*\n+", "\n", html.strip()) + "\n"


def _separate_paragraphs(body: str) -> str:
    """Paragraphs apart by one blank line, and none at the end."""
    return re.sub(r"\n{3,}", "\n\n", strip_hidden(body)).strip() + "\n"
