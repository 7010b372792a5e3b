"""Commands that keep a workspace sound: what ails it, copies of it, everything out of it, less of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from digest.cli.output import DryRun, Json, app, choose_clock, exit_with_report, open_workspace, print_json, print_text

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

    from digest.ops.doctor import choose_exit_code, diagnose_mail, diagnose_workspace, probe_sources

    if area not in ("", "mail"):
        raise typer.BadParameter(f"{area!r} is no area; mail is the only one")
    with open_workspace() as workspace:
        if area:
            findings = diagnose_mail(workspace.config, os.environ)
        else:
            findings = diagnose_workspace(workspace.root, os.environ, choose_clock()(), lambda: workspace.context)
        if sources:
            findings += probe_sources(workspace.context)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            print_text(f"{finding.state:8} {finding.subject}: {finding.words.replace(chr(10), _UNDER)}")
            if finding.cure:
                print_text(f"         → {finding.cure}")
        if area:
            from digest.mail.deliverability import BULK_SENDER_RULES

            print_text(f"\n{BULK_SENDER_RULES}")
    raise typer.Exit(choose_exit_code(findings))


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
    from digest.ops.backup import create_backup, restore_backup, write_backup

    with open_workspace() as workspace:
        if restore is not None:
            report = restore_backup(
                workspace.root, choose_clock()(), restore, lambda target: write_backup(workspace.context, target)
            )
            exit_with_report(report, as_json)
        exit_with_report(create_backup(workspace.context, file), as_json)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where tables/ and sheets/ go, or lie.")],
    take_back: Annotated[bool, typer.Option("--import", help="Read DIR into this workspace, which is empty.")] = False,
    public: Annotated[
        bool, typer.Option("--public", help="Refuse when addresses of subscribers would be in it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write every row as JSON lines and every sheet as Markdown, or read them back to the same bytes.

    \b
    Example: digest export everything
    Example: digest -w other export everything --import
    """
    from digest.ops.export import export_workspace, import_workspace

    with open_workspace() as workspace:
        if take_back:
            report = import_workspace(workspace.context, folder)
        else:
            report = export_workspace(workspace.context, folder, is_public=public)
        exit_with_report(report, as_json)


@app.command()
def prune(
    months: Annotated[int, typer.Option("--older-than", metavar="MONTHS", min=3, max=1200)] = 24,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Forget old candidates that were never picked, turned down or merged; they do not come back as new.

    Example: digest prune --older-than 24 --dry-run
    """
    from digest.ops.prune import prune_items as forget

    with open_workspace() as workspace:
        exit_with_report(forget(workspace.context, months, dry_run=dry_run), as_json)
