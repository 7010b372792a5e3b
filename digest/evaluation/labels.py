"""Parse labelled and unlabelled papers, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, TypeVar

from digest.errors import ParseError
from digest.protocols import Classification, TagInput
from digest.text import dump_json_lines

T = TypeVar("T")
_MAX_SHOWN = 5


@dataclass(frozen=True, slots=True)
class LabelledPaper:
    """A paper with its acceptable categories."""

    key: str
    item: TagInput
    acceptable: tuple[str, ...]
    source_lists: tuple[str, ...] = ()  # the lists that label it so


def read_golden_set() -> bytes:
    """Read the packaged labelled papers: known works, with titles and this project's labels."""
    return (resources.files("digest") / "data" / "golden_tagging.jsonl").read_bytes()


def parse_labelled_papers(data: bytes) -> list[LabelledPaper]:
    """Parse papers with `label` or `acceptable`; ParseError names every bad line."""
    papers, problems = _parse_rows(data, _parse_labelled)
    if problems:
        more = f" (and {len(problems) - _MAX_SHOWN} more)" if len(problems) > _MAX_SHOWN else ""
        hint = "each line is {arxiv_id, title, abstract, label or acceptable}"
        raise ParseError("; ".join(problems[:_MAX_SHOWN]) + more, hint)
    return papers


def tag_jsonl(
    data: bytes, classify: Callable[[Sequence[TagInput]], Sequence[Classification]]
) -> tuple[bytes, list[str]]:
    """Tag papers {arxiv_id, title, abstract}; returns JSON lines and the problems of other lines, by number."""
    papers, problems = parse_unlabelled_papers(data)
    classifications = classify([item for _, item in papers])
    rows = (
        {"arxiv_id": key, "category": c.category, "secondary": c.secondary, "confidence": round(c.confidence, 4)}
        for (key, _), c in zip(papers, classifications, strict=True)
    )
    return dump_json_lines(rows), problems


def parse_unlabelled_papers(data: bytes) -> tuple[list[tuple[str, TagInput]], list[str]]:
    """Parse papers to (arXiv id, text); returns them and the problems of other lines, by number."""
    return _parse_rows(data, lambda row: (_text_field(row, "arxiv_id"), _parse_tag_input(row)))


def _parse_rows(data: bytes, parse: Callable[[dict[str, Any]], T]) -> tuple[list[T], list[str]]:
    values: list[T] = []
    problems: list[str] = []
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            values.append(parse(_parse_object(line)))
        except ValueError as error:
            problems.append(f"line {number}: {error}")
    return values, problems


def _parse_object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    if not isinstance(value, dict):
        raise ValueError("is not a JSON object")
    return value


def _text_field(row: dict[str, Any], name: str, required: bool = True) -> str:
    value = row.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or (required and not value.strip()):
        raise ValueError(f"has no text under '{name}'")
    return value


def _parse_tag_input(row: dict[str, Any]) -> TagInput:
    return TagInput(_text_field(row, "title"), _text_field(row, "abstract", required=False))


def _parse_labelled(row: dict[str, Any]) -> LabelledPaper:
    labels = row.get("acceptable", [row["label"]] if "label" in row else row.get("category") and [row["category"]])
    if not isinstance(labels, list) or not labels or not all(isinstance(slug, str) for slug in labels):
        raise ValueError("has neither 'label', 'category' nor a list under 'acceptable'")
    lists = row.get("source_list", [])
    names = tuple(str(name) for name in lists) if isinstance(lists, list) else (str(lists),)
    return LabelledPaper(_text_field(row, "arxiv_id"), _parse_tag_input(row), tuple(labels), names)
