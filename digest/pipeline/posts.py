"""From bytes to what past posts hold. Runs in a worker process where a stranger sent them: few imports, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from digest.issues.archive import ArchivePost, HeadingMap, ImportedPost, extract_imported_post, parse_archive_post
from digest.ports import Response
from digest.sources import parse_feed


def parse_archive_response(response: Response, headings: HeadingMap, include_essays: bool) -> list[ImportedPost]:
    """What the posts of an answer hold, a page or a feed. Raises ParseError."""
    if "html" in response.headers.get("content-type", ""):
        posts = [parse_archive_post("page.html", response.body.decode("utf-8", "replace"))]
    else:
        posts = parse_feed_posts(response.body, response.url, response.headers)
    return [extract_imported_post(post, headings, include_essays=include_essays) for post in posts]


def parse_feed_posts(data: bytes, url: str, headers: Mapping[str, str]) -> list[ArchivePost]:
    """The posts of a feed. Raises ParseError."""
    feed = parse_feed(data, url=url, headers=headers, clean=_keep_fragment)
    return [ArchivePost(item.title, item.content or item.summary, item.url, item.published) for item in feed.entries]


def _keep_fragment(fragment: str, base: str) -> str:
    """A post as the feed holds it, with its footnotes' names and its empty links, which cleaning takes away.

    Only words and addresses are read out of it, as out of a file.
    """
    stated = f'<base href="{escape(base)}">' if base.startswith("http") else ""
    return stated + fragment
