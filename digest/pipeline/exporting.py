"""An issue's mail for elsewhere: as files to look at or to paste, and as a draft at a mailing platform."""

from __future__ import annotations

import os

from digest import issues, mail, site
from digest.errors import CheckFailedError
from digest.mail.exporters import ExportedIssue, find_exporter
from digest.periods import Period
from digest.pipeline.context import Context, record_run
from digest.pipeline.letters import RenderedIssue, load_rendered_issue
from digest.ports import Document, Report
from digest.render import render_html_fragment as fragment
from digest.store import settings

PREVIEW_FOLDER = "outbox/preview"


def preview_mail(context: Context, period: Period) -> Report:
    """Write the mail as issue.html and issue.txt below outbox/preview/PERIOD, whatever state the issue is in."""
    prepared = load_rendered_issue(context, period)
    letter = _require_full_content(prepared)
    own = prepared.sender.unsubscribe_url("preview")
    files = {"issue.html": letter.html, "issue.txt": letter.text}
    folder = context.root / PREVIEW_FOLDER / period.name
    folder.mkdir(parents=True, exist_ok=True)
    site.write_documents(
        folder,
        [Document(name, text.replace(mail.UNSUBSCRIBE_PLACEHOLDER, own).encode()) for name, text in files.items()],
    )
    size = mail.measure_html_size(letter.html)
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
        issues.transition_state(prepared.issue.state, "send", period.name)
        name = f"export.{platform}.{period.name}"
        with context.db.read() as session:
            before = settings.load_value(session, name)
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
                prepared.view, context.config.newsletter, site.load_template_overrides(context.template_folder)
            ),
            sender=prepared.sender,
            page_url=context.config.newsletter.address + prepared.view.path,
            idempotency_key=f"{prepared.issue.atom_id} {prepared.issue.content_digest}",
        )
        place = make(draft, context.config.mail.exporters.get(platform, {}), os.environ)
        with context.db.write() as session:
            settings.save_value(session, name, {"draft": place}, context.now)
        report.numbers = {"draft": place}
        report.line = f"{period}: {platform} has a draft, {place}; look at it there and send it"
        report.problems = list(prepared.warnings)
    return report


def _require_full_content(prepared: RenderedIssue) -> mail.MailContent:
    letter = prepared.render_content(())
    if letter is None:
        raise CheckFailedError(
            f"{prepared.issue.period}: the issue holds no picks", "pick from the shortlist, then approve it"
        )
    return letter
