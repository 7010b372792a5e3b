"""Searches and results of the `arxiv` package, for pages that the program's own client fetches.

The package (4.0.2) repairs broken XML silently, reads HTML as "no papers" and skips entries without a date. Each page is
read strictly first, so that nothing of this shortens a list in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import arxiv

from digest.errors import ParseError
from digest.protocols import Response
from digest.sources.feeds.encoding import transcode_to_utf8
from digest.sources.feeds.xml import parse_xml
from digest.text import normalise_line

RETRY_HINT = "arXiv does this now and then; try again later"
_ATOM = "{http://www.w3.org/2005/Atom}"
_OPENSEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"


class PageClient(arxiv.Client):  # type: ignore[misc]
    """A client whose session hands over one stored response: no request, no pause, no second attempt."""

    def __init__(self, api_url: str, page_size: int, response: Response | None = None) -> None:
        super().__init__(page_size=page_size, delay_seconds=0, num_retries=0)
        self.query_url_format = api_url.replace("{", "%7B").replace("}", "%7D") + "?{}"
        self._response = response
        self._session: Any = self

    def format_page_url(self, search: arxiv.Search, start: int) -> str:
        """Build the address of a page without the arguments that the search leaves empty."""
        address, _, query = self._format_url(search, start, self.page_size).partition("?")
        return f"{address}?{'&'.join(pair for pair in query.split('&') if not pair.endswith('='))}"

    def get(self, url: str, headers: Mapping[str, str]) -> Any:
        """Return the stored response, as the session that the package expects."""
        assert self._response is not None
        return SimpleNamespace(status_code=200, content=transcode_to_utf8(self._response.body, self._response.headers))

    def read_page(self, url: str) -> tuple[list[arxiv.Result], int, int]:
        """Read the results, their total and the offset of the first. Raises ParseError for incomplete pages."""
        root = _parse_strictly(self.get(url, {}).content)
        entry_count = len(root.findall(f"{_ATOM}entry"))
        try:
            feed = self._parse_feed(url)
        except ValueError as error:
            raise ParseError(f"arXiv sent a paper whose date cannot be read: {error}", RETRY_HINT) from error
        total, start, size = (_read_number(root, name) for name in ("totalResults", "startIndex", "itemsPerPage"))
        if len(feed.results) < entry_count:
            raise ParseError(f"arXiv sent {entry_count - len(feed.results)} papers without a date", RETRY_HINT)
        expected = min(size or self.page_size, total - start)
        if entry_count < expected:  # a short page must not pass for the last one
            raise ParseError(
                f"arXiv sent {entry_count} papers at {start} of {total}, {expected} were expected", RETRY_HINT
            )
        return feed.results, total, start


def create_window_search(categories: tuple[str, ...], start: datetime, end: datetime) -> arxiv.Search:
    """Search the papers whose first version was submitted between two moments in UTC, oldest first."""
    names = " OR ".join(f"cat:{name}" for name in categories)
    query = f"({names}) AND submittedDate:[{start:%Y%m%d%H%M} TO {end:%Y%m%d%H%M}]"
    return arxiv.Search(
        query=query, max_results=None, sort_by=arxiv.SortCriterion.SubmittedDate, sort_order=arxiv.SortOrder.Ascending
    )


def _parse_strictly(body: bytes) -> Any:
    try:
        root = parse_xml(body)
    except ParseError as error:
        beginning = normalise_line(body[:200].decode("utf-8", "replace"))[:80]
        raise ParseError(f"arXiv answered no Atom feed but {beginning!r}", RETRY_HINT) from error
    if root.tag != f"{_ATOM}feed":
        raise ParseError(f"arXiv answered no Atom feed but <{root.tag}>", RETRY_HINT)
    for entry in root.findall(f"{_ATOM}entry"):
        if "/api/errors" in entry.findtext(f"{_ATOM}id", ""):
            reason = normalise_line(entry.findtext(f"{_ATOM}summary", ""))
            raise ParseError(f"arXiv refused the query: {reason}", "check the source's categories")
    return root


def _read_number(root: Any, name: str) -> int:
    text = root.findtext(f"{_OPENSEARCH}{name}", "").strip()
    if not text.isdecimal() or len(text) > 9:
        raise ParseError(f"arXiv's answer has no {name}", RETRY_HINT)
    return int(text)
