"""Export an issue's mail: to preview files, and as a draft at a mailing platform.

An exporter creates a draft and never sends it; keys come from the environment only.
"""

from __future__ import annotations

import base64
import difflib
import hmac
import html
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import httpx2

from digest.context import Context, record_run
from digest.db.key_value import load_value, save_value
from digest.drafts.workflow import transition_state
from digest.errors import CheckFailedError, ConfigError, DeliveryError
from digest.files import load_template_overrides, write_documents
from digest.mail.message import SenderProfile
from digest.mail.send import RenderedIssue, load_rendered_issue
from digest.periods import Period
from digest.plugins import list_plugins, load_plugin
from digest.protocols import Document, Report
from digest.publishing.render.email import UNSUBSCRIBE_PLACEHOLDER, MailContent, measure_html_size
from digest.publishing.render.fragment import render_html_fragment

PREVIEW_FOLDER = "outbox/preview"


@dataclass(frozen=True, slots=True)
class ExportedIssue:
    """An issue for a platform: a whole mail, and an HTML fragment for platforms with their own design."""

    name: str
    content: MailContent
    fragment: str
    sender: SenderProfile
    page_url: str
    idempotency_key: str  # equal for equal content


ExporterSettings = Mapping[str, Any]  # mail.exporters.NAME in sources.yaml
Environ = Mapping[str, str]
Exporter = Callable[[ExportedIssue, ExporterSettings, Environ], str]


def create_buttondown_draft(issue: ExportedIssue, settings: ExporterSettings, environ: Environ) -> str:
    """Create a Buttondown draft (https://docs.buttondown.com/api-emails-create).

    Without a status it would be sent at once.
    """
    body = {
        "subject": issue.content.subject,
        "body": _escape_template_braces(issue.fragment),
        "status": "draft",
        "canonical_url": issue.page_url,
        "slug": issue.name,
    }
    headers = {
        "Authorization": f"Token {_require_secret(environ, 'BUTTONDOWN_API_KEY')}",
        "X-Idempotency-Key": sha256(issue.idempotency_key.encode()).hexdigest(),
    }
    url = f"{settings.get('url', 'https://api.buttondown.com').rstrip('/')}/v1/emails"
    draft = _request_json("POST", url, body, headers=headers)
    return str(draft.get("absolute_url") or draft.get("id", ""))


def create_listmonk_campaign(issue: ExportedIssue, settings: ExporterSettings, environ: Environ) -> str:
    """Create a listmonk campaign (https://listmonk.app/docs/apis/campaigns/).

    It is a draft until its status is set to `running`.
    """
    content, unsubscribe = issue.content, "{{ UnsubscribeURL }}"
    text = content.text.replace("{{", "{ {").replace("{%", "{ %")
    body = {
        "name": f"{issue.sender.name} {issue.name}",
        "subject": _escape_template_braces(content.subject),
        "lists": [int(number) for number in _require_setting(settings, "listmonk", "lists")],
        "type": "regular",
        "content_type": "html",
        "body": _escape_template_braces(content.html).replace(UNSUBSCRIBE_PLACEHOLDER, unsubscribe),
        "altbody": text.replace(UNSUBSCRIBE_PLACEHOLDER, unsubscribe),
        **{name: settings[name] for name in ("template_id", "from_email") if name in settings},
    }
    user, token = _require_secret(environ, "LISTMONK_USER"), _require_secret(environ, "LISTMONK_TOKEN")
    base = _require_setting(settings, "listmonk", "url").rstrip("/")
    campaign = _request_json("POST", f"{base}/api/campaigns", body, auth=(user, token))
    return f"{base}/admin/campaigns/{campaign.get('data', {}).get('id', '')}"


def create_mailchimp_campaign(issue: ExportedIssue, settings: ExporterSettings, environ: Environ) -> str:
    """Create a Mailchimp campaign, then its content (https://mailchimp.com/developer/marketing/api/campaigns/).

    Mailchimp's tags are `*|X|*`.
    """
    key = _require_secret(environ, "MAILCHIMP_API_KEY")
    default = f"https://{key.rpartition('-')[2]}.api.mailchimp.com"
    url = f"{settings.get('url', default).rstrip('/')}/3.0/campaigns"
    body = {
        "type": "regular",
        "recipients": {"list_id": _require_setting(settings, "mailchimp", "list_id")},
        "settings": {
            "subject_line": issue.content.subject,
            "title": f"{issue.sender.name} {issue.name}",
            "from_name": issue.sender.name,
            "reply_to": issue.sender.reply_to or issue.sender.address,
        },
    }
    campaign = _request_json("POST", url, body, auth=("digest", key))["id"]
    content = {
        "html": issue.content.html.replace("*|", "&#42;|").replace(UNSUBSCRIBE_PLACEHOLDER, "*|UNSUB|*"),
        "plain_text": issue.content.text.replace("*|", "* |").replace(UNSUBSCRIBE_PLACEHOLDER, "*|UNSUB|*"),
    }
    _request_json("PUT", f"{url}/{campaign}/content", content, auth=("digest", key))
    return f"campaign {campaign}"


def create_ghost_draft(issue: ExportedIssue, settings: ExporterSettings, environ: Environ) -> str:
    """Create a Ghost post as a draft (https://docs.ghost.org/admin-api/posts/creating-a-post)."""
    base = _require_setting(settings, "ghost", "url").rstrip("/")
    token = _sign_ghost_token(_require_secret(environ, "GHOST_ADMIN_API_KEY"), int(time.time()))
    post = {"title": issue.content.subject, "html": issue.fragment, "status": "draft", "slug": issue.name}
    headers = {"Authorization": f"Ghost {token}", "Accept-Version": "v5.0"}
    url = f"{base}/ghost/api/admin/posts/?source=html"
    posts = _request_json("POST", url, {"posts": [post]}, headers=headers).get("posts", [{}])
    return f"{base}/ghost/#/editor/post/{posts[0].get('id', '')}"


def create_kit_draft(issue: ExportedIssue, settings: ExporterSettings, environ: Environ) -> str:
    """Create a Kit broadcast (https://developers.kit.com/api-reference/broadcasts); without a time it is a draft."""
    body = {
        "subject": issue.content.subject,
        "content": _escape_template_braces(issue.fragment),
        "description": f"{issue.sender.name} {issue.name}",
        "public": False,
        "send_at": None,
    }
    headers = {"X-Kit-Api-Key": _require_secret(environ, "KIT_API_KEY")}
    url = f"{settings.get('url', 'https://api.kit.com').rstrip('/')}/v4/broadcasts"
    return f"broadcast {_request_json('POST', url, body, headers=headers).get('broadcast', {}).get('id', '')}"


def create_beehiiv_draft(issue: ExportedIssue, settings: ExporterSettings, environ: Environ) -> str:
    """Create a beehiiv post (https://developers.beehiiv.com/api-reference/posts/create).

    Without a status it would be published.
    """
    body = {"title": issue.content.subject, "body_content": issue.fragment, "status": "draft"}
    headers = {"Authorization": f"Bearer {_require_secret(environ, 'BEEHIIV_API_KEY')}"}
    publication = _require_setting(settings, "beehiiv", "publication_id")
    url = f"{settings.get('url', 'https://api.beehiiv.com').rstrip('/')}/v2/publications/{publication}/posts"
    return f"post {_request_json('POST', url, body, headers=headers).get('data', {}).get('id', '')}"


def _sign_ghost_token(key: str, now: int) -> str:
    """Sign the five-minute token (HS256) that Ghost's Admin API takes; the key is `id:hexadecimal secret`."""
    key_id, _, secret = key.partition(":")
    header = {"alg": "HS256", "typ": "JWT", "kid": key_id}
    parts = [header, {"iat": now, "exp": now + 300, "aud": "/admin/"}]
    signed = ".".join(_encode_url_base64(json.dumps(part).encode()) for part in parts)
    if not re.fullmatch(r"(?:[0-9a-f]{2})+", secret):
        raise ConfigError("GHOST_ADMIN_API_KEY is no Admin API key", "copy it from Ghost: Integrations")
    signature = hmac.digest(bytes.fromhex(secret), signed.encode(), "sha256")
    return f"{signed}.{_encode_url_base64(signature)}"


def _encode_url_base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


EXPORTERS: dict[str, Exporter] = {
    "beehiiv": create_beehiiv_draft,
    "buttondown": create_buttondown_draft,
    "ghost": create_ghost_draft,
    "kit": create_kit_draft,
    "listmonk": create_listmonk_campaign,
    "mailchimp": create_mailchimp_campaign,
}


def find_exporter(name: str) -> Exporter:
    """Find a platform's exporter. Raises ConfigError with the nearest name."""
    if name in EXPORTERS:
        return EXPORTERS[name]
    names = [*EXPORTERS, *list_plugins("digest.exporters")]
    if name not in names:
        close = difflib.get_close_matches(name, names, 1, 0.4)
        hint = f"did you mean {close[0]!r}?" if close else f"one of {', '.join(names)}"
        raise ConfigError(f"no exporter for the platform {name!r}", hint)
    exporter: Exporter = load_plugin("digest.exporters", name)
    return exporter


def _escape_template_braces(text: str) -> str:
    """Escape braces of HTML that a platform would read as its template."""
    return text.replace("{{", "&#123;&#123;").replace("{%", "&#123;%")


def _require_setting(settings: ExporterSettings, platform: str, name: str) -> Any:
    if not settings.get(name):
        raise ConfigError(f"sources.yaml: mail.exporters.{platform}.{name} is missing", "see the platform's settings")
    return settings[name]


def _require_secret(environ: Environ, name: str) -> str:
    if not environ.get(name):
        raise ConfigError(f"{name} is not set", "put the platform's API key into the environment")
    return environ[name]


def _request_json(method: str, url: str, body: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    """Send one request. A failure becomes a DeliveryError without the key."""
    host = httpx2.URL(url).host
    try:
        response = httpx2.request(method, url, json=body, timeout=60, **options)
    except httpx2.HTTPError as error:
        raise DeliveryError(
            f"{host}: {error or type(error).__name__}", "check there whether a draft was made", is_temporary=True
        ) from error
    if not response.is_success:
        detail = " ".join(html.unescape(response.text).split())[:300]
        raise DeliveryError(
            f"{host} answered {response.status_code}: {detail}",
            "check the key and mail.exporters in sources.yaml",
            is_temporary=response.status_code in (429, 500, 502, 503, 504),
        )
    result = response.json() if response.content else {}
    return result if isinstance(result, dict) else {}


def preview_mail(context: Context, period: Period) -> Report:
    """Write the mail as issue.html and issue.txt below outbox/preview/PERIOD, in any state."""
    prepared = load_rendered_issue(context, period)
    content = _require_full_content(prepared)
    unsubscribe = prepared.sender.unsubscribe_url("preview")
    folder = context.root / PREVIEW_FOLDER / period.name
    folder.mkdir(parents=True, exist_ok=True)
    files = {"issue.html": content.html, "issue.txt": content.text}
    write_documents(
        folder,
        [Document(name, text.replace(UNSUBSCRIBE_PLACEHOLDER, unsubscribe).encode()) for name, text in files.items()],
    )
    size, page = measure_html_size(content.html), folder / "issue.html"
    numbers = {"bytes": size, "html": str(page), "text": str(folder / "issue.txt")}
    return Report("mail", f"{page} ({size:,} bytes) and issue.txt", numbers=numbers, problems=prepared.warnings)


def export_mail_draft(context: Context, period: Period, platform: str, *, again: bool = False) -> Report:
    """Create a draft of a published issue at a platform; a second draft only with `again`."""
    export = find_exporter(platform)
    with record_run(context, "export", period.name) as report:
        prepared = load_rendered_issue(context, period)
        transition_state(prepared.issue.state, "send", period.name)
        key = f"export.{platform}.{period.name}"
        with context.db.read() as session:
            previous = load_value(session, key)
        if previous and not again:
            raise CheckFailedError(
                f"{period}: {platform} has a draft already: {previous['draft']}", "`--again` makes another one"
            )
        newsletter, templates = context.config.newsletter, load_template_overrides(context.template_folder)
        issue = ExportedIssue(
            name=period.name,
            content=_require_full_content(prepared),
            fragment=render_html_fragment(prepared.view, newsletter, templates),
            sender=prepared.sender,
            page_url=newsletter.address + prepared.view.path,
            idempotency_key=f"{prepared.issue.atom_id} {prepared.issue.content_digest}",
        )
        draft = export(issue, context.config.mail.exporters.get(platform, {}), os.environ)
        with context.db.write() as session:
            save_value(session, key, {"draft": draft}, context.now)
        report.numbers = {"draft": draft}
        report.line = f"{period}: {platform} has a draft, {draft}; check it there and send it"
        report.problems = list(prepared.warnings)
    return report


def _require_full_content(prepared: RenderedIssue) -> MailContent:
    content = prepared.render_content(())
    if content is None:
        raise CheckFailedError(
            f"{prepared.issue.period}: the issue has no picks", "pick from the shortlist, then approve it"
        )
    return content
