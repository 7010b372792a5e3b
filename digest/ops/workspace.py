"""init, templates copy, OPML into sources.yaml.

Subscriptions from an OPML file as lines of sources.yaml, and into it: what stands there stays byte for byte.

Makes a workspace: sources.yaml, the site's skeleton, a folder for templates, an empty database. Nothing is lost.

The templates a workspace may override: their names, and a copy to begin with.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from digest.config.loader import parse_config
from digest.config.schema import Config
from digest.context import Context
from digest.db.engine import DATABASE_FILE, Database
from digest.errors import CheckFailedError, ConfigError, NotFoundError, describe_read_error
from digest.files import load_template_overrides, write_documents, write_new_file, write_output_file
from digest.ingest.add import read_jsonl_bytes
from digest.ops.backup import describe_lost_database
from digest.protocols import Document
from digest.publishing.render.templates import load_template_source
from digest.resources import find_resource
from digest.sources.opml import Outline, parse_opml
from digest.text import slugify

_GITIGNORE = "/.env\n/digest.db*\n/backups/\n/outbox/\n/site/_site/\n/site/.jekyll-cache/\n"
_TEMPLATES_README = (
    "Put a file here to use it in place of the one that ships with digest:\n"
    "`digest templates list` names them, `digest templates copy NAME` copies one to begin with.\n"
)
_GENERATED_SITE_FILES = (
    *("_posts", "_drafts", "_site", ".jekyll-cache", "feed", "feed.xml", "feed.json", "search.json", "category"),
    *("assets/cards", "_data/issues.json", "_data/categories.json", "_data/picks.json"),
)


def create_workspace(folder: Path) -> tuple[int, int]:
    """Make a workspace in `folder`; returns how many files were written and how many were there already."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file", "name a folder")
    skeleton = find_resource("site")
    files = {"sources.yaml": find_resource("sources.yaml").read_bytes()}
    for path in sorted(skeleton.rglob("*")):
        place = path.relative_to(skeleton)
        ours = any(place.is_relative_to(name) for name in _GENERATED_SITE_FILES)
        if path.is_file() and not ours and path.name != ".gitkeep":
            files[f"site/{place.as_posix()}"] = path.read_bytes()
    files["templates/README.md"] = _TEMPLATES_README.encode()
    files[".gitignore"] = _GITIGNORE.encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be made: {describe_read_error(error)}", "name a folder you may write in"
        ) from error
    missing = [Document(name, body) for name, body in files.items() if not (folder / name).exists()]
    written = len(write_documents(folder, missing))
    if not (
        (folder / DATABASE_FILE).exists() and describe_lost_database(folder)
    ):  # a database that was cut off is the doctor's matter
        Database(folder / DATABASE_FILE).close()
    return written, len(files) - len(missing)


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A template by its name below templates/; `own` when the workspace has one of its own."""

    name: str
    is_own: bool


def list_templates(context: Context) -> list[TemplateFile]:
    """Every template there is, by name: those that ship with the program and the workspace's own."""
    own = load_template_overrides(context.template_folder)
    return [TemplateFile(name, name in own) for name in sorted({*_list_shipped_templates(), *own})]


def copy_template(context: Context, name: str) -> str:
    """Put a shipped template into the workspace, to be changed there; returns its path. Nothing is overwritten."""
    names = _list_shipped_templates()
    text = load_template_source(name, {}) if name in names else None
    if text is None:
        close = difflib.get_close_matches(name, names, 1)
        raise NotFoundError(
            f"there is no template {name!r}",
            f"did you mean {close[0]!r}?" if close else "`digest templates list` names them",
        )
    if not write_new_file(context.template_folder, name, text.encode()):
        raise CheckFailedError(f"templates/{name} is there already", "edit it, or delete it to use the one that ships")
    return f"templates/{name}"


def _list_shipped_templates() -> list[str]:
    root = find_resource("templates")
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.j2"))


def plan_opml_import(config: Config, file: Path) -> tuple[list[str], list[str]]:
    """The file's subscriptions as flow mappings: those that are new, and those whose address is a source's already."""
    outlines = parse_opml(read_jsonl_bytes(file))
    known = {source.url for source in config.sources}
    taken = {source.id for source in config.sources}
    fresh = [outline for outline in outlines if outline.url not in known]
    there = [_format_source_line(outline, slugify(outline.title)) for outline in outlines if outline.url in known]
    return [
        _format_source_line(outline, name)
        for outline, name in zip(fresh, _choose_source_ids(fresh, taken), strict=True)
    ], there


def append_source_lines(path: Path, lines: Sequence[str]) -> None:
    """Write the lines behind the last source of sources.yaml, whole or not at all. Raises ConfigError."""
    if not lines:
        return
    text = path.read_text(encoding="utf-8")
    before, dash = _find_end_of_sources(text)
    rows = text.splitlines(keepends=True)
    if not rows[before - 1].endswith("\n"):
        rows[before - 1] += "\n"
    rows[before:before] = [f"{' ' * dash}- {line}\n" for line in lines]
    changed = "".join(rows)
    parse_config(changed, path.name)
    write_output_file(path, changed.encode())


def _choose_source_ids(outlines: Sequence[Outline], taken: set[str]) -> Iterator[str]:
    """An id for each, out of its title; one that is taken gets a number."""
    used = set(taken)
    for outline in outlines:
        plain = slugify(outline.title, "feed")
        name = next(one for n in count(1) if (one := plain if n == 1 else f"{plain[:56]}-{n}") not in used)
        used.add(name)
        yield name


def _format_source_line(outline: Outline, name: str) -> str:
    """JSON's strings are YAML's, too."""
    kind = "page" if outline.folder == "page" else "feed"  # as `sources export` files them
    title, url = (json.dumps(text, ensure_ascii=False) for text in (outline.title, outline.url))
    return f"{{id: {name}, kind: {kind}, name: {title}, url: {url}}}"


def _find_end_of_sources(text: str) -> tuple[int, int]:
    """How many lines there are up to the last source's end, and the column of the dashes."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    found = next((value for key, value in root.value if key.value == "sources"), None) if root else None
    if not isinstance(found, yaml.SequenceNode) or found.flow_style or not found.value:
        raise ConfigError(
            "sources.yaml has no list of sources to add to", "paste the lines that are printed without --write"
        )
    return _find_last_line(found.value[-1]), found.start_mark.column


def _find_last_line(node: Any) -> int:
    """The number of lines up to a node's end; a block's own mark stands behind the comments that follow it."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        line: int = node.end_mark.line + (node.end_mark.column > 0)
        return line
    last = node.value[-1]
    return _find_last_line(last[1] if isinstance(last, tuple) else last)
