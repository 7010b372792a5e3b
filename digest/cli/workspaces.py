"""Commands over all workspaces of a service: workspaces list, add, status."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from digest.cli.options import OPERATE, Json, app, command
from digest.cli.output import choose_clock, print_json, print_rows, print_table, print_text
from digest.text import shorten_text

workspaces_app = typer.Typer(no_args_is_help=True, help="List, add and watch the workspaces of a service.")
app.add_typer(workspaces_app, name="workspaces", rich_help_panel=OPERATE)

Place = Annotated[
    Path,
    typer.Option("--workspaces", metavar="DIR|FILE", envvar="DIGEST_WORKSPACES", help="Their folder, or a list."),
]
DEFAULT_PLACE = Path("workspaces")
_MAX_PROBLEM = 70  # characters, so that a workspace has one line


@command(workspaces_app, "workspaces list --workspaces /srv/newsletters", name="list")
def list_(place: Place = DEFAULT_PLACE, as_json: Json = False) -> None:
    """List the workspaces and their newsletters."""
    from digest.ops.workspaces import list_workspaces

    rows = [asdict(row) for row in list_workspaces(place)]
    print_rows(rows, ["name", "title", "url", "sources", "problem"], "", as_json=as_json)


@command(workspaces_app, "workspaces add energy --title 'Energy digest'")
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the folder, and of its schema.")],
    place: Place = DEFAULT_PLACE,
    title: Annotated[str, typer.Option("--title", help="Name of the newsletter.")] = "",
    url: Annotated[str, typer.Option("--url", help="Address of its site.")] = "",
) -> None:
    """Make a workspace among the others."""
    from digest.ops.workspace import WorkspaceAnswers
    from digest.ops.workspaces import add_workspace

    folder = add_workspace(place, name, WorkspaceAnswers(title=title, url=url))
    print_text(f"workspaces: {folder} made")
    print_text(f"  next: edit {folder / 'sources.yaml'}; workers find it within a minute")


@command(workspaces_app, "workspaces status", "workspaces status --json")
def status(place: Place = DEFAULT_PLACE, as_json: Json = False) -> None:
    """Show each workspace in one line; problems first."""
    from digest.app import Workspace
    from digest.errors import DigestError
    from digest.ops.workspaces import (
        WorkspaceStatus,
        find_workspaces,
        load_workspace_status,
        sort_by_problem,
        summarise_workspaces,
    )

    rows, clock = [], choose_clock()
    for name, root in find_workspaces(place).items():
        try:
            with Workspace(root, clock=clock) as workspace:
                rows.append(load_workspace_status(workspace.context, name))
        except DigestError as error:
            rows.append(WorkspaceStatus(name, problem=error.message))
    rows = sort_by_problem(rows)
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    print_text(summarise_workspaces(rows))
    cells = [
        [
            row.name,
            str(row.items),
            row.issue,
            row.last,
            row.next,
            shorten_text(row.problem.partition("\n")[0], _MAX_PROBLEM),
        ]
        for row in rows
    ]
    print_table(["workspace", "items", "newest issue", "last run", "next", "problem"], cells)
