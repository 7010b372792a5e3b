"""Find out the settings of an existing Jekyll or Hugo blog, for the sources.yaml of its newsletter."""

from __future__ import annotations

import json
import os
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from digest.drafts.archive.posts import split_front_matter
from digest.errors import ConfigError

_CONFIG_FILES = (
    ("jekyll", ("_config.yml", "_config.yaml")),
    ("hugo", ("hugo.toml", "hugo.yaml", "hugo.yml", "config.toml", "config.yaml", "config.yml")),
)
_POST_SUFFIXES = (".md", ".markdown")
_MAX_POSTS = 200  # the newest, by name
# Keys whose value is each post's own, or which the newsletter writes.
_OWN_KEYS = frozenset(
    ("title", "date", "layout", "permalink", "url", "slug", "tags", "categories", "category", "description", "author",
     "excerpt", "summary", "draft", "published", "lastmod", "last_modified_at", "image", "subtitle", "digest_issue")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BlogSettings:
    """What a blog's configuration and its posts say; `newsletter` and `site` are values of sources.yaml."""

    post_count: int
    newsletter: dict[str, str] = field(default_factory=dict)
    site: dict[str, Any] = field(default_factory=dict)

    def render_site(self) -> str:
        """Render the settings as lines below `site:` in sources.yaml."""
        return "".join(f"  {name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in self.site.items())


def find_blog_settings(blog: Path, workspace: Path) -> BlogSettings:
    """Read a blog's configuration and posts; raises ConfigError where there is no blog. Writes nothing."""
    if not blog.is_dir():
        raise ConfigError(f"{blog} is no folder", "name the folder of your blog, which has its _config.yml")
    program, config = _read_config(blog)
    folder, posts = _read_posts(blog, program)
    site: dict[str, Any] = {"into": os.path.relpath(blog.resolve(), workspace.resolve())}
    if program == "hugo":
        site |= {"format": "hugo", "posts": folder or "content/posts", "images": "static/assets/pictures"}
    elif folder not in ("", "_posts"):
        site["posts"] = folder
    layout = _find_default_layout(config) or _find_most_common(post.get("layout") for post in posts)
    if program == "jekyll" and layout:
        site["layout"] = layout
    for name, keys in (("tags", ("tags",)), ("categories", ("categories", "category"))):
        if values := _find_shared_values(posts, keys):
            site[name] = values
    if shared := _find_shared_front_matter(posts):
        site["front_matter"] = shared
    return BlogSettings(len(posts), _find_newsletter(config, program), site)


def _read_config(blog: Path) -> tuple[str, dict[str, Any]]:
    """Return the blog's program and its configuration."""
    for program, names in _CONFIG_FILES:
        for path in (blog / name for name in names):
            if path.is_file():
                try:
                    text = path.read_text(encoding="utf-8-sig")
                    config = tomllib.loads(text) if path.suffix == ".toml" else yaml.safe_load(text)
                except (yaml.YAMLError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                    reason = str(error).splitlines()[0]
                    raise ConfigError(
                        f"{path} cannot be read: {reason}", "build the blog once, and correct the file"
                    ) from error
                return program, config if isinstance(config, dict) else {}
    raise ConfigError(f"{blog} has no _config.yml and no hugo.toml", "name the folder of your blog")


def _read_posts(blog: Path, program: str) -> tuple[str, list[dict[str, Any]]]:
    """Return the folder that has the most posts, and the front matter of its newest ones."""
    if program == "jekyll":
        folders = [folder for folder in sorted(blog.rglob("_posts")) if folder.is_dir() and "_site" not in folder.parts]
    else:
        folders = [folder for folder in sorted((blog / "content").glob("*")) if folder.is_dir()]
    files = {folder: [path for path in folder.rglob("*") if path.suffix in _POST_SUFFIXES] for folder in folders}
    best = max(files, key=lambda folder: len(files[folder]), default=None)
    if best is None:
        return "", []
    newest = sorted(files[best], key=lambda path: path.name)[-_MAX_POSTS:]
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in newest)
    return best.relative_to(blog).as_posix(), [split_front_matter(text)[0] for text in texts]


def _find_newsletter(config: Mapping[str, Any], program: str) -> dict[str, str]:
    """Find title, author, address and path of the blog."""
    author = config.get("author")
    author = author.get("name") if isinstance(author, dict) else author
    address = str(config.get("url" if program == "jekyll" else "baseURL") or "").rstrip("/")
    values = {"title": config.get("title") or config.get("name"), "author": author, "url": address}
    values |= {"base_path": str(config.get("baseurl") or "").rstrip("/")} if program == "jekyll" else {}
    if not address.startswith(("http://", "https://")):
        del values["url"]
    return {name: str(value) for name, value in values.items() if value}


def _find_default_layout(config: Mapping[str, Any]) -> str:
    """Find the layout that Jekyll's `defaults` give a post."""
    defaults = config.get("defaults")
    for row in defaults if isinstance(defaults, list) else ():
        scope, values = (row.get(name) or {} for name in ("scope", "values")) if isinstance(row, dict) else ({}, {})
        if scope.get("type") == "posts" and values.get("layout"):
            return str(values["layout"])
    return ""


def _find_most_common(values: Iterable[Any]) -> str:
    counts = Counter(str(value) for value in values if value)
    return next((value for value, _ in counts.most_common(1)), "")


def _find_shared_values(posts: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> list[str]:
    """Find the tags or categories that at least half of the posts have."""
    counts: Counter[str] = Counter()
    for post in posts:
        value = next((post[key] for key in keys if post.get(key)), ())
        values = value.replace(",", " ").split() if isinstance(value, str) else value
        counts.update(list(dict.fromkeys(map(str, values))) if isinstance(values, list | tuple) else [])
    return [name for name, count in counts.most_common() if 2 * count >= len(posts)]


def _find_shared_front_matter(posts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Find the settings that four of five posts share, such as `comments: true`."""
    pairs = Counter(
        (key, json.dumps(value))
        for post in posts
        for key, value in post.items()
        if key not in _OWN_KEYS and isinstance(value, bool | int | str)
    )
    return {key: json.loads(value) for (key, value), count in pairs.items() if 5 * count >= 4 * len(posts) > 4}
