"""Commands for many workspaces on PostgreSQL: worker, worker status."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from digest.cli.options import OPERATE, Json, app, command
from digest.cli.output import choose_clock, choose_progress, print_json, print_text
from digest.cli.workspaces import DEFAULT_PLACE, Place

worker_app = typer.Typer()
app.add_typer(worker_app, name="worker", rich_help_panel=OPERATE)


@worker_app.callback(invoke_without_command=True)
def worker(
    context: typer.Context,
    workspaces: Place = DEFAULT_PLACE,
    concurrency: Annotated[int, typer.Option("--concurrency", min=1, max=64, help="Workspaces at the same time.")] = 2,
) -> None:
    """Run due jobs of many workspaces on PostgreSQL.

    Start as many workers as you like, on as many hosts.

    \b
    Examples:
      digest worker --workspaces /srv/newsletters --concurrency 4
      digest worker status
    """  # noqa: D301  click keeps the paragraph after \\b as it is
    if context.invoked_subcommand:
        return
    from digest.ops.workspaces import find_workspaces
    from digest.worker import run_worker

    roots = find_workspaces(workspaces)
    print_text(f"worker: {len(roots)} workspaces, {concurrency} at a time; Ctrl-C stops after the running ones")
    run_worker(lambda: find_workspaces(workspaces), concurrency, choose_progress(), choose_clock())


@command(worker_app, "worker status --json")
def status(
    metrics: Annotated[
        Path | None, typer.Option("--metrics", help="Write Prometheus text to this file.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Show how many passes wait, run and failed."""
    from digest.worker import load_worker_figures, write_worker_metrics

    figures = load_worker_figures()
    if metrics is not None:
        write_worker_metrics(metrics, figures)
    if as_json:
        print_json(asdict(figures) | {"oldest": figures.oldest.isoformat() if figures.oldest else None})
        return
    since = f", the oldest since {figures.oldest:%Y-%m-%d %H:%M:%S} UTC" if figures.oldest else ""
    print_text(f"worker: {figures.todo} waiting{since}, {figures.doing} running, {figures.failed} failed")
