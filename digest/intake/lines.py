"""Items from lines of JSON, as `digest add --jsonl` takes them: each line is read and cleaned by itself."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from digest.intake.prepare import normalize_entry
from digest.intake.prepared import PreparedItem, RejectedEntry
from digest.ports import Entry

if TYPE_CHECKING:
    from digest.config import Source

_TEXT_FIELDS = ("guid", "url", "title", "summary", "content", "doi", "venue", "comment", "arxiv_id")


@dataclass(slots=True)
class ParsedLines:
    """What lines held: items fit to be kept, how many of each source were refused, and why, line by line."""

    line_count: int = 0
    items: list[PreparedItem] = field(default_factory=list)
    rejected_counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def parse_jsonl_items(
    lines: Iterable[tuple[str, str]], sources: Mapping[str, Source], default: Source, now: datetime
) -> ParsedLines:
    """Read (place, line) pairs. A line may name its own source; one that `sources` lacks is like `default`.

    A line that cannot be read costs itself alone, and counts against the default source.
    """
    out = ParsedLines()
    for place, line in lines:
        out.line_count += 1
        try:
            name, found = _parse_entry(json.loads(line))
        except (ValueError, TypeError, RecursionError) as error:
            out.rejected_counts[default.id] += 1
            out.problems.append(f"{place}: {error}")
            continue
        source = sources.get(name) or (default.model_copy(update={"id": name}) if name else default)
        kept = normalize_entry(found, source, now, is_plain_text=True)
        if isinstance(kept, RejectedEntry):
            out.rejected_counts[source.id] += 1
            out.problems.append(f"{kept.title or kept.url or place}: {kept.reason}")
        else:
            out.items.append(kept)
    return out


def _parse_entry(row: Any) -> tuple[str, Entry]:
    if not isinstance(row, dict):
        raise TypeError("the line is not a JSON object")
    texts = {name: _get_text(row, name) for name in _TEXT_FIELDS}
    if not (texts["title"] or texts["url"] or texts["arxiv_id"]):
        raise ValueError("neither title nor url nor arxiv_id is given")
    arxiv_id = texts.pop("arxiv_id")
    found = Entry(arxiv_id=arxiv_id or None)
    for name, text in texts.items():
        if text:
            setattr(found, name, text)
    found.summary = found.summary or _get_text(row, "abstract")
    found.authors = _parse_names(row.get("authors"))
    found.categories = [str(each) for each in row.get("categories") or []]
    found.published = _parse_moment(row.get("published") or row.get("date"))
    if arxiv_id and not found.url:
        found.url = f"https://arxiv.org/abs/{arxiv_id}"
    return _get_text(row, "source"), found


def _get_text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"{name} is not a text")
    return value


def _parse_names(value: Any) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list) else [value] if isinstance(value, str) else []


def _parse_moment(value: Any) -> datetime | None:
    """An ISO date or datetime; a bare date stands for its noon in UTC, so that no time zone moves it to another day."""
    if not value:
        return None
    text = f"{value}T12:00:00" if len(str(value)) == 10 else str(value)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
