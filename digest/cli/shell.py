"""What every command shares: the typer app, the workspace option, printing for people and for machines."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest import __version__
from digest.cli import complete
from digest.cli.place import find_workspace_root, select_workspace

if TYPE_CHECKING:
    from digest.app import Workspace
    from digest.ports import Report

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
        autocompletion=complete.complete_providers,
    ),
]
PeriodArg = Annotated[
    str,
    typer.Argument(
        metavar="PERIOD",
        help="2026-10, last, this; a recap also 2026, 2026-Q3.",
        autocompletion=complete.complete_periods,
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
        from digest.cli.logs import enable_json_logs

        enable_json_logs()
    select_workspace(workspace)


def open_workspace(provider: str = "") -> Workspace:
    """The workspace the command works in, telling a person how long work goes; `provider` is this run's model's."""
    from digest.app import Workspace
    from digest.cli.progress import choose_progress

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
