"""Drafts at Buttondown, listmonk, Mailchimp.

Drafts at mailing platforms. Each makes a draft and never sends; keys come from the environment only.

An issue's mail for elsewhere: as files to look at or to paste, and as a draft at a mailing platform.
"""

from __future__ import annotations

import difflib
import html
import os
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
from digest.protocols import Document, Report
from digest.publishing.render.email import UNSUBSCRIBE_PLACEHOLDER, MailContent, measure_html_size
from digest.publishing.render.fragment import render_html_fragment as fragment


@dataclass(frozen=True, slots=True)
class ExportedIssue:
    """An issue for a platform: a whole mail, and a plain fragment for those with a design of their own."""

    name: str
    subject: str
    html: str
    text: str
    fragment: str
    sender: SenderProfile
    page_url: str
    idempotency_key: str  # the same for the same content


ExporterSettings = Mapping[str, Any]  # mail.exporters.NAME in sources.yaml
Environ = Mapping[str, str]
Exporter = Callable[[ExportedIssue, ExporterSettings, Environ], str]


def create_buttondown_draft(draft: ExportedIssue, settings: ExporterSettings, environ: Environ) -> str:
    """https://docs.buttondown.com/api-emails-create: without a status it would be sent at once."""
    body = {
        "subject": draft.subject,
        "body": _escape_template_braces(draft.fragment),
        "status": "draft",
        "canonical_url": draft.page_url,
        "slug": draft.name,
    }
    headers = {
        "Authorization": f"Token {_require_secret(environ, 'BUTTONDOWN_API_KEY')}",
        "X-Idempotency-Key": sha256(draft.idempotency_key.encode()).hexdigest(),
    }
    answer = _request_json(
        "POST", f"{_read_base_url(settings, 'https://api.buttondown.com')}/v1/emails", body, headers=headers
    )
    return str(answer.get("absolute_url") or answer.get("id", ""))


def create_listmonk_campaign(draft: ExportedIssue, settings: ExporterSettings, environ: Environ) -> str:
    """https://listmonk.app/docs/apis/campaigns/: a campaign is a draft until its status is put to `running`."""
    way_out = "{{ UnsubscribeURL }}"
    body = {
        "name": f"{draft.sender.name} {draft.name}",
        "subject": _escape_template_braces(draft.subject),
        "lists": [int(number) for number in _require_setting(settings, "listmonk", "lists")],
        "type": "regular",
        "content_type": "html",
        "body": _escape_template_braces(draft.html).replace(UNSUBSCRIBE_PLACEHOLDER, way_out),
        "altbody": _escape_template_braces(draft.text, is_html=False).replace(UNSUBSCRIBE_PLACEHOLDER, way_out),
        **{name: settings[name] for name in ("template_id", "from_email") if name in settings},
    }
    user, token = _require_secret(environ, "LISTMONK_USER"), _require_secret(environ, "LISTMONK_TOKEN")
    base = _require_setting(settings, "listmonk", "url").rstrip("/")
    answer = _request_json("POST", f"{base}/api/campaigns", body, auth=(user, token))
    return f"{base}/admin/campaigns/{answer.get('data', {}).get('id', '')}"


def create_mailchimp_campaign(draft: ExportedIssue, settings: ExporterSettings, environ: Environ) -> str:
    """https://mailchimp.com/developer/marketing/api/campaigns/: a campaign, then its content; its tags are `*|X|*`."""
    key = _require_secret(environ, "MAILCHIMP_API_KEY")
    base = _read_base_url(settings, f"https://{key.rpartition('-')[2]}.api.mailchimp.com") + "/3.0/campaigns"
    body = {
        "type": "regular",
        "recipients": {"list_id": _require_setting(settings, "mailchimp", "list_id")},
        "settings": {
            "subject_line": draft.subject,
            "title": f"{draft.sender.name} {draft.name}",
            "from_name": draft.sender.name,
            "reply_to": draft.sender.reply_to or draft.sender.address,
        },
    }
    made = _request_json("POST", base, body, auth=("digest", key))
    content = {
        "html": draft.html.replace("*|", "&#42;|").replace(UNSUBSCRIBE_PLACEHOLDER, "*|UNSUB|*"),
        "plain_text": draft.text.replace("*|", "* |").replace(UNSUBSCRIBE_PLACEHOLDER, "*|UNSUB|*"),
    }
    _request_json("PUT", f"{base}/{made['id']}/content", content, auth=("digest", key))
    return f"campaign {made['id']}"


EXPORTERS: dict[str, Exporter] = {
    "buttondown": create_buttondown_draft,
    "listmonk": create_listmonk_campaign,
    "mailchimp": create_mailchimp_campaign,
}


def find_exporter(name: str) -> Exporter:
    """The exporter of a platform; raises ConfigError with the nearest name."""
    if name not in EXPORTERS:
        near = difflib.get_close_matches(name, EXPORTERS, 1, 0.4)
        hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(EXPORTERS)}"
        raise ConfigError(f"{name!r} is no platform that drafts can be made at", hint)
    return EXPORTERS[name]


def _escape_template_braces(text: str, is_html: bool = True) -> str:
    """Braces that these platforms would take for a template of theirs."""
    if is_html:
        return text.replace("{{", "&#123;&#123;").replace("{%", "&#123;%")
    return text.replace("{{", "{ {").replace("{%", "{ %")


def _read_base_url(settings: ExporterSettings, default: str) -> str:
    return str(settings.get("url", default)).rstrip("/")


def _require_setting(settings: ExporterSettings, platform: str, name: str) -> Any:
    if not settings.get(name):
        raise ConfigError(f"sources.yaml: mail.exporters.{platform}.{name} is missing", "see the platform's settings")
    return settings[name]


def _require_secret(environ: Environ, name: str) -> str:
    if not environ.get(name):
        raise ConfigError(f"{name} is not set", "put the platform's API key into the environment")
    return environ[name]


def _request_json(
    method: str,
    url: str,
    body: Mapping[str, Any],
    *,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """One request. An answer other than 2xx, or none, becomes a DeliveryError without the key."""
    host = httpx2.URL(url).host
    try:
        response = httpx2.request(method, url, json=body, headers=headers, auth=auth, timeout=60)
    except httpx2.HTTPError as error:
        raise DeliveryError(
            f"{host}: {error or type(error).__name__}", "look there whether a draft was made", is_temporary=True
        ) from error
    if not response.is_success:
        words = " ".join(html.unescape(response.text).split())[:300]
        raise DeliveryError(
            f"{host} answered {response.status_code}: {words}",
            "look at the key and at mail.exporters in sources.yaml",
            is_temporary=response.status_code in (429, 500, 502, 503, 504),
        )
    answer = response.json() if response.content else {}
    return answer if isinstance(answer, dict) else {}


PREVIEW_FOLDER = "outbox/preview"


def preview_mail(context: Context, period: Period) -> Report:
    """Write the mail as issue.html and issue.txt below outbox/preview/PERIOD, whatever state the issue is in."""
    prepared = load_rendered_issue(context, period)
    letter = _require_full_content(prepared)
    own = prepared.sender.unsubscribe_url("preview")
    files = {"issue.html": letter.html, "issue.txt": letter.text}
    folder = context.root / PREVIEW_FOLDER / period.name
    folder.mkdir(parents=True, exist_ok=True)
    write_documents(
        folder, [Document(name, text.replace(UNSUBSCRIBE_PLACEHOLDER, own).encode()) for name, text in files.items()]
    )
    size = measure_html_size(letter.html)
    return Report(
        "mail",
        f"{folder / 'issue.html'} ({size:,} bytes) and issue.txt",
        numbers={"bytes": size, "html": str(folder / "issue.html"), "text": str(folder / "issue.txt")},
        problems=prepared.warnings,
    )


def export_mail_draft(context: Context, period: Period, platform: str, *, again: bool = False) -> Report:
    """Make a draft of a published issue at a platform; nothing is sent, and a second draft only `again`."""
    make = find_exporter(platform)
    with record_run(context, "export", period.name) as report:
        prepared = load_rendered_issue(context, period)
        transition_state(prepared.issue.state, "send", period.name)
        name = f"export.{platform}.{period.name}"
        with context.db.read() as session:
            before = load_value(session, name)
        if before and not again:
            raise CheckFailedError(
                f"{period}: {platform} has a draft already: {before['draft']}", "`--again` makes another one"
            )
        letter = _require_full_content(prepared)
        draft = ExportedIssue(
            name=period.name,
            subject=letter.subject,
            html=letter.html,
            text=letter.text,
            fragment=fragment(
                prepared.view, context.config.newsletter, load_template_overrides(context.template_folder)
            ),
            sender=prepared.sender,
            page_url=context.config.newsletter.address + prepared.view.path,
            idempotency_key=f"{prepared.issue.atom_id} {prepared.issue.content_digest}",
        )
        place = make(draft, context.config.mail.exporters.get(platform, {}), os.environ)
        with context.db.write() as session:
            save_value(session, name, {"draft": place}, context.now)
        report.numbers = {"draft": place}
        report.line = f"{period}: {platform} has a draft, {place}; look at it there and send it"
        report.problems = list(prepared.warnings)
    return report


def _require_full_content(prepared: RenderedIssue) -> MailContent:
    letter = prepared.render_content(())
    if letter is None:
        raise CheckFailedError(
            f"{prepared.issue.period}: the issue holds no picks", "pick from the shortlist, then approve it"
        )
    return letter
