"""Commands on what is published already, and on how it looks."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.shell import Json, app, finish, opened, say, show_json, show_table

templates = typer.Typer(help="The templates of posts and mails, and your own in their place.", no_args_is_help=True)
app.add_typer(templates, name="templates")


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
    from digest.pipeline.refresh import as_diff

    with opened() as workspace:
        report = workspace.refresh(names or [], ask=not offline, apply=apply)
    if not as_json:
        for line in as_diff(report.numbers["errata"]):
            say(line)
    finish(report, as_json)


@templates.command(name="list")
def list_(as_json: Json = False) -> None:
    """List the templates, and which of them the workspace has of its own.

    Example: digest templates list
    """
    from digest.pipeline import templates as pipeline

    with opened() as workspace:
        rows = pipeline.templates(workspace.context)
    if as_json:
        show_json([{"name": row.name, "own": row.own} for row in rows])
    else:
        show_table(["template", "from"], [[row.name, "this workspace" if row.own else "digest"] for row in rows])


@templates.command()
def copy(name: Annotated[str, typer.Argument(metavar="NAME", help="As `list` names it.")]) -> None:
    """Copy a template into the workspace's templates/, where it takes the place of the one that ships.

    Example: digest templates copy post.md.j2
    """
    from digest.pipeline import templates as pipeline

    with opened() as workspace:
        say(f"templates: {pipeline.copy_template(workspace.context, name)}")
