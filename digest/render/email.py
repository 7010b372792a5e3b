"""An issue as a mail: HTML with every style inline, and plain text. A recap is cut to its highlights and a link."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection
from dataclasses import dataclass

from markupsafe import Markup

from digest.config import Newsletter
from digest.ports import IssueView, SectionView
from digest.render.chartimages import chart_path
from digest.render.charts import told
from digest.render.fragment import away, text
from digest.render.present import describe, keeping, local_day, present, shortened
from digest.render.templating import Templates, render
from digest.text import one_line, strip_hidden

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
_TAG = re.compile(rf"<({'|'.join(_STYLES)})(?=[ >])")


@dataclass(frozen=True, slots=True)
class Mail:
    """An issue ready to be put in a message; `unsubscribe` stands in both parts as it was given."""

    subject: str
    html: str
    text: str


def email(view: IssueView, newsletter: Newsletter, *, unsubscribe: str, templates: Templates | None = None) -> Mail:
    """The issue as HTML and as text of lines of at most 76 characters but for addresses."""
    shown = present(view, newsletter)
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
            for title, alternative in [told(chart, w)]
        ],
        "figures": " · ".join(f"{name}: {w.number(value)}" for name, value in shown.figures),
    }
    html = render(
        "email/issue.html.j2",
        templates or {},
        **context,
        brief=shown.recap,
        styled=lambda prose: _styled(away(str(prose), page)),
        count=len(view.picks()),
        day=w.full_day(local_day(view.published, newsletter)),
        preheader=shortened(describe(view, newsletter), 140),
    )
    body = (
        render("email/brief.txt.j2", templates or {}, **context) if shown.recap else text(view, newsletter, templates)
    )
    foot = render("email/foot.txt.j2", templates or {}, **context)
    return Mail(one_line(view.title), _tight(strip_hidden(html)), _airy(body) + strip_hidden(foot))


def edition(view: IssueView, topics: Collection[str]) -> IssueView | None:
    """The sections a reader follows, all of them without `topics`; None when nothing is left."""
    if not topics:
        return view
    sections = keeping(view.sections, topics)
    months = [_following(month, topics) for month in view.by_month]
    if not any(section.picks for section in (*sections, *months)):
        return None
    return dataclasses.replace(view, sections=sections, by_month=[month for month in months if month.picks])


def _following(month: SectionView, topics: Collection[str]) -> SectionView:
    return dataclasses.replace(month, picks=[pick for pick in month.picks if pick.category in topics])


def _styled(html: str) -> Markup:
    def opened(match: re.Match[str]) -> str:
        classes, style = _STYLES[match[1]]
        named = f' class="{classes}"' if classes else ""
        return f'<{match[1]}{named} style="{style}"'

    return Markup(_TAG.sub(opened, html))  # noqa: S704 - sanitised HTML, to which only our own styles are added


def _tight(html: str) -> str:
    """Without empty lines, which mail programs would carry along."""
    return re.sub(r"\n\s*\n+", "\n", html.strip()) + "\n"


def _airy(body: str) -> str:
    """Paragraphs apart by one blank line, and none at the end."""
    return re.sub(r"\n{3,}", "\n\n", strip_hidden(body)).strip() + "\n"
