"""Keep a manifest of the site's files that this program wrote, and delete no others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

from sqlmodel import Session

from digest.context import Context
from digest.db.key_value import load_value, save_value
from digest.files import remove_files, write_documents
from digest.protocols import Document

_MANIFEST_KEY = "site:files"


def load_site_manifest(session: Session) -> set[str]:
    """Load the paths of the files that this program wrote."""
    return set(load_value(session, _MANIFEST_KEY).get("paths", []))


def replace_site_files(
    context: Context, manifest: Set[str], documents: Sequence[Document], unchanged_paths: Iterable[str] = ()
) -> tuple[list[str], list[str]]:
    """Write documents and delete former files; returns the paths written and deleted.

    `unchanged_paths` are further files of ours. The manifest is stored after the deletion and before the writing, so
    that it names every file of ours even if this is interrupted.
    """
    current = {document.path for document in documents} | set(unchanged_paths)
    removed = remove_files(context.site_folder, sorted(manifest - current))
    if current != manifest:
        with context.db.write() as session:
            save_value(session, _MANIFEST_KEY, {"paths": sorted(current)}, context.now)
    return write_documents(context.site_folder, documents), removed
