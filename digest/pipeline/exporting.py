"""An issue's mail for elsewhere: as files to look at or to paste, and as a draft at a mailing platform."""

from __future__ import annotations

import os

from digest import issues, mail, site
from digest.errors import Refused
from digest.mail.exporters import Draft, exporter
from digest.periods import Period
from digest.pipeline.context import Context, recorded
from digest.pipeline.letters import Letters, letters
from digest.ports import Document, Report
from digest.render import html as fragment
from digest.store import settings

FOLDER = "outbox/preview"


def preview(context: Context, period: Period) -> Report:
    """Write the mail as issue.html and issue.txt below outbox/preview/PERIOD, whatever state the issue is in."""
    prepared = letters(context, period)
    letter = _whole(prepared)
    own = prepared.head.unsubscribe("preview")
    files = {"issue.html": letter.html, "issue.txt": letter.text}
    folder = context.root / FOLDER / period.name
    folder.mkdir(parents=True, exist_ok=True)
    site.write(folder, [Document(name, text.replace(mail.UNSUBSCRIBE, own).encode()) for name, text in files.items()])
    size = mail.weight(letter.html)
    return Report(
        "mail",
        f"{folder / 'issue.html'} ({size:,} bytes) and issue.txt",
        numbers={"bytes": size, "html": str(folder / "issue.html"), "text": str(folder / "issue.txt")},
        problems=prepared.warnings,
    )


def export(context: Context, period: Period, to: str, *, again: bool = False) -> Report:
    """Make a draft of a published issue at a platform; nothing is sent, and a second draft only `again`."""
    make = exporter(to)
    with recorded(context, "export", period.name) as report:
        prepared = letters(context, period)
        issues.move(prepared.issue.state, "send", period.name)
        name = f"export.{to}.{period.name}"
        with context.db.read() as session:
            before = settings.read(session, name)
        if before and not again:
            raise Refused(f"{period}: {to} has a draft already: {before['draft']}", "`--again` makes another one")
        letter = _whole(prepared)
        draft = Draft(
            name=period.name,
            subject=letter.subject,
            html=letter.html,
            text=letter.text,
            fragment=fragment(prepared.view, context.config.newsletter, site.overrides(context.templates)),
            sender=prepared.head,
            page=context.config.newsletter.address + prepared.view.path,
            key=f"{prepared.issue.atom_id} {prepared.issue.content_digest}",
        )
        place = make(draft, context.config.mail.exporters.get(to, {}), os.environ)
        with context.db.write() as session:
            settings.write(session, name, {"draft": place}, context.now)
        report.numbers = {"draft": place}
        report.line = f"{period}: {to} has a draft, {place}; look at it there and send it"
        report.problems = list(prepared.warnings)
    return report


def _whole(prepared: Letters) -> mail.Letter:
    letter = prepared.letter(())
    if letter is None:
        raise Refused(f"{prepared.issue.period}: the issue holds no picks", "pick from the shortlist, then approve it")
    return letter
