"""Mail to the person who runs the newsletter: the reminder that a draft waits, and the alert that a run is red."""

from __future__ import annotations

from collections.abc import Iterator

from digest import mail
from digest.errors import DeliveryError
from digest.issues import Draft
from digest.periods import Period
from digest.pipeline.context import Context, record_run
from digest.pipeline.sheets import get_draft_path, load_draft
from digest.ports import Report
from digest.render.words import load_translations
from digest.store import runs
from digest.text import normalise_line


def send_reminder(context: Context, period: Period) -> Report:
    """Mail cadence.remind the shortlist of a draft, and what its making ran into.

    Raises SheetError, ConfigError, and DeliveryError when the mail has surely not left; one in doubt is a problem.
    """
    with record_run(context, "remind", period.name) as report:
        _, sheet = load_draft(context, period)
        with context.db.read() as session:
            made = next(
                (run for run in runs.load_latest_runs(session, 50, "due:draft") if run.period == period.name), None
            )
        picked = sum(1 for _ in sheet.iter_picks())
        letter = mail.MailContent(
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


def send_notification(context: Context, address: str, content: mail.MailContent, about: str) -> str:
    """Send a notice through the configured transport; returns the server's words."""
    head = mail.load_sender_profile(context.config.newsletter, context.config.mail)
    sign = mail.create_signer(context.config.mail, context.environ)
    message = mail.compose_notification(head, content, recipient=address, about=about, at=context.now, sign=sign)
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
