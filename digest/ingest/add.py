"""Add one URL or a JSONL file.

`add`: one work by its address, or many from a file of JSON lines.

Items from lines of JSON, as `digest add --jsonl` takes them: each line is read and cleaned by itself.

Files of JSON lines, gzipped or not, as a person or another program hands them in: bad lines are named.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from digest.aio import run_sync
from digest.config.schema import Source
from digest.context import Context, record_run
from digest.db.items import load_items_by_key
from digest.db.runs import OUTCOMES, save_source_results
from digest.errors import ConfigError, NotFoundError, ParseError, SourceError, describe_read_error
from digest.ingest.normalize import PreparedItem, RejectedEntry, normalize_entry
from digest.ingest.parser_process import ParserPool
from digest.ingest.store import ingest_entries, ingest_items_by_source
from digest.models.items import Item
from digest.models.runs import SourceResult
from digest.protocols import Report, Request
from digest.sources.entries import Entry
from digest.sources.html.article import parse_article
from digest.urls import work_key

if TYPE_CHECKING:
    from digest.config.schema import Source


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


_BATCH_LINES = 1500  # lines; a smaller file is read in this process
_BATCH_DEADLINE = 120.0  # seconds for a batch that takes half of one
_PAGE_DEADLINE = 30.0  # seconds that one page may take to be read
_MAX_SHOWN_PROBLEMS = 20  # mistakes of a file that are told one by one

_LineBatch = list[tuple[str, str]]  # place and line


def get_manual_source(context: Context, source_id: str) -> Source:
    """The configured source of that name, or a stand-in for what a person brings in by hand."""
    return context.config.find_source(source_id) or Source(
        id=source_id, kind="feed", url="https://example.org/", name="added by hand", quote="source"
    )


def add_url(context: Context, url: str, source_id: str = "manual", deadline: float = 60.0) -> tuple[Item, Report]:
    """Fetch a page or paper within `deadline` seconds and keep it as an item; a known one is mentioned once more."""
    if not url.lower().startswith(("http://", "https://")):
        raise ConfigError(f"{url!r} is not an http or https address", "write it whole, with https:// in front")
    source = get_manual_source(context, source_id)
    with record_run(context, "add") as report:
        found = run_sync(_fetch_article(context, url, deadline))
        with context.db.write() as session:
            counts, reasons = ingest_entries(session, source, [found], context.now)
            _record_counts(session, report, source.id, counts, context.now)
            if reasons:
                raise SourceError(f"{url} cannot be kept: {reasons[0]}", "add it with --jsonl and a title")
            item = load_items_by_key(session, [work_key(found.url or url), work_key(url)])
        if not item:
            raise NotFoundError(f"{url} was read but not kept", "add it with --jsonl and a title")
        kept = next(iter(item.values()))
        report.numbers = dict(counts)
        report.line = f"{kept.key}: {kept.title}"
    return kept, report


async def _fetch_article(context: Context, url: str, deadline: float) -> Entry:
    async with aclosing(context.make_fetcher()) as fetcher:
        response = await fetcher(Request(url, deadline=deadline))
    async with ParserPool(deadline=min(deadline, _PAGE_DEADLINE)) as workers:
        return await workers.run(parse_article, response.body, response.url, dict(response.headers), subject=url)


def add_jsonl_file(context: Context, path: Path, source_id: str = "manual") -> Report:
    """Keep every line of a file: title or url, and authors, published, summary (or abstract), arxiv_id, source.

    A line may name its own configured source. Lines that cannot be read are counted as rejected and named.
    """
    with record_run(context, "add") as report, context.progress.task(f"adding {path.name}") as advance:
        totals = run_sync(_add_lines(context, path, source_id, report, advance))
        report.numbers = dict(totals)
        report.line = (
            f"{path.name}: {totals['found']} found, {totals['new']} new, {totals['revised']} revised, "
            f"{totals['unchanged']} unchanged, {totals['duplicate']} duplicate, {totals['rejected']} rejected"
        )
        more = len(report.problems) - _MAX_SHOWN_PROBLEMS
        report.problems = [*report.problems[:_MAX_SHOWN_PROBLEMS], *([f"… {more} more"] if more > 0 else [])]
        if totals["rejected"]:
            report.state = "partial"
    return report


async def _add_lines(
    context: Context, path: Path, source_id: str, report: Report, advance: Callable[[int], None]
) -> Counter[str]:
    """Batch after batch; while one is stored, another process reads the next. Returns the sums of all fates."""
    configured = {source.id: source for source in context.config.sources}
    common = (configured, get_manual_source(context, source_id), context.now)
    fates: dict[str, Counter[str]] = defaultdict(Counter)
    async with aclosing(_parse_batches(_read_batches(path), common, path.name)) as batches:
        async for lines in batches:
            await asyncio.to_thread(_store_batch, context, report, fates, lines)
            advance(lines.line_count)
    return sum(fates.values(), Counter())


async def _parse_batches(
    batches: Iterator[_LineBatch], common: tuple[Mapping[str, Source], Source, datetime], subject: str
) -> AsyncGenerator[ParsedLines, None]:
    """What each batch holds. The next one is read in another process meanwhile; a single one is not worth a process."""
    first, following = next(batches, []), next(batches, None)
    if following is None:
        yield parse_jsonl_items(first, *common)
        return
    async with ParserPool(deadline=_BATCH_DEADLINE) as workers:
        coming = asyncio.create_task(workers.run(parse_jsonl_items, following, *common, subject=subject))
        try:
            yield await asyncio.to_thread(parse_jsonl_items, first, *common)  # while the process starts
            for batch in batches:
                lines = await coming
                coming = asyncio.create_task(workers.run(parse_jsonl_items, batch, *common, subject=subject))
                yield lines
            yield await coming
        finally:
            coming.cancel()
            await asyncio.wait([coming])


def _store_batch(context: Context, report: Report, fates: dict[str, Counter[str]], lines: ParsedLines) -> None:
    """Store one batch and its counts by source, so far, in one transaction."""
    with context.db.write() as session:
        for name, counts in ingest_items_by_source(session, lines.items).items():
            fates[name].update(counts)
            fates[name]["found"] += counts.total()
        for name, refused in lines.rejected_counts.items():
            fates[name].update(found=refused, rejected=refused)
        for name, counts in fates.items():
            _record_counts(session, report, name, counts, context.now)
    report.problems = [*report.problems, *lines.problems]


def _record_counts(session: Session, report: Report, source_id: str, counts: Mapping[str, int], now: datetime) -> None:
    count = SourceResult(run_id=report.run_id or 0, source_id=source_id, at=now)
    for fate in (*OUTCOMES, "found"):
        setattr(count, fate, counts.get(fate, 0))
    save_source_results(session, count)


def _read_batches(path: Path) -> Iterator[_LineBatch]:
    """The file's lines with their places, some at a time; empty lines are left out."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            lines = ((f"{path.name}:{number}", line) for number, line in enumerate(file, 1) if line.strip())
            while batch := list(islice(lines, _BATCH_LINES)):
                yield batch
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise ConfigError(
            f"{path} cannot be read: {describe_read_error(error)}", "give a UTF-8 file of JSON lines, or its .gz"
        ) from error


_MAX_SHOWN_LINES = 5


def read_jsonl_bytes(path: Path) -> bytes:
    """A file's bytes, unpacked if they are gzipped, whatever its name; raises NotFoundError or ParseError."""
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError, zlib.error) as error:
        kind = NotFoundError if isinstance(error, FileNotFoundError) else ParseError
        raise kind(
            f"{path} cannot be read: {describe_read_error(error)}", "name a file of JSON lines, or its .gz"
        ) from error


def parse_json_objects(data: bytes) -> tuple[list[dict[str, Any]], list[str]]:
    """The objects of JSON lines, and what is wrong with the lines left out, each with its number."""
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    for number, line in enumerate(data.split(b"\n"), start=1):  # no other line end: titles may hold U+2028
        try:
            value = json.loads(line) if line.strip() else {}
        except UnicodeDecodeError:
            problems.append(f"line {number}: is not UTF-8 text")
            continue
        except (ValueError, RecursionError):
            problems.append(f"line {number}: is not JSON")
            continue
        if not isinstance(value, dict):
            problems.append(f"line {number}: is not a JSON object")
        elif line.strip():
            rows.append(value)
    return rows, problems


def load_json_objects(path: Path, hint: str) -> list[dict[str, Any]]:
    """Every object of a file; raises ParseError with `hint` where a line is none."""
    rows, problems = parse_json_objects(read_jsonl_bytes(path))
    if problems:
        more = f" (and {len(problems) - _MAX_SHOWN_LINES} more)" if len(problems) > _MAX_SHOWN_LINES else ""
        raise ParseError(f"{path}: {'; '.join(problems[:_MAX_SHOWN_LINES])}{more}", hint)
    return rows
