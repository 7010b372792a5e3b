"""The command line: thin commands, and the one place that catches DigestError and sets exit codes."""

from __future__ import annotations

import sys
from importlib import import_module

from digest.cli.output import app, print_text

__all__ = ["app", "register_commands", "run_cli"]

# In the order in which `digest --help` tells them.
_COMMAND_MODULES = (
    "workspace",
    "schedule",
    "ingest",
    "classify",
    "draft",
    "publish",
    "mail",
    "subscribers",
    "archive",
    "items",
    "evaluate",
    "maintenance",
)
_INTERRUPTED = 130  # typer makes it of Ctrl-C, and says nothing


def register_commands() -> None:
    """Have each module of commands register itself with the app."""
    for name in _COMMAND_MODULES:
        import_module(f"digest.cli.{name}")


def run_cli() -> None:
    """Run a command; errors of the tree become a message, a hint and an exit code, anything else is a bug."""
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
        print_text("digest: stopped; what was committed stays, run it again to go on", err=True)
        sys.exit(_INTERRUPTED)
