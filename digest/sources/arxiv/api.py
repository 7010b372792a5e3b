"""arXiv's query API: windows by submission of the first version, pages of its Atom answers, and a distrust of both.

The `arxiv` package is not used: it reads a 200 with HTML, or an empty first page, as "0 papers", stops at 100 results
unless told otherwise, and does its own blocking requests (arxiv.py 4.0.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from digest.errors import ParseError
from digest.protocols import Request, Response
from digest.sources.arxiv.common import (
    build_abs_url,
    build_pdf_url,
    is_arxiv_category,
    is_withdrawal_comment,
    split_arxiv_id,
)
from digest.sources.dates import parse_date
from digest.sources.entries import Entry, Page, SourceLike
from digest.sources.feeds.encoding import transcode_to_utf8
from digest.sources.feeds.xml import parse_xml
from digest.text import normalise_line

ARXIV_API_URL = "https://export.arxiv.org/api/query"
API_PAGE_SIZE = 200
API_OVERLAP = timedelta(days=3)
# start + max_results above 10,000 is answered with 500; before that the window goes on from the last paper's minute.
_MAX_OFFSET = 8_000
_NAMESPACES = {
    "a": "http://www.w3.org/2005/Atom",
    "arxiv": "http://arxiv.org/schemas/atom",
    "os": "http://a9.com/-/spec/opensearch/1.1/",
}
_WINDOW_QUERY = re.compile(r"submittedDate:\[(\d{12}) TO (\d{12})\]")
_RETRY_HINT = "arXiv does this now and then; try again later"


def build_arxiv_request(source: SourceLike, cursor: Mapping[str, Any], now: datetime) -> Request:
    """The first page of what was submitted since the last harvest, with an overlap; `source.days` back at first."""
    until = parse_date(str(cursor.get("until", "")))
    earliest = now - timedelta(days=source.days)
    return build_window_request(source, max(until - API_OVERLAP, earliest) if until else earliest, now)


def build_window_request(source: SourceLike, start: datetime, end: datetime, offset: int = 0) -> Request:
    """One page of the papers whose first version was submitted between two moments, both included, oldest first."""
    categories = " OR ".join(f"cat:{name}" for name in source.categories)
    window = f"submittedDate:[{start.astimezone(UTC):%Y%m%d%H%M} TO {end.astimezone(UTC):%Y%m%d%H%M}]"
    query = {
        "search_query": f"({categories}) AND {window}",
        "start": str(offset),
        "max_results": str(API_PAGE_SIZE),
        "sortBy": "submittedDate",
        "sortOrder": "ascending",
    }
    return Request(
        url=f"{source.url or ARXIV_API_URL}?{urlencode(query)}", deadline=120.0, allow_private=source.allow_private
    )


def build_ids_request(source: SourceLike, ids: Sequence[str]) -> Request:
    """The papers of these ids as they are now, in one page of at most `PAGE`."""
    query = {"id_list": ",".join(ids), "max_results": str(len(ids))}
    return Request(
        url=f"{source.url or ARXIV_API_URL}?{urlencode(query)}", deadline=120.0, allow_private=source.allow_private
    )


def iterate_day_windows(first: date, last: date) -> Iterator[tuple[datetime, datetime]]:
    """Each day from `first` to `last`, both included, as the first and the last minute of a window in UTC."""
    for day in range((last - first).days + 1):
        start = datetime.combine(first + timedelta(days=day), datetime.min.time(), UTC)
        yield start, start + timedelta(hours=23, minutes=59)


def parse_arxiv_response(source: SourceLike, response: Response) -> Page:
    """Read one page; `next` asks for the one after it, `total` is the window's. Raises ParseError, for 0 papers too."""
    page = parse_arxiv_page(source, response)
    if not page.total:
        raise ParseError(f"{source.id}: arXiv answered 0 papers to a window that can't be empty", _RETRY_HINT)
    return page


def parse_arxiv_page(source: SourceLike, response: Response) -> Page:
    """As `parse`, for a caller that can tell by itself whether 0 papers may be true."""
    root = _parse_atom(response)
    entries = root.findall("a:entry", _NAMESPACES)
    _raise_api_error(entries)
    total, start, size = (_find_number(root, name) for name in ("totalResults", "startIndex", "itemsPerPage"))
    items = [_parse_paper(entry) for entry in entries]
    _check_page_is_full(len(items), total, start, size)
    page = Page(entries=items, total=total)
    if start + len(items) < total:
        page.next_request = _build_next_request(source, response.url, start + len(items), items)
    elif match := _WINDOW_QUERY.search(_parse_query(response.url).get("search_query", "")):
        page.cursor = {"until": datetime.strptime(match[2], "%Y%m%d%H%M").replace(tzinfo=UTC).isoformat()}
    return page


def _parse_atom(response: Response) -> Any:
    try:
        root = parse_xml(transcode_to_utf8(response.body, response.headers))
    except ParseError as error:
        said = normalise_line(response.body[:200].decode("utf-8", "replace"))[:80]
        raise ParseError(f"arXiv answered no Atom feed but {said!r}", _RETRY_HINT) from error
    if root.tag != "{http://www.w3.org/2005/Atom}feed":
        raise ParseError(f"arXiv answered no Atom feed but <{root.tag}>", _RETRY_HINT)
    return root


def _raise_api_error(entries: list[Any]) -> None:
    for entry in entries:
        if "/api/errors" in _find_text(entry, "a:id"):
            raise ParseError(
                f"arXiv refused the query: {_find_text(entry, 'a:summary')}", "check the source's categories"
            )


def _check_page_is_full(count: int, total: int, start: int, size: int) -> None:
    """A page shorter than it says must not pass for the last one."""
    expected = min(size or API_PAGE_SIZE, total - start)
    if count < expected:
        raise ParseError(f"arXiv sent {count} papers at {start} of {total}, {expected} were due", _RETRY_HINT)


def _build_next_request(source: SourceLike, url: str, start: int, items: list[Entry]) -> Request:
    parts, query = urlsplit(url), _parse_query(url)
    query["start"] = str(start)
    newest = items[-1].published if items else None
    window = _WINDOW_QUERY.search(query.get("search_query", ""))
    if start >= _MAX_OFFSET and newest and window:
        query["start"] = "0"
        later = f"submittedDate:[{newest:%Y%m%d%H%M} TO {window[2]}]"
        query["search_query"] = _WINDOW_QUERY.sub(later, query["search_query"])
    following = urlunsplit(parts._replace(query=urlencode(query)))
    return Request(url=following, deadline=120.0, allow_private=source.allow_private)


def _parse_query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def _parse_paper(entry: Any) -> Entry:
    arxiv_id, version = split_arxiv_id(_find_text(entry, "a:id"))
    if not arxiv_id:
        raise ParseError(f"arXiv sent an entry whose id {_find_text(entry, 'a:id')!r} is no paper's", _RETRY_HINT)
    comment = _find_text(entry, "arxiv:comment")
    primary = entry.find("arxiv:primary_category", _NAMESPACES)
    terms = [primary.get("term")] if primary is not None else []
    terms += [c.get("term") for c in entry.findall("a:category", _NAMESPACES)]
    return Entry(
        guid=f"oai:arXiv.org:{arxiv_id}",
        url=build_abs_url(arxiv_id),
        title=_find_text(entry, "a:title"),
        summary=_find_text(entry, "a:summary"),
        authors=[name for e in entry.findall("a:author/a:name", _NAMESPACES) if (name := normalise_line(e.text or ""))],
        published=parse_date(_find_text(entry, "a:published")),
        updated=parse_date(_find_text(entry, "a:updated")),
        categories=list(dict.fromkeys(term for term in terms if is_arxiv_category(term or ""))),
        links={"pdf": build_pdf_url(arxiv_id)},
        arxiv_id=arxiv_id,
        version=version,
        doi=_find_text(entry, "arxiv:doi") or None,
        venue=_find_text(entry, "arxiv:journal_ref") or None,
        comment=comment or None,
        withdrawn=is_withdrawal_comment(comment),
    )


def _find_text(entry: Any, path: str) -> str:
    found = entry.find(path, _NAMESPACES)
    return "" if found is None else normalise_line("".join(found.itertext()))


def _find_number(root: Any, name: str) -> int:
    text = _find_text(root, f"os:{name}")
    if not re.fullmatch(r"\d{1,9}", text):
        raise ParseError(f"arXiv's answer has no {name}", _RETRY_HINT)
    return int(text)
