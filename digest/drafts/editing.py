"""Concurrent edits of a draft, and the URLs an editor adds to it.

Every edit is made on the version its author saw, then merged with the newest. The editor's page and the commands
share this; the file in a text editor is one more author.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, cast

from sqlmodel import Session

from digest.blurbs.generate import build_quoted_blurb
from digest.context import Context
from digest.db.issues import (
    find_issue,
    find_newest_draft_version,
    find_pick,
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
from digest.drafts.model import Draft
from digest.drafts.propose import build_pick, describe_possible_duplicate
from digest.drafts.storage import (
    apply_draft_to_issue,
    load_base_draft,
    parse_draft_cached,
    parse_draft_file,
    read_draft_text,
    recover_editor_text,
    require_draft_text,
    write_draft_text,
)
from digest.drafts.workflow import transition_state
from digest.drafts.writer import render_draft
from digest.errors import DigestError, NotFoundError
from digest.ingest.add import add_url
from digest.models.issues import DraftVersion, Issue, Pick
from digest.models.items import Item
from digest.periods import Period
from digest.urls import work_key

_PREFETCH_SECONDS = 10.0  # a person waits for the page
DraftEdit = Callable[[Draft], Draft]


@dataclass(frozen=True, slots=True)
class ResolvedDraft:
    """A draft whose added URLs are picks, and the URLs that are not, with the reason."""

    draft: Draft
    unreadable_urls: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CurrentDraft:
    """A draft at one of its versions, with its marks applied and blurbs filled; `state` is the issue's."""

    version: int
    draft: Draft
    state: str
    conflicts: tuple[MergeConflict, ...] = ()


def load_current_draft(context: Context, period: Period) -> CurrentDraft:
    """Load the draft's file; what came from a text editor is saved and applied to the issue first.

    Raises NotFoundError without a draft or an issue, DraftError for one that cannot be read; nothing changes then.
    """
    while True:
        text = require_draft_text(context, period)
        with context.db.read() as session:
            parse_draft_file(context, session, period, text)
            newest = find_newest_draft_version(session, period.name)
            issue = get_issue(session, period.name)
            draft = resolve_draft(context, session, text)
        if newest is not None and newest.text == text:
            return CurrentDraft(newest.id, draft, issue.state)
        with context.db.write() as session:
            # An edit writes the file before it commits its version; only now is it known whether one was under way.
            if read_draft_text(context, period) != text:
                continue
            issue, newest = get_issue(session, period.name), find_newest_draft_version(session, period.name)
            if newest is None or newest.text != text:
                save_draft_version(session, period.name, "editor", text, context.now)
                if issue.state == "draft":
                    apply_draft_to_issue(session, issue, draft, load_base_draft(session, issue.period), context.now)
            return CurrentDraft(_get_newest_version_id(session, period), draft, issue.state)


def edit_draft(context: Context, period: Period, version: int, edit: DraftEdit) -> CurrentDraft:
    """Apply an edit to the draft of `version`, merge it with the newest, and write file and database.

    Where both sides changed a text, the edit wins and the other text becomes a conflict. Raises CheckFailedError
    if the issue is no draft any more.
    """
    while True:
        load_current_draft(context, period)  # commits the editor's version before it is overwritten
        with context.db.write() as session:
            newest = find_newest_draft_version(session, period.name)
            if newest is not None and newest.text == read_draft_text(context, period):
                return _apply_edit(context, session, period, version, newest, edit)


def _apply_edit(
    context: Context, session: Session, period: Period, version: int, newest: DraftVersion, edit: DraftEdit
) -> CurrentDraft:
    issue = get_issue(session, period.name)
    transition_state(issue.state, "draft", period.name)
    seen = session.get(DraftVersion, version)
    if seen is None or seen.period != period.name:
        raise NotFoundError(f"{period} has no version {version}", "load the page again")
    base, current = resolve_draft(context, session, seen.text), resolve_draft(context, session, newest.text)
    edited, conflicts = resolve_known_urls(context, session, edit(base)), list[MergeConflict]()
    if base != current:
        edited, conflicts = merge_drafts(base, edited, current)
    text = render_draft(edited)
    write_draft_text(context, period, text)
    if text != newest.text:
        save_draft_version(session, period.name, "desk", text, context.now)
    apply_draft_to_issue(session, issue, edited, load_base_draft(session, issue.period), context.now)
    _keep_replaced_blurbs(session, issue, current, edited)
    draft = resolve_draft(context, session, text)
    return CurrentDraft(_get_newest_version_id(session, period), draft, issue.state, tuple(conflicts))


def _get_newest_version_id(session: Session, period: Period) -> int:
    newest = find_newest_draft_version(session, period.name)
    return newest.id if newest else 0


def resolve_draft(context: Context, session: Session, text: str) -> Draft:
    """Parse a draft, apply its marks, and fill in what the database knows: added URLs, missing blurbs."""
    draft = apply_draft_marks(context, session, parse_draft_cached(text))
    waiting = [pick.key for _, pick in draft.iter_picks() if pick.lacks_blurb]
    return fill_quoted_blurbs(context, session, draft, waiting) if waiting else draft


def apply_draft_marks(context: Context, session: Session, draft: Draft) -> Draft:
    """Apply what the editor did: recovered text, merged items, ticked candidates, URLs of known items."""
    titles = {category.slug: category.title for category in context.config.taxonomy.categories}
    return resolve_known_urls(context, session, apply_marks(recover_editor_text(session, draft), titles))


def fill_quoted_blurbs(context: Context, session: Session, draft: Draft, keys: Iterable[str]) -> Draft:
    """Fill the blurbs of some picks with quotations of their sources."""
    items = load_items_by_key(session, list(keys))
    picks = {key: build_pick(context.config, item, build_quoted_blurb(item)) for key, item in items.items()}
    return fill_missing_blurbs(draft, picks)


def resolve_known_urls(context: Context, session: Session, draft: Draft) -> Draft:
    """Replace the added URLs of items in the database by picks; nothing is fetched."""
    keys = {entry.url: work_key(entry.url) for _, entry in draft.iter_added_urls()}
    items = load_items_by_key(session, list(keys.values())) if keys else {}
    items_by_url = {url: items[key] for url, key in keys.items() if key in items}
    return _replace_urls(context, session, draft, items_by_url)


def fetch_added_urls(context: Context, draft: Draft) -> ResolvedDraft:
    """Fetch every added URL (`resolve_known_urls` has left only unknown ones) and replace it by its pick."""
    items: dict[str, Item] = {}
    errors: dict[str, str] = {}
    for url in dict.fromkeys(entry.url for _, entry in draft.iter_added_urls()):
        try:
            items[url], _ = add_url(context, url)
        except DigestError as error:
            errors[url] = error.message
    if not items:
        return ResolvedDraft(draft, errors)
    with context.db.read() as session:
        return ResolvedDraft(_replace_urls(context, session, draft, items), errors)


def prefetch_url(context: Context, url: str) -> None:
    """Fetch the URL of an unknown item for a few seconds; on an error it is left for later."""
    with context.db.read() as session:
        if load_items_by_key(session, [work_key(url)]):
            return
    with suppress(DigestError):
        add_url(context, url, deadline=_PREFETCH_SECONDS)


def _replace_urls(context: Context, session: Session, draft: Draft, items_by_url: Mapping[str, Item]) -> Draft:
    """Replace URLs by picks with what is known of their items, and the blurbs they had in this issue before."""
    if not items_by_url:
        return draft
    ids = [item.id for item in items_by_url.values()]
    taggings, duplicates = load_taggings(session, ids), load_possible_duplicates(session, ids)
    covered_in, issue = load_covered_in(session, draft.period), find_issue(session, draft.period)
    picks = {}
    for url, item in items_by_url.items():
        tagging = choose_best_tagging(taggings.get(item.id, {}))
        duplicate = describe_possible_duplicate(item, duplicates.get(item.id, ()))
        quoted = build_quoted_blurb(item)
        picks[url] = build_pick(context.config, item, quoted, tagging, covered_in.get(item.id, ""), duplicate)
        if issue and (row := find_pick(session, issue.id, item.id)) and row.blurb:
            engine = picks[url].engine if row.origin == "source" else row.engine
            blurb = {"blurb": row.blurb, "origin": row.origin, "engine": engine, "flags": tuple(row.flags)}
            picks[url] = replace(picks[url], **cast(Any, blurb))
    return replace_added_urls(draft, picks)


def _keep_replaced_blurbs(session: Session, issue: Issue, before: Draft, after: Draft) -> None:
    """Keep replaced blurbs among the pick's versions, except steps of the editor's typing."""
    previous = {pick.key: pick for _, pick in before.iter_picks()}
    rows = {item.key: row for row, item in load_picks(session, issue.id)}
    for _, pick in after.iter_picks():
        old, row = previous.get(pick.key), rows.get(pick.key)
        if old is None or row is None or old.blurb in ("", pick.blurb) or old.origin == pick.origin == "editor":
            continue
        add_blurb_version(row, old.blurb, old.origin, old.engine, old.flags)
        session.add(row)


def add_blurb_version(row: Pick, text: str, origin: str, engine: str, flags: tuple[str, ...]) -> bool:
    """Add a text to those the editor may choose from; False if it is there already."""
    if any(version["text"] == text for version in row.versions):
        return False
    row.versions = [*row.versions, {"text": text, "origin": origin, "engine": engine, "flags": list(flags)}]
    return True


def load_pick_row(session: Session, period: Period, key: str) -> Pick:
    """Load the stored pick of a key in a period's issue; raises NotFoundError."""
    row = find_pick(session, get_issue(session, period.name).id, get_item(session, key).id)
    if row is None:
        raise NotFoundError(f"{key} is not a pick of {period}", "load the page again")
    return row
