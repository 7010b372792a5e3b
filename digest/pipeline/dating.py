"""Dates for posts whose page gives none, from the site's sitemap: one more request, and only when the page changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin

from digest.config import Source
from digest.errors import SourceError
from digest.fetch.worker import ParserPool
from digest.models import FetchState, SourceResult
from digest.pipeline.reading import ParsedPage, parse_sitemap_response
from digest.ports import Fetcher, Request, Response, Validators
from digest.urls import build_match_url

_SITEMAP_RETRY_INTERVAL = timedelta(days=7)  # until a site without a readable sitemap is asked for one again


async def fill_dates_from_sitemap(
    fetcher: Fetcher,
    parser_pool: ParserPool,
    source: Source,
    state: FetchState,
    source_result: SourceResult,
    response: Response,
    parsed_page: ParsedPage,
    now: datetime,
) -> None:
    """Give the reading's undated posts the days of the sitemap at the root of the site that answered.

    A sitemap that cannot be had is a warning; one that has not changed since says nothing of new posts.
    """
    undated = [item for item in parsed_page.items if item.published is None]
    known = state.cursor.get("sitemap", {})
    if not undated or known.get("not_before", "") > now.isoformat():
        return
    asked = _build_sitemap_request(urljoin(response.url, "/sitemap.xml"), source, known)
    source_result.requests += 1
    try:
        answer = await fetcher(asked)
        source_result.bytes += len(answer.body)
        dates = (
            {} if answer.is_not_modified else await parser_pool.run(parse_sitemap_response, answer, subject=source.id)
        )
    except SourceError as error:
        parsed_page.warnings.append(f"no dates from its sitemap: {error.message}")
        parsed_page.cursor = {
            **parsed_page.cursor,
            "sitemap": {"not_before": (now + _SITEMAP_RETRY_INTERVAL).isoformat()},
        }
        return
    for item in undated:
        moment = dates.get(build_match_url(item.url))
        if moment and moment <= now:
            item.published, item.date_flag = moment, None
    parsed_page.cursor = {
        **parsed_page.cursor,
        "sitemap": known if answer.is_not_modified else _extract_validators(answer),
    }


def _build_sitemap_request(url: str, source: Source, cursor: Mapping[str, Any]) -> Request:
    stored = Validators(cursor["url"], cursor["etag"], cursor["last_modified"]) if "url" in cursor else None
    return Request(url=url, allow_private=source.allow_private, validators=stored)


def _extract_validators(answer: Response) -> dict[str, str | None]:
    headers = answer.headers
    return {"url": answer.url, "etag": headers.get("etag"), "last_modified": headers.get("last-modified")}
