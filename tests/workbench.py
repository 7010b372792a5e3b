"""A workspace for pipeline tests: a real database, a clock to set, sources on a loopback server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any, NoReturn

from digest.config.loader import parse_config
from digest.config.schema import Config, Source
from digest.context import Context
from digest.db.engine import Database
from digest.db.runs import load_source_results
from digest.http.client import Client
from digest.http.rate_limit import RateLimiter
from digest.models.items import SourceState
from digest.models.runs import SourceResultRow
from digest.protocols import NullProgress

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
_YAML = """
newsletter: {title: Test}
sources: [{id: x, kind: feed, url: "https://example.org/feed"}]
taxonomy: {categories: [{slug: models, title: Models, description: New models}]}
"""


class Inline:
    """Stands in for `Workers` where isolation is not the subject: starting processes is what takes the time."""

    async def run(self, function: Any, *arguments: Any, subject: str = "") -> Any:
        return function(*arguments)

    async def __aenter__(self) -> Inline:
        return self

    async def __aexit__(self, *error: object) -> None:
        pass


class Clock:
    """A clock that stands still until it is told to move."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: float) -> None:
        self.now += timedelta(**time)


def config(sources: Sequence[Source]) -> Config:
    return parse_config(_YAML).model_copy(update={"sources": tuple(sources)})


def context(root: Path, sources: Sequence[Source], clock: Clock | None = None, **changes: Any) -> Context:
    """A context on `root`/digest.db whose fetcher may reach loopback where a source allows it."""
    facts: dict[str, Any] = {
        "root": root,
        "config": config(sources),
        "db": Database(root / "digest.db"),
        "clock": clock or Clock(),
        "progress": NullProgress(),
        "make_fetcher": lambda: Client(rate_limiter=RateLimiter(site_pauses={})),
        "make_transport": _nothing,
    }
    return Context(**facts | changes)


def _nothing() -> NoReturn:
    raise AssertionError("no mail here")


def state(context: Context, source_id: str) -> SourceState:
    with context.db.read() as session:
        return session.get_one(SourceState, source_id)


def counts(context: Context, run_id: int | None) -> dict[str, SourceResultRow]:
    with context.db.read() as session:
        return {count.source_id: count for count in load_source_results(session, run_id or 0)}


def rss(titles: Sequence[str], *, extra: str = "", day: datetime = NOW) -> bytes:
    """A feed with one item a title, newest first, a day apart."""
    items = "".join(
        f"<item><title>{escape(title)}</title><link>https://blog.example/{escape(title).replace(' ', '-')}</link>"
        f"<guid isPermaLink='false'>{escape(title)}</guid><description>About {escape(title)}.</description>"
        f"<pubDate>{day - timedelta(days=n):%a, %d %b %Y %H:%M:%S} GMT</pubDate></item>"
        for n, title in enumerate(titles)
    )
    return f'<rss version="2.0"><channel><title>Blog</title>{extra}{items}</channel></rss>'.encode()
