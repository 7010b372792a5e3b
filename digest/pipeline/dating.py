"""Dates for posts whose page gives none, from the site's sitemap: one more request, and only when the page changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin

from digest.config import Source
from digest.errors import SourceError
from digest.fetch.worker import Workers
from digest.models import Count, State
from digest.pipeline.reading import Reading, read_dates
from digest.ports import Fetcher, Request, Response, Validators
from digest.urls import match_form

_AGAIN = timedelta(days=7)  # until a site without a readable sitemap is asked for one again


async def date_posts(
    fetcher: Fetcher,
    workers: Workers,
    source: Source,
    state: State,
    count: Count,
    response: Response,
    reading: Reading,
    now: datetime,
) -> None:
    """Give the reading's undated posts the days of the sitemap at the root of the site that answered.

    A sitemap that cannot be had is a warning; one that has not changed since says nothing of new posts.
    """
    undated = [item for item in reading.prepared if item.published is None]
    known = state.cursor.get("sitemap", {})
    if not undated or known.get("not_before", "") > now.isoformat():
        return
    asked = _request(urljoin(response.url, "/sitemap.xml"), source, known)
    count.requests += 1
    try:
        answer = await fetcher(asked)
        count.bytes += len(answer.body)
        dates = {} if answer.not_modified else await workers.run(read_dates, answer, subject=source.id)
    except SourceError as error:
        reading.warnings.append(f"no dates from its sitemap: {error.message}")
        reading.cursor = {**reading.cursor, "sitemap": {"not_before": (now + _AGAIN).isoformat()}}
        return
    for item in undated:
        moment = dates.get(match_form(item.url))
        if moment and moment <= now:
            item.published, item.date_flag = moment, None
    reading.cursor = {**reading.cursor, "sitemap": known if answer.not_modified else _validators(answer)}


def _request(url: str, source: Source, known: Mapping[str, Any]) -> Request:
    stored = Validators(known["url"], known["etag"], known["last_modified"]) if "url" in known else None
    return Request(url=url, allow_private=source.allow_private, validators=stored)


def _validators(answer: Response) -> dict[str, str | None]:
    headers = answer.headers
    return {"url": answer.url, "etag": headers.get("etag"), "last_modified": headers.get("last-modified")}
