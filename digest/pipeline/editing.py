"""Edits of a sheet while others edit it too: each is made on the version its author saw, then merged with what lies
there now. Desk and commands share it; the text editor's file is one more author.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlmodel import Session, select

from digest import issues, site
from digest.errors import NotFoundError
from digest.issues import MergeConflict, Sheet
from digest.models import Issue, Pick, SheetVersion
from digest.periods import Period
from digest.pipeline.blurbs import quoted
from digest.pipeline.context import Context
from digest.pipeline.propose import item_pick
from digest.pipeline.sheets import adopt, keep_hand, lying, of_a_hand, on_disk, parsed, read
from digest.pipeline.typed import known
from digest.ports import Document
from digest.store import issues as issue_store
from digest.store import items as item_store

Change = Callable[[Sheet], Sheet]


@dataclass(frozen=True, slots=True)
class Current:
    """A sheet at one of its kept versions: ticks carried out, waiting blurbs quoted. `state` is the issue's."""

    version: int
    sheet: Sheet
    state: str
    conflicts: tuple[MergeConflict, ...] = ()


def load(context: Context, period: Period) -> Current:
    """The sheet as it lies there; what came from a text editor is kept and adopted first.

    Raises NotFoundError without a sheet or an issue, SheetError for one that cannot be read; nothing changes then.
    """
    text = lying(context, period)
    parsed(context, period, text)  # what cannot be read is refused before anything is kept
    with context.db.read() as session:
        newest = issue_store.newest_sheet(session, period.name)
        issue = issue_store.existing(session, period.name)
        if newest is not None and newest.text == text:
            return Current(newest.id or 0, completed(context, session, text), issue.state)
    keep_hand(context, period, text)
    with context.db.write() as session:
        issue = issue_store.existing(session, period.name)
        sheet = completed(context, session, text)
        if issue.state == "draft":
            _adopt(context, session, issue, sheet)
        kept = issue_store.newest_sheet(session, period.name)
        return Current((kept and kept.id) or 0, sheet, issue.state)


def edit(context: Context, period: Period, version: int, change: Change) -> Current:
    """Make a change on the sheet of `version`, merge it with the newest, and write file and store.

    What both sides changed stays as the change has it, the other text is kept beside it. Raises Refused when the
    issue has left the editor's hands.
    """
    while True:
        load(context, period)  # a hand's version is committed before anything is written over it
        with context.db.write() as session:
            newest = issue_store.newest_sheet(session, period.name)
            if newest is not None and newest.text == on_disk(context, period):
                return _edited(context, session, period, version, newest, change)


def completed(context: Context, session: Session, text: str) -> Sheet:
    """A sheet's text read: ticked lines moved up, known addresses made picks, the source quoted where words lack."""
    titles = {category.slug: category.title for category in context.config.taxonomy.categories}
    settled = known(context, session, issues.settle(of_a_hand(session, read(text)), titles))
    waiting = [pick.key for _, pick in settled.picks() if not pick.blurb and pick.origin == "source" and not pick.note]
    if not waiting:
        return settled
    stored = item_store.by_keys(session, waiting)
    return issues.fill(settled, {key: item_pick(context.config, item, quoted(item)) for key, item in stored.items()})


def _edited(
    context: Context, session: Session, period: Period, version: int, newest: SheetVersion, change: Change
) -> Current:
    issue = issue_store.existing(session, period.name)
    issues.move(issue.state, "draft", period.name)
    seen = session.get(SheetVersion, version)
    if seen is None or seen.period != period.name:
        raise NotFoundError(f"{period} has no version {version}", "load the page again")
    base, here = completed(context, session, seen.text), completed(context, session, newest.text)
    mine, conflicts = known(context, session, change(base)), list[MergeConflict]()
    if base != here:
        mine, conflicts = issues.merge(base, mine, here)
    text = issues.render(mine)
    site.write(context.site, [Document(f"_drafts/{period.name}.md", text.encode())])
    if text != newest.text:
        issue_store.keep_sheet(session, period.name, "desk", text, context.now)
    _adopt(context, session, issue, mine)
    _keep_words(session, issue, here, mine)
    kept = issue_store.newest_sheet(session, period.name)
    return Current((kept and kept.id) or 0, completed(context, session, text), issue.state, tuple(conflicts))


def _adopt(context: Context, session: Session, issue: Issue, sheet: Sheet) -> None:
    base = issue_store.newest_sheet(session, issue.period, "generated")
    adopt(session, issue, sheet, read(base.text) if base else None, context.now)


def _keep_words(session: Session, issue: Issue, before: Sheet, after: Sheet) -> None:
    """Keep a blurb that was replaced among the pick's versions, save for the editor's own while they are typed."""
    old = {pick.key: pick for _, pick in before.picks()}
    rows = {item.key: row for row, item in issue_store.picks(session, issue.id or 0)}
    for _, pick in after.picks():
        was, row = old.get(pick.key), rows.get(pick.key)
        typed = was is not None and was.origin == pick.origin == "editor"
        if was is None or row is None or typed or not was.blurb or was.blurb == pick.blurb:
            continue
        offer(row, was.blurb, was.origin, was.engine, was.flags)
        session.add(row)


def offer(row: Pick, text: str, origin: str, engine: str, flags: tuple[str, ...]) -> bool:
    """Add words to those the editor may choose from; False when they are there already."""
    if any(version["text"] == text for version in row.versions):
        return False
    row.versions = [*row.versions, {"text": text, "origin": origin, "engine": engine, "flags": list(flags)}]
    return True


def pick_row(session: Session, period: Period, key: str) -> Pick:
    """The stored pick of a key in a period's issue; raises NotFoundError."""
    issue = issue_store.existing(session, period.name)
    item = item_store.named(session, key)
    row = session.exec(select(Pick).where(Pick.issue_id == issue.id, Pick.item_id == item.id)).first()
    if row is None:
        raise NotFoundError(f"{key} is not a pick of {period}", "load the page again")
    return row
