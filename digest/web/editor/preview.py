"""Preview pane of the desk: the post, the mail and its plain text."""

from __future__ import annotations

from markupsafe import Markup

from digest.context import Context
from digest.db.issues import get_issue
from digest.files import load_template_overrides
from digest.mail.message import load_sender_profile
from digest.periods import Period
from digest.publishing.issue_view import IssueView
from digest.publishing.render.email import MailContent, render_email
from digest.publishing.render.fragment import render_html_fragment
from digest.publishing.render.templates import render_template
from digest.publishing.view import build_issue_view


def render_post_preview(context: Context, period: Period) -> str:
    """Render the issue's HTML in the style of the site."""
    newsletter, view = context.config.newsletter, _load_view(context, period)
    body = render_html_fragment(view, newsletter, load_template_overrides(context.template_folder))
    return render_template(
        "desk/post.html.j2",
        {},
        title=view.title,
        author=newsletter.author,
        language=newsletter.language,
        look=context.config.site.look,
        body=Markup(body),  # noqa: S704 - rendered and escaped by the issue's own template
    )


def render_mail_preview(context: Context, period: Period) -> str:
    """Render the message's HTML as it will be sent, with links that open in a new tab."""
    return _render_mail(context, period).html.replace("<head>", '<head><base target="_blank">', 1)


def render_mail_text_preview(context: Context, period: Period) -> str:
    """Render the message's plain text."""
    text = _render_mail(context, period).text
    return render_template("desk/mail.html.j2", {}, text=text, language=context.config.newsletter.language)


def _render_mail(context: Context, period: Period) -> MailContent:
    newsletter = context.config.newsletter
    unsubscribe_url = load_sender_profile(newsletter, context.config.mail).unsubscribe_url("preview")
    templates = load_template_overrides(context.template_folder)
    return render_email(_load_view(context, period), newsletter, unsubscribe=unsubscribe_url, templates=templates)


def _load_view(context: Context, period: Period) -> IssueView:
    with context.db.read() as session:
        issue = get_issue(session, period.name)
        return build_issue_view(session, context.config, issue, period, context.now)
