"""`add`: one work by its address, or many from a file of JSON lines."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlmodel import Session

from digest import sources
from digest.config import Source
from digest.errors import ConfigError, NotFoundError, SourceError
from digest.models import Item, RunCount
from digest.pipeline.context import Context, recorded
from digest.pipeline.intake import take_found
from digest.ports import Found, Report, Request
from digest.store import items as item_store
from digest.store import ledger
from digest.urls import work_key

_BATCH = 4000
_TEXTS = ("guid", "url", "title", "summary", "content", "doi", "venue", "comment", "arxiv_id")
_SHOWN = 20  # mistakes of a file that are told one by one


def manual_source(context: Context, source_id: str) -> Source:
    """The configured source of that name, or a stand-in for what a person brings in by hand."""
    return context.config.source(source_id) or Source(
        id=source_id, kind="feed", url="https://example.org/", name="added by hand", quote="source"
    )


def add_url(context: Context, url: str, source_id: str = "manual") -> tuple[Item, Report]:
    """Fetch a page or paper and keep it as an item; what is known already is only mentioned once more."""
    source = manual_source(context, source_id)
    with recorded(context, "add") as report:
        found = asyncio.run(_article(context, url))
        with context.db.write() as session:
            counts, reasons = take_found(session, source, [found], context.now)
            _count(session, report, source, counts, context.now)
            if reasons:
                raise SourceError(f"{url} cannot be kept: {reasons[0]}", "add it with --jsonl and a title")
            item = item_store.by_keys(session, [work_key(found.url or url), work_key(url)])
        if not item:
            raise NotFoundError(f"{url} was read but not kept", "add it with --jsonl and a title")
        kept = next(iter(item.values()))
        report.numbers = dict(counts)
        report.line = f"{kept.key}: {kept.title}"
    return kept, report


async def _article(context: Context, url: str) -> Found:
    async with aclosing(context.make_fetcher()) as fetcher:
        response = await fetcher(Request(url))
    found: Found = sources.parse_article(response.body, url=response.url, headers=response.headers)
    return found


def add_jsonl(context: Context, path: Path, source_id: str = "manual") -> Report:
    """Keep every line of a file: title or url, and authors, published, summary (or abstract), arxiv_id, source.

    A line may name its own configured source. Lines that cannot be read are counted as rejected and named.
    """
    with recorded(context, "add") as report:
        totals: Counter[str] = Counter()
        by_source: dict[str, Counter[str]] = {}
        problems: list[str] = []
        lines = _lines(path, totals, problems)
        with context.progress.task(f"adding {path.name}") as advance:
            while batch := list(islice(lines, _BATCH)):
                with context.db.write() as session:
                    for name, found in _by_source(batch, source_id).items():
                        source = manual_source(context, name)
                        counts, reasons = take_found(session, source, found, context.now)
                        by_source.setdefault(name, Counter()).update(counts)
                        _count(session, report, source, by_source[name], context.now)
                        problems += reasons
                advance(len(batch))
        for counts in by_source.values():
            totals.update(counts)
        report.numbers = dict(totals)
        report.line = (
            f"{path.name}: {totals['found']} found, {totals['new']} new, {totals['revised']} revised, "
            f"{totals['unchanged']} unchanged, {totals['duplicate']} duplicate, {totals['rejected']} rejected"
        )
        report.problems = problems[:_SHOWN] + ([f"… {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else [])
        if totals["rejected"]:
            report.state = "partial"
    return report


def _count(session: Session, report: Report, source: Source, counts: Mapping[str, int], now: datetime) -> None:
    count = RunCount(run_id=report.run_id or 0, source_id=source.id, at=now)
    for fate in (*ledger.FATES, "found"):
        setattr(count, fate, counts.get(fate, 0))
    ledger.record(session, count)


def _by_source(batch: Iterable[tuple[str, Found]], default: str) -> dict[str, list[Found]]:
    out: dict[str, list[Found]] = {}
    for name, found in batch:
        out.setdefault(name or default, []).append(found)
    return out


def _lines(path: Path, totals: Counter[str], problems: list[str]) -> Iterator[tuple[str, Found]]:
    """The file's items with the source each names; unreadable lines go into the problems."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    try:
                        yield _found(json.loads(line))
                    except (ValueError, TypeError, RecursionError) as error:
                        totals.update(found=1, rejected=1)
                        problems.append(f"{path.name}:{number}: {error}")
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})", "give a UTF-8 file of JSON lines, or its .gz") from error


def _found(row: Any) -> tuple[str, Found]:
    if not isinstance(row, dict):
        raise TypeError("the line is not a JSON object")
    texts = {name: _text(row, name) for name in _TEXTS}
    if not (texts["title"] or texts["url"] or texts["arxiv_id"]):
        raise ValueError("neither title nor url nor arxiv_id is given")
    arxiv_id = texts.pop("arxiv_id")
    found = Found(arxiv_id=arxiv_id or None)
    for name, text in texts.items():
        if text:
            setattr(found, name, text)
    found.summary = found.summary or _text(row, "abstract")
    found.authors = _names(row.get("authors"))
    found.categories = [str(each) for each in row.get("categories") or []]
    found.published = _moment(row.get("published") or row.get("date"))
    if arxiv_id and not found.url:
        found.url = f"https://arxiv.org/abs/{arxiv_id}"
    return _text(row, "source"), found


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"{name} is not a text")
    return value


def _names(value: Any) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list) else [value] if isinstance(value, str) else []


def _moment(value: Any) -> datetime | None:
    """An ISO date or datetime; a bare date stands for its noon in UTC, so that no time zone moves it to another day."""
    if not value:
        return None
    text = f"{value}T12:00:00" if len(str(value)) == 10 else str(value)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
