"""Commands that run the machine: everything from fetch to draft, and the schedule."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from digest.cli.output import (
    Json,
    MaxUsd,
    PeriodArg,
    Provider,
    app,
    exit_with_report,
    format_due_row,
    open_workspace,
    print_json,
    print_table,
    print_text,
)

schedule_app = typer.Typer(help="Run by the cadence in sources.yaml.")
app.add_typer(schedule_app, name="schedule")


@app.command()
def run(
    period: PeriodArg = "last",
    due: Annotated[bool, typer.Option("--due", help="Do only what the cadence says is due; for cron.")] = False,
    autopilot: Annotated[
        bool, typer.Option("--autopilot/--no-autopilot", help="With --due: whether `cadence.autopilot` is heeded.")
    ] = True,
    accept_gaps: Annotated[bool, typer.Option("--accept-gaps", help="Draft although the run is red.")] = False,
    max_usd: MaxUsd = None,
    provider: Provider = "",
    as_json: Json = False,
) -> None:
    """Fetch, tag, rank and draft in one go; a person approves. A red run drafts nothing and says why.

    \b
    Example: digest run last
    Example: digest run last --max-usd 0.10
    Example: digest run --due
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
    once: Annotated[bool, typer.Option("--next", help="Say what is due and when the next draft is, and stop.")] = False,
) -> None:
    """Stay and do what is due; nothing is published or sent that nobody approved, unless `cadence.autopilot`.

    Example: digest schedule --next
    """
    if context.invoked_subcommand:
        return
    from digest.ops.status import load_due_rows
    from digest.scheduler import run_scheduler

    with open_workspace() as workspace:
        if not once:
            run_scheduler(workspace)
            return
        for row in load_due_rows(workspace.context):
            print_text(f"schedule: {format_due_row(row)}")


@schedule_app.command()
def install(
    cron: Annotated[bool, typer.Option("--cron", help="A line for crontab.")] = False,
    systemd: Annotated[bool, typer.Option("--systemd", help="A service and a timer.")] = False,
    github: Annotated[bool, typer.Option("--github", help="A GitHub Actions workflow.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Write it into the workspace instead of printing.")] = False,
) -> None:
    """Print what lets cron, systemd or GitHub Actions do the work, or write it into the workspace.

    Example: digest schedule install --systemd --write
    """
    import shutil
    import sys

    from digest.files import write_documents
    from digest.ops.install import INSTALL_STEPS, render_schedule_files

    chosen = [name for name, wanted in (("cron", cron), ("systemd", systemd), ("github", github)) if wanted]
    if len(chosen) != 1:
        raise typer.BadParameter("choose one of --cron, --systemd, --github")
    found = shutil.which("digest")
    program = [found] if found else [sys.executable, "-m", "digest"]
    with open_workspace() as workspace:
        documents = render_schedule_files(chosen[0], workspace.root, program, workspace.config.cadence)
        if write:
            write_documents(workspace.root, documents)
    for document in documents:
        print_text(f"schedule: {document.path} written" if write else f"# {document.path}\n{document.body.decode()}")
    print_text(f"# then: {INSTALL_STEPS[chosen[0]]}")


@app.command()
def runs(
    number: Annotated[
        int | None, typer.Argument(metavar="[RUN]", help="The run to explain.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000)] = 20,
    as_json: Json = False,
) -> None:
    """List what was run, when, and how it ended; with a number, explain that run source by source.

    \b
    Example: digest runs -n 5
    Example: digest runs 17
    """
    with open_workspace() as workspace:
        if number is not None:
            told = workspace.explain_run(number)
            print_json(told) if as_json else _show_run(told)
            return
        rows = workspace.runs(limit)
    if as_json:
        print_json(rows)
        return
    columns = ["id", "stage", "period", "state", "started", "seconds", "line"]
    shown = [[str(row[column] if row[column] is not None else "") for column in columns] for row in rows]
    print_table(columns, shown, "runs: none yet; `digest run last` makes the first")


def _show_run(run: dict[str, Any]) -> None:
    """A run in words, then its ledger: a row a source, found = new + revised + … + failed."""
    of = f" of {run['period']}" if run["period"] else ""
    ended = f", ended {run['finished']}" if run["finished"] else ""
    print_text(f"run {run['id']}: {run['stage']}{of}, {run['state']}; begun {run['started']}{ended} (UTC)")
    for line in filter(None, [run["line"], *(f"! {problem}" for problem in run["problems"])]):
        print_text(f"  {line}")
    if run["reason"] not in ("", run["line"]) and not run["problems"]:
        print_text(f"  because: {run['reason']}")
    if run["sources"]:
        print_table(
            ["source", "state", "items", "took", "next", "said"],
            [[*(str(row[name]) for name in _RESULT_COLUMNS), _describe_problem(row)] for row in run["sources"]],
        )


_RESULT_COLUMNS = ("id", "state", "counts", "took", "next")


def _describe_problem(row: dict[str, Any]) -> str:
    """The source's trouble with its cure, and items without a fate, which there must never be."""
    lost = f"{row['unexplained']} items unaccounted for" if row["unexplained"] else ""
    return "; ".join(filter(None, [lost, row["error"], row["hint"]]))
