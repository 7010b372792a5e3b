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

from digest.aio import run_sync
from digest.context import Context
from digest.db.link_checks import load_link_checks, save_link_checks
from digest.drafts.checks import DeadLink
from digest.drafts.model import Draft
from digest.errors import FetchError
from digest.ingest.source_state import find_permanent_target
from digest.markdown.escape import encode_link
from digest.markdown.render import render_html
from digest.models.issues import LinkCheck
from digest.models.items import Item
from digest.protocols import Fetcher, Request
from digest.urls import work_key

_GOOD_VALIDITY = timedelta(days=14)
_BAD_VALIDITY = timedelta(days=1)  # sites are mended; a person who waits for that should not wait two weeks
_GONE_STATUSES = {404: "is not there (HTTP 404)", 410: "is gone for good (HTTP 410)"}
_OK_STATUSES = frozenset({200, 203})
_CONCURRENCY = 4
_REQUEST_TIMEOUT = 15.0  # seconds
_TOTAL_TIMEOUT = 60.0
_MAX_PAGE_BYTES = 2_000_000  # a page; of something larger, such as a PDF, the answer's head is enough


@dataclass(frozen=True, slots=True)
class LinkReport:
    """The links that are gone or moved, how many were asked now, and how many of all could not be judged.

    `offline` says that nobody answered at all: there is no network here.
    """

    dead_links: list[DeadLink]
    request_count: int = 0
    unknown_count: int = 0
    is_offline: bool = False

    @property
    def summary(self) -> str:
        """What a person should know of the check; empty when every link was judged."""
        if self.is_offline:
            return "links not checked: offline, none of the sites answered"
        return f"{self.unknown_count} links could not be judged now" if self.unknown_count else ""


def collect_draft_links(context: Context, sheet: Draft, items: Mapping[str, Item]) -> dict[str, bool]:
    """Addresses of the works and in the editor's prose; true where the work's source may be on a private network.

    `items` are the sheet's works by key.
    """
    prose = [sheet.intro, sheet.outro, *(text for s in sheet.sections for text in (s.intro, s.closing))]
    prose += [pick.blurb for _, pick in sheet.iter_picks() if pick.origin == "editor"]
    typed = {url: False for text in prose for url in re.findall(r'href="(https?://[^"]+)"', render_html(text))}
    works = [(pick.url, items[pick.key]) for _, pick in sheet.iter_picks() if pick.key in items]
    return _exclude_arxiv({html.unescape(url): private for url, private in typed.items()}) | collect_work_links(
        context, works
    )


def collect_work_links(context: Context, works: Iterable[tuple[str, Item]]) -> dict[str, bool]:
    """The addresses of works as `links_of` gives them; where none is said it is the item's, another is the editor's."""
    sources = {source.id: source.allow_private for source in context.config.sources}
    return _exclude_arxiv(
        {
            url or item.url: sources.get(item.source_id, False)
            and encode_link(url or item.url) == encode_link(item.url)
            for url, item in works
        }
    )


def _exclude_arxiv(links: Mapping[str, bool]) -> dict[str, bool]:
    """An arXiv paper keeps its address for ever, withdrawn or not, so it is not asked."""
    return {url: private for url, private in links.items() if url and not work_key(url).startswith("arxiv:")}


def load_link_report(context: Context, links: Mapping[str, bool]) -> LinkReport:
    """Judge the links by their last answers, however old; nobody is asked."""
    with context.db.read() as session:
        return _build_link_report(links, load_link_checks(session, links))


def check_links(context: Context, links: Mapping[str, bool]) -> LinkReport:
    """Judge every link by its last answer, and ask those whose answer is missing or old.

    Who says nothing now leaves what was said before.
    """
    with context.db.read() as session:
        known = load_link_checks(session, links)
    stale = (url for url in links if url not in known or not _is_fresh(known[url], context.now))
    waiting = {url: links[url] for url in stale}
    answers = run_sync(_request_all(context, waiting)) if waiting else []
    told = [check for check in answers if _is_conclusive(check) or check.url not in known]
    if told:
        with context.db.write() as session:
            save_link_checks(session, [check.model_copy() for check in told])
    offline = bool(waiting) and all(check.status is None for check in answers)
    return replace(
        _build_link_report(links, known | {check.url: check for check in told}),
        request_count=len(answers),
        is_offline=offline,
    )


def _build_link_report(links: Iterable[str], checks_by_url: Mapping[str, LinkCheck]) -> LinkReport:
    checks = [checks_by_url.get(url) for url in links]
    bad = [judged for check in checks if check is not None and (judged := judge_link(check)) is not None]
    return LinkReport(bad, unknown_count=sum(1 for check in checks if check is None or not _is_conclusive(check)))


def judge_link(check: LinkCheck) -> DeadLink | None:
    """What an answer says against a link; None when nothing is certain."""
    if check.status in _GONE_STATUSES:
        return DeadLink(check.url, _GONE_STATUSES[check.status])
    return DeadLink(check.url, moved_to=check.final_url) if check.final_url else None


def _is_conclusive(check: LinkCheck) -> bool:
    return check.status in _GONE_STATUSES or check.status in _OK_STATUSES


def _is_fresh(check: LinkCheck, now: datetime) -> bool:
    return _is_conclusive(check) and now - check.at < (_BAD_VALIDITY if judge_link(check) else _GOOD_VALIDITY)


async def _request_all(context: Context, links: Mapping[str, bool]) -> list[LinkCheck]:
    """Ask a few first; where none of them answers there is no network, and the others are left alone."""
    gate = asyncio.Semaphore(_CONCURRENCY)
    async with aclosing(context.make_fetcher()) as fetcher:

        async def ask(some: Iterable[tuple[str, bool]], within: float) -> list[LinkCheck]:
            asking = [
                asyncio.create_task(_request_link(fetcher, gate, url, private, context.now)) for url, private in some
            ]
            done, late = await asyncio.wait(asking, timeout=within)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            return [task.result() for task in done]

        pairs = list(links.items())
        first = await ask(pairs[:_CONCURRENCY], _REQUEST_TIMEOUT)
        rest = pairs[_CONCURRENCY:]
        return first + (await ask(rest, _TOTAL_TIMEOUT) if rest and any(check.status for check in first) else [])


async def _request_link(
    fetcher: Fetcher, semaphore: asyncio.Semaphore, url: str, is_private: bool, now: datetime
) -> LinkCheck:
    request = Request(url, deadline=_REQUEST_TIMEOUT, max_bytes=_MAX_PAGE_BYTES, allow_private=is_private)
    async with semaphore:
        try:
            response = await fetcher(request)
        except FetchError as error:
            return LinkCheck(url=url, status=error.status, error=error.message, at=now)
    target = find_permanent_target(url, response.redirects)
    moved = target if target is not None and work_key(target) != work_key(url) else None
    return LinkCheck(url=url, status=response.status, final_url=moved, at=now)
