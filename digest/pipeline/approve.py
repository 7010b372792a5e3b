"""`check` and `approve`: a person's yes, after the gates; typed addresses become picks first."""

from __future__ import annotations

from dataclasses import replace

from digest import issues, site
from digest.issues import Sheet
from digest.periods import Period
from digest.pipeline import corrections
from digest.pipeline.blurbs import quoted
from digest.pipeline.context import Context, recorded
from digest.pipeline.gates import ask_links, must_pass, warnings
from digest.pipeline.links import Answers
from digest.pipeline.propose import item_pick
from digest.pipeline.sheets import adopt, current, keep_hand, of_a_hand
from digest.pipeline.typed import Typed, fetched
from digest.ports import Document, Report
from digest.store import issues as issue_store
from digest.store import items as item_store
from digest.text import hexdigest


def check(context: Context, period: Period, *, accept_gaps: bool = False, links: bool = False) -> Report:
    """Run the gates on the sheet as it lies there. Raises Refused with every reason and what mends it.

    `links` asks the links first; without it, and where there is no network, their last answers count.
    """
    with recorded(context, "check", period.name) as report:
        text, sheet = current(context, period)
        typed = whole(context, sheet)
        heard = _heard(context, typed.sheet, report) if links else None
        beside = warnings(context, period, typed.sheet, text)
        must_pass(
            context, period, typed.sheet, beside=beside, accept_gaps=accept_gaps, links=heard, unread=typed.unread
        )
        report.problems = [*report.problems, *beside]
        report.line = f"{period}: nothing stands in the way of approval"
    return report


def approve(
    context: Context,
    period: Period,
    *,
    by: str = "",
    sign: bool = False,
    accept_gaps: bool = False,
    links: bool = False,
) -> Report:
    """Take the sheet as the issue: fetch typed addresses, run the gates, adopt every word, note who approved."""
    with recorded(context, "approve", period.name) as report:
        with context.db.read() as session:
            state = issues.move(issue_store.existing(session, period.name).state, "approve", period.name)
        text, sheet = current(context, period)
        keep_hand(context, period, text)
        typed = whole(context, sheet)
        settled = typed.sheet
        heard = _heard(context, settled, report) if links else None
        must_pass(context, period, settled, sign=sign, accept_gaps=accept_gaps, links=heard, unread=typed.unread)
        text = issues.render(settled)
        site.write(context.site, [Document(f"_drafts/{period.name}.md", text.encode())])
        name = by or context.config.newsletter.author
        with context.db.write() as session:
            issue = issue_store.existing(session, period.name)
            if state in corrections.SEEN:
                corrections.keep(session, context, issue, text)
            else:
                base = issue_store.newest_sheet(session, period.name, "generated")
                issue_store.keep_sheet(session, period.name, "approved", text, context.now)
                adopt(session, issue, settled, issues.parse(base.text) if base else None, context.now)
            issue.state, issue.approved, issue.approved_by = state, context.now, name
            issue.sheet_digest = hexdigest(text)
            if sign:
                issue_store.sign(session, issue.id or 0, name, context.now)
            session.add(issue)
        picked = sum(1 for _ in settled.picks())
        report.numbers = {"picks": picked}
        report.problems = [*report.problems, *warnings(context, period, settled, text)]
        how = ' --correct "what was wrong"' if state in corrections.SEEN else ""
        report.line = f"{period}: approved by {name}, {picked} picks; `digest publish {period}{how}` publishes it"
    return report


def take_back(context: Context, period: Period) -> Report:
    """Take an approval back, so that the issue may be edited; raises Refused when readers have it."""
    with recorded(context, "return", period.name) as report:
        with context.db.write() as session:
            issue = issue_store.existing(session, period.name)
            issue.state = issues.move(issue.state, "return", period.name)
            session.add(issue)
        report.line = f"{period}: a draft again; `digest approve {period}` approves it"
    return report


def _heard(context: Context, sheet: Sheet, report: Report) -> Answers:
    """What the issue's links answer now; links that nobody could ask stand in nobody's way, but are told."""
    answers = ask_links(context, sheet)
    report.problems = [*report.problems, *filter(None, [answers.line])]
    return answers


def whole(context: Context, sheet: Sheet) -> Typed:
    """The sheet with ticked lines moved up, typed addresses fetched, and empty blurbs quoted."""
    titles = {category.slug: category.title for category in context.config.taxonomy.categories}
    with context.db.read() as session:
        settled = issues.settle(of_a_hand(session, sheet), titles)
    typed = fetched(context, settled)
    waiting = [pick.key for _, pick in typed.sheet.picks() if not pick.blurb and pick.origin == "source"]
    with context.db.read() as session:
        stored = item_store.by_keys(session, waiting)
    picks = {key: item_pick(context.config, item, quoted(item)) for key, item in stored.items()}
    return replace(typed, sheet=issues.fill(typed.sheet, picks))
