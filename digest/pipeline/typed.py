"""Addresses that an editor typed into a sheet, and picks that lost their key: the works they lead to, as picks."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, cast

from sqlmodel import Session, select

from digest import issues
from digest.errors import DigestError
from digest.issues import Sheet, SheetPick
from digest.models import Item, Pick
from digest.pipeline.add import add_url
from digest.pipeline.blurbs import quoted
from digest.pipeline.context import Context
from digest.pipeline.propose import item_pick, twin
from digest.store import issues as issue_store
from digest.store import items as item_store
from digest.store import judgements, merging
from digest.urls import work_key

_AT_ONCE = 10.0  # seconds; somebody waits before the desk


@dataclass(frozen=True, slots=True)
class Typed:
    """A sheet whose addresses are picks, and why some still are not: the reason by address."""

    sheet: Sheet
    unread: Mapping[str, str] = field(default_factory=dict)


def known(context: Context, session: Session, sheet: Sheet) -> Sheet:
    """The sheet with those addresses made picks that lead to works the store holds; nobody is asked."""
    urls = {entry.url: work_key(entry.url) for _, entry in sheet.added()}
    if not urls:
        return sheet
    items = item_store.by_keys(session, list(urls.values()))
    found = {url: _pick(context, session, sheet.period, items[key]) for url, key in urls.items() if key in items}
    return issues.with_works(sheet, found)


def fetched(context: Context, sheet: Sheet) -> Typed:
    """The sheet with every address made a pick; those that the store does not know are fetched."""
    with context.db.read() as session:
        sheet = known(context, session, sheet)
    found: dict[str, SheetPick] = {}
    unread: dict[str, str] = {}
    for url in dict.fromkeys(entry.url for _, entry in sheet.added()):
        try:
            item, _ = add_url(context, url)
        except DigestError as error:
            unread[url] = error.message
            continue
        with context.db.read() as session:
            found[url] = _pick(context, session, sheet.period, item)
    return Typed(issues.with_works(sheet, found), unread)


def learn(context: Context, url: str) -> None:
    """Fetch an address that the store does not know, for a few seconds; what does not answer is left for later."""
    with context.db.read() as session:
        if item_store.by_keys(session, [work_key(url)]):
            return
    with suppress(DigestError):
        add_url(context, url, deadline=_AT_ONCE)


def _pick(context: Context, session: Session, period: str, item: Item) -> SheetPick:
    """The work with what is known of it, in the words that stood on it in this issue before."""
    number = item.id or 0
    verdict = judgements.best(judgements.taggings(session, [number]).get(number, {}))
    same = twin(item, merging.possible(session, [number]).get(number, ()))
    covered = issue_store.covered(session, period).get(number, "")
    pick = item_pick(context.config, item, quoted(item), verdict, covered, same)
    issue = issue_store.find(session, period)
    row = session.exec(select(Pick).where(Pick.issue_id == issue.id, Pick.item_id == number)).first() if issue else None
    if row is None or not row.blurb:
        return pick
    engine = pick.engine if row.origin == "source" else row.engine
    return replace(pick, blurb=row.blurb, origin=cast(Any, row.origin), engine=engine, flags=tuple(row.flags))
