"""Printing, tables, progress, JSON logs, and opening the workspace."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from digest.cli.options import find_workspace_root
from digest.errors import ConfigError
from digest.protocols import NullProgress, Progress, Report
from digest.text import escape_hidden_in_json, list_first_names, sanitise_for_terminal, shorten_text

if TYPE_CHECKING:
    from digest.app import Workspace

T = TypeVar("T")
_MAX_LINE, _MAX_PROBLEM = 160, 400  # characters
_HOST = re.compile(r"\bthe host \S+")
_EXIT_CODES = {"done": 0, "partial": 3, "failed": 1}
_SECRET_SUFFIXES = ("KEY", "TOKEN", "SECRET", "PASSWORD", "HOOK", "WEBHOOK")  # of variables' names
_MIN_SECRET_LENGTH = 6  # shorter values would mask ordinary words


def open_workspace(provider: str = "") -> Workspace:
    """Open the workspace the command works in; `provider` overrides model.provider for this run."""
    from digest.app import Workspace

    return Workspace(find_workspace_root(), clock=choose_clock(), progress=choose_progress(), provider=provider)


def choose_clock() -> Callable[[], datetime]:
    """Return the wall clock, or one that DIGEST_NOW, an ISO instant, stops."""
    if not (fixed := os.environ.get("DIGEST_NOW")):
        return lambda: datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(fixed)
    except ValueError:
        raise ConfigError(f"DIGEST_NOW={fixed!r} is not an ISO date and time", "2026-01-05T06:00:00+00:00") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return lambda: moment.astimezone(UTC)


def exit_with_report(report: Report, as_json: bool = False) -> None:
    """Print a stage's line and problems, and exit with its code."""
    if as_json:
        print_json(
            {
                "stage": report.stage,
                "state": report.state,
                "line": report.line,
                "numbers": report.numbers,
                "problems": list(report.problems),
                "run": report.run_id,
            }
        )
    else:
        print_report(report)
    raise typer.Exit(_EXIT_CODES[report.state])


def print_report(report: Report) -> None:
    """Print a stage's line, its parts below each other when it is long, and its problems on standard error."""
    line = f"{report.stage}: {report.line}"
    print_text(line if len(line) <= _MAX_LINE else line.replace("; ", "\n  "))
    for problem in group_problems(report.problems):
        print_text(f"  ! {shorten_text(problem, _MAX_PROBLEM)}", err=True)


def group_problems(problems: Sequence[str]) -> list[str]:
    """Join the problems that several sources share into one, without the names of their hosts."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for problem in problems:
        name, colon, text = problem.partition(": ")
        key = _HOST.sub("the host", text) if colon and " " not in name else problem
        groups.setdefault(key, []).append((name, problem))
    return [
        members[0][1]
        if len(members) == 1
        else f"{len(members)} times: {text}: {list_first_names([name for name, _ in members])}"
        for text, members in groups.items()
    ]


def print_text(text: str, *, err: bool = False) -> None:
    """Print lines for a person, without what could steer the terminal: sources, servers and models write them too."""
    typer.echo(sanitise_for_terminal(text), err=err)


def print_json(value: Any) -> None:
    """Print one JSON document on standard output."""
    typer.echo(escape_hidden_in_json(json.dumps(value, ensure_ascii=False, indent=1, default=str)))


def print_rows(rows: list[dict[str, Any]], columns: Sequence[str], empty: str, *, as_json: bool) -> None:
    """Print rows as JSON, or these columns of them as a table."""
    if as_json:
        print_json(rows)
    else:
        print_table(list(columns), [[format_cell(row[column]) for column in columns] for row in rows], empty)


def format_cell(value: object) -> str:
    """Format a value for people: lists and mappings spelled out, times to the minute."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {each}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def print_table(headings: list[str], rows: list[list[str]], empty: str = "") -> None:
    """Print aligned columns, whose wide cells wrap on a terminal, or `empty` where there are no rows."""
    if empty and not rows:
        print_text(empty)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*headings, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*map(sanitise_for_terminal, row))
    console = Console(width=None if os.isatty(1) else 200, highlight=False, markup=False)
    with console.capture() as printed:
        console.print(table)
    typer.echo("\n".join(line.rstrip() for line in printed.get().splitlines()))


class QuietProgress(NullProgress):
    """A Progress that prints only the lines meant for a person."""

    def print_line(self, line: str) -> None:
        """Print a line on standard error."""
        print(sanitise_for_terminal(line), file=sys.stderr)  # noqa: T201


class BarProgress(QuietProgress):
    """Rich bars on standard error, removed when the work is done."""

    def track(self, items: Iterable[T], label: str, total: int | None = None) -> Iterable[T]:
        """Yield the items under a bar."""
        from rich.console import Console
        from rich.progress import track

        return track(items, label, total, console=Console(stderr=True), transient=True)

    @contextmanager
    def task(self, label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """Give the function that advances a bar."""
        from rich.console import Console
        from rich.progress import Progress as RichProgress

        with RichProgress(console=Console(stderr=True), transient=True) as bars:
            bar = bars.add_task(label, total=total)
            yield lambda step: bars.advance(bar, step)


def choose_progress() -> Progress:
    """Return bars on a terminal, and a quiet progress elsewhere."""
    return BarProgress() if sys.stderr.isatty() else QuietProgress()


class JsonLogFormatter(logging.Formatter):
    """A formatter of one JSON object a line, in which values of secret variables are masked."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__()
        named = {name: value for name, value in environ.items() if name.upper().endswith(_SECRET_SUFFIXES)}
        self._secrets = sorted(
            {value for value in named.values() if len(value) >= _MIN_SECRET_LENGTH}, key=len, reverse=True
        )

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = {"at": at, "level": record.levelname.lower(), "event": record.getMessage()}
        fields |= getattr(record, "facts", {})
        return self._redact(escape_hidden_in_json(json.dumps(fields, ensure_ascii=False, default=str)))

    def _redact(self, line: str) -> str:
        for secret in self._secrets:
            line = line.replace(json.dumps(secret, ensure_ascii=False)[1:-1], "***")
        return line


def enable_json_logs() -> None:
    """Log the program's events to standard error from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLogFormatter(os.environ))
    logger = logging.getLogger("digest")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
