"""Asks the links of an issue whether they still lead to their works: a few at a time, seldom twice.

Only what is certain counts: gone (404, 410), or moved for good to another work. A site that is down, slow, or refuses
programs has said nothing about the link.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.errors import FetchError
from digest.fetch.moves import permanent_target
from digest.issues import DeadLink, Sheet
from digest.markdown import to_html
from digest.models import Item, LinkCheck
from digest.pipeline.context import Context
from digest.ports import Fetcher, Request
from digest.store import links as link_store
from digest.urls import work_key

_GOOD_FOR = timedelta(days=14)
_BAD_FOR = timedelta(days=1)  # sites are mended; a person who waits for that should not wait two weeks
_GONE = {404: "is not there (HTTP 404)", 410: "is gone for good (HTTP 410)"}
_FOUND = frozenset({200, 203})
_AT_ONCE = 4
_EACH = 20.0  # seconds
_ALL = 120.0
_BYTES = 2_000_000  # a page; of something larger, such as a PDF, the answer's head is enough


@dataclass(frozen=True, slots=True)
class Answers:
    """The links that are gone or moved, and how many of all could not be judged now."""

    bad: list[DeadLink]
    asked: int
    unjudged: int


def links_of(context: Context, sheet: Sheet, items: Iterable[Item]) -> dict[str, bool]:
    """Addresses of the works and in the editor's prose; true where the work's source may be on a private network."""
    prose = [sheet.intro, sheet.outro, *(text for s in sheet.sections for text in (s.note, s.closing))]
    prose += [pick.blurb for _, pick in sheet.picks() if pick.origin == "editor"]
    typed = {url: False for text in prose for url in re.findall(r'href="(https?://[^"]+)"', to_html(text))}
    works = ((item.url, item.source_id) for item in items)
    return _asked({html.unescape(url): private for url, private in typed.items()}) | work_links(context, works)


def work_links(context: Context, works: Iterable[tuple[str, str]]) -> dict[str, bool]:
    """The addresses of works, given with the ids of their sources, as `links_of` gives them."""
    sources = {source.id: source.allow_private for source in context.config.sources}
    return _asked({url: sources.get(source_id, False) for url, source_id in works})


def _asked(links: Mapping[str, bool]) -> dict[str, bool]:
    """An arXiv paper keeps its address for ever, withdrawn or not, so it is not asked."""
    return {url: private for url, private in links.items() if url and not work_key(url).startswith("arxiv:")}


def check_links(context: Context, links: Mapping[str, bool]) -> Answers:
    """Judge every link by its last answer, and ask those whose answer is missing or old."""
    now = context.now
    with context.db.read() as session:
        known = {url: check for url, check in link_store.known(session, links).items() if _fresh(check, now)}
    waiting = {url: private for url, private in links.items() if url not in known}
    answers = asyncio.run(_ask_all(context, waiting)) if waiting else []
    with context.db.write() as session:
        link_store.keep(session, [check.model_copy() for check in answers])
    known |= {check.url: check for check in answers}
    bad = [judged for url in links if url in known and (judged := judge(known[url])) is not None]
    unjudged = sum(1 for url in links if url not in known or not _certain(known[url]))
    return Answers(bad, len(waiting), unjudged)


def judge(check: LinkCheck) -> DeadLink | None:
    """What an answer says against a link; None when nothing is certain."""
    if check.status in _GONE:
        return DeadLink(check.url, _GONE[check.status])
    return DeadLink(check.url, moved_to=check.final_url) if check.final_url else None


def _certain(check: LinkCheck) -> bool:
    return check.status in _GONE or check.status in _FOUND


def _fresh(check: LinkCheck, now: datetime) -> bool:
    return _certain(check) and now - check.at < (_BAD_FOR if judge(check) else _GOOD_FOR)


async def _ask_all(context: Context, links: Mapping[str, bool]) -> list[LinkCheck]:
    gate = asyncio.Semaphore(_AT_ONCE)
    async with aclosing(context.make_fetcher()) as fetcher:
        asking = [asyncio.create_task(_ask(fetcher, gate, url, private, context.now)) for url, private in links.items()]
        done, late = await asyncio.wait(asking, timeout=_ALL)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    return [task.result() for task in done]


async def _ask(fetcher: Fetcher, gate: asyncio.Semaphore, url: str, private: bool, now: datetime) -> LinkCheck:
    request = Request(url, deadline=_EACH, max_bytes=_BYTES, allow_private=private)
    async with gate:
        try:
            response = await fetcher(request)
        except FetchError as error:
            return LinkCheck(url=url, status=error.status, error=error.message, at=now)
    target = permanent_target(url, response.hops)
    moved = target if target is not None and work_key(target) != work_key(url) else None
    return LinkCheck(url=url, status=response.status, final_url=moved, at=now)
