"""What `digest doctor --sources` does: each source asked once and read, and feeds found for pages that name none."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from digest.config import Source
from digest.errors import SourceError
from digest.fetch.worker import ParserPool
from digest.pipeline.context import Context
from digest.pipeline.reading import ParsedPage, parse_response, to_plain_source
from digest.ports import Fetcher, Finding, Request
from digest.sources import SOURCE_KINDS, guess_feed_urls


async def _probe_all_sources(context: Context) -> list[Finding]:
    """A finding for each enabled source, and one for each page that has a feed; nothing is stored."""
    enabled = [source for source in context.config.sources if source.enabled]
    async with aclosing(context.make_fetcher()) as fetcher, ParserPool() as workers:
        probe = _SourceProbe(context, fetcher, workers)
        found = await asyncio.gather(*(probe.probe_source(source) for source in enabled))
    return [finding for findings in found for finding in findings]


class _SourceProbe:
    """What the questions of one look share."""

    def __init__(self, context: Context, fetcher: Fetcher, workers: ParserPool) -> None:
        self._now = context.now
        self._fetcher = fetcher
        self._workers = workers

    async def probe_source(self, source: Source) -> list[Finding]:
        try:
            reading = await self._fetch_and_parse(
                source, SOURCE_KINDS[source.kind].build_request(source, {}, self._now)
            )
        except SourceError as error:
            words = error.message.removeprefix(f"{source.id}: ")
            return [Finding("source", "bad", f"{source.id}: {words}", error.hint or "look at its url in a browser")]
        if reading.feed_request:
            return [Finding("source", "good", f"{source.id}: is read through its feed {reading.feed_request.url}")]
        if not reading.found_count:
            words = f"{source.id}: answers, and holds nothing"
            return [Finding("source", "warning", words, "look at its url in a browser")]
        good = Finding("source", "good", f"{source.id}: {reading.found_count} items on its first page")
        feed = await self._find_unlinked_feed(source) if source.kind == "page" else None
        return [good, feed] if feed else [good]

    async def _fetch_and_parse(self, source: Source, request: Request) -> ParsedPage:
        answer = await self._fetcher(request)
        return await self._workers.run(parse_response, to_plain_source(source), answer, self._now, subject=source.id)

    async def _find_unlinked_feed(self, source: Source) -> Finding | None:
        """A feed at one of the usual addresses; a redirect there is how sites send unknown addresses home."""
        as_feed = source.model_copy(update={"kind": "feed"})
        for url in guess_feed_urls(source.url or ""):
            try:
                answer = await self._fetcher(Request(url, allow_private=source.allow_private))
                reading = await self._workers.run(
                    parse_response, to_plain_source(as_feed), answer, self._now, subject=source.id
                )
            except SourceError:
                continue
            if reading.found_count and not answer.redirects:
                cure = "if it holds the same, make it the source's url, with kind: feed"
                return Finding("source", "note", f"{source.id}: there is a feed at {url}", cure)
        return None
