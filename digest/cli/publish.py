"""Commands that put an issue before readers."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.place import find_workspace_root
from digest.cli.shell import DryRun, Json, PeriodArg, app, exit_with_report, open_workspace, print_text


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
    from digest import jekyll

    site = find_workspace_root() / "site"
    if build:
        print_text(f"preview: {jekyll.build_site(site, drafts=drafts)}")
        return
    print_text(f"preview: http://127.0.0.1:{port} (Ctrl-C ends it)")
    raise typer.Exit(jekyll.serve_site(site, port, drafts=drafts))
