"""Past issues read back: posts with headings and lists of links become items with the editor's words on them."""

from digest.issues.archive.harvest import Harvest, ImportedItem, as_json, harvest
from digest.issues.archive.headings import Headings
from digest.issues.archive.posts import Post, read_post

__all__ = ["Harvest", "Headings", "ImportedItem", "Post", "as_json", "harvest", "read_post"]
