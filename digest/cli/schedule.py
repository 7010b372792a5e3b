"""Commands that run several stages: run, schedule, runs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.options import OPERATE, AcceptGaps, Json, MaxUsd, PeriodArg, Provider, app, command
from digest.cli.output import exit_with_report, open_workspace, print_json, print_rows, print_table, print_text

if TYPE_CHECKING:
    from digest.ops.status import RunDetails

_COLUMNS = ("id", "stage", "period", "state", "started", "seconds", "line")
schedule_app = typer.Typer()
app.add_typer(schedule_app, name="schedule", rich_help_panel=OPERATE)


@command(app, "run last", "run last --max-usd 0.10", "run --due", panel=OPERATE)
def run(
    period: PeriodArg = "last",
    due: Annotated[bool, typer.Option("--due", help="Run only the jobs that are due; for cron.")] = False,
    autopilot: Annotated[
        bool, typer.Option("--autopilot/--no-autopilot", help="With --due: follow `cadence.autopilot`.")
    ] = True,
    accept_gaps: AcceptGaps = False,
    max_usd: MaxUsd = None,
    provider: Provider = "",
    as_json: Json = False,
) -> None:
    """Fetch, tag, rank and draft in one go.

    A person approves the draft. An unhealthy run writes no draft and says why.
    """
    with open_workspace(provider) as workspace:
        if not due:
            exit_with_report(workspace.run(period, accept_gaps=accept_gaps, max_usd=max_usd), as_json)
        from digest.ops.schedule import combine_reports, run_due, without_autopilot

        context = workspace.context if autopilot else without_autopilot(workspace.context)
        exit_with_report(combine_reports(run_due(context)), as_json)


@schedule_app.callback(invoke_without_command=True)
def schedule(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--next", help="Show due jobs and the next draft, and stop.")] = False,
) -> None:
    """Run due jobs every minute until interrupted.

    Only a person's approval publishes or sends, unless `cadence.autopilot` is on.

    \b
    Examples:
      digest schedule
      digest schedule --next
    """  # noqa: D301  click keeps the paragraph after \\b as it is
    if context.invoked_subcommand:
        return
    from digest.cli.workspace import format_due_row
    from digest.ops.status import load_due_rows
    from digest.scheduler import run_scheduler

    with open_workspace() as workspace:
        if not once:
            run_scheduler(workspace)
            return
        for row in load_due_rows(workspace.context):
            print_text(f"schedule: {format_due_row(row)}")


@command(schedule_app, "schedule install --systemd --write")
def install(
    cron: Annotated[bool, typer.Option("--cron", help="A line for crontab.")] = False,
    systemd: Annotated[bool, typer.Option("--systemd", help="A service and a timer.")] = False,
    github: Annotated[bool, typer.Option("--github", help="A GitHub Actions workflow.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write the files into the workspace.")] = False,
) -> None:
    """Print the schedule for cron, systemd or GitHub Actions.

    With --write the files go into the workspace.
    """
    import shutil
    import sys

    from digest.files import write_documents
    from digest.ops.install import INSTALL_STEPS, render_schedule_files

    chosen = [name for name, is_chosen in (("cron", cron), ("systemd", systemd), ("github", github)) if is_chosen]
    if len(chosen) != 1:
        raise typer.BadParameter("choose one of --cron, --systemd, --github")
    executable = shutil.which("digest")
    program = [executable] if executable else [sys.executable, "-m", "digest"]
    with open_workspace() as workspace:
        documents = render_schedule_files(chosen[0], workspace.root, program, workspace.config.cadence)
        if write:
            write_documents(workspace.root, documents)
    for document in documents:
        print_text(f"schedule: {document.path} written" if write else f"# {document.path}\n{document.body.decode()}")
    print_text(f"# then: {INSTALL_STEPS[chosen[0]]}")


@command(app, "runs -n 5", "runs 17", panel=OPERATE)
def runs(
    number: Annotated[
        int | None, typer.Argument(metavar="[RUN]", help="The run to explain.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000)] = 20,
    as_json: Json = False,
) -> None:
    """List runs and how they ended, or explain one."""
    with open_workspace() as workspace:
        if number is not None:
            run = workspace.explain_run(number)
            print_json(asdict(run)) if as_json else _show_run(run)
            return
        rows = workspace.runs(limit)
    print_rows([asdict(row) for row in rows], _COLUMNS, "runs: none yet; `digest run` starts one", as_json=as_json)


def _show_run(run: RunDetails) -> None:
    period = f" of {run.period}" if run.period else ""
    ended = f", ended {run.finished}" if run.finished else ""
    print_text(f"run {run.id}: {run.stage}{period}, {run.state}; started {run.started}{ended} (UTC)")
    for line in filter(None, [run.line, *(f"! {problem}" for problem in run.problems)]):
        print_text(f"  {line}")
    if run.reason not in ("", run.line) and not run.problems:
        print_text(f"  reason: {run.reason}")
    rows = []
    for row in run.sources:
        unexplained = f"{row.unexplained} items unaccounted for" if row.unexplained else ""
        problem = "; ".join(filter(None, [unexplained, row.error, row.hint]))
        rows.append([row.id, row.state, row.counts, row.took, row.next, problem])
    if rows:
        print_table(["source", "state", "items", "took", "next", "problem"], rows)
