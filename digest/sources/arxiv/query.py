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
from digest.ports import Found, Page, Request, Response, SourceLike
from digest.sources.arxiv.papers import abs_url, is_category, pdf_url, says_withdrawn, split_id
from digest.sources.charset import to_utf8
from digest.sources.dates import parse_date
from digest.sources.xmltree import parse_xml
from digest.text import one_line

API = "https://export.arxiv.org/api/query"
PAGE = 200
OVERLAP = timedelta(days=3)
# start + max_results above 10,000 is answered with 500; before that the window goes on from the last paper's minute.
_DEEPEST = 8_000
_NS = {
    "a": "http://www.w3.org/2005/Atom",
    "arxiv": "http://arxiv.org/schemas/atom",
    "os": "http://a9.com/-/spec/opensearch/1.1/",
}
_WINDOW = re.compile(r"submittedDate:\[(\d{12}) TO (\d{12})\]")
_RETRY = "arXiv does this now and then; try again later"


def request(source: SourceLike, cursor: Mapping[str, Any], now: datetime) -> Request:
    """The first page of what was submitted since the last harvest, with an overlap; `source.days` back at first."""
    until = parse_date(str(cursor.get("until", "")))
    earliest = now - timedelta(days=source.days)
    return window_request(source, max(until - OVERLAP, earliest) if until else earliest, now)


def window_request(source: SourceLike, start: datetime, end: datetime, offset: int = 0) -> Request:
    """One page of the papers whose first version was submitted between two moments, both included, oldest first."""
    categories = " OR ".join(f"cat:{name}" for name in source.categories)
    window = f"submittedDate:[{start.astimezone(UTC):%Y%m%d%H%M} TO {end.astimezone(UTC):%Y%m%d%H%M}]"
    query = {
        "search_query": f"({categories}) AND {window}",
        "start": str(offset),
        "max_results": str(PAGE),
        "sortBy": "submittedDate",
        "sortOrder": "ascending",
    }
    return Request(url=f"{source.url or API}?{urlencode(query)}", deadline=120.0, allow_private=source.allow_private)


def ids_request(source: SourceLike, ids: Sequence[str]) -> Request:
    """The papers of these ids as they are now, in one page of at most `PAGE`."""
    query = {"id_list": ",".join(ids), "max_results": str(len(ids))}
    return Request(url=f"{source.url or API}?{urlencode(query)}", deadline=120.0, allow_private=source.allow_private)


def day_windows(first: date, last: date) -> Iterator[tuple[datetime, datetime]]:
    """Each day from `first` to `last`, both included, as the first and the last minute of a window in UTC."""
    for day in range((last - first).days + 1):
        start = datetime.combine(first + timedelta(days=day), datetime.min.time(), UTC)
        yield start, start + timedelta(hours=23, minutes=59)


def parse(source: SourceLike, response: Response) -> Page:
    """Read one page; `next` asks for the one after it, `total` is the window's. Raises ParseError, for 0 papers too."""
    page = read_page(source, response)
    if not page.total:
        raise ParseError(f"{source.id}: arXiv answered 0 papers to a window that can't be empty", _RETRY)
    return page


def read_page(source: SourceLike, response: Response) -> Page:
    """As `parse`, for a caller that can tell by itself whether 0 papers may be true."""
    root = _feed(response)
    entries = root.findall("a:entry", _NS)
    _raise_errors(entries)
    total, start, size = (_number(root, name) for name in ("totalResults", "startIndex", "itemsPerPage"))
    items = [_paper(entry) for entry in entries]
    _expect(len(items), total, start, size)
    page = Page(items=items, total=total)
    if start + len(items) < total:
        page.next = _next(source, response.url, start + len(items), items)
    elif match := _WINDOW.search(_query(response.url).get("search_query", "")):
        page.cursor = {"until": datetime.strptime(match[2], "%Y%m%d%H%M").replace(tzinfo=UTC).isoformat()}
    return page


def _feed(response: Response) -> Any:
    try:
        root = parse_xml(to_utf8(response.body, response.headers))
    except ParseError as error:
        said = one_line(response.body[:200].decode("utf-8", "replace"))[:80]
        raise ParseError(f"arXiv answered no Atom feed but {said!r}", _RETRY) from error
    if root.tag != "{http://www.w3.org/2005/Atom}feed":
        raise ParseError(f"arXiv answered no Atom feed but <{root.tag}>", _RETRY)
    return root


def _raise_errors(entries: list[Any]) -> None:
    for entry in entries:
        if "/api/errors" in _text(entry, "a:id"):
            raise ParseError(f"arXiv refused the query: {_text(entry, 'a:summary')}", "check the source's categories")


def _expect(count: int, total: int, start: int, size: int) -> None:
    """A page shorter than it says must not pass for the last one."""
    expected = min(size or PAGE, total - start)
    if count < expected:
        raise ParseError(f"arXiv sent {count} papers at {start} of {total}, {expected} were due", _RETRY)


def _next(source: SourceLike, url: str, start: int, items: list[Found]) -> Request:
    parts, query = urlsplit(url), _query(url)
    query["start"] = str(start)
    newest = items[-1].published if items else None
    window = _WINDOW.search(query.get("search_query", ""))
    if start >= _DEEPEST and newest and window:
        query["start"] = "0"
        later = f"submittedDate:[{newest:%Y%m%d%H%M} TO {window[2]}]"
        query["search_query"] = _WINDOW.sub(later, query["search_query"])
    following = urlunsplit(parts._replace(query=urlencode(query)))
    return Request(url=following, deadline=120.0, allow_private=source.allow_private)


def _query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def _paper(entry: Any) -> Found:
    arxiv_id, version = split_id(_text(entry, "a:id"))
    if not arxiv_id:
        raise ParseError(f"arXiv sent an entry whose id {_text(entry, 'a:id')!r} is no paper's", _RETRY)
    comment = _text(entry, "arxiv:comment")
    primary = entry.find("arxiv:primary_category", _NS)
    terms = [primary.get("term")] if primary is not None else []
    terms += [c.get("term") for c in entry.findall("a:category", _NS)]
    return Found(
        guid=f"oai:arXiv.org:{arxiv_id}",
        url=abs_url(arxiv_id),
        title=_text(entry, "a:title"),
        summary=_text(entry, "a:summary"),
        authors=[name for e in entry.findall("a:author/a:name", _NS) if (name := one_line(e.text or ""))],
        published=parse_date(_text(entry, "a:published")),
        updated=parse_date(_text(entry, "a:updated")),
        categories=list(dict.fromkeys(term for term in terms if is_category(term or ""))),
        links={"pdf": pdf_url(arxiv_id)},
        arxiv_id=arxiv_id,
        version=version,
        doi=_text(entry, "arxiv:doi") or None,
        venue=_text(entry, "arxiv:journal_ref") or None,
        comment=comment or None,
        withdrawn=says_withdrawn(comment),
    )


def _text(entry: Any, path: str) -> str:
    found = entry.find(path, _NS)
    return "" if found is None else one_line("".join(found.itertext()))


def _number(root: Any, name: str) -> int:
    text = _text(root, f"os:{name}")
    if not re.fullmatch(r"\d{1,9}", text):
        raise ParseError(f"arXiv's answer has no {name}", _RETRY)
    return int(text)
