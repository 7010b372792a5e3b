"""Past issues read back: posts with headings and lists of links become items with the editor's words on them."""

from digest.issues.archive.harvest import ImportedItem, ImportedPost, extract_imported_post, serialize_imported_posts
from digest.issues.archive.headings import HeadingMap
from digest.issues.archive.posts import ArchivePost, parse_archive_post

__all__ = [
    "ArchivePost",
    "HeadingMap",
    "ImportedItem",
    "ImportedPost",
    "extract_imported_post",
    "parse_archive_post",
    "serialize_imported_posts",
]
