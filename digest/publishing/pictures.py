"""Publish the pictures of an issue's prose: `![alt](file "caption")`.

A local file is copied into the site, with its hash and size in its name, and the prose refers to the copy. A remote
picture stays a link: to publish it, its author saves it beside the draft.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote

from PIL import Image

from digest.context import Context
from digest.markdown.render import PICTURE_FOLDER
from digest.protocols import Document
from digest.publishing.issue_view import IssueView
from digest.text import slugify

MAX_PICTURE_BYTES = 5_000_000
_PICTURE = re.compile(r'!\[(?P<alt>(?:\\.|[^\]\\])*)\]\(\s*<?(?P<file>[^()\s<>]+)>?(?P<caption>\s+"[^"]*")?\s*\)')
_SUFFIXES = {"PNG": "png", "JPEG": "jpg", "GIF": "gif", "WEBP": "webp"}


def publish_pictures(context: Context, view: IssueView) -> list[Document]:
    """Make the view's prose refer to published pictures; returns their files."""
    documents: dict[str, Document] = {}

    def publish(prose: str) -> str:
        def replace(match: re.Match[str]) -> str:
            picture = _read_picture(context, match["file"])
            if not isinstance(picture, Document):
                return match[0]
            documents[picture.path] = picture
            return f"![{match['alt']}](/{picture.path}{match['caption'] or ''})"

        return _PICTURE.sub(replace, prose)

    view.intro, view.outro = publish(view.intro), publish(view.outro)
    for section in (*view.sections, *view.by_month):
        section.note, section.closing = publish(section.note), publish(section.closing)
    for pick in (*(p for s in (*view.sections, *view.by_month) for p in s.picks), *view.missed):
        if pick.origin == "editor":
            pick.blurb = publish(pick.blurb)
    return list(documents.values())


def find_picture_problems(context: Context, texts: Iterable[str]) -> Iterator[str]:
    """Yield what readers would miss: a file that cannot be published, or a picture without alternative text."""
    for match in (match for text in texts for match in _PICTURE.finditer(text)):
        picture = _read_picture(context, match["file"])
        if isinstance(picture, str):
            yield f"picture {match['file']}: {picture}"
        if not match["alt"].strip():
            yield f"picture {match['file']}: no alternative text; write it between the brackets"


def _read_picture(context: Context, file: str) -> Document | str | None:
    """Read a local picture as a file of the site, or return what prevents it; None for a published one."""
    if file.startswith(f"/{PICTURE_FOLDER}/"):
        return None
    if "://" in file or file.startswith("//"):
        return "remote, so it is shown as a link; save it beside the draft to publish it"
    folders = (context.site_folder / "_drafts", context.root, context.site_folder)
    paths = (_resolve_inside(context.root, folder / unquote(file).lstrip("/")) for folder in folders)
    path = next((path for path in paths if path is not None and path.is_file()), None)
    if path is None:
        return "no such file beside the draft, in the workspace or in its site"
    data = path.read_bytes()
    if len(data) > MAX_PICTURE_BYTES:
        return f"has {len(data):,} bytes; pictures may have {MAX_PICTURE_BYTES:,}"
    try:
        with Image.open(path) as image:
            (width, height), suffix = image.size, _SUFFIXES.get(image.format or "")
    except (OSError, ValueError, Image.DecompressionBombError):
        suffix = None
    if suffix is None:
        return "is no PNG, JPEG, GIF or WebP picture"
    name = f"{slugify(path.stem)[:40]}-{sha256(data).hexdigest()[:8]}-{width}x{height}.{suffix}"
    return Document(f"{PICTURE_FOLDER}/{name}", data)


def _resolve_inside(root: Path, path: Path) -> Path | None:
    """Resolve a path; None where it leaves the workspace."""
    resolved = path.resolve()
    return resolved if resolved.is_relative_to(root.resolve()) else None
