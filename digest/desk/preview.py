"""The issue as readers will get it, for the desk's third column: the page's body, the mail and its plain text."""

from __future__ import annotations

from markupsafe import Markup

from digest import mail, render, site
from digest.periods import Period
from digest.pipeline.context import Context
from digest.pipeline.view import issue_view
from digest.ports import IssueView
from digest.render.templating import render as fill
from digest.store import issues as issue_store


def post_page(context: Context, period: Period) -> str:
    """The issue's HTML, as feeds and mails carry it, in the site's own style."""
    newsletter, view = context.config.newsletter, _view(context, period)
    body = render.html(view, newsletter, site.overrides(context.templates))
    return fill(
        "desk/post.html.j2",
        {},
        title=view.title,
        author=newsletter.author,
        language=newsletter.language,
        look=context.config.site.look,
        body=Markup(body),  # noqa: S704 - rendered and escaped by the issue's own template
    )


def mail_html(context: Context, period: Period) -> str:
    """The message's HTML as it will be sent, but that its links open beside the desk."""
    return _mail(context, period).html.replace("<head>", '<head><base target="_blank">', 1)


def mail_text(context: Context, period: Period) -> str:
    """The message's plain text."""
    text = _mail(context, period).text
    return fill("desk/mail.html.j2", {}, text=text, language=context.config.newsletter.language)


def _mail(context: Context, period: Period) -> render.Mail:
    newsletter = context.config.newsletter
    leave = mail.letterhead(newsletter, context.config.mail).unsubscribe("preview")
    templates = site.overrides(context.templates)
    return render.email(_view(context, period), newsletter, unsubscribe=leave, templates=templates)


def _view(context: Context, period: Period) -> IssueView:
    with context.db.read() as session:
        issue = issue_store.existing(session, period.name)
        return issue_view(session, context.config, issue, period, context.now)
