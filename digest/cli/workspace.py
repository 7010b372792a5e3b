"""init demo status run runs schedule.

`digest status` for a person: one screen, whatever the number of sources. What needs a look stands first.

Commands to begin with: a workspace, the demo, where things stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from digest.cli.output import Json, app, format_due_row, open_workspace, print_json, print_table, print_text
from digest.text import normalise_line


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the workspace is made.")] = Path("."),
) -> None:
    """Make a workspace: sources.yaml, templates/ and site/. Files that exist stay as they are.

    Example: digest init my-newsletter
    """
    from digest.app import initialise

    made, kept = initialise(folder)
    print_text(f"init: {folder}: {made} files written" + (f", {kept} kept as they were" if kept else ""))
    print_text("  next: set newsletter.title and url in sources.yaml, then `digest run`")


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the demo's workspace goes.")] = Path("demo"),
    open_: Annotated[bool, typer.Option("--open", help="Open the result in the browser.")] = False,
    as_json: Json = False,
) -> None:
    """Run the whole story on recorded sources of 2025: no key, no network.

    Example: digest demo --open
    """
    from digest.cli.output import choose_progress
    from digest.demo import run_demo

    told = run_demo(folder, choose_progress())
    if as_json:
        print_json(told.numbers)
    else:
        print_text(told.text)
    if open_:
        typer.launch(str(told.start_page))


@app.command()
def status(
    watch: Annotated[
        float, typer.Option("--watch", metavar="SECONDS", min=0, help="Show it again and again until Ctrl-C.")
    ] = 0,
    metrics: Annotated[
        Path | None, typer.Option("--metrics", metavar="FILE", help="Write Prometheus text there instead.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="A row for each source and each issue.")] = False,
    as_json: Json = False,
) -> None:
    """Show on one screen what was read, what is due, which issues are where; first what needs a look.

    \b
    Example: digest status --watch 5
    Example: digest status --all
    """
    import time

    import click

    with open_workspace() as workspace:
        if metrics is not None:
            from digest.ops.metrics import write_metrics

            write_metrics(workspace.context, metrics)
            print_text(f"status: {metrics} written")
            return
        while True:
            facts = workspace.status()
            if watch:
                click.clear()
            _show_status(facts, every, as_json)
            if not watch:
                return
            time.sleep(watch)


def _show_status(facts: dict[str, Any], every: bool, as_json: bool) -> None:
    if as_json:
        print_json(facts)
    elif every:
        _show_all_rows(facts)
    else:
        import shutil

        pass

        columns, rows = shutil.get_terminal_size((120, 40))
        for line in render_status_screen(facts, columns, min(max(rows, 24), 40)):
            print_text(line)


def _show_all_rows(facts: dict[str, Any]) -> None:
    print_text(facts["line"])
    for row in facts["due"]:
        print_text(f"  {format_due_row(row)}")
    if facts["sources"]:
        print_table(
            ["source", "state", "items", "last run", "took", "checked", "next", "trouble"],
            [
                [*(str(row[key] or "") for key in _SOURCE_COLUMNS), row["error"] or row["warning"]]
                for row in facts["sources"]
            ],
        )
    for issue in facts["issues"]:
        print_text(f"issue {issue['period']}: {issue['state']}, {issue['picks']} picks: {issue['title']}")


_SOURCE_COLUMNS = ("id", "state", "items", "counts", "took", "checked", "next")


StatusRow = Mapping[str, Any]
_MAX_ISSUES = 5  # issues shown at most: those under way, then the newest
_NEXT_COMMANDS = {
    "draft": "`digest desk {period}`, then `digest approve {period}`",
    "approved": "`digest publish {period}`",
}
_NORMAL_STATES = ("ok", "unmodified", "partial", "skipped")


def render_status_screen(facts: Mapping[str, Any], width: int, height: int) -> list[str]:
    """The lines of a screen of that many columns and rows, or fewer: the last row is the prompt's.

    `facts` are what `status` gives. Sources that are well are named only where all of them find room.
    """
    head = [
        facts["line"],
        *(f"  {'!' if row['state'] == 'waits' else ' '} {format_due_row(row)}" for row in facts["due"]),
    ]
    head += [_format_last_run(row) for row in facts["last"]]
    tail = list(_format_issues(facts["issues"]))
    room = height - 1 - len(head) - len(tail)
    return [_truncate_line(line, width) for line in [*head, *_format_sources(facts["sources"], room), *tail]]


def _format_last_run(row: StatusRow) -> str:
    of = f" of {row['period']}" if row["period"] else ""
    mark = "!" if row["state"] in ("failed", "refused", "interrupted") else " "
    return f"  {mark} last run: {row['stage']}{of}, {row['state']}, {row['started']} UTC: {row['line']}"


def _format_sources(rows: Sequence[StatusRow], room: int) -> Iterator[str]:
    if not rows:
        return
    yield _summarise_sources(rows)
    needy, quiet = (
        list(_format_problem_sources(rows)),
        [f"    {row['id']}: {_describe_last_fetch(row)}" for row in rows if _is_healthy(row)],
    )
    if len(needy) + len(quiet) < room:
        yield from needy + quiet
        return
    shown = needy if len(needy) <= room - 2 else needy[: max(1, room - 2)]
    yield from shown
    left = [f"{len(needy) - len(shown)} more lines"] if len(shown) < len(needy) else []
    left += [f"{len(quiet)} that are well"] if quiet else []
    if left:
        yield f"    and {', '.join(left)}: `digest status --all`"


def _summarise_sources(rows: Sequence[StatusRow]) -> str:
    """All sources in one line: how many of each kind, and when one was asked last."""
    on = [row for row in rows if row["enabled"]]
    kinds = {
        "well": sum(map(_is_healthy, on)),
        "in trouble": sum(bool(row["error"]) for row in on),
        "silent": sum(_is_stale(row) for row in on),
        "with a remark": sum(_has_warning(row) for row in on),
        "never read": sum(_is_never_fetched(row) for row in on),
        "off": len(rows) - len(on),
    }
    told = ", ".join(f"{number} {kind}" for kind, number in kinds.items() if number)
    asked = max(row["checked"] for row in rows)
    return f"sources: {told}" + (f"; last asked {asked} UTC" if asked else "; `digest fetch` reads them")


def _format_problem_sources(rows: Sequence[StatusRow]) -> Iterator[str]:
    """Those in trouble, of one trouble together; then the silent, those with a remark, those never read."""
    from digest.ops.status import group_by_error

    on = [row for row in rows if row["enabled"]]
    troubles = {row["id"]: row["error"] for row in on if row["error"]}
    for words, names in group_by_error(troubles).items():
        yield f"  ! {names[0]}: {words}" if len(names) == 1 else f"  ! {len(names)}: {words}: {', '.join(names)}"
    yield from (f"  ! {row['id']}: {row['state']}; {_describe_last_fetch(row)}" for row in on if _is_stale(row))
    yield from (f"  ! {row['id']}: {_describe_last_fetch(row)}; {row['warning']}" for row in on if _has_warning(row))
    if new := [row["id"] for row in on if _is_never_fetched(row)]:
        yield f"  ! never read: {', '.join(new)}"


def _is_stale(row: StatusRow) -> bool:
    return not row["error"] and row["state"].startswith("silent")


def _is_never_fetched(row: StatusRow) -> bool:
    return bool(not row["error"] and row["state"] == "never read")


def _has_warning(row: StatusRow) -> bool:
    return bool(row["warning"] and not row["error"] and not _is_stale(row))


def _is_healthy(row: StatusRow) -> bool:
    return bool(row["enabled"] and not (row["error"] or row["warning"] or _is_stale(row) or _is_never_fetched(row)))


def _describe_last_fetch(row: StatusRow) -> str:
    """What its last run brought, and when it is asked again."""
    brought = row["counts"] or ("nothing new" if row["state"] in _NORMAL_STATES else row["state"])
    return f"{brought}; next {row['next']}" if row["next"] else brought


def _format_issues(rows: Sequence[StatusRow]) -> Iterator[str]:
    """The issues under way, each with the next step, then the newest of the others."""
    waiting = [row for row in rows if row["state"] in _NEXT_COMMANDS]
    over = [row for row in rows if row["state"] not in _NEXT_COMMANDS]
    shown = waiting[-_MAX_ISSUES:]
    newest = over[-(_MAX_ISSUES - len(shown)) :] if len(shown) < _MAX_ISSUES else []
    if rows:
        whole = len(shown) + len(newest) == len(rows)
        yield f"issues: {len(rows)}" if whole else f"issues: {len(rows)}, of which"
    yield from (
        f"  ! {row['period']}: {row['state']}, {row['picks']} picks; next {_suggest_next_command(row)}" for row in shown
    )
    yield from (f"    {row['period']}: {row['state']}, {row['picks']} picks: {row['title']}" for row in newest)


def _suggest_next_command(row: StatusRow) -> str:
    return _NEXT_COMMANDS[row["state"]].format(period=row["period"])


def _truncate_line(line: str, width: int) -> str:
    """One line that the terminal does not wrap; Chinese characters take two columns."""
    from rich.text import Text

    indent = line[: len(line) - len(line.lstrip())]
    text = Text(indent + normalise_line(line))
    text.truncate(max(width - 1, 1), overflow="ellipsis")
    return text.plain
