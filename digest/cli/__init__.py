"""The command line: thin commands, and the one place that turns DigestError into an exit code."""

from __future__ import annotations

import sys
from importlib import import_module

from digest.cli.options import app
from digest.cli.output import print_text

__all__ = ["app", "register_commands", "run_cli"]

_COMMAND_MODULES = (
    *("workspace", "maintenance", "ingest", "items", "classify", "draft"),
    *("archive", "publish", "mail", "subscribers", "schedule", "workspaces", "worker", "evaluate"),
)
_INTERRUPTED = 130  # typer's exit code for Ctrl-C


def register_commands() -> None:
    """Import each module of commands, which adds them to the app."""
    for name in _COMMAND_MODULES:
        import_module(f"digest.cli.{name}")


def run_cli() -> None:
    """Run a command; print a DigestError as message and hint, and exit with its code."""
    from digest.errors import DigestError

    register_commands()
    try:
        app(prog_name="digest")
    except DigestError as error:
        print_text(f"digest: {error.message}", err=True)
        if error.hint:
            print_text(f"  → {error.hint}", err=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, SystemExit) as stop:
        if isinstance(stop, SystemExit) and stop.code != _INTERRUPTED:
            raise
        print_text("digest: stopped; committed work is stored, run the command again to continue", err=True)
        sys.exit(_INTERRUPTED)
