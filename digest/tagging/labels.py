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
from digest.ports import TagInput, Verdict
from digest.text import json_lines

T = TypeVar("T")
_MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Labelled:
    """A paper and the categories that count as right: one, or several acceptable ones."""

    key: str
    item: TagInput
    acceptable: tuple[str, ...]
    lists: tuple[str, ...] = ()  # where it was found sorted so


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """A paper to be tagged."""

    arxiv_id: str
    item: TagInput


class Tagger(Protocol):
    """Anything that sorts inputs: the embedded tagger, or a language model behind the same shape."""

    def tag(self, inputs: Sequence[TagInput]) -> list[Verdict]: ...


def golden() -> bytes:
    """The shipped papers with labels: known works, their titles and this project's own judgement."""
    return (resources.files("digest") / "data" / "golden_tagging.jsonl").read_bytes()


def read_labels(data: bytes) -> list[Labelled]:
    """Papers with `label` or `acceptable`, of a JSON Lines file, gzipped or not; ParseError names every bad line."""
    papers, problems = _read(data, _labelled)
    _refuse(problems)
    return papers


def read_papers(data: bytes) -> tuple[list[Unlabelled], list[str]]:
    """Papers {arxiv_id, title, abstract}, and what is wrong with the lines left out, each with its number."""
    return _read(data, _unlabelled)


def tag_jsonl(data: bytes, tagger: Tagger) -> tuple[bytes, list[str]]:
    """Papers as lines of {arxiv_id, category, secondary, confidence}, and what is wrong with the lines left out."""
    papers, problems = read_papers(data)
    verdicts = tagger.tag([paper.item for paper in papers])
    rows = (
        {"arxiv_id": p.arxiv_id, "category": v.category, "secondary": v.secondary, "confidence": round(v.confidence, 4)}
        for p, v in zip(papers, verdicts, strict=True)
    )
    return json_lines(rows), problems


def _read(data: bytes, make: Callable[[dict[str, Any]], T]) -> tuple[list[T], list[str]]:
    values: list[T] = []
    problems: list[str] = []
    for number, line in _lines(data):
        try:
            values.append(make(_object(line)))
        except ValueError as error:
            problems.append(f"line {number}: {error}")
    return values, problems


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise ParseError("the file looks gzipped but cannot be unpacked", "fetch or write it again") from error
    return ((number, line) for number, line in enumerate(data.split(b"\n"), start=1) if line.strip())


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    if not isinstance(value, dict):
        raise ValueError("is not a JSON object")
    return value


def _text(row: dict[str, Any], name: str, needed: bool = True) -> str:
    value = row.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or (needed and not value.strip()):
        raise ValueError(f"has no text under '{name}'")
    return value


def _item(row: dict[str, Any]) -> TagInput:
    return TagInput(_text(row, "title"), _text(row, "abstract", needed=False))


def _unlabelled(row: dict[str, Any]) -> Unlabelled:
    return Unlabelled(_text(row, "arxiv_id"), _item(row))


def _labelled(row: dict[str, Any]) -> Labelled:
    given = row.get("acceptable", [row["label"]] if "label" in row else row.get("category") and [row["category"]])
    if not isinstance(given, list) or not given or not all(isinstance(slug, str) for slug in given):
        raise ValueError("has neither 'label', 'category' nor a list under 'acceptable'")
    lists = row.get("source_list", [])
    names = tuple(str(name) for name in lists) if isinstance(lists, list) else (str(lists),)
    return Labelled(_text(row, "arxiv_id"), _item(row), tuple(given), names)


def _refuse(problems: Iterable[str]) -> None:
    found = list(problems)
    if found:
        more = f" (and {len(found) - _MOST_SHOWN} more)" if len(found) > _MOST_SHOWN else ""
        raise ParseError(
            "; ".join(found[:_MOST_SHOWN]) + more, "each line is {arxiv_id, title, abstract, label or acceptable}"
        )
