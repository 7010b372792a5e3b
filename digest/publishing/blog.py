"""Write issues into an existing blog: one Markdown file a post, and its pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable

from digest.context import Context
from digest.errors import CheckFailedError, ConfigError
from digest.files import load_template_overrides, write_documents
from digest.markdown.render import PICTURE_FOLDER
from digest.protocols import Document
from digest.publishing.issue_view import IssueView
from digest.publishing.render.blog_post import OWNER_KEY, render_blog_post


def write_blog(context: Context, views: Iterable[IssueView]) -> list[str]:
    """Write the posts that changed into `site.into`; returns their paths, and deletes nothing.

    Raises ConfigError for a folder that does not exist, and CheckFailedError for a file that is not of this program.
    """
    site = context.config.site
    if not site.into:
        return []
    folder = (context.root / site.into).resolve()
    if not folder.is_dir():
        raise ConfigError(f"site.into: {folder} is no folder", "set it to the folder of your blog")
    templates = load_template_overrides(context.template_folder)
    documents = []
    for view in views:
        post = render_blog_post(view, context.config.newsletter, site, templates)
        target = folder / post.path
        if target.is_file() and not _is_own_post(target.read_text(encoding="utf-8", errors="replace"), view.period):
            raise CheckFailedError(f"{target} exists and is not a post of this program", "move it, then publish again")
        documents.append(post)
    documents += _list_pictures(context, documents)
    return write_documents(folder, documents)


def _is_own_post(text: str, period: str) -> bool:
    return re.search(rf'^{OWNER_KEY}: "{re.escape(period)}"$', text.partition("\n---")[0], re.M) is not None


def _list_pictures(context: Context, posts: Iterable[Document]) -> list[Document]:
    """List the pictures that the posts show, from the workspace's own site."""
    folder, images = context.site_folder / PICTURE_FOLDER, context.config.site.images.strip("/")
    text = "\n".join(post.body.decode() for post in posts)
    paths = (path for path in sorted(folder.glob("*")) if f"/{path.name}" in text)
    return [Document(f"{images}/{path.name}", path.read_bytes()) for path in paths]
