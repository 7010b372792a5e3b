"""Which files of the site the program wrote, so that it can take away its own and nobody else's."""

from __future__ import annotations

from collections.abc import Iterable

from digest.context import Context
from digest.db.key_value import load_value, save_value
from digest.files import remove_files, write_documents
from digest.protocols import Document

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
    written = write_documents(context.site_folder, documents)
    gone = remove_files(context.site_folder, sorted(before - now))
    _store_manifest(context, before | now, now)
    return written, gone


def _load_manifest(context: Context) -> set[str]:
    with context.db.read() as session:
        return set(load_value(session, _MANIFEST_NAME).get("paths", []))


def _store_manifest(context: Context, before: set[str], after: set[str]) -> None:
    if before != after:
        with context.db.write() as session:
            save_value(session, _MANIFEST_NAME, {"paths": sorted(after)}, context.now)
