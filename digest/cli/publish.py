"""publish preview templates.

Commands on what is published already, and on how it looks.

Commands that put an issue before readers.
"""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.options import find_workspace_root
from digest.cli.output import (
    DryRun,
    Json,
    PeriodArg,
    app,
    exit_with_report,
    open_workspace,
    print_json,
    print_table,
    print_text,
)


@app.command()
def publish(
    period: PeriodArg = "last",
    correct: Annotated[
        str | None, typer.Option("--correct", metavar="TEXT", help="What was wrong with a published issue.")
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Write an approved issue's post, the feeds and the site's lists. Publishing again changes nothing.

    To correct a published issue: edit its sheet, approve it, and publish it with --correct.

    \b
    Example: digest publish 2026-10
    Example: digest publish 2026-10 --correct "The model has 7B parameters, not 70B."
    """
    with open_workspace() as workspace:
        exit_with_report(workspace.publish(period, correct=correct, dry_run=dry_run), as_json)


@app.command()
def preview(
    build: Annotated[bool, typer.Option("--build", help="Build into site/_site and stop.")] = False,
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 4000,
    drafts: Annotated[bool, typer.Option("--drafts", help="Show drafts too.")] = False,
) -> None:
    """Build the site with Jekyll and serve it on this machine.

    Example: digest preview --drafts
    """
    from digest.publishing.jekyll import build_site, serve_site

    site = find_workspace_root() / "site"
    if build:
        print_text(f"preview: {build_site(site, drafts=drafts)}")
        return
    print_text(f"preview: http://127.0.0.1:{port} (Ctrl-C ends it)")
    raise typer.Exit(serve_site(site, port, drafts=drafts))


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
    from digest.publishing.refresh import format_errata

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
    from digest.ops.workspace import list_templates

    with open_workspace() as workspace:
        rows = list_templates(workspace.context)
    if as_json:
        print_json([{"name": row.name, "own": row.is_own} for row in rows])
    else:
        print_table(["template", "from"], [[row.name, "this workspace" if row.is_own else "digest"] for row in rows])


@templates_app.command()
def copy(name: Annotated[str, typer.Argument(metavar="NAME", help="As `list` names it.")]) -> None:
    """Copy a template into the workspace's templates/, where it takes the place of the one that ships.

    Example: digest templates copy post.md.j2
    """
    from digest.ops.workspace import copy_template

    with open_workspace() as workspace:
        print_text(f"templates: {copy_template(workspace.context, name)}")
