"""Concurrent edits; added URLs.

Edits of a sheet while others edit it too: each is made on the version its author saw, then merged with what lies
there now. Desk and commands share it; the text editor's file is one more author.

Addresses that an editor typed into a sheet, and picks that lost their key: the works they lead to, as picks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, cast

from sqlmodel import Session, select

from digest.blurbs.generate import build_quoted_blurb
from digest.context import Context
from digest.db.issues import (
    find_issue,
    find_newest_draft_version,
    get_issue,
    load_covered_in,
    load_picks,
    save_draft_version,
)
from digest.db.items import get_item, load_items_by_key
from digest.db.merges import load_possible_duplicates
from digest.db.predictions import choose_best_tagging, load_taggings
from digest.drafts.edit import apply_marks, fill_missing_blurbs, replace_added_urls
from digest.drafts.merge import MergeConflict, merge_drafts
from digest.drafts.model import Draft, DraftPick
from digest.drafts.propose import build_pick, describe_possible_duplicate
from digest.drafts.storage import (
    apply_draft_to_issue,
    parse_draft_cached,
    parse_draft_file,
    read_draft_text,
    recover_editor_text,
    require_draft_text,
    save_editor_version,
)
from digest.drafts.workflow import transition_state
from digest.drafts.writer import render_draft
from digest.errors import DigestError, NotFoundError
from digest.files import write_documents
from digest.ingest.add import add_url
from digest.models.issues import DraftVersion, Issue, Pick
from digest.models.items import Item
from digest.periods import Period
from digest.protocols import Document
from digest.urls import work_key

_PREFETCH_SECONDS = 10.0  # seconds; somebody waits before the desk


@dataclass(frozen=True, slots=True)
class ResolvedDraft:
    """A sheet whose addresses are picks, and why some still are not: the reason by address."""

    draft: Draft
    unreadable_urls: Mapping[str, str] = field(default_factory=dict)


def resolve_known_urls(context: Context, session: Session, draft: Draft) -> Draft:
    """The sheet with those addresses made picks that lead to works the store holds; nobody is asked."""
    urls = {entry.url: work_key(entry.url) for _, entry in draft.iter_added_urls()}
    if not urls:
        return draft
    items = load_items_by_key(session, list(urls.values()))
    found = {
        url: _build_stored_pick(context, session, draft.period, items[key]) for url, key in urls.items() if key in items
    }
    return replace_added_urls(draft, found)


def fetch_added_urls(context: Context, draft: Draft) -> ResolvedDraft:
    """The sheet with every address made a pick; those that the store does not know are fetched."""
    with context.db.read() as session:
        draft = resolve_known_urls(context, session, draft)
    found: dict[str, DraftPick] = {}
    unread: dict[str, str] = {}
    for url in dict.fromkeys(entry.url for _, entry in draft.iter_added_urls()):
        try:
            item, _ = add_url(context, url)
        except DigestError as error:
            unread[url] = error.message
            continue
        with context.db.read() as session:
            found[url] = _build_stored_pick(context, session, draft.period, item)
    return ResolvedDraft(replace_added_urls(draft, found), unread)


def prefetch_url(context: Context, url: str) -> None:
    """Fetch an address that the store does not know, for a few seconds; what does not answer is left for later."""
    with context.db.read() as session:
        if load_items_by_key(session, [work_key(url)]):
            return
    with suppress(DigestError):
        add_url(context, url, deadline=_PREFETCH_SECONDS)


def _build_stored_pick(context: Context, session: Session, period: str, item: Item) -> DraftPick:
    """The work with what is known of it, in the words that stood on it in this issue before."""
    number = item.id
    verdict = choose_best_tagging(load_taggings(session, [number]).get(number, {}))
    same = describe_possible_duplicate(item, load_possible_duplicates(session, [number]).get(number, ()))
    covered = load_covered_in(session, period).get(number, "")
    pick = build_pick(context.config, item, build_quoted_blurb(item), verdict, covered, same)
    issue = find_issue(session, period)
    row = session.exec(select(Pick).where(Pick.issue_id == issue.id, Pick.item_id == number)).first() if issue else None
    if row is None or not row.blurb:
        return pick
    engine = pick.engine if row.origin == "source" else row.engine
    return replace(pick, blurb=row.blurb, origin=cast(Any, row.origin), engine=engine, flags=tuple(row.flags))


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
        newest = find_newest_draft_version(session, period.name)
        issue = get_issue(session, period.name)
        if newest is not None and newest.text == text:
            return CurrentDraft(newest.id, resolve_draft(context, session, text), issue.state)
    save_editor_version(context, period, text)
    with context.db.write() as session:
        issue = get_issue(session, period.name)
        sheet = resolve_draft(context, session, text)
        if issue.state == "draft":
            _apply_current_draft(context, session, issue, sheet)
        kept = find_newest_draft_version(session, period.name)
        return CurrentDraft((kept and kept.id) or 0, sheet, issue.state)


def edit_draft(context: Context, period: Period, version: int, change: DraftEdit) -> CurrentDraft:
    """Make a change on the sheet of `version`, merge it with the newest, and write file and store.

    What both sides changed stays as the change has it, the other text is kept beside it. Raises Refused when the
    issue has left the editor's hands.
    """
    while True:
        load_current_draft(context, period)  # a hand's version is committed before anything is written over it
        with context.db.write() as session:
            newest = find_newest_draft_version(session, period.name)
            if newest is not None and newest.text == read_draft_text(context, period):
                return _apply_edit(context, session, period, version, newest, change)


def resolve_draft(context: Context, session: Session, text: str) -> Draft:
    """A sheet's text read: ticked lines moved up, known addresses made picks, the source quoted where words lack."""
    titles = {category.slug: category.title for category in context.config.taxonomy.categories}
    settled = resolve_known_urls(
        context, session, apply_marks(recover_editor_text(session, parse_draft_cached(text)), titles)
    )
    waiting = [
        pick.key for _, pick in settled.iter_picks() if not pick.blurb and pick.origin == "source" and not pick.note
    ]
    if not waiting:
        return settled
    stored = load_items_by_key(session, waiting)
    return fill_missing_blurbs(
        settled, {key: build_pick(context.config, item, build_quoted_blurb(item)) for key, item in stored.items()}
    )


def _apply_edit(
    context: Context, session: Session, period: Period, version: int, newest: DraftVersion, change: DraftEdit
) -> CurrentDraft:
    issue = get_issue(session, period.name)
    transition_state(issue.state, "draft", period.name)
    seen = session.get(DraftVersion, version)
    if seen is None or seen.period != period.name:
        raise NotFoundError(f"{period} has no version {version}", "load the page again")
    base, here = resolve_draft(context, session, seen.text), resolve_draft(context, session, newest.text)
    mine, conflicts = resolve_known_urls(context, session, change(base)), list[MergeConflict]()
    if base != here:
        mine, conflicts = merge_drafts(base, mine, here)
    text = render_draft(mine)
    write_documents(context.site_folder, [Document(f"_drafts/{period.name}.md", text.encode())])
    if text != newest.text:
        save_draft_version(session, period.name, "desk", text, context.now)
    _apply_current_draft(context, session, issue, mine)
    _keep_replaced_blurbs(session, issue, here, mine)
    kept = find_newest_draft_version(session, period.name)
    return CurrentDraft((kept and kept.id) or 0, resolve_draft(context, session, text), issue.state, tuple(conflicts))


def _apply_current_draft(context: Context, session: Session, issue: Issue, draft: Draft) -> None:
    base = find_newest_draft_version(session, issue.period, "generated")
    apply_draft_to_issue(session, issue, draft, parse_draft_cached(base.text) if base else None, context.now)


def _keep_replaced_blurbs(session: Session, issue: Issue, before: Draft, after: Draft) -> None:
    """Keep a blurb that was replaced among the pick's versions, save for the editor's own while they are typed."""
    old = {pick.key: pick for _, pick in before.iter_picks()}
    rows = {item.key: row for row, item in load_picks(session, issue.id)}
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
    issue = get_issue(session, period.name)
    item = get_item(session, key)
    row = session.exec(select(Pick).where(Pick.issue_id == issue.id, Pick.item_id == item.id)).first()
    if row is None:
        raise NotFoundError(f"{key} is not a pick of {period}", "load the page again")
    return row
