"""Printing, tables, progress, JSON logs.

What every command shares: the typer app, the workspace option, printing for people and for machines.

Progress for a person: a rich bar on a terminal, silence in a pipe or under cron.

Structured logs: one JSON object a line on standard error, with run ids, and never a secret of the environment.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from digest import __version__
from digest.cli.options import complete_periods, complete_providers, find_workspace_root, select_workspace
from digest.protocols import NullProgress, Progress
from digest.text import escape_hidden_in_json, sanitise_for_terminal

if TYPE_CHECKING:
    from digest.app import Workspace
    from digest.protocols import Report


app = typer.Typer(
    name="digest",
    help="AI research-digest newsletter: fetch, sort, rank, edit, publish, mail.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON for a machine.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; leave no trace.")]
MaxUsd = Annotated[
    float | None, typer.Option("--max-usd", min=0, help="What language models may cost in this run, in USD.")
]
Provider = Annotated[
    str,
    typer.Option(
        "--provider",
        help="For this run, as model.provider: local, gemini, …",
        autocompletion=complete_providers,
    ),
]
PeriodArg = Annotated[
    str,
    typer.Argument(
        metavar="PERIOD",
        help="2026-10, last, this; a recap also 2026, 2026-Q3.",
        autocompletion=complete_periods,
    ),
]

_EXIT_CODES = {"done": 0, "partial": 3, "failed": 1}


@app.callback(invoke_without_command=True)
def _configure(
    workspace: Annotated[
        Path | None, typer.Option("--workspace", "-w", help="The workspace's folder (or DIGEST_WORKSPACE).")
    ] = None,
    log_format: Annotated[
        str, typer.Option("--log-format", help="json: one object a line on standard error (or DIGEST_LOG).")
    ] = "",
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        typer.echo(f"digest {__version__}")
        raise typer.Exit
    form = log_format or os.environ.get("DIGEST_LOG", "")
    if form not in ("", "text", "json"):
        raise typer.BadParameter(f"{form!r} is not a log format; use json or text")
    if form == "json":
        enable_json_logs()
    select_workspace(workspace)


def open_workspace(provider: str = "") -> Workspace:
    """The workspace the command works in, telling a person how long work goes; `provider` is this run's model's."""
    from digest.app import Workspace

    return Workspace(find_workspace_root(), clock=choose_clock(), progress=choose_progress(), provider=provider)


def choose_clock() -> Callable[[], datetime]:
    """The wall clock; DIGEST_NOW, an ISO instant, holds it still for rehearsals."""
    if fixed := os.environ.get("DIGEST_NOW"):
        from digest.errors import ConfigError

        try:
            moment = datetime.fromisoformat(fixed)
        except ValueError:
            raise ConfigError(
                f"DIGEST_NOW={fixed!r} is not an ISO date and time", "2026-01-05T06:00:00+00:00"
            ) from None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return lambda: moment.astimezone(UTC)
    return lambda: datetime.now(UTC)


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
        print_text(f"{report.stage}: {report.line}")
        for problem in report.problems:
            print_text(f"  ! {problem}", err=True)
    raise typer.Exit(_EXIT_CODES[report.state])


def print_text(text: str, *, err: bool = False) -> None:
    """Lines for a person; text of sources, servers and models is among them, and must not steer the terminal."""
    from digest.text import sanitise_for_terminal

    typer.echo(sanitise_for_terminal(text), err=err)


def format_due_row(row: Mapping[str, str]) -> str:
    """One piece of work that the cadence waits for."""
    told = {"due": "is due since", "waits": "failed, and is tried again at", "next": "is next, at"}[row["state"]]
    return f"{row['work']} of {row['period']} {told} {row['at']}"


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    from digest.text import escape_hidden_in_json

    typer.echo(escape_hidden_in_json(json.dumps(value, ensure_ascii=False, indent=1, default=str)))


def print_table(headings: list[str], rows: list[list[str]], empty: str = "") -> None:
    """Aligned columns, the last unpadded; wide cells wrap on a terminal. `empty` is said where there are no rows."""
    if empty and not rows:
        print_text(empty)
        return
    from rich.console import Console
    from rich.table import Table

    from digest.text import sanitise_for_terminal

    table = Table(*headings, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*map(sanitise_for_terminal, row))
    console = Console(width=None if os.isatty(1) else 200, highlight=False, markup=False)
    with console.capture() as printed:
        console.print(table)
    typer.echo("\n".join(line.rstrip() for line in printed.get().splitlines()))


T = TypeVar("T")


class QuietProgress(NullProgress):
    """Shows nothing but lines said on purpose."""

    def print_line(self, line: str) -> None:
        print(sanitise_for_terminal(line), file=sys.stderr)  # noqa: T201


class BarProgress(QuietProgress):
    """Rich bars on standard error, gone when the work is done."""

    def track(self, items: Iterable[T], label: str, total: int | None = None) -> Iterable[T]:
        from rich.console import Console
        from rich.progress import track

        return track(items, label, total, console=Console(stderr=True), transient=True)

    @contextmanager
    def task(self, label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        from rich.console import Console
        from rich.progress import Progress as RichProgress

        with RichProgress(console=Console(stderr=True), transient=True) as bars:
            bar = bars.add_task(label, total=total)
            yield lambda step: bars.advance(bar, step)


def choose_progress() -> Progress:
    """Bars on a terminal, quiet elsewhere."""
    return BarProgress() if sys.stderr.isatty() else QuietProgress()


_SECRET_SUFFIXES = ("KEY", "TOKEN", "SECRET", "PASSWORD", "HOOK", "WEBHOOK")  # how the names of such variables end
_MIN_SECRET_LENGTH = 6  # shorter values would blot out ordinary words


class JsonLogFormatter(logging.Formatter):
    """One record as one line: at, level, event, and the fields the event came with."""

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
    """Log from here on; people who did not ask for it get the commands' own lines alone."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLogFormatter(os.environ))
    logger = logging.getLogger("digest")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
