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
from digest.pipeline.notices import send_notification
from digest.store import settings
from digest.text import hash_texts

_WEBHOOK_TIMEOUT = 10.0
_MAX_WEBHOOK_LENGTH = 3000  # Slack and its like cut longer messages
_REPEAT_INTERVAL = timedelta(hours=20)  # a trouble that lasts is told once a day, however often it is met


def send_alert(context: Context, subject: str, reasons: Sequence[str]) -> str:
    """Tell the webhook in cadence.alert_webhook_env and the address cadence.alert_mail; returns what went wrong.

    The same words are told once a day. Never raises: an alert must not hide its cause.
    """
    text = "\n".join([f"{context.config.newsletter.title}: {subject}", *(f"- {reason}" for reason in reasons)])
    if _was_sent_recently(context, text):
        return ""
    troubles = [*filter(None, (_post_webhook(context, text), _mail_alert(context, text)))]
    if not troubles:
        _record_alert(context, text)
    return "; ".join(troubles)


def _post_webhook(context: Context, text: str) -> str:
    """Post {"text": …}, as Slack, Mattermost and Google Chat read it."""
    name = context.config.cadence.alert_webhook_env
    if not name:
        return ""
    url = context.environ.get(name, "")
    if not url:
        return f"no alert was sent: the variable {name} is empty"
    body = {"text": text[:_MAX_WEBHOOK_LENGTH]}
    try:
        answer = httpx.post(url, json=body, timeout=_WEBHOOK_TIMEOUT, trust_env=False, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return f"no alert was sent: the address in {name} gave {type(error).__name__}"
    return "" if answer.is_success else f"no alert was sent: the address in {name} answered {answer.status_code}"


def _mail_alert(context: Context, text: str) -> str:
    address = context.config.cadence.alert_mail
    if not address:
        return ""
    letter = mail.MailContent(text.partition("\n")[0], f"{text}\n\n`digest status` and `digest doctor` tell more.\n")
    try:
        send_notification(context, address, letter, f"alert {hash_texts(text)} {context.now:%Y-%m-%d}")
    except DigestError as error:
        return f"no alert was mailed to {address}: {error.message}"
    return ""


def _was_sent_recently(context: Context, text: str) -> bool:
    with suppress(DigestError), context.db.read() as session:
        return hash_texts(text) in _load_recent_alerts(session, context.now)
    return False


def _record_alert(context: Context, text: str) -> None:
    with suppress(DigestError), context.db.write() as session:
        told = _load_recent_alerts(session, context.now) | {hash_texts(text): context.now.isoformat()}
        settings.save_value(session, _ALERTS_KEY, {"told": told}, context.now)


def _load_recent_alerts(session: Session, now: datetime) -> dict[str, str]:
    """The alerts of the last hours, each with its moment: troubles come in company, and are tried again in turn."""
    told: dict[str, str] = settings.load_value(session, _ALERTS_KEY).get("told", {})
    return {text: at for text, at in told.items() if now - datetime.fromisoformat(at) < _REPEAT_INTERVAL}


_ALERTS_KEY = "alert"
