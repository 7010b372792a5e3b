"""A query API on loopback with arXiv's rules and, when told, its moods."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from tests.http.server import Answer, Asked, answer

ATOM = [("Content-Type", "application/atom+xml; charset=utf-8")]
_STAMP = "%Y%m%d%H%M"


class Arxiv:
    """Papers by id with the moment of their first submission. `faults` are used up, one a request; None is none."""

    def __init__(self, papers: dict[str, datetime], faults: Iterable[Answer | None] = ()) -> None:
        self.papers = papers
        self.faults = list(faults)
        self.windows: list[tuple[str, int]] = []
        self.after: Callable[[int], None] = lambda asked: None

    async def __call__(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(asked.path).query).items()}
        window, start, size = query["search_query"], int(query["start"]), int(query["max_results"])
        first, _, last = window.partition("submittedDate:[")[2].rstrip("]").partition(" TO ")
        self.windows.append((first[:8], start))
        self.after(len(self.windows))
        fault = self.faults.pop(0) if self.faults else None
        await (fault or answer(200, ATOM, self.page(first, last, start, size)))(asked, writer)

    def page(self, first: str, last: str, start: int, size: int) -> bytes:
        within = sorted((at, key) for key, at in self.papers.items() if first <= at.strftime(_STAMP) <= last)
        entries = "".join(_entry(key, at) for at, key in within[start : start + size])
        numbers = {"totalResults": len(within), "startIndex": start, "itemsPerPage": size}
        told = "".join(f"<os:{name}>{value}</os:{name}>" for name, value in numbers.items())
        return (
            '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:os="http://a9.com/-/spec/opensearch/1.1/"'
            f' xmlns:arxiv="http://arxiv.org/schemas/atom"><title>q</title>{told}{entries}</feed>'
        ).encode()


def _entry(key: str, at: datetime) -> str:
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f"<entry><id>http://arxiv.org/abs/{key}v1</id><title>The paper numbered {key}</title>"
        f"<published>{stamp}</published><updated>{stamp}</updated><summary>It says {key}.</summary>"
        '<author><name>A. Author</name></author><arxiv:primary_category term="cs.CL"/><category term="cs.CL"/></entry>'
    )
