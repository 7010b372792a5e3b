"""Addresses that an editor typed into a sheet, and picks that lost their key: the works they lead to, as picks."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, cast

from sqlmodel import Session, select

from digest import issues
from digest.errors import DigestError
from digest.issues import Draft, DraftPick
from digest.models import Item, Pick
from digest.pipeline.add import add_url
from digest.pipeline.blurbs import build_quoted_blurb
from digest.pipeline.context import Context
from digest.pipeline.propose import build_pick, describe_possible_duplicate
from digest.store import issues as issue_store
from digest.store import items as item_store
from digest.store import judgements, merging
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
    items = item_store.load_items_by_key(session, list(urls.values()))
    found = {
        url: _build_stored_pick(context, session, draft.period, items[key]) for url, key in urls.items() if key in items
    }
    return issues.replace_added_urls(draft, found)


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
    return ResolvedDraft(issues.replace_added_urls(draft, found), unread)


def prefetch_url(context: Context, url: str) -> None:
    """Fetch an address that the store does not know, for a few seconds; what does not answer is left for later."""
    with context.db.read() as session:
        if item_store.load_items_by_key(session, [work_key(url)]):
            return
    with suppress(DigestError):
        add_url(context, url, deadline=_PREFETCH_SECONDS)


def _build_stored_pick(context: Context, session: Session, period: str, item: Item) -> DraftPick:
    """The work with what is known of it, in the words that stood on it in this issue before."""
    number = item.id or 0
    verdict = judgements.choose_best_tagging(judgements.load_taggings(session, [number]).get(number, {}))
    same = describe_possible_duplicate(item, merging.load_possible_duplicates(session, [number]).get(number, ()))
    covered = issue_store.load_covered_in(session, period).get(number, "")
    pick = build_pick(context.config, item, build_quoted_blurb(item), verdict, covered, same)
    issue = issue_store.find_issue(session, period)
    row = session.exec(select(Pick).where(Pick.issue_id == issue.id, Pick.item_id == number)).first() if issue else None
    if row is None or not row.blurb:
        return pick
    engine = pick.engine if row.origin == "source" else row.engine
    return replace(pick, blurb=row.blurb, origin=cast(Any, row.origin), engine=engine, flags=tuple(row.flags))
