"""Make a workspace, list and copy its templates, and add OPML feeds to its sources.yaml."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count
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

SCHEMA_FILE = "sources.schema.json"
_SCHEMA_LINE = f"# yaml-language-server: $schema={SCHEMA_FILE}\n"
_GITIGNORE = "/.env\n/digest.db*\n/backups/\n/outbox/\n/site/_site/\n/site/.jekyll-cache/\n"
_TEMPLATES_README = (
    "Put a file here to use it in place of the one that ships with digest:\n"
    "`digest templates list` names them, `digest templates copy NAME` copies one to begin with.\n"
)
_GENERATED_SITE_FILES = (
    *("_posts", "_drafts", "_site", ".jekyll-cache", "feed", "feed.xml", "feed.json", "search.json", "category"),
    *("assets/cards", "_data/issues.json", "_data/categories.json", "_data/picks.json"),
)


@dataclass(frozen=True, slots=True)
class WorkspaceAnswers:
    """What `digest init` asks for; an empty answer keeps the default of the shipped sources.yaml."""

    title: str = ""
    url: str = ""
    interests: str = ""
    email: str = ""
    smtp_host: str = ""
    author: str = ""
    base_path: str = ""
    # Lines below `site:`, of an existing blog.
    site_lines: str = ""


def apply_answers(text: str, answers: WorkspaceAnswers) -> str:
    """Put the answers into the text of a sources.yaml; its comments and every other line stay."""
    names = ("title", "url", "interests", "email", "author", "base_path")
    values = {name: str(getattr(answers, name)) for name in names}
    if answers.smtp_host:
        values |= {"transport": "smtp", "host": answers.smtp_host}
    for key, value in values.items():
        line = re.search(rf"^  {key}: (?P<value>\"[^\"]*\"|[^#\n]*?) *(?:#.*)?$", text, re.MULTILINE)
        if value and line:
            text = text[: line.start("value")] + json.dumps(value, ensure_ascii=False) + text[line.end("value") :]
    text = re.sub(r"(?m)^site:\n", lambda match: match[0] + answers.site_lines, text, count=1)
    parse_config(text)
    return text


def render_schema() -> bytes:
    """Return the JSON Schema of sources.yaml, for editors that check and complete YAML."""
    schema = Config.model_json_schema()
    schema |= {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "sources.yaml of digest"}
    return json.dumps(schema, indent=2, ensure_ascii=False).encode() + b"\n"


def create_workspace(folder: Path, answers: WorkspaceAnswers = WorkspaceAnswers()) -> tuple[int, int]:
    """Make a workspace in `folder`; returns how many files were written and how many were there already."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file", "name a folder")
    skeleton = find_resource("site")
    config = apply_answers(find_resource("sources.yaml").read_text(encoding="utf-8"), answers)
    files = {"sources.yaml": f"{_SCHEMA_LINE}{config}".encode(), SCHEMA_FILE: render_schema()}
    for path in sorted(skeleton.rglob("*")):
        name = path.relative_to(skeleton)
        is_generated = any(name.is_relative_to(generated) for generated in _GENERATED_SITE_FILES)
        if path.is_file() and not is_generated and path.name != ".gitkeep":
            files[f"site/{name.as_posix()}"] = path.read_bytes()
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
    # A database that was cut off is left to `digest doctor`.
    if not ((folder / DATABASE_FILE).exists() and describe_lost_database(folder)):
        Database(folder / DATABASE_FILE).close()
    return written, len(files) - len(missing)


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A template by its name below templates/; `is_own` when the workspace overrides it."""

    name: str
    is_own: bool


def list_templates(context: Context) -> list[TemplateFile]:
    """List the shipped templates and the workspace's own."""
    overrides = load_template_overrides(context.template_folder)
    return [TemplateFile(name, name in overrides) for name in sorted({*list_shipped_templates(), *overrides})]


def copy_template(context: Context, name: str) -> str:
    """Copy a shipped template into the workspace and return its path; overwrites nothing."""
    names = list_shipped_templates()
    text = load_template_source(name, {}) if name in names else None
    if text is None:
        close = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {close[0]!r}?" if close else "`digest templates list` names them"
        raise NotFoundError(f"there is no template {name!r}", hint)
    if not write_new_file(context.template_folder, name, text.encode()):
        raise CheckFailedError(f"templates/{name} exists already", "edit it, or delete it to use the shipped one")
    return f"templates/{name}"


def list_shipped_templates() -> list[str]:
    """List the names of the templates that ship with digest."""
    root = find_resource("templates")
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.j2"))


def plan_opml_import(config: Config, file: Path) -> tuple[list[str], list[str], list[str]]:
    """Return an OPML file's feeds as lines of sources.yaml: new and configured ones, and the entries left out."""
    outlines, skipped = parse_opml(read_jsonl_bytes(file))
    configured_urls = {source.url for source in config.sources}
    used_ids = {source.id for source in config.sources}
    new_lines, existing_lines = [], []
    for outline in outlines:
        if outline.url in configured_urls:
            existing_lines.append(_format_source_line(outline, slugify(outline.title)))
            continue
        stem = slugify(outline.title, "feed")
        candidates = chain([stem], (f"{stem[:56]}-{number}" for number in count(2)))
        source_id = next(each for each in candidates if each not in used_ids)
        used_ids.add(source_id)
        new_lines.append(_format_source_line(outline, source_id))
    return new_lines, existing_lines, skipped


def append_source_lines(path: Path, lines: Sequence[str]) -> None:
    """Add lines after the last source of sources.yaml; raises ConfigError, and then changes nothing."""
    if not lines:
        return
    text = path.read_text(encoding="utf-8")
    position, indent = _find_end_of_sources(text)
    rows = text.splitlines(keepends=True)
    if not rows[position - 1].endswith("\n"):
        rows[position - 1] += "\n"
    rows[position:position] = [f"{' ' * indent}- {line}\n" for line in lines]
    changed = "".join(rows)
    parse_config(changed, path.name)
    write_output_file(path, changed.encode())


def _format_source_line(outline: Outline, source_id: str) -> str:
    kind = "page" if outline.folder == "page" else "feed"  # the folders that `sources export` writes
    title, url = (json.dumps(text, ensure_ascii=False) for text in (outline.title, outline.url))
    return f"{{id: {source_id}, kind: {kind}, name: {title}, url: {url}}}"


def _find_end_of_sources(text: str) -> tuple[int, int]:
    """Return the number of lines up to the end of the last source, and the column of the dashes."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    sources = next((value for key, value in root.value if key.value == "sources"), None) if root else None
    if not isinstance(sources, yaml.SequenceNode) or sources.flow_style or not sources.value:
        raise ConfigError("sources.yaml has no list of sources to add to", "paste the lines printed without --write")
    return _find_last_line(sources.value[-1]), sources.start_mark.column


def _find_last_line(node: Any) -> int:
    """Return the number of lines up to a node's end; the end mark of a block is after the comments that follow it."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        line: int = node.end_mark.line + (node.end_mark.column > 0)
        return line
    last = node.value[-1]
    return _find_last_line(last[1] if isinstance(last, tuple) else last)
