"""Mail reminders and alerts to the owner, and post alerts to a webhook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
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
from digest.mail.message import MAIL_POLICY, build_message_id, load_sender_profile, seal_message
from digest.mail.subscriber_csv import normalise_address
from digest.periods import Period
from digest.protocols import Report
from digest.publishing.render.email import MailContent
from digest.text import format_count, hash_texts, normalise_line

_NEXT_STEPS = (("desk   ", "pick and write"), ("check  ", "what is missing"), ("approve", "release it"))
_WEBHOOK_TIMEOUT = 10.0  # seconds
_MAX_WEBHOOK_LENGTH = 3000  # Slack and similar services cut longer messages
_REPEAT_INTERVAL = timedelta(hours=20)  # a lasting problem is reported once a day
_ALERTS_KEY = "alert"


def send_reminder(context: Context, period: Period) -> Report:
    """Mail the shortlist of a draft, and the problems of drafting, to cadence.remind.

    Raises DraftError, ConfigError, and DeliveryError when the mail was certainly not sent.
    """
    address = context.config.cadence.remind
    with record_run(context, "remind", period.name) as report:
        _, draft = load_draft(context, period)
        with context.db.read() as session:
            runs = [run for run in load_latest_runs(session, 50, "due:draft") if run.period == period.name]
        problems = runs[0].report.get("problems", []) if runs else []
        picks = sum(1 for _ in draft.iter_picks())
        subject = (
            f"{draft.title}: the draft is ready for you, {format_count(picks, 'pick')} and {len(draft.shortlist)} more"
        )
        content = MailContent(subject, "\n".join(_format_reminder(context, period, draft, problems)) + "\n")
        try:
            reply = send_notification(context, address, content, f"remind {period}")
        except DeliveryError as error:
            if not error.is_outcome_unknown:
                raise
            report.state, report.problems, reply = "partial", [error.message], "delivery unknown"
        report.line = f"{period}: {address} was reminded ({reply})"
        report.numbers = {"picks": picks, "shortlist": len(draft.shortlist)}
    return report


def send_notification(context: Context, address: str, content: MailContent, about: str) -> str:
    """Mail a notification and return the server's reply.

    `about` determines the Message-ID, so that a repeated notification is shown once.
    """
    sender, recipient = load_sender_profile(context.config.newsletter, context.config.mail), normalise_address(address)
    mail = EmailMessage(policy=MAIL_POLICY)
    mail["From"] = Address(display_name=sender.name, addr_spec=sender.address)
    mail["To"] = Address(addr_spec=recipient)
    mail["Subject"] = normalise_line(content.subject)
    mail["Date"] = format_datetime(context.now)
    mail["Message-ID"] = build_message_id(about, recipient, sender.domain)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: suppresses automatic replies
    mail.set_content(content.text, cte="quoted-printable")
    message = seal_message(mail, recipient, sender.address, create_signer(context.config.mail, context.environ))
    with closing(context.make_transport()) as transport:
        return transport.send(message)


def _format_reminder(context: Context, period: Period, draft: Draft, problems: list[str]) -> Iterator[str]:
    month = load_translations(context.config.newsletter.language).period(period.name)
    yield f"The draft of {month} is in {get_draft_path(context, period).relative_to(context.root)}."
    yield from ("", *(f"! {normalise_line(problem)}" for problem in problems))
    for section in draft.sections:
        if section.picks:
            yield from ("", f"{section.title}:")
            yield from (f"  * {normalise_line(pick.title)}\n    {pick.url}" for pick in section.picks)
    yield from ("", "On the shortlist, best first:")
    for rank, candidate in enumerate(draft.shortlist, 1):
        reasons = "; ".join(filter(None, [candidate.category, *map(normalise_line, candidate.reasons)]))
        yield f" {rank:2}. {normalise_line(candidate.title)}\n     {reasons}\n     {candidate.url}"
    yield from ("", *(f"  digest {command} {period.name:10} {purpose}" for command, purpose in _NEXT_STEPS))


def send_alert(context: Context, subject: str, reasons: Sequence[str]) -> str:
    """Alert cadence.alert_webhook_env and cadence.alert_mail; returns what failed.

    An alert is sent once a day. Never raises: an alert must not hide its cause.
    """
    text = "\n".join([f"{context.config.newsletter.title}: {subject}", *(f"- {reason}" for reason in reasons)])
    with suppress(DigestError), context.db.read() as session:
        if hash_texts(text) in _load_recent_alerts(session, context.now):
            return ""
    failures = [*filter(None, (_post_webhook(context, text), _mail_alert(context, text)))]
    if not failures:
        with suppress(DigestError), context.db.write() as session:
            alerts = _load_recent_alerts(session, context.now) | {hash_texts(text): context.now.isoformat()}
            save_value(session, _ALERTS_KEY, {"told": alerts}, context.now)
    return "; ".join(failures)


def _load_recent_alerts(session: Session, now: datetime) -> dict[str, str]:
    alerts: dict[str, str] = load_value(session, _ALERTS_KEY).get("told", {})
    return {text: at for text, at in alerts.items() if now - datetime.fromisoformat(at) < _REPEAT_INTERVAL}


def _post_webhook(context: Context, text: str) -> str:
    """Post {"text": …}, the format of Slack, Mattermost and Google Chat.

    The address is a secret: it is read from the environment and never shown.
    """
    name = context.config.cadence.alert_webhook_env
    if not name:
        return ""
    url = context.environ.get(name, "")
    if not url:
        return f"no alert was sent: the variable {name} is empty"
    body = {"text": text[:_MAX_WEBHOOK_LENGTH]}
    try:
        response = httpx2.post(url, json=body, timeout=_WEBHOOK_TIMEOUT, follow_redirects=False)
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        return f"no alert was sent: the address in {name} gave {type(error).__name__}"
    return "" if response.is_success else f"no alert was sent: the address in {name} answered {response.status_code}"


def _mail_alert(context: Context, text: str) -> str:
    address = context.config.cadence.alert_mail
    if not address:
        return ""
    content = MailContent(text.partition("\n")[0], f"{text}\n\nRun `digest status` and `digest doctor` for more.\n")
    try:
        send_notification(context, address, content, f"alert {hash_texts(text)} {context.now:%Y-%m-%d}")
    except DigestError as error:
        return f"no alert was mailed to {address}: {error.message}"
    return ""
