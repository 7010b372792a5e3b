"""Which files of the site the program wrote, so that it can take away its own and nobody else's."""

from __future__ import annotations

from collections.abc import Iterable

from digest import site
from digest.pipeline.context import Context
from digest.ports import Document
from digest.store import settings

_MANIFEST_NAME = "site:files"


def replace_site_files(
    context: Context, documents: Iterable[Document], unchanged_paths: Iterable[str] = ()
) -> tuple[list[str], list[str]]:
    """Write the site's documents and delete those of ours it no longer has; returns the paths written and deleted.

    `others` are files of ours that stay as they are. The list is kept before anything is written and shortened after
    all is deleted: a crash in between leaves no file that nobody knows.
    """
    documents = list(documents)
    now = {document.path for document in documents} | set(unchanged_paths)
    before = _load_manifest(context)
    _store_manifest(context, before, before | now)
    written = site.write_documents(context.site_folder, documents)
    gone = site.remove_files(context.site_folder, sorted(before - now))
    _store_manifest(context, before | now, now)
    return written, gone


def _load_manifest(context: Context) -> set[str]:
    with context.db.read() as session:
        return set(settings.load_value(session, _MANIFEST_NAME).get("paths", []))


def _store_manifest(context: Context, before: set[str], after: set[str]) -> None:
    if before != after:
        with context.db.write() as session:
            settings.save_value(session, _MANIFEST_NAME, {"paths": sorted(after)}, context.now)
