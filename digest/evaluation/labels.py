"""Files of papers to be tagged and of papers that people sorted: one JSON object a line, read once and strictly."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Protocol, TypeVar

from digest.errors import ParseError
from digest.protocols import Classification, TagInput
from digest.text import dump_json_lines

T = TypeVar("T")
_MAX_SHOWN = 5


@dataclass(frozen=True, slots=True)
class LabelledPaper:
    """A paper and the categories that count as right: one, or several acceptable ones."""

    key: str
    item: TagInput
    acceptable: tuple[str, ...]
    source_lists: tuple[str, ...] = ()  # where it was found sorted so


@dataclass(frozen=True, slots=True)
class UnlabelledPaper:
    """A paper to be tagged."""

    arxiv_id: str
    item: TagInput


class Tagger(Protocol):
    """Anything that sorts inputs: the embedded tagger, or a language model behind the same shape."""

    def tag(self, inputs: Sequence[TagInput]) -> list[Classification]: ...


def read_golden_set() -> bytes:
    """The shipped papers with labels: known works, their titles and this project's own judgement."""
    return (resources.files("digest") / "data" / "golden_tagging.jsonl").read_bytes()


def parse_labelled_papers(data: bytes) -> list[LabelledPaper]:
    """Papers with `label` or `acceptable`, of a JSON Lines file, gzipped or not; ParseError names every bad line."""
    papers, problems = _parse_rows(data, _parse_labelled)
    _raise_problems(problems)
    return papers


def parse_unlabelled_papers(data: bytes) -> tuple[list[UnlabelledPaper], list[str]]:
    """Papers {arxiv_id, title, abstract}, and what is wrong with the lines left out, each with its number."""
    return _parse_rows(data, _parse_unlabelled)


def tag_jsonl(data: bytes, tagger: Tagger) -> tuple[bytes, list[str]]:
    """Papers as lines of {arxiv_id, category, secondary, confidence}, and what is wrong with the lines left out."""
    papers, problems = parse_unlabelled_papers(data)
    verdicts = tagger.tag([paper.item for paper in papers])
    rows = (
        {"arxiv_id": p.arxiv_id, "category": v.category, "secondary": v.secondary, "confidence": round(v.confidence, 4)}
        for p, v in zip(papers, verdicts, strict=True)
    )
    return dump_json_lines(rows), problems


def _parse_rows(data: bytes, parse: Callable[[dict[str, Any]], T]) -> tuple[list[T], list[str]]:
    values: list[T] = []
    problems: list[str] = []
    for number, line in _iter_lines(data):
        try:
            values.append(parse(_parse_object(line)))
        except ValueError as error:
            problems.append(f"line {number}: {error}")
    return values, problems


def _iter_lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise ParseError("the file looks gzipped but cannot be unpacked", "fetch or write it again") from error
    return ((number, line) for number, line in enumerate(data.split(b"\n"), start=1) if line.strip())


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


def _parse_unlabelled(row: dict[str, Any]) -> UnlabelledPaper:
    return UnlabelledPaper(_text_field(row, "arxiv_id"), _parse_tag_input(row))


def _parse_labelled(row: dict[str, Any]) -> LabelledPaper:
    given = row.get("acceptable", [row["label"]] if "label" in row else row.get("category") and [row["category"]])
    if not isinstance(given, list) or not given or not all(isinstance(slug, str) for slug in given):
        raise ValueError("has neither 'label', 'category' nor a list under 'acceptable'")
    lists = row.get("source_list", [])
    names = tuple(str(name) for name in lists) if isinstance(lists, list) else (str(lists),)
    return LabelledPaper(_text_field(row, "arxiv_id"), _parse_tag_input(row), tuple(given), names)


def _raise_problems(problems: Iterable[str]) -> None:
    found = list(problems)
    if found:
        more = f" (and {len(found) - _MAX_SHOWN} more)" if len(found) > _MAX_SHOWN else ""
        raise ParseError(
            "; ".join(found[:_MAX_SHOWN]) + more, "each line is {arxiv_id, title, abstract, label or acceptable}"
        )
