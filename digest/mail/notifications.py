"""Reminders and alerts to the owner.

Mail to the person who runs the newsletter: the reminder that a draft waits, and the alert that a run is red.

Tells a webhook and a mail address that a run is red. The webhook is a secret, read when used and never shown.

A plain message from the program to the person who runs it; it is no issue, and nobody subscribes to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

import httpx2
from sqlmodel import Session

from digest.context import Context, record_run
from digest.db.key_value import load_value, save_value
from digest.db.runs import load_latest_runs
from digest.drafts.model import Draft
from digest.drafts.storage import get_draft_path, load_draft
from digest.errors import DeliveryError, DigestError
from digest.i18n import load_translations
from digest.mail.dkim import create_signer
from digest.mail.message import MAIL_POLICY, SenderProfile, Signer, build_message_id, load_sender_profile
from digest.mail.subscriber_csv import normalise_address
from digest.periods import Period
from digest.protocols import Message, Report
from digest.publishing.render.email import MailContent
from digest.text import hash_texts, normalise_line


def send_reminder(context: Context, period: Period) -> Report:
    """Mail cadence.remind the shortlist of a draft, and what its making ran into.

    Raises SheetError, ConfigError, and DeliveryError when the mail has surely not left; one in doubt is a problem.
    """
    with record_run(context, "remind", period.name) as report:
        _, sheet = load_draft(context, period)
        with context.db.read() as session:
            made = next((run for run in load_latest_runs(session, 50, "due:draft") if run.period == period.name), None)
        picked = sum(1 for _ in sheet.iter_picks())
        letter = MailContent(
            f"{sheet.title}: the draft waits for you, {picked} picks and {len(sheet.shortlist)} more",
            "\n".join(_format_reminder(context, period, sheet, made.report.get("problems", []) if made else [])) + "\n",
        )
        try:
            words_ = send_notification(context, context.config.cadence.remind, letter, f"remind {period}")
        except DeliveryError as error:
            if not error.is_outcome_unknown:
                raise
            report.state, report.problems, words_ = "partial", [error.message], "in doubt"
        report.line = f"{period}: {context.config.cadence.remind} was reminded ({words_})"
        report.numbers = {"picks": picked, "shortlist": len(sheet.shortlist)}
    return report


def send_notification(context: Context, address: str, content: MailContent, about: str) -> str:
    """Send a notice through the configured transport; returns the server's words."""
    head = load_sender_profile(context.config.newsletter, context.config.mail)
    sign = create_signer(context.config.mail, context.environ)
    message = compose_notification(head, content, recipient=address, about=about, at=context.now, sign=sign)
    transport = context.make_transport()
    try:
        return transport.send(message)
    finally:
        transport.close()


def _format_reminder(context: Context, period: Period, sheet: Draft, problems: list[str]) -> Iterator[str]:
    """The mail, line by line; every foreign text is one line of plain words."""
    month = load_translations(context.config.newsletter.language).period(period.name)
    yield f"The draft of {month} is in {get_draft_path(context, period).relative_to(context.root)}."
    yield from ("", *(f"! {normalise_line(problem)}" for problem in problems))
    for section in sheet.sections:
        if section.picks:
            yield from ("", f"{section.title}:")
            yield from (f"  * {normalise_line(pick.title)}\n    {pick.url}" for pick in section.picks)
    yield from ("", "On the shortlist, best first:")
    for place, one in enumerate(sheet.shortlist, 1):
        told = "; ".join(filter(None, [one.category, *map(normalise_line, one.reasons)]))
        yield f" {place:2}. {normalise_line(one.title)}\n     {told}\n     {one.url}"
    yield from ("", *(f"  digest {verb} {period.name:10} {told}" for verb, told in _NEXT_STEPS))


_NEXT_STEPS = (("desk   ", "pick and write"), ("check  ", "what stands in the way"), ("approve", "your yes"))


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
        answer = httpx2.post(url, json=body, timeout=_WEBHOOK_TIMEOUT, follow_redirects=False)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        return f"no alert was sent: the address in {name} gave {type(error).__name__}"
    return "" if answer.is_success else f"no alert was sent: the address in {name} answered {answer.status_code}"


def _mail_alert(context: Context, text: str) -> str:
    address = context.config.cadence.alert_mail
    if not address:
        return ""
    letter = MailContent(text.partition("\n")[0], f"{text}\n\n`digest status` and `digest doctor` tell more.\n")
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
        save_value(session, _ALERTS_KEY, {"told": told}, context.now)


def _load_recent_alerts(session: Session, now: datetime) -> dict[str, str]:
    """The alerts of the last hours, each with its moment: troubles come in company, and are tried again in turn."""
    told: dict[str, str] = load_value(session, _ALERTS_KEY).get("told", {})
    return {text: at for text, at in told.items() if now - datetime.fromisoformat(at) < _REPEAT_INTERVAL}


_ALERTS_KEY = "alert"


def compose_notification(
    sender: SenderProfile, content: MailContent, *, recipient: str, about: str, at: datetime, sign: Signer | None = None
) -> Message:
    """Address a notice. `about` names what it tells: said again, it has the same Message-ID, and shows once."""
    to = normalise_address(recipient)
    mail = EmailMessage(policy=MAIL_POLICY)
    mail["From"] = Address(display_name=sender.name, addr_spec=sender.address)
    mail["To"] = Address(addr_spec=to)
    mail["Subject"] = normalise_line(content.subject)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = build_message_id(about, to, sender.domain)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notice answers it
    mail.set_content(content.text, cte="quoted-printable")
    raw = mail.as_bytes()
    return Message(
        recipient=to, sender=sender.address, message_id=str(mail["Message-ID"]), raw=sign(raw) if sign else raw
    )
