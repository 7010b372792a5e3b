"""Add one work by its URL, or many from a file of JSON lines, gzipped or not."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urljoin

from sqlmodel import Session

from digest.aio import run_sync
from digest.config.schema import Source
from digest.context import Context, record_run
from digest.db.issues import find_added_item_ids
from digest.db.items import load_items_by_key
from digest.db.runs import OUTCOMES, save_source_results
from digest.errors import ConfigError, FetchError, NotFoundError, ParseError, SourceError, describe_read_error
from digest.ingest.normalize import PreparedItem, RejectedEntry, normalize_entry
from digest.ingest.parser_process import ParserPool
from digest.ingest.store import ingest_entries, ingest_items_by_source
from digest.models.items import Item
from digest.models.predictions import Decision
from digest.models.runs import SourceResult
from digest.protocols import Fetcher, Report, Request
from digest.sources.arxiv.common import build_abs_url
from digest.sources.entries import Entry
from digest.sources.html.article import parse_article
from digest.urls import work_key
from digest.urls.arxiv import extract_arxiv_id
from digest.urls.stubs import find_meta_refresh, is_challenge

_BATCH_LINES = 1500  # a smaller file is parsed in this process
_BATCH_DEADLINE = 120.0  # seconds; a batch takes half a second
_PAGE_DEADLINE = 30.0  # seconds for parsing one page
_MAX_CONCURRENT_ARTICLES = 8
_MAX_FORWARDS = 2  # pages in a row that only forward, where the fetcher did not follow them
_MAX_SHOWN_PROBLEMS = 20
_MAX_SHOWN_LINES = 5
_TEXT_FIELDS = ("guid", "url", "title", "summary", "content", "doi", "venue", "comment", "arxiv_id")

T = TypeVar("T")
R = TypeVar("R")
_LineBatch = list[tuple[str, str]]  # (place, line)


MANUAL_SOURCE = "manual"
_MAX_ADDED_BY_HAND = 20  # lines of a file whose items count as added by the editor


def get_manual_source(context: Context, source_id: str) -> Source:
    """Return the configured source, or a substitute for works that a person adds."""
    return context.config.find_source(source_id) or Source(
        id=source_id, kind="feed", url="https://example.org/", name="added by hand", quote="source"
    )


def add_url(
    context: Context,
    url: str,
    source_id: str = "manual",
    deadline: float = 60.0,
    note: str = "",
    *,
    is_pick: bool = False,
) -> tuple[Item, Report]:
    """Fetch a page or paper within `deadline` seconds and store it; an existing item gets one more mention.

    The item counts as added by the editor, with a `note` on why; `is_pick` makes it a pick of its month's next draft.
    """
    if not url.lower().startswith(("http://", "https://")):
        raise ConfigError(f"{url!r} is not an http or https address", "write the whole URL, with https:// in front")
    source = get_manual_source(context, source_id)
    with record_run(context, "add") as report:
        entry = run_sync(_fetch_article(context, url, deadline))
        with context.db.write() as session:
            counts, reasons = ingest_entries(session, source, [entry], context.now)
            _save_counts(session, report, source.id, counts, context.now)
            if reasons:
                raise SourceError(f"{url} cannot be stored: {reasons[0]}", "add it with --jsonl and a title")
            items = load_items_by_key(session, [work_key(entry.url or url), work_key(url)])
        if not items:
            raise NotFoundError(f"{url} was read but not stored", "add it with --jsonl and a title")
        item = next(iter(items.values()))
        with context.db.write() as session:
            _record_additions(session, [item], context.now, note, is_pick=is_pick)
        report.numbers = dict(counts)
        report.line = f"{item.key}: {item.title}"
    return item, report


def _record_additions(
    session: Session, items: Iterable[Item], now: datetime, note: str = "", *, is_pick: bool = False
) -> None:
    """Record each item as added by the editor, once unless there is something new to note."""
    detail: dict[str, Any] = {"note": note} if note else {}
    if is_pick:
        detail["pick"] = True
    ids = [item.id for item in items]
    recorded = find_added_item_ids(session, ids, detail)
    session.add_all(
        Decision(item_id=item_id, verdict="add", detail=detail, origin="cli", at=now)
        for item_id in ids
        if item_id not in recorded
    )


async def _fetch_article(context: Context, url: str, deadline: float) -> Entry:
    pool_deadline = min(deadline, _PAGE_DEADLINE)
    async with aclosing(context.make_fetcher()) as fetcher, ParserPool(deadline=pool_deadline) as pool:
        return await fetch_article(fetcher, pool, url, deadline)


def resolve_page_url(url: str) -> str:
    """Return the abs page of the arXiv paper that an address names, which is small and has the facts; else the address.

    A paper's PDF, its HTML, its DOI and pages of other sites about it hold its id.
    """
    arxiv_id = extract_arxiv_id(url)
    return build_abs_url(arxiv_id) if arxiv_id else url


async def fetch_article(
    fetcher: Fetcher, pool: ParserPool, url: str, deadline: float, *, allow_private: bool = False
) -> Entry:
    """Fetch a page, or the abs page of the paper that the address names, and read it as one entry."""
    # A paper's PDF or a page about it holds its id; the abs page is small and has the facts.
    arxiv_id = extract_arxiv_id(url)
    address = build_abs_url(arxiv_id) if arxiv_id else url
    request = Request(address, deadline=deadline, allow_private=allow_private)
    response = await fetcher(request)
    for _ in range(_MAX_FORWARDS):
        if forward := find_meta_refresh(response):
            response = await fetcher(replace(request, url=urljoin(response.url, forward)))
    if is_challenge(response):
        hint = "open it in a browser; `digest add --jsonl` adds a work without its page"
        raise FetchError(f"{url} is behind a browser check", hint, status=403)
    arguments = (response.body, response.url, dict(response.headers), None, address)
    return await pool.run(parse_article, *arguments, subject=url)


async def read_articles(
    context: Context,
    task: str,
    deadline: float,
    items: Collection[T],
    read: Callable[[Fetcher, ParserPool, T], Awaitable[R]],
) -> list[R]:
    """Run `read` for every item, a few at once, with progress; the results are in the order of the items."""
    slots = asyncio.Semaphore(_MAX_CONCURRENT_ARTICLES)
    async with aclosing(context.make_fetcher()) as fetcher, ParserPool(deadline=deadline) as pool:

        async def read_in_turn(item: T) -> R:
            async with slots:
                result = await read(fetcher, pool, item)
            step(1)
            return result

        with context.progress.task(task, len(items)) as step:
            return list(await asyncio.gather(*map(read_in_turn, items)))


def add_jsonl_file(context: Context, path: Path, source_id: str = "manual") -> Report:
    """Store every line of a file: title or url, and authors, published, summary (or abstract), arxiv_id, source.

    A line may name its own configured source. Lines that cannot be parsed are counted as rejected and named.
    """
    with record_run(context, "add") as report, context.progress.task(f"adding {path.name}") as advance:
        totals = run_sync(_add_lines(context, path, source_id, report, advance))
        report.numbers = dict(totals)
        shown = ("found", "new", "revised", "unchanged", "duplicate", "rejected")
        report.line = f"{path.name}: " + ", ".join(f"{totals[name]} {name}" for name in shown)
        more = len(report.problems) - _MAX_SHOWN_PROBLEMS
        report.problems = [*report.problems[:_MAX_SHOWN_PROBLEMS], *([f"… {more} more"] if more > 0 else [])]
        if totals["rejected"]:
            report.state = "partial"
    return report


async def _add_lines(
    context: Context, path: Path, source_id: str, report: Report, advance: Callable[[int], None]
) -> Counter[str]:
    """Store batch after batch, while another process parses the next one; return the sums of all outcomes."""
    configured = {source.id: source for source in context.config.sources}
    common = (configured, get_manual_source(context, source_id), context.now)
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    async with aclosing(_parse_batches(_read_batches(path), common, path.name)) as batches:
        async for lines in batches:
            await asyncio.to_thread(_store_batch, context, report, outcomes, lines)
            advance(lines.line_count)
    return sum(outcomes.values(), Counter())


async def _parse_batches(
    batches: Iterator[_LineBatch], common: tuple[Mapping[str, Source], Source, datetime], subject: str
) -> AsyncGenerator[ParsedLines, None]:
    """Yield parsed batches while another process parses the next; a single batch is parsed in this process."""
    first, second = next(batches, []), next(batches, None)
    if second is None:
        yield parse_jsonl_items(first, *common)
        return
    async with ParserPool(deadline=_BATCH_DEADLINE) as pool:
        parsing = asyncio.create_task(pool.run(parse_jsonl_items, second, *common, subject=subject))
        try:
            yield await asyncio.to_thread(parse_jsonl_items, first, *common)  # while the process starts
            for batch in batches:
                lines = await parsing
                parsing = asyncio.create_task(pool.run(parse_jsonl_items, batch, *common, subject=subject))
                yield lines
            yield await parsing
        finally:
            parsing.cancel()
            await asyncio.wait([parsing])


def _store_batch(context: Context, report: Report, outcomes: dict[str, Counter[str]], lines: ParsedLines) -> None:
    """Store a batch and the counts of each source so far in one transaction."""
    is_small = not outcomes and lines.line_count <= _MAX_ADDED_BY_HAND
    with context.db.write() as session:
        for name, counts in ingest_items_by_source(session, lines.items).items():
            outcomes[name].update(counts)
            outcomes[name]["found"] += counts.total()
        for name, rejected in lines.rejected_counts.items():
            outcomes[name].update(found=rejected, rejected=rejected)
        for name, counts in outcomes.items():
            _save_counts(session, report, name, counts, context.now)
        if is_small:
            keys = [item.key for item in lines.items if item.source_id == MANUAL_SOURCE]
            _record_additions(session, load_items_by_key(session, keys).values(), context.now)
    report.problems = [*report.problems, *lines.problems]


def _save_counts(session: Session, report: Report, source_id: str, counts: Mapping[str, int], now: datetime) -> None:
    result = SourceResult(run_id=report.run_id or 0, source_id=source_id, at=now)
    for name in (*OUTCOMES, "found"):
        setattr(result, name, counts.get(name, 0))
    save_source_results(session, result)


def _read_batches(path: Path) -> Iterator[_LineBatch]:
    """Yield batches of the file's lines with their places, without empty lines."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            lines = ((f"{path.name}:{number}", line) for number, line in enumerate(file, 1) if line.strip())
            while batch := list(islice(lines, _BATCH_LINES)):
                yield batch
    except (OSError, UnicodeDecodeError, EOFError) as error:
        hint = "give a UTF-8 file of JSON lines, or its .gz"
        raise ConfigError(f"{path} cannot be read: {describe_read_error(error)}", hint) from error


@dataclass(slots=True)
class ParsedLines:
    """Items of JSON lines, the number of rejected lines by source, and the reasons line by line."""

    line_count: int = 0
    items: list[PreparedItem] = field(default_factory=list)
    rejected_counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def parse_jsonl_items(
    lines: Iterable[tuple[str, str]], sources: Mapping[str, Source], default: Source, now: datetime
) -> ParsedLines:
    """Parse (place, line) pairs. A line may name its own source; one that `sources` lacks is like `default`.

    A line that cannot be parsed counts as rejected by the default source.
    """
    parsed = ParsedLines()
    for place, line in lines:
        parsed.line_count += 1
        try:
            name, entry = _parse_entry(json.loads(line))
        except (ValueError, TypeError, RecursionError) as error:
            parsed.rejected_counts[default.id] += 1
            parsed.problems.append(f"{place}: {error}")
            continue
        source = sources.get(name) or (default.model_copy(update={"id": name}) if name else default)
        outcome = normalize_entry(entry, source, now, is_plain_text=True)
        if isinstance(outcome, RejectedEntry):
            parsed.rejected_counts[source.id] += 1
            parsed.problems.append(f"{outcome.title or outcome.url or place}: {outcome.reason}")
        else:
            parsed.items.append(outcome)
    return parsed


def _parse_entry(row: Any) -> tuple[str, Entry]:
    if not isinstance(row, dict):
        raise TypeError("the line is not a JSON object")
    texts: dict[str, Any] = {name: text for name in _TEXT_FIELDS if (text := _get_text(row, name))}
    if not texts.keys() & {"title", "url", "arxiv_id"}:
        raise ValueError("neither title nor url nor arxiv_id is given")
    entry = Entry(**texts)
    entry.summary = entry.summary or _get_text(row, "abstract")
    names = row.get("authors")
    entry.authors = (
        [str(name) for name in names] if isinstance(names, list) else [names] if isinstance(names, str) else []
    )
    entry.categories = [str(name) for name in row.get("categories") or []]
    entry.published = _parse_moment(row.get("published") or row.get("date"))
    if entry.arxiv_id and not entry.url:
        entry.url = f"https://arxiv.org/abs/{entry.arxiv_id}"
    return _get_text(row, "source"), entry


def _get_text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str | None):
        raise TypeError(f"{name} is not a text")
    return value or ""


def _parse_moment(value: Any) -> datetime | None:
    """Parse an ISO date or datetime; a bare date becomes noon in UTC, so that no time zone changes the day."""
    if not value:
        return None
    moment = datetime.fromisoformat(f"{value}T12:00:00" if len(str(value)) == 10 else str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_jsonl_bytes(path: Path) -> bytes:
    """Read a file's bytes, unpacked if they are gzipped, whatever its name. Raises NotFoundError or ParseError."""
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError, zlib.error) as error:
        kind = NotFoundError if isinstance(error, FileNotFoundError) else ParseError
        hint = "name a file of JSON lines, or its .gz"
        raise kind(f"{path} cannot be read: {describe_read_error(error)}", hint) from error


def parse_json_objects(data: bytes) -> tuple[list[dict[str, Any]], list[str]]:
    """Parse JSON lines into objects and the problems of the other lines, each with its number."""
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    for number, line in enumerate(data.split(b"\n"), start=1):  # no other line end: titles may hold U+2028
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except UnicodeDecodeError:
            problems.append(f"line {number}: is not UTF-8 text")
        except (ValueError, RecursionError):
            problems.append(f"line {number}: is not JSON")
        else:
            if isinstance(value, dict):
                rows.append(value)
            else:
                problems.append(f"line {number}: is not a JSON object")
    return rows, problems


def load_json_objects(path: Path, hint: str) -> list[dict[str, Any]]:
    """Load every object of a file. Raises ParseError with `hint` when a line is not an object."""
    rows, problems = parse_json_objects(read_jsonl_bytes(path))
    if problems:
        more = f" (and {len(problems) - _MAX_SHOWN_LINES} more)" if len(problems) > _MAX_SHOWN_LINES else ""
        raise ParseError(f"{path}: {'; '.join(problems[:_MAX_SHOWN_LINES])}{more}", hint)
    return rows
