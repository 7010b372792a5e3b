"""Save the pictures of imported reviews beside the drafts, when their author asks for it."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from PIL import Image

from digest.aio import run_sync
from digest.context import Context
from digest.drafts.archive.chapters import ArchiveReview
from digest.drafts.archive.items import ImportedPost
from digest.errors import DigestError
from digest.files import write_documents
from digest.protocols import Document, Request
from digest.text import slugify

_REMOTE_PICTURE = re.compile(r"(!\[(?:\\.|[^\]\\])*\]\(\s*<?)(https?://[^()\s<>]+)")
_SUFFIXES = {"PNG": "png", "JPEG": "jpg", "GIF": "gif", "WEBP": "webp"}


def save_remote_pictures(context: Context, posts: Sequence[ImportedPost]) -> tuple[list[ImportedPost], list[str]]:
    """Save each picture below site/_drafts/images/ and let the text refer to it; returns problems too.

    A picture that cannot be read keeps its address.
    """
    files: dict[str, str] = {}
    problems: list[str] = []
    for post in posts:
        for url in _find_urls(post.review) if post.review else ():
            if url not in files:
                try:
                    files[url] = _save_picture(context, post.period, url)
                except (DigestError, OSError, ValueError) as error:
                    problems.append(f"picture {url}: {error}")
    return [_rewrite(post, files) for post in posts], problems


def _save_picture(context: Context, period: str, url: str) -> str:
    """Fetch a picture and write it; return its path from the drafts' folder."""
    data = run_sync(_fetch(context, url))
    with Image.open(io.BytesIO(data)) as image:
        suffix = _SUFFIXES.get(image.format or "")
    if suffix is None:
        raise ValueError("is no PNG, JPEG, GIF or WebP picture")
    name = slugify(PurePosixPath(unquote(urlsplit(url).path)).stem)[:60] or "picture"
    path = f"images/{period}/{name}.{suffix}"
    write_documents(context.site_folder, [Document(f"_drafts/{path}", data)])
    return path


async def _fetch(context: Context, url: str) -> bytes:
    async with aclosing(context.make_fetcher()) as fetcher:
        return (await fetcher(Request(url))).body


def _find_urls(review: ArchiveReview) -> list[str]:
    texts = [review.intro, *(text for c in review.chapters for text in (c.text, c.closing))]
    return [match[2] for text in texts for match in _REMOTE_PICTURE.finditer(text)]


def _rewrite(post: ImportedPost, files: dict[str, str]) -> ImportedPost:
    def refer(text: str) -> str:
        return _REMOTE_PICTURE.sub(lambda match: match[1] + files.get(match[2], match[2]), text)

    if post.review is None:
        return post
    chapters = tuple(replace(c, text=refer(c.text), closing=refer(c.closing)) for c in post.review.chapters)
    return replace(post, review=replace(post.review, intro=refer(post.review.intro), chapters=chapters))
