"""Drafts at mailing platforms. Each makes a draft and never sends; keys come from the environment only."""

from __future__ import annotations

import difflib
import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import httpx

from digest.errors import ConfigError, DeliveryError
from digest.mail.letterhead import Letterhead
from digest.mail.message import UNSUBSCRIBE


@dataclass(frozen=True, slots=True)
class Draft:
    """An issue for a platform: a whole mail, and a plain fragment for those with a design of their own."""

    name: str
    subject: str
    html: str
    text: str
    fragment: str
    sender: Letterhead
    page: str
    key: str  # the same for the same content


Settings = Mapping[str, Any]  # mail.exporters.NAME in sources.yaml
Environ = Mapping[str, str]
Exporter = Callable[[Draft, Settings, Environ], str]


def buttondown(draft: Draft, settings: Settings, environ: Environ) -> str:
    """https://docs.buttondown.com/api-emails-create: without a status it would be sent at once."""
    body = {
        "subject": draft.subject,
        "body": _untemplated(draft.fragment),
        "status": "draft",
        "canonical_url": draft.page,
        "slug": draft.name,
    }
    headers = {
        "Authorization": f"Token {_secret(environ, 'BUTTONDOWN_API_KEY')}",
        "X-Idempotency-Key": sha256(draft.key.encode()).hexdigest(),
    }
    answer = _ask("POST", f"{_base(settings, 'https://api.buttondown.com')}/v1/emails", body, headers=headers)
    return str(answer.get("absolute_url") or answer.get("id", ""))


def listmonk(draft: Draft, settings: Settings, environ: Environ) -> str:
    """https://listmonk.app/docs/apis/campaigns/: a campaign is a draft until its status is put to `running`."""
    way_out = "{{ UnsubscribeURL }}"
    body = {
        "name": f"{draft.sender.name} {draft.name}",
        "subject": _untemplated(draft.subject),
        "lists": [int(number) for number in _needed(settings, "listmonk", "lists")],
        "type": "regular",
        "content_type": "html",
        "body": _untemplated(draft.html).replace(UNSUBSCRIBE, way_out),
        "altbody": _untemplated(draft.text, in_html=False).replace(UNSUBSCRIBE, way_out),
        **{name: settings[name] for name in ("template_id", "from_email") if name in settings},
    }
    user, token = _secret(environ, "LISTMONK_USER"), _secret(environ, "LISTMONK_TOKEN")
    base = _needed(settings, "listmonk", "url").rstrip("/")
    answer = _ask("POST", f"{base}/api/campaigns", body, auth=(user, token))
    return f"{base}/admin/campaigns/{answer.get('data', {}).get('id', '')}"


def mailchimp(draft: Draft, settings: Settings, environ: Environ) -> str:
    """https://mailchimp.com/developer/marketing/api/campaigns/: a campaign, then its content; its tags are `*|X|*`."""
    key = _secret(environ, "MAILCHIMP_API_KEY")
    base = _base(settings, f"https://{key.rpartition('-')[2]}.api.mailchimp.com") + "/3.0/campaigns"
    body = {
        "type": "regular",
        "recipients": {"list_id": _needed(settings, "mailchimp", "list_id")},
        "settings": {
            "subject_line": draft.subject,
            "title": f"{draft.sender.name} {draft.name}",
            "from_name": draft.sender.name,
            "reply_to": draft.sender.reply_to or draft.sender.address,
        },
    }
    made = _ask("POST", base, body, auth=("digest", key))
    content = {
        "html": draft.html.replace("*|", "&#42;|").replace(UNSUBSCRIBE, "*|UNSUB|*"),
        "plain_text": draft.text.replace("*|", "* |").replace(UNSUBSCRIBE, "*|UNSUB|*"),
    }
    _ask("PUT", f"{base}/{made['id']}/content", content, auth=("digest", key))
    return f"campaign {made['id']}"


EXPORTERS: dict[str, Exporter] = {"buttondown": buttondown, "listmonk": listmonk, "mailchimp": mailchimp}


def exporter(name: str) -> Exporter:
    """The exporter of a platform; raises ConfigError with the nearest name."""
    if name not in EXPORTERS:
        near = difflib.get_close_matches(name, EXPORTERS, 1, 0.4)
        hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(EXPORTERS)}"
        raise ConfigError(f"{name!r} is no platform that drafts can be made at", hint)
    return EXPORTERS[name]


def _untemplated(text: str, in_html: bool = True) -> str:
    """Braces that these platforms would take for a template of theirs."""
    if in_html:
        return text.replace("{{", "&#123;&#123;").replace("{%", "&#123;%")
    return text.replace("{{", "{ {").replace("{%", "{ %")


def _base(settings: Settings, usual: str) -> str:
    return str(settings.get("url", usual)).rstrip("/")


def _needed(settings: Settings, platform: str, name: str) -> Any:
    if not settings.get(name):
        raise ConfigError(f"sources.yaml: mail.exporters.{platform}.{name} is missing", "see the platform's settings")
    return settings[name]


def _secret(environ: Environ, name: str) -> str:
    if not environ.get(name):
        raise ConfigError(f"{name} is not set", "put the platform's API key into the environment")
    return environ[name]


def _ask(
    method: str,
    url: str,
    body: Mapping[str, Any],
    *,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """One request. An answer other than 2xx, or none, becomes a DeliveryError without the key."""
    host = httpx.URL(url).host
    try:
        response = httpx.request(method, url, json=body, headers=headers, auth=auth, timeout=60)
    except httpx.HTTPError as error:
        raise DeliveryError(
            f"{host}: {error or type(error).__name__}", "look there whether a draft was made", temporary=True
        ) from error
    if not response.is_success:
        words = " ".join(html.unescape(response.text).split())[:300]
        raise DeliveryError(
            f"{host} answered {response.status_code}: {words}",
            "look at the key and at mail.exporters in sources.yaml",
            temporary=response.status_code in (429, 500, 502, 503, 504),
        )
    answer = response.json() if response.content else {}
    return answer if isinstance(answer, dict) else {}
