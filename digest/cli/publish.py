"""Commands of the published site: publish, preview, refresh, templates."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.options import PUBLISH, DryRun, Json, PeriodArg, app, command, find_workspace_root
from digest.cli.output import exit_with_report, open_workspace, print_json, print_table, print_text


@command(app, "publish 2026-10", 'publish 2026-10 --correct "The model has 7B parameters, not 70B."', panel=PUBLISH)
def publish(
    period: PeriodArg = "last",
    correct: Annotated[
        str | None, typer.Option("--correct", metavar="TEXT", help="What was wrong in a published issue.")
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Write an approved issue's post, the feeds and site data.

    Publishing again changes nothing. To correct a published issue, edit its draft, approve it, and publish it with
    --correct.
    """
    with open_workspace() as workspace:
        exit_with_report(workspace.publish(period, correct=correct, dry_run=dry_run), as_json)


@command(app, "preview --drafts", panel=PUBLISH)
def preview(
    build: Annotated[bool, typer.Option("--build", help="Build into site/_site and stop.")] = False,
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 4000,
    drafts: Annotated[bool, typer.Option("--drafts", help="Show drafts too.")] = False,
) -> None:
    """Build the site with Jekyll and serve it locally."""
    from digest.publishing.jekyll import build_site, require_free_port, serve_site

    site = find_workspace_root() / "site"
    if build:
        print_text(f"preview: {build_site(site, drafts=drafts)}")
        return
    require_free_port(port)
    print_text(f"preview: http://127.0.0.1:{port} (Ctrl-C ends it)")
    raise typer.Exit(serve_site(site, port, drafts=drafts))


templates_app = typer.Typer(help="List and copy the templates of posts and mails.", no_args_is_help=True)
app.add_typer(templates_app, name="templates", rich_help_panel=PUBLISH)


@command(app, "refresh", "refresh --apply arxiv:2501.00663", panel=PUBLISH)
def refresh(
    names: Annotated[list[str] | None, typer.Argument(metavar="PERIOD|ITEM…", help="Only these.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Add the errata to their issues.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Compare with stored data only.")] = False,
    as_json: Json = False,
) -> None:
    """Check published works for news; propose errata.

    Looks for new versions, withdrawals, venues and dead links, and shows the errata as a diff. Requests arXiv at
    most once a day. Only --apply changes what readers see.
    """
    from digest.publishing.refresh import format_errata

    with open_workspace() as workspace:
        report = workspace.refresh(names or [], ask=not offline, apply=apply)
    if not as_json:
        for line in format_errata(report.numbers["errata"]):
            print_text(line)
    exit_with_report(report, as_json)


@command(templates_app, "templates list", name="list")
def list_(as_json: Json = False) -> None:
    """List the templates and where each comes from."""
    from digest.ops.workspace import list_templates

    with open_workspace() as workspace:
        rows = list_templates(workspace.context)
    if as_json:
        print_json([{"name": row.name, "own": row.is_own} for row in rows])
    else:
        print_table(["template", "from"], [[row.name, "this workspace" if row.is_own else "digest"] for row in rows])


@command(templates_app, "templates copy post.md.j2")
def copy(name: Annotated[str, typer.Argument(metavar="NAME", help="As `list` names it.")]) -> None:
    """Copy a template into the workspace to change it there."""
    from digest.ops.workspace import copy_template

    with open_workspace() as workspace:
        print_text(f"templates: {copy_template(workspace.context, name)}")
