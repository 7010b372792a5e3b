"""Subscriptions from an OPML file as lines of sources.yaml, and into it: what stands there stays byte for byte."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from digest.config import Config, parse_config
from digest.errors import ConfigError
from digest.pipeline.files import write_output_file
from digest.pipeline.lines import read_jsonl_bytes
from digest.sources import Outline, parse_opml
from digest.text import slugify


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
