"""Render an issue as mail: HTML with inline styles, and plain text.

A recap is mailed as its highlights and a link.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP

from markupsafe import Markup

from digest.config.schema import Newsletter
from digest.publishing.issue_view import IssueView
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

# HTML of the editor's Markdown has no styles, and Outlook ignores those of classes.
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
    "img": ("", "display:block;width:100%;max-width:568px;height:auto;border:0"),
    "figure": ("", "margin:0 0 18px"),
    "figcaption": ("quiet", "margin:6px 0 0;font-size:14px;line-height:20px;color:#665f54"),
    "a": ("accent", "color:#96391f;text-decoration:underline"),
}
_STYLED_TAG = re.compile(rf"<({'|'.join(_STYLES)})(?=[ >])")


# The placeholder of each subscriber's unsubscribe link, so that an issue is rendered once for all of them.
UNSUBSCRIBE_PLACEHOLDER = "https://unsubscribe.invalid/"
SIZE_WARNING, SIZE_LIMIT = 90_000, 102_400  # bytes of encoded HTML; Gmail clips a message at about 102 kB


@dataclass(frozen=True, slots=True)
class MailContent:
    """The content of a message before it is addressed; `html` may be empty."""

    subject: str
    text: str
    html: str = ""


def measure_html_size(html: str) -> int:
    """Count the bytes of HTML in a message, encoded as quoted-printable."""
    part = EmailMessage(policy=SMTP)
    part.set_content(html, subtype="html", cte="quoted-printable")
    return len(part.as_bytes().partition(b"\r\n\r\n")[2])


def format_size_warning(size: int) -> str:
    """Format a warning for HTML close to Gmail's limit; empty for other sizes."""
    if not SIZE_WARNING < size <= SIZE_LIMIT:
        return ""
    return f"the mail's HTML has {size:,} bytes; from {SIZE_LIMIT:,} on it is refused"


def render_email(
    view: IssueView,
    newsletter: Newsletter,
    *,
    unsubscribe: str = UNSUBSCRIBE_PLACEHOLDER,
    templates: TemplateOverrides | None = None,
) -> MailContent:
    """Render the issue as HTML and as text with lines of at most 76 characters."""
    shown, templates = present_issue(view, newsletter), templates or {}
    translations, page = shown.words, newsletter.address + view.path
    charts = [(*describe_chart(chart, translations), chart_path(view, chart, translations)) for chart in view.charts]
    context = {
        "view": view,
        "shown": shown,
        "words": translations,
        "newsletter": newsletter,
        "page": page,
        "unsubscribe": unsubscribe,
        "charts": [(title, f"{newsletter.address}/{path}", alternative) for title, alternative, path in charts],
        "figures": " · ".join(f"{name}: {translations.number(value)}" for name, value in shown.figures),
    }
    html = render_template(
        "email/issue.html.j2",
        templates,
        **context,
        brief=shown.recap,
        styled=lambda prose: _inline_styles(make_anchors_absolute(str(prose), page)),
        count=len(view.picks()),
        day=translations.full_day(local_day(view.published, newsletter)),
        preheader=shorten_text(view.preheader or describe_issue(view, newsletter), 140),
    )
    if shown.recap:
        text = render_template("email/brief.txt.j2", templates, **context)
    else:
        text = render_plain_text(view, newsletter, templates)
    # Mail programs would show each run of blank lines.
    text = re.sub(r"\n{3,}", "\n\n", strip_hidden(text)).strip() + "\n"
    text += strip_hidden(render_template("email/foot.txt.j2", templates, **context))
    return MailContent(
        normalise_line(view.subject or view.title), text, re.sub(r"\n\s*\n+", "\n", strip_hidden(html).strip()) + "\n"
    )


def filter_issue_by_topics(view: IssueView, topics: Collection[str]) -> IssueView | None:
    """Keep the sections a subscriber follows, all without `topics`; None when nothing is left."""
    if not topics:
        return view
    sections = empty_other_sections(view.sections, topics)
    months = [
        dataclasses.replace(month, picks=[pick for pick in month.picks if pick.category in topics])
        for month in view.by_month
    ]
    if not any(section.picks for section in (*sections, *months)):
        return None
    return dataclasses.replace(view, sections=sections, by_month=[month for month in months if month.picks])


def _inline_styles(html: str) -> Markup:
    def open_tag(match: re.Match[str]) -> str:
        classes, style = _STYLES[match[1]]
        attribute = f' class="{classes}"' if classes else ""
        return f'<{match[1]}{attribute} style="{style}"'

    return Markup(_STYLED_TAG.sub(open_tag, html))  # noqa: S704 - sanitised HTML, to which only our own styles are added
