"""Commands to start with (init, demo, status) and the screen of `digest status`."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.options import START, Json, app, command
from digest.cli.output import choose_progress, open_workspace, print_json, print_table, print_text
from digest.text import format_count, normalise_line

if TYPE_CHECKING:
    from digest.ops.status import DueRow, IssueRow, SourceRow, Status
    from digest.ops.workspace import WorkspaceAnswers

_MAX_ISSUES = 5  # shown: open ones, then the newest
_NEXT_COMMANDS = {
    "draft": "`digest desk {period}`, then `digest approve {period}`",
    "approved": "`digest publish {period}`",
}
_NORMAL_STATES = ("ok", "unmodified", "partial", "skipped")
_SOURCE_KINDS = ("healthy", "failing", "silent", "with a warning", "never read")


@command(app, "init my-newsletter", "init my-newsletter --blog ../blog", panel=START)
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the workspace is made.")] = Path(),
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing and take every default.")] = False,
    blog: Annotated[
        Path | None, typer.Option("--blog", metavar="DIR", help="An existing blog that the issues go into.")
    ] = None,
) -> None:
    """Make a workspace: sources.yaml, templates/ and site/.

    At a terminal it asks for name, address, interests and mail. Files that exist are left unchanged.
    """
    from dataclasses import replace

    from digest.ops.blog_settings import find_blog_settings
    from digest.ops.workspace import WorkspaceAnswers, create_workspace

    settings = find_blog_settings(blog, folder) if blog else None
    has_config = (folder / "sources.yaml").exists()
    is_asking = not yes and sys.stdin.isatty() and sys.stdout.isatty() and not has_config
    answers = _ask_for_answers() if is_asking else WorkspaceAnswers()
    if settings:
        answers = replace(answers, **settings.newsletter, site_lines=settings.render_site())
    written, existing = create_workspace(folder, answers)
    print_text(f"init: {folder}: {written} files written" + (f", {existing} left unchanged" if existing else ""))
    if settings:
        where = "sources.yaml is left unchanged; write there" if has_config else "in sources.yaml"
        print_text(f"  {blog}: posts read: {settings.post_count}; {where}:\nsite:\n{settings.render_site().rstrip()}")
    print_text("  next: set newsletter.title and url in sources.yaml, then `digest run`")


def _ask_for_answers() -> WorkspaceAnswers:
    from digest.ops.workspace import WorkspaceAnswers

    return WorkspaceAnswers(
        title=typer.prompt("Name of the newsletter", "AI research digest"),
        url=typer.prompt("Address of the site", "https://example.org"),
        interests=typer.prompt("Interests, in one line of English", "", show_default=False),
        email=typer.prompt("Your mail address", "", show_default=False),
        smtp_host=typer.prompt("SMTP server (empty: mail is written as files)", "", show_default=False),
    )


@command(app, "schema", "schema sources.schema.json", panel=START)
def schema(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="Where it is written; else printed.")] = None,
) -> None:
    """Print the JSON Schema of sources.yaml, for editors."""
    from digest.files import write_output_file
    from digest.ops.workspace import render_schema

    text = render_schema()
    if file is None:
        print_text(text.decode().rstrip())
        return
    write_output_file(file, text)
    print_text(f"schema: {file} written")


@command(app, "demo --open", panel=START)
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the demo's workspace goes.")] = Path("demo"),
    open_: Annotated[bool, typer.Option("--open", help="Open the result in the browser.")] = False,
    as_json: Json = False,
) -> None:
    """Run everything on recorded sources of 2025: no key needed.

    Needs no network either.
    """
    from digest.demo import run_demo

    result = run_demo(folder, choose_progress())
    print_json(result.numbers) if as_json else print_text(result.text)
    if open_:
        typer.launch(str(result.start_page))


@command(app, "status --watch 5", "status --all", panel=START)
def status(
    watch: Annotated[float, typer.Option("--watch", metavar="SECONDS", min=0, help="Repeat until Ctrl-C.")] = 0,
    metrics: Annotated[
        Path | None, typer.Option("--metrics", metavar="FILE", help="Write Prometheus text there instead.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="A row for each source and each issue.")] = False,
    as_json: Json = False,
) -> None:
    """Show sources, due jobs and issues; problems first."""
    import click

    with open_workspace() as workspace:
        if metrics is not None:
            from digest.ops.metrics import write_metrics

            write_metrics(workspace.context, metrics)
            print_text(f"status: {metrics} written")
            return
        while True:
            current = workspace.status()
            if watch:
                click.clear()
            if as_json:
                print_json(asdict(current))
            else:
                _show_status(current, show_all=every)
            if not watch:
                return
            time.sleep(watch)


def _show_status(current: Status, *, show_all: bool) -> None:
    if not show_all:
        columns, rows = shutil.get_terminal_size((120, 40))
        for line in render_status_screen(current, columns, min(max(rows, 24), 40)):
            print_text(line)
        return
    print_text(current.line)
    for due in current.due:
        print_text(f"  {format_due_row(due)}")
    if current.sources:
        headings = ["source", "state", "items", "last run", "took", "checked", "next", "problem"]
        cells = [
            (row.id, row.state, str(row.items or ""), row.counts, row.took, row.checked, row.next)
            for row in current.sources
        ]
        print_table(
            headings,
            [[*row, source.error or source.warning] for row, source in zip(cells, current.sources, strict=True)],
        )
    for issue in current.issues:
        print_text(f"issue {issue.period}: {issue.state}, {format_count(issue.picks, 'pick')}: {issue.title}")


def format_due_row(row: DueRow) -> str:
    """Describe a job of the cadence in one line."""
    states = {"due": "is due since", "waits": "failed; next try at", "next": "is next, at"}
    return f"{row.work} of {row.period} {states[row.state]} {row.at}"


def render_status_screen(current: Status, width: int, height: int) -> list[str]:
    """Return at most `height - 1` lines of `width` columns; the last row is the prompt's.

    Names healthy sources only where all of them fit.
    """
    head = [current.line, *(f"  {'!' if row.state == 'waits' else ' '} {format_due_row(row)}" for row in current.due)]
    for run in current.last:
        mark = "!" if run.state in ("failed", "refused", "interrupted") else " "
        period = f" of {run.period}" if run.period else ""
        head.append(f"  {mark} last run: {run.stage}{period}, {run.state}, {run.started} UTC: {run.line}")
    tail = list(_format_issues(current.issues))
    room = height - 1 - len(head) - len(tail)
    sources = _format_sources(current.sources, room) if current.sources else []
    return [_truncate_line(line, width) for line in [*head, *sources, *tail]]


def _format_sources(rows: Sequence[SourceRow], room: int) -> Iterator[str]:
    enabled = [row for row in rows if row.enabled]
    kinds = {kind: [row for row in enabled if _classify_source(row) == kind] for kind in _SOURCE_KINDS}
    counts = {kind: len(members) for kind, members in kinds.items()} | {"off": len(rows) - len(enabled)}
    summary = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    last_fetch = max(row.checked for row in rows)
    yield f"sources: {summary}; " + (
        f"last fetch {last_fetch} UTC" if last_fetch else "run `digest fetch` to read them"
    )
    problems = list(_format_problem_sources(kinds))
    healthy = [f"    {row.id}: {_describe_last_fetch(row)}" for row in kinds["healthy"]]
    if len(problems) + len(healthy) < room:
        yield from problems + healthy
        return
    shown = problems if len(problems) <= room - 2 else problems[: max(1, room - 2)]
    yield from shown
    rest = [f"{len(problems) - len(shown)} more lines"] if len(shown) < len(problems) else []
    rest += [f"{len(healthy)} healthy"] if healthy else []
    if rest:
        yield f"    and {', '.join(rest)}: `digest status --all`"


def _format_problem_sources(kinds: Mapping[str, Sequence[SourceRow]]) -> Iterator[str]:
    from digest.ops.status import group_by_error

    for error, names in group_by_error({row.id: row.error for row in kinds["failing"]}).items():
        yield f"  ! {names[0]}: {error}" if len(names) == 1 else f"  ! {len(names)}: {error}: {', '.join(names)}"
    yield from (f"  ! {row.id}: {row.state}; {_describe_last_fetch(row)}" for row in kinds["silent"])
    yield from (f"  ! {row.id}: {_describe_last_fetch(row)}; {row.warning}" for row in kinds["with a warning"])
    if kinds["never read"]:
        yield f"  ! never read: {', '.join(row.id for row in kinds['never read'])}"


def _classify_source(row: SourceRow) -> str:
    if row.error:
        return "failing"
    if row.state.startswith("silent"):
        return "silent"
    return "with a warning" if row.warning else "never read" if row.state == "never read" else "healthy"


def _describe_last_fetch(row: SourceRow) -> str:
    result = row.counts or ("nothing new" if row.state in _NORMAL_STATES else row.state)
    return f"{result}; next {row.next}" if row.next else result


def _format_issues(rows: Sequence[IssueRow]) -> Iterator[str]:
    """Yield open issues with their next commands, then the newest of the others."""
    open_rows = [row for row in rows if row.state in _NEXT_COMMANDS][-_MAX_ISSUES:]
    closed_rows = [row for row in rows if row.state not in _NEXT_COMMANDS]
    newest = closed_rows[len(closed_rows) - min(_MAX_ISSUES - len(open_rows), len(closed_rows)) :]
    if rows:
        yield f"issues: {len(rows)}" + ("" if len(open_rows) + len(newest) == len(rows) else ", of which")
    for row in open_rows:
        command = _NEXT_COMMANDS[row.state].format(period=row.period)
        yield f"  ! {row.period}: {row.state}, {format_count(row.picks, 'pick')}; next {command}"
    yield from (f"    {row.period}: {row.state}, {format_count(row.picks, 'pick')}: {row.title}" for row in newest)


def _truncate_line(line: str, width: int) -> str:
    """Cut a line so that the terminal does not wrap it; Chinese characters take two columns."""
    from rich.text import Text

    indent = line[: len(line) - len(line.lstrip())]
    text = Text(indent + normalise_line(line))
    text.truncate(max(width - 1, 1), overflow="ellipsis")
    return text.plain
