"""Which files of the site the program wrote, so that it can take away its own and nobody else's."""

from __future__ import annotations

from collections.abc import Iterable

from digest import site
from digest.pipeline.context import Context
from digest.ports import Document
from digest.store import settings

_NAME = "site:files"


def replace(context: Context, documents: Iterable[Document], others: Iterable[str] = ()) -> tuple[list[str], list[str]]:
    """Write the site's documents and delete those of ours it no longer has; returns the paths written and deleted.

    `others` are files of ours that stay as they are. The list is kept before anything is written and shortened after
    all is deleted: a crash in between leaves no file that nobody knows.
    """
    documents = list(documents)
    now = {document.path for document in documents} | set(others)
    before = _known(context)
    _keep(context, before, before | now)
    written = site.write(context.site, documents)
    gone = site.remove(context.site, sorted(before - now))
    _keep(context, before | now, now)
    return written, gone


def _known(context: Context) -> set[str]:
    with context.db.read() as session:
        return set(settings.read(session, _NAME).get("paths", []))


def _keep(context: Context, before: set[str], after: set[str]) -> None:
    if before != after:
        with context.db.write() as session:
            settings.write(session, _NAME, {"paths": sorted(after)}, context.now)
