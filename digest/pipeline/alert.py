"""Tells a webhook and a mail address that a run is red. The webhook is a secret, read when used and never shown."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import httpx
from sqlmodel import Session

from digest import mail
from digest.errors import DigestError
from digest.pipeline.context import Context
from digest.pipeline.notices import post
from digest.store import settings
from digest.text import hexdigest

_SECONDS = 10.0
_WORDS = 3000  # Slack and its like cut longer messages
_AGAIN = timedelta(hours=20)  # a trouble that lasts is told once a day, however often it is met


def alert(context: Context, subject: str, reasons: Sequence[str]) -> str:
    """Tell the webhook in cadence.alert_webhook_env and the address cadence.alert_mail; returns what went wrong.

    The same words are told once a day. Never raises: an alert must not hide its cause.
    """
    text = "\n".join([f"{context.config.newsletter.title}: {subject}", *(f"- {reason}" for reason in reasons)])
    if _told_lately(context, text):
        return ""
    troubles = [*filter(None, (_hooked(context, text), _mailed(context, text)))]
    if not troubles:
        _remember(context, text)
    return "; ".join(troubles)


def _hooked(context: Context, text: str) -> str:
    """Post {"text": …}, as Slack, Mattermost and Google Chat read it."""
    name = context.config.cadence.alert_webhook_env
    if not name:
        return ""
    url = context.environ.get(name, "")
    if not url:
        return f"no alert was sent: the variable {name} is empty"
    body = {"text": text[:_WORDS]}
    try:
        answer = httpx.post(url, json=body, timeout=_SECONDS, trust_env=False, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return f"no alert was sent: the address in {name} gave {type(error).__name__}"
    return "" if answer.is_success else f"no alert was sent: the address in {name} answered {answer.status_code}"


def _mailed(context: Context, text: str) -> str:
    address = context.config.cadence.alert_mail
    if not address:
        return ""
    letter = mail.Letter(text.partition("\n")[0], f"{text}\n\n`digest status` and `digest doctor` tell more.\n")
    try:
        post(context, address, letter, f"alert {hexdigest(text)} {context.now:%Y-%m-%d}")
    except DigestError as error:
        return f"no alert was mailed to {address}: {error.message}"
    return ""


def _told_lately(context: Context, text: str) -> bool:
    with suppress(DigestError), context.db.read() as session:
        return hexdigest(text) in _lately(session, context.now)
    return False


def _remember(context: Context, text: str) -> None:
    with suppress(DigestError), context.db.write() as session:
        told = _lately(session, context.now) | {hexdigest(text): context.now.isoformat()}
        settings.write(session, _SETTING, {"told": told}, context.now)


def _lately(session: Session, now: datetime) -> dict[str, str]:
    """The alerts of the last hours, each with its moment: troubles come in company, and are tried again in turn."""
    told: dict[str, str] = settings.read(session, _SETTING).get("told", {})
    return {text: at for text, at in told.items() if now - datetime.fromisoformat(at) < _AGAIN}


_SETTING = "alert"
