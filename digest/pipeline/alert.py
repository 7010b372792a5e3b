"""Tells a webhook that a run is red. The address is a secret: it comes from the environment and is never shown."""

from __future__ import annotations

from collections.abc import Sequence

import httpx

from digest.pipeline.context import Context

_SECONDS = 10.0
_WORDS = 3000  # Slack and its like cut longer messages


def alert(context: Context, subject: str, reasons: Sequence[str]) -> str:
    """Post {"text": …}, as Slack, Mattermost and Google Chat read it; returns what went wrong, or nothing.

    Does nothing where cadence.alert_webhook_env names no variable. Never raises: an alert must not hide its cause.
    """
    name = context.config.cadence.alert_webhook_env
    if not name:
        return ""
    url = context.environ.get(name, "")
    if not url:
        return f"no alert was sent: the variable {name} is empty"
    title = context.config.newsletter.title
    text = "\n".join([f"{title}: {subject}", *(f"- {reason}" for reason in reasons)])[:_WORDS]
    try:
        answer = httpx.post(url, json={"text": text}, timeout=_SECONDS, trust_env=False, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return f"no alert was sent: the address in {name} gave {type(error).__name__}"
    return "" if answer.is_success else f"no alert was sent: the address in {name} answered {answer.status_code}"
