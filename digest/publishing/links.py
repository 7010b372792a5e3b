"""Check whether the links of an issue still lead to their works.

Only conclusive responses count: gone (404, 410), or moved permanently to another work. A site that is down, slow, or
refuses programs says nothing about a link.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import aclosing, closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from digest.aio import run_sync
from digest.context import Context
from digest.db.key_value import delete_value, load_value, save_value
from digest.db.link_checks import load_link_checks, save_link_checks
from digest.db.locks import take_batches
from digest.drafts.checks import DeadLink
from digest.drafts.model import Draft
from digest.errors import FetchError
from digest.ingest.source_state import find_permanent_target
from digest.markdown.escape import encode_link
from digest.markdown.render import render_html
from digest.models.issues import LinkCheck
from digest.models.items import Item
from digest.protocols import Fetcher, Report, Request
from digest.urls import work_key

_GOOD_VALIDITY = timedelta(days=14)
_BAD_VALIDITY = timedelta(days=1)  # short, because an editor may be waiting for a site to be repaired
_GONE_STATUSES = {404: "is not there (HTTP 404)", 410: "is gone for good (HTTP 410)"}
_OK_STATUSES = frozenset({200, 203})
LINK_STAGE = "links"
_PLAN = "links:due"  # the links that workers share
_BATCH_SIZE = 40
_SHARED_VALIDITY = timedelta(minutes=10)  # of a result of another worker
_CONCURRENCY = 4
_REQUEST_TIMEOUT = 15.0  # seconds
_TOTAL_TIMEOUT = 60.0  # seconds
_MAX_PAGE_BYTES = 2_000_000  # of larger documents, such as a PDF, the headers suffice


@dataclass(frozen=True, slots=True)
class LinkReport:
    """The links that are gone or moved, the requests made, and the links without a conclusive response.

    `is_offline` is set when no site responded.
    """

    dead_links: list[DeadLink]
    request_count: int = 0
    unknown_count: int = 0
    is_offline: bool = False

    @property
    def summary(self) -> str:
        """A sentence on links that were not checked; empty when every link was."""
        if self.is_offline:
            return "links not checked: offline, none of the sites answered"
        return f"{self.unknown_count} links could not be judged now" if self.unknown_count else ""


def collect_draft_links(context: Context, draft: Draft, items: Mapping[str, Item]) -> dict[str, bool]:
    """Collect the links of works and of the editor's prose; True where a private network is allowed.

    `items` are the draft's works by key.
    """
    prose = [draft.intro, draft.outro, *(text for s in draft.sections for text in (s.intro, s.closing))]
    prose += [pick.blurb for _, pick in draft.iter_picks() if pick.origin == "editor"]
    urls = (url for text in prose for url in re.findall(r'href="(https?://[^"]+)"', render_html(text)))
    works = [(pick.url, items[pick.key]) for _, pick in draft.iter_picks() if pick.key in items]
    return _exclude_arxiv({html.unescape(url): False for url in urls}) | collect_work_links(context, works)


def collect_work_links(context: Context, works: Iterable[tuple[str, Item]]) -> dict[str, bool]:
    """Collect the links of works: the editor's URL, else the item's."""
    allow_private = {source.id: source.allow_private for source in context.config.sources}
    links = {}
    for url, item in works:
        is_own = encode_link(url or item.url) == encode_link(item.url)
        links[url or item.url] = is_own and allow_private.get(item.source_id, False)
    return _exclude_arxiv(links)


def _exclude_arxiv(links: Mapping[str, bool]) -> dict[str, bool]:
    """Exclude arXiv papers, whose links never die, even when the paper is withdrawn."""
    return {url: private for url, private in links.items() if url and not work_key(url).startswith("arxiv:")}


def check_links(context: Context, links: Mapping[str, bool]) -> LinkReport:
    """Check every link by its stored result, and request those whose result is missing or old.

    An inconclusive response replaces no stored result. On PostgreSQL other workers take batches of many links.
    """
    with context.db.read() as session:
        stored = load_link_checks(session, links)
    due = {url: links[url] for url in links if url not in stored or not _is_fresh(stored[url], context.now)}
    is_shared = bool(context.db.schema) and len(due) > _BATCH_SIZE
    if is_shared:
        with context.db.write() as session:
            save_value(session, _PLAN, {"links": due}, context.now)
        context.call_helpers(LINK_STAGE, "")
    checks = [check for batch in _check_batches(context, due, is_shared, should_wait=True) for check in batch]
    if is_shared:
        with context.db.write() as session:
            delete_value(session, _PLAN)
    report = build_link_report(links, stored | {check.url: check for check in checks if _replaces(check, stored)})
    is_offline = bool(due) and all(check.status is None for check in checks)
    return replace(report, request_count=len(checks), is_offline=is_offline)


def help_check_links(context: Context, argument: str = "") -> Report:
    """Check the batches of links that no other worker has, for the one that began."""
    with context.db.read() as session:
        due: dict[str, bool] = load_value(session, _PLAN).get("links", {})
    count = sum(len(batch) for batch in _check_batches(context, due, True, should_wait=False))
    return Report(LINK_STAGE, f"helped with {count} links", numbers={"links": count})


def _check_batches(
    context: Context, due: Mapping[str, bool], is_shared: bool, *, should_wait: bool
) -> Iterator[list[LinkCheck]]:
    """Request links in batches and store the results; stops when the sites of a batch do not respond at all."""
    urls = sorted(due) if is_shared else list(due)
    size = _BATCH_SIZE if is_shared else max(len(urls), 1)
    batches = {str(start // size): urls[start : start + size] for start in range(0, len(urls), size)}
    since = context.now - _SHARED_VALIDITY
    with closing(take_batches(context.db, LINK_STAGE, list(batches), should_wait=should_wait)) as names:
        for name in names:
            with context.db.read() as session:
                stored = load_link_checks(session, batches[name])
            # What another worker has requested meanwhile.
            checks = [check for check in stored.values() if is_shared and check.at >= since]
            others = {check.url for check in checks}
            remaining = {url: due[url] for url in batches[name] if url not in others}
            new = run_sync(_request_all(context, remaining)) if remaining else []
            if accepted := [check for check in new if _replaces(check, stored)]:
                with context.db.write() as session:
                    save_link_checks(session, [check.model_copy() for check in accepted])
            yield [*checks, *new]
            if new and not any(check.status for check in new):
                return


def _replaces(check: LinkCheck, stored: Mapping[str, LinkCheck]) -> bool:
    return _is_conclusive(check) or check.url not in stored


def build_link_report(links: Iterable[str], checks_by_url: Mapping[str, LinkCheck]) -> LinkReport:
    """Judge links by their stored results, however old."""
    checks = [checks_by_url.get(url) for url in links]
    dead = [link for check in checks if check is not None and (link := judge_link(check)) is not None]
    return LinkReport(dead, unknown_count=sum(1 for check in checks if check is None or not _is_conclusive(check)))


def judge_link(check: LinkCheck) -> DeadLink | None:
    """Return what is wrong with a link, or None."""
    if check.status in _GONE_STATUSES:
        return DeadLink(check.url, _GONE_STATUSES[check.status])
    return DeadLink(check.url, moved_to=check.final_url) if check.final_url else None


def _is_conclusive(check: LinkCheck) -> bool:
    return check.status in _GONE_STATUSES or check.status in _OK_STATUSES


def _is_fresh(check: LinkCheck, now: datetime) -> bool:
    return _is_conclusive(check) and now - check.at < (_BAD_VALIDITY if judge_link(check) else _GOOD_VALIDITY)


async def _request_all(context: Context, links: Mapping[str, bool]) -> list[LinkCheck]:
    """Request a few links first; when none responds, there is no network, and the rest is skipped."""
    semaphore = asyncio.Semaphore(_CONCURRENCY)
    async with aclosing(context.make_fetcher()) as fetcher:

        async def request(pairs: Iterable[tuple[str, bool]], timeout: float) -> list[LinkCheck]:
            requests = (_request_link(fetcher, semaphore, url, private, context.now) for url, private in pairs)
            done, late = await asyncio.wait([asyncio.create_task(each) for each in requests], timeout=timeout)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            return [task.result() for task in done]

        pairs = list(links.items())
        first = await request(pairs[:_CONCURRENCY], _REQUEST_TIMEOUT)
        rest = pairs[_CONCURRENCY:]
        if not rest or not any(check.status for check in first):
            return first
        return first + await request(rest, _TOTAL_TIMEOUT)


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
