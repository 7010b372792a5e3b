"""The typer app with the options that commands share, printing, tables, progress and JSON logs."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
import typer.core

from digest import __version__
from digest.cli.options import complete_periods, complete_providers, find_workspace_root, select_workspace
from digest.errors import ConfigError
from digest.protocols import NullProgress, Progress, Report
from digest.text import escape_hidden_in_json, sanitise_for_terminal

if TYPE_CHECKING:
    from digest.app import Workspace

T = TypeVar("T")
START, GATHER, SORT, EDIT = "Start", "Gather", "Sort", "Edit"
PUBLISH, MAIL, OPERATE = "Publish", "Mail", "Operate"
_HELP_WIDTH = 60  # of a command's first sentence, so that a terminal of 80 columns shows it whole
_EXIT_CODES = {"done": 0, "partial": 3, "failed": 1}
_SECRET_SUFFIXES = ("KEY", "TOKEN", "SECRET", "PASSWORD", "HOOK", "WEBHOOK")  # of variables' names
_MIN_SECRET_LENGTH = 6  # shorter values would mask ordinary words


class GroupedCommands(typer.core.TyperGroup):
    """A group whose help lists its commands under headings."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a section for each heading, in the order of the editor's work."""
        sections: dict[str, list[tuple[str, str]]] = {
            name: [] for name in (START, GATHER, SORT, EDIT, PUBLISH, MAIL, OPERATE)
        }
        for name, command in self.commands.items():
            heading = getattr(command, "rich_help_panel", None)
            sections.setdefault(heading if isinstance(heading, str) else "Commands", []).append(
                (name, command.get_short_help_str(_HELP_WIDTH))
            )
        for heading, rows in sections.items():
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)


app = typer.Typer(
    name="digest",
    cls=GroupedCommands,
    help="AI research-digest newsletter: fetch, sort, rank, edit, publish, mail.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done; change nothing.")]
MaxUsd = Annotated[
    float | None, typer.Option("--max-usd", min=0, help="Spend at most this on language models, in USD.")
]
Provider = Annotated[
    str,
    typer.Option(
        "--provider", help="For this run, as model.provider: local, gemini, …", autocompletion=complete_providers
    ),
]
PeriodArg = Annotated[
    str,
    typer.Argument(
        metavar="PERIOD", help="2026-10, last, this; a recap also 2026, 2026-Q3.", autocompletion=complete_periods
    ),
]
AcceptGaps = Annotated[bool, typer.Option("--accept-gaps", help="Go on although sources failed or went silent.")]


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
    chosen_format = log_format or os.environ.get("DIGEST_LOG", "")
    if chosen_format not in ("", "text", "json"):
        raise typer.BadParameter(f"{chosen_format!r} is not a log format; use json or text")
    if chosen_format == "json":
        enable_json_logs()
    select_workspace(workspace)


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
    """Print a stage's line, and its problems on standard error."""
    print_text(f"{report.stage}: {report.line}")
    for problem in report.problems:
        print_text(f"  ! {problem}", err=True)


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
