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
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from digest.errors import FetchError
from digest.fetch.moves import permanent_target
from digest.issues import DeadLink, Sheet
from digest.markdown import link, to_html
from digest.models import Item, LinkCheck
from digest.pipeline.context import Context
from digest.pipeline.waiting import wait_for
from digest.ports import Fetcher, Request
from digest.store import links as link_store
from digest.urls import work_key

_GOOD_FOR = timedelta(days=14)
_BAD_FOR = timedelta(days=1)  # sites are mended; a person who waits for that should not wait two weeks
_GONE = {404: "is not there (HTTP 404)", 410: "is gone for good (HTTP 410)"}
_FOUND = frozenset({200, 203})
_AT_ONCE = 4
_EACH = 15.0  # seconds
_ALL = 60.0
_BYTES = 2_000_000  # a page; of something larger, such as a PDF, the answer's head is enough


@dataclass(frozen=True, slots=True)
class Answers:
    """The links that are gone or moved, how many were asked now, and how many of all could not be judged.

    `offline` says that nobody answered at all: there is no network here.
    """

    bad: list[DeadLink]
    asked: int = 0
    unjudged: int = 0
    offline: bool = False

    @property
    def line(self) -> str:
        """What a person should know of the check; empty when every link was judged."""
        if self.offline:
            return "links not checked: offline, none of the sites answered"
        return f"{self.unjudged} links could not be judged now" if self.unjudged else ""


def links_of(context: Context, sheet: Sheet, items: Mapping[str, Item]) -> dict[str, bool]:
    """Addresses of the works and in the editor's prose; true where the work's source may be on a private network.

    `items` are the sheet's works by key.
    """
    prose = [sheet.intro, sheet.outro, *(text for s in sheet.sections for text in (s.note, s.closing))]
    prose += [pick.blurb for _, pick in sheet.picks() if pick.origin == "editor"]
    typed = {url: False for text in prose for url in re.findall(r'href="(https?://[^"]+)"', to_html(text))}
    works = [(pick.url, items[pick.key]) for _, pick in sheet.picks() if pick.key in items]
    return _asked({html.unescape(url): private for url, private in typed.items()}) | work_links(context, works)


def work_links(context: Context, works: Iterable[tuple[str, Item]]) -> dict[str, bool]:
    """The addresses of works as `links_of` gives them; where none is said it is the item's, another is the editor's."""
    sources = {source.id: source.allow_private for source in context.config.sources}
    return _asked(
        {
            url or item.url: sources.get(item.source_id, False) and link(url or item.url) == link(item.url)
            for url, item in works
        }
    )


def _asked(links: Mapping[str, bool]) -> dict[str, bool]:
    """An arXiv paper keeps its address for ever, withdrawn or not, so it is not asked."""
    return {url: private for url, private in links.items() if url and not work_key(url).startswith("arxiv:")}


def known_links(context: Context, links: Mapping[str, bool]) -> Answers:
    """Judge the links by their last answers, however old; nobody is asked."""
    with context.db.read() as session:
        return _answers(links, link_store.known(session, links))


def check_links(context: Context, links: Mapping[str, bool]) -> Answers:
    """Judge every link by its last answer, and ask those whose answer is missing or old.

    Who says nothing now leaves what was said before.
    """
    with context.db.read() as session:
        known = link_store.known(session, links)
    stale = (url for url in links if url not in known or not _fresh(known[url], context.now))
    waiting = {url: links[url] for url in stale}
    answers = wait_for(_ask_all(context, waiting)) if waiting else []
    told = [check for check in answers if _certain(check) or check.url not in known]
    if told:
        with context.db.write() as session:
            link_store.keep(session, [check.model_copy() for check in told])
    offline = bool(waiting) and all(check.status is None for check in answers)
    return replace(_answers(links, known | {check.url: check for check in told}), asked=len(answers), offline=offline)


def _answers(links: Iterable[str], known: Mapping[str, LinkCheck]) -> Answers:
    checks = [known.get(url) for url in links]
    bad = [judged for check in checks if check is not None and (judged := judge(check)) is not None]
    return Answers(bad, unjudged=sum(1 for check in checks if check is None or not _certain(check)))


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
    """Ask a few first; where none of them answers there is no network, and the others are left alone."""
    gate = asyncio.Semaphore(_AT_ONCE)
    async with aclosing(context.make_fetcher()) as fetcher:

        async def ask(some: Iterable[tuple[str, bool]], within: float) -> list[LinkCheck]:
            asking = [asyncio.create_task(_ask(fetcher, gate, url, private, context.now)) for url, private in some]
            done, late = await asyncio.wait(asking, timeout=within)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            return [task.result() for task in done]

        pairs = list(links.items())
        first = await ask(pairs[:_AT_ONCE], _EACH)
        rest = pairs[_AT_ONCE:]
        return first + (await ask(rest, _ALL) if rest and any(check.status for check in first) else [])


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
