"""Commands that keep a workspace sound: what ails it, copies of it, everything out of it, less of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from digest.cli.shell import DryRun, Json, app, clock, finish, opened, say, show_json

_UNDER = "\n" + " " * 9  # where the words of a finding begin


@app.command()
def doctor(
    area: Annotated[
        str, typer.Argument(metavar="[mail]", help="Look only at mail, over the network: SPF, DKIM, DMARC, TLS.")
    ] = "",
    sources: Annotated[bool, typer.Option("--sources", help="Ask every source too; this needs the network.")] = False,
    as_json: Json = False,
) -> None:
    """Look for what is wrong, and say the cure. Exit 1 when something is bad, 3 when something will be.

    \b
    Example: digest doctor --sources
    Example: digest doctor mail
    """
    from dataclasses import asdict

    from digest.pipeline.doctor import ask_sources, examine, examine_mail, exit_code

    if area not in ("", "mail"):
        raise typer.BadParameter(f"{area!r} is no area; mail is the only one")
    with opened() as workspace:
        if area:
            findings = examine_mail(workspace.config, os.environ)
        else:
            findings = examine(workspace.root, os.environ, clock()(), lambda: workspace.context)
        if sources:
            findings += ask_sources(workspace.context)
    if as_json:
        show_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            say(f"{finding.state:8} {finding.subject}: {finding.words.replace(chr(10), _UNDER)}")
            if finding.cure:
                say(f"         → {finding.cure}")
        if area:
            from digest.mail.checkup import BULK

            say(f"\n{BULK}")
    raise typer.Exit(exit_code(findings))


@app.command()
def backup(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Else backups/digest-TIME.zip.")] = None,
    restore: Annotated[
        Path | None, typer.Option("--restore", metavar="FILE", help="Bring a backup back; today's state is kept.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Copy the database, sources.yaml, templates/ and site/ into one file, also while others work.

    \b
    Example: digest backup
    Example: digest backup --restore backups/digest-20261103T060000Z.zip
    """
    from digest.pipeline import backup as copies

    with opened() as workspace:
        if restore is not None:
            report = copies.put_back(
                workspace.root, clock()(), restore, lambda target: copies.take(workspace.context, target)
            )
            finish(report, as_json)
        finish(copies.backup(workspace.context, file), as_json)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where tables/ and sheets/ go, or lie.")],
    take_back: Annotated[bool, typer.Option("--import", help="Read DIR into this workspace, which is empty.")] = False,
    as_json: Json = False,
) -> None:
    """Write every row as JSON lines and every sheet as Markdown, or read them back to the same bytes.

    \b
    Example: digest export everything
    Example: digest -w other export everything --import
    """
    from digest.pipeline import export as exports

    with opened() as workspace:
        work = exports.take_back if take_back else exports.export
        finish(work(workspace.context, folder), as_json)


@app.command()
def prune(
    months: Annotated[int, typer.Option("--older-than", metavar="MONTHS", min=3, max=1200)] = 24,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Forget old candidates that were never picked, turned down or merged; they do not come back as new.

    Example: digest prune --older-than 24 --dry-run
    """
    from digest.pipeline.prune import prune as forget

    with opened() as workspace:
        finish(forget(workspace.context, months, dry_run=dry_run), as_json)
