"""From bytes to what past posts hold. Runs in a worker process where a stranger sent them: few imports, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from digest.issues.archive import Harvest, Headings, Post, harvest, read_post
from digest.ports import Response
from digest.sources import parse_feed


def harvested(response: Response, headings: Headings, essays: bool) -> list[Harvest]:
    """What the posts of an answer hold, a page or a feed. Raises ParseError."""
    if "html" in response.headers.get("content-type", ""):
        posts = [read_post("page.html", response.body.decode("utf-8", "replace"))]
    else:
        posts = posts_in(response.body, response.url, response.headers)
    return [harvest(post, headings, essays=essays) for post in posts]


def posts_in(data: bytes, url: str, headers: Mapping[str, str]) -> list[Post]:
    """The posts of a feed. Raises ParseError."""
    feed = parse_feed(data, url=url, headers=headers, clean=_as_sent)
    return [Post(item.title, item.content or item.summary, item.url, item.published) for item in feed.items]


def _as_sent(fragment: str, base: str) -> str:
    """A post as the feed holds it, with its footnotes' names and its empty links, which cleaning takes away.

    Only words and addresses are read out of it, as out of a file.
    """
    stated = f'<base href="{escape(base)}">' if base.startswith("http") else ""
    return stated + fragment
