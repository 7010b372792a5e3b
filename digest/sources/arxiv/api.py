"""arXiv's query API: windows by the submission of the first version, read page by page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from digest.config.schema import Source
from digest.errors import ParseError
from digest.protocols import Request, Response
from digest.sources.arxiv.common import build_paper, split_arxiv_id
from digest.sources.dates import parse_date
from digest.sources.entries import Entry, Page
from digest.text import normalise_line

if TYPE_CHECKING:  # the arxiv package loads requests, 0.1 s that other sources need not wait for
    import arxiv

ARXIV_API_URL = "https://export.arxiv.org/api/query"
API_PAGE_SIZE = 200
API_OVERLAP = timedelta(days=3)
# start + max_results above 10,000 is answered with 500; before that the window goes on from the last paper's minute.
_MAX_OFFSET = 8_000
_CATEGORY = re.compile(r"[a-z-]{2,}(?:\.(?:[A-Z]{2}|[a-z-]+))?")
_WINDOW_QUERY = re.compile(r"submittedDate:\[(\d{12}) TO (\d{12})\]")


def build_arxiv_request(source: Source, cursor: Mapping[str, Any], now: datetime) -> Request:
    """Ask for what was submitted since the last harvest, with an overlap; `source.days` back at first."""
    until = parse_date(str(cursor.get("until", "")))
    earliest = now - timedelta(days=source.days)
    return build_window_request(source, max(until - API_OVERLAP, earliest) if until else earliest, now)


def build_window_request(source: Source, start: datetime, end: datetime, offset: int = 0) -> Request:
    """Ask for one page of the papers first submitted between two moments, both included, oldest first."""
    from digest.sources.arxiv.results import create_window_search

    search = create_window_search(source.categories, start.astimezone(UTC), end.astimezone(UTC))
    return _build_search_request(source, search, API_PAGE_SIZE, offset)


def build_ids_request(source: Source, ids: Sequence[str]) -> Request:
    """Ask for the papers of these ids as they are now, in one page of at most `API_PAGE_SIZE`."""
    import arxiv

    return _build_search_request(source, arxiv.Search(id_list=list(ids)), len(ids))


def _build_search_request(source: Source, search: arxiv.Search, page_size: int, offset: int = 0) -> Request:
    from digest.sources.arxiv.results import PageClient

    url = PageClient(source.url or ARXIV_API_URL, page_size).format_page_url(search, offset)
    return Request(url=url, deadline=120.0, allow_private=source.allow_private)


def parse_arxiv_response(source: Source, response: Response) -> Page:
    """Read one page of a window that cannot be empty. Raises ParseError, for 0 papers too."""
    page = parse_arxiv_page(source, response)
    if not page.total:
        hint = "arXiv does this now and then; try again later"
        raise ParseError(f"{source.id}: arXiv answered 0 papers to a window that can't be empty", hint)
    return page


def parse_arxiv_page(source: Source, response: Response) -> Page:
    """Read one page; `next_request` asks for the one after it, `total` is the window's. Raises ParseError."""
    from digest.sources.arxiv.results import PageClient

    client = PageClient(source.url or ARXIV_API_URL, API_PAGE_SIZE, response)
    results, total, start = client.read_page(response.url)
    page = Page(entries=[_convert_result(result) for result in results], total=total)
    query = _parse_query(response.url)
    window = _WINDOW_QUERY.search(query.get("search_query", ""))
    read_count = start + len(results)
    if read_count >= total:
        if window:
            page.cursor = {"until": datetime.strptime(window[2], "%Y%m%d%H%M").replace(tzinfo=UTC).isoformat()}
        return page
    query["start"] = str(read_count)
    if read_count >= _MAX_OFFSET and window and page.entries and (newest := page.entries[-1].published):
        query["start"] = "0"
        remaining = f"submittedDate:[{newest:%Y%m%d%H%M} TO {window[2]}]"
        query["search_query"] = _WINDOW_QUERY.sub(remaining, query["search_query"])
    url = urlunsplit(urlsplit(response.url)._replace(query=urlencode(query)))
    page.next_request = Request(url=url, deadline=120.0, allow_private=source.allow_private)
    return page


def parse_window_start(url: str) -> datetime | None:
    """Return the first moment of the window that a request of this API asks for."""
    window = _WINDOW_QUERY.search(_parse_query(url).get("search_query", ""))
    return datetime.strptime(window[1], "%Y%m%d%H%M").replace(tzinfo=UTC) if window else None


def _parse_query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def _convert_result(result: arxiv.Result) -> Entry:
    arxiv_id, version = split_arxiv_id(result.entry_id)
    if not arxiv_id:
        raise ParseError(f"arXiv sent an entry whose id {result.entry_id!r} is not a paper's", "try again later")
    names = (normalise_line(author.name) for author in result.authors)
    terms = dict.fromkeys((result.primary_category, *result.categories))
    return build_paper(
        arxiv_id,
        version,
        normalise_line(result.comment or ""),
        title=normalise_line(result.title),
        summary=normalise_line(result.summary),
        authors=[name for name in names if name],
        published=result.published,
        updated=result.updated,
        categories=[term for term in terms if _CATEGORY.fullmatch(term)],  # ACM and MSC classes are among them
        doi=normalise_line(result.doi or "") or None,
        venue=normalise_line(result.journal_ref or "") or None,
    )
