"""Edits of a sheet while others edit it too: each is made on the version its author saw, then merged with what lies
there now. Desk and commands share it; the text editor's file is one more author.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlmodel import Session, select

from digest import issues, site
from digest.errors import NotFoundError
from digest.issues import Draft, MergeConflict
from digest.models import DraftVersion, Issue, Pick
from digest.periods import Period
from digest.pipeline.blurbs import build_quoted_blurb
from digest.pipeline.context import Context
from digest.pipeline.propose import build_pick
from digest.pipeline.sheets import (
    apply_draft_to_issue,
    parse_draft_cached,
    parse_draft_file,
    read_draft_text,
    recover_editor_text,
    require_draft_text,
    save_editor_version,
)
from digest.pipeline.typed import resolve_known_urls
from digest.ports import Document
from digest.store import issues as issue_store
from digest.store import items as item_store

DraftEdit = Callable[[Draft], Draft]


@dataclass(frozen=True, slots=True)
class CurrentDraft:
    """A sheet at one of its kept versions: ticks carried out, waiting blurbs quoted. `state` is the issue's."""

    version: int
    draft: Draft
    state: str
    conflicts: tuple[MergeConflict, ...] = ()


def load_current_draft(context: Context, period: Period) -> CurrentDraft:
    """The sheet as it lies there; what came from a text editor is kept and adopted first.

    Raises NotFoundError without a sheet or an issue, SheetError for one that cannot be read; nothing changes then.
    """
    text = require_draft_text(context, period)
    parse_draft_file(context, period, text)  # what cannot be read is refused before anything is kept
    with context.db.read() as session:
        newest = issue_store.find_newest_draft_version(session, period.name)
        issue = issue_store.get_issue(session, period.name)
        if newest is not None and newest.text == text:
            return CurrentDraft(newest.id or 0, resolve_draft(context, session, text), issue.state)
    save_editor_version(context, period, text)
    with context.db.write() as session:
        issue = issue_store.get_issue(session, period.name)
        sheet = resolve_draft(context, session, text)
        if issue.state == "draft":
            _apply_current_draft(context, session, issue, sheet)
        kept = issue_store.find_newest_draft_version(session, period.name)
        return CurrentDraft((kept and kept.id) or 0, sheet, issue.state)


def edit_draft(context: Context, period: Period, version: int, change: DraftEdit) -> CurrentDraft:
    """Make a change on the sheet of `version`, merge it with the newest, and write file and store.

    What both sides changed stays as the change has it, the other text is kept beside it. Raises Refused when the
    issue has left the editor's hands.
    """
    while True:
        load_current_draft(context, period)  # a hand's version is committed before anything is written over it
        with context.db.write() as session:
            newest = issue_store.find_newest_draft_version(session, period.name)
            if newest is not None and newest.text == read_draft_text(context, period):
                return _apply_edit(context, session, period, version, newest, change)


def resolve_draft(context: Context, session: Session, text: str) -> Draft:
    """A sheet's text read: ticked lines moved up, known addresses made picks, the source quoted where words lack."""
    titles = {category.slug: category.title for category in context.config.taxonomy.categories}
    settled = resolve_known_urls(
        context, session, issues.apply_marks(recover_editor_text(session, parse_draft_cached(text)), titles)
    )
    waiting = [
        pick.key for _, pick in settled.iter_picks() if not pick.blurb and pick.origin == "source" and not pick.note
    ]
    if not waiting:
        return settled
    stored = item_store.load_items_by_key(session, waiting)
    return issues.fill_missing_blurbs(
        settled, {key: build_pick(context.config, item, build_quoted_blurb(item)) for key, item in stored.items()}
    )


def _apply_edit(
    context: Context, session: Session, period: Period, version: int, newest: DraftVersion, change: DraftEdit
) -> CurrentDraft:
    issue = issue_store.get_issue(session, period.name)
    issues.transition_state(issue.state, "draft", period.name)
    seen = session.get(DraftVersion, version)
    if seen is None or seen.period != period.name:
        raise NotFoundError(f"{period} has no version {version}", "load the page again")
    base, here = resolve_draft(context, session, seen.text), resolve_draft(context, session, newest.text)
    mine, conflicts = resolve_known_urls(context, session, change(base)), list[MergeConflict]()
    if base != here:
        mine, conflicts = issues.merge_drafts(base, mine, here)
    text = issues.render_draft(mine)
    site.write_documents(context.site_folder, [Document(f"_drafts/{period.name}.md", text.encode())])
    if text != newest.text:
        issue_store.save_draft_version(session, period.name, "desk", text, context.now)
    _apply_current_draft(context, session, issue, mine)
    _keep_replaced_blurbs(session, issue, here, mine)
    kept = issue_store.find_newest_draft_version(session, period.name)
    return CurrentDraft((kept and kept.id) or 0, resolve_draft(context, session, text), issue.state, tuple(conflicts))


def _apply_current_draft(context: Context, session: Session, issue: Issue, draft: Draft) -> None:
    base = issue_store.find_newest_draft_version(session, issue.period, "generated")
    apply_draft_to_issue(session, issue, draft, parse_draft_cached(base.text) if base else None, context.now)


def _keep_replaced_blurbs(session: Session, issue: Issue, before: Draft, after: Draft) -> None:
    """Keep a blurb that was replaced among the pick's versions, save for the editor's own while they are typed."""
    old = {pick.key: pick for _, pick in before.iter_picks()}
    rows = {item.key: row for row, item in issue_store.load_picks(session, issue.id or 0)}
    for _, pick in after.iter_picks():
        was, row = old.get(pick.key), rows.get(pick.key)
        typed = was is not None and was.origin == pick.origin == "editor"
        if was is None or row is None or typed or not was.blurb or was.blurb == pick.blurb:
            continue
        add_blurb_version(row, was.blurb, was.origin, was.engine, was.flags)
        session.add(row)


def add_blurb_version(row: Pick, text: str, origin: str, engine: str, flags: tuple[str, ...]) -> bool:
    """Add words to those the editor may choose from; False when they are there already."""
    if any(version["text"] == text for version in row.versions):
        return False
    row.versions = [*row.versions, {"text": text, "origin": origin, "engine": engine, "flags": list(flags)}]
    return True


def load_pick_row(session: Session, period: Period, key: str) -> Pick:
    """The stored pick of a key in a period's issue; raises NotFoundError."""
    issue = issue_store.get_issue(session, period.name)
    item = item_store.get_item(session, key)
    row = session.exec(select(Pick).where(Pick.issue_id == issue.id, Pick.item_id == item.id)).first()
    if row is None:
        raise NotFoundError(f"{key} is not a pick of {period}", "load the page again")
    return row
