"""Commands that maintain a workspace: doctor, backup, export, prune."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from digest.cli.options import OPERATE, START, DryRun, Json, app, command
from digest.cli.output import choose_clock, exit_with_report, open_workspace, print_json, print_text

_INDENT = "\n" + " " * 9  # of the lines of a finding


@command(app, "doctor --sources", "doctor mail", panel=START)
def doctor(
    area: Annotated[
        str, typer.Argument(metavar="[mail]", help="Check only mail, over the network: SPF, DKIM, DMARC, TLS.")
    ] = "",
    sources: Annotated[bool, typer.Option("--sources", help="Fetch from every source too.")] = False,
    as_json: Json = False,
) -> None:
    """Check the workspace and suggest fixes.

    Exits 1 on errors, 3 on warnings.
    """
    from digest.ops.doctor import choose_exit_code, diagnose_mail, diagnose_workspace, probe_sources

    if area not in ("", "mail"):
        raise typer.BadParameter(f"{area!r} is not an area; use mail")
    with open_workspace() as workspace:
        if area:
            findings = diagnose_mail(workspace.config, os.environ)
        else:
            findings = diagnose_workspace(workspace.root, os.environ, choose_clock()(), lambda: workspace.context)
        if sources:
            findings += probe_sources(workspace.context)
    if as_json:
        rows = ((finding.subject, finding.state, finding.text, finding.fix) for finding in findings)
        print_json([dict(zip(("subject", "state", "words", "cure"), row, strict=True)) for row in rows])
    else:
        for finding in findings:
            print_text(f"{finding.state:8} {finding.subject}: {finding.text.replace(chr(10), _INDENT)}")
            if finding.fix:
                print_text(f"         → {finding.fix}")
        if area:
            from digest.mail.deliverability import BULK_SENDER_RULES

            print_text(f"\n{BULK_SENDER_RULES}")
    raise typer.Exit(choose_exit_code(findings))


@command(app, "backup", "backup --restore backups/digest-20261103T060000Z.zip", panel=OPERATE)
def backup(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Else backups/digest-TIME.zip.")] = None,
    restore: Annotated[
        Path | None,
        typer.Option("--restore", metavar="FILE", help="Restore a backup; the present state is backed up first."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Back up the workspace into one file, or restore it.

    The file holds the database, sources.yaml, templates/ and site/. Other processes may go on working.
    """
    from digest.ops.backup import create_backup, restore_backup, write_backup

    with open_workspace() as workspace:
        if restore is not None:
            report = restore_backup(
                workspace.root, choose_clock()(), restore, lambda target: write_backup(workspace.context, target)
            )
            exit_with_report(report, as_json)
        exit_with_report(create_backup(workspace.context, file), as_json)


@command(app, "export everything", "-w other export everything --import", panel=OPERATE)
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of tables/ and sheets/.")],
    import_: Annotated[bool, typer.Option("--import", help="Read DIR into this empty workspace.")] = False,
    public: Annotated[bool, typer.Option("--public", help="Refuse to export addresses of subscribers.")] = False,
    as_json: Json = False,
) -> None:
    """Export all rows as JSONL and drafts as Markdown.

    With --import the folder is read back, byte for byte.
    """
    from digest.ops.export import export_workspace, import_workspace

    with open_workspace() as workspace:
        if import_:
            exit_with_report(import_workspace(workspace.context, folder), as_json)
        exit_with_report(export_workspace(workspace.context, folder, is_public=public), as_json)


@command(app, "prune --older-than 24 --dry-run", panel=OPERATE)
def prune(
    months: Annotated[int, typer.Option("--older-than", metavar="MONTHS", min=3, max=1200)] = 24,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Delete old candidates that were never chosen.

    Items that were picked, rejected or merged stay. Deleted items do not come back as new.
    """
    from digest.ops.prune import prune_items

    with open_workspace() as workspace:
        exit_with_report(prune_items(workspace.context, months, dry_run=dry_run), as_json)
