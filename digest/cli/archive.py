"""Commands on what is published already, and on how it looks."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.shell import Json, app, exit_with_report, open_workspace, print_json, print_table, print_text

templates_app = typer.Typer(help="The templates of posts and mails, and your own in their place.", no_args_is_help=True)
app.add_typer(templates_app, name="templates")


@app.command()
def refresh(
    names: Annotated[list[str] | None, typer.Argument(metavar="PERIOD|ITEM…", help="Of these only.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Put the errata into their issues, dated.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask nobody; compare with what is stored.")] = False,
    as_json: Json = False,
) -> None:
    """Look again at published works: versions, withdrawals, venues, dead links; propose errata as a diff.

    arXiv and the links are asked, arXiv at most once a day. Nothing that readers see changes without --apply.

    Example: digest refresh
    Example: digest refresh --apply arxiv:2501.00663
    """
    from digest.pipeline.refresh import format_errata

    with open_workspace() as workspace:
        report = workspace.refresh(names or [], ask=not offline, apply=apply)
    if not as_json:
        for line in format_errata(report.numbers["errata"]):
            print_text(line)
    exit_with_report(report, as_json)


@templates_app.command(name="list")
def list_(as_json: Json = False) -> None:
    """List the templates, and which of them the workspace has of its own.

    Example: digest templates list
    """
    from digest.pipeline import templates as pipeline

    with open_workspace() as workspace:
        rows = pipeline.list_templates(workspace.context)
    if as_json:
        print_json([{"name": row.name, "own": row.is_own} for row in rows])
    else:
        print_table(["template", "from"], [[row.name, "this workspace" if row.is_own else "digest"] for row in rows])


@templates_app.command()
def copy(name: Annotated[str, typer.Argument(metavar="NAME", help="As `list` names it.")]) -> None:
    """Copy a template into the workspace's templates/, where it takes the place of the one that ships.

    Example: digest templates copy post.md.j2
    """
    from digest.pipeline import templates as pipeline

    with open_workspace() as workspace:
        print_text(f"templates: {pipeline.copy_template(workspace.context, name)}")
