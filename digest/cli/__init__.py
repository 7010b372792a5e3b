"""The command line: thin commands, and the one place that catches DigestError and sets exit codes."""

from __future__ import annotations

import sys

from digest.cli.shell import app

__all__ = ["app", "run"]


def run() -> None:
    """Run a command; errors of the tree become a message, a hint and an exit code, anything else is a bug."""
    from digest.cli import archive, arrange, edit, evaluate, gather, judge, operate, publish, remember, start  # noqa: F401
    from digest.errors import DigestError

    try:
        app(prog_name="digest")
    except DigestError as error:
        print(f"digest: {error.message}", file=sys.stderr)  # noqa: T201
        if error.hint:
            print(f"  → {error.hint}", file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("digest: stopped; what was committed stays, run it again to go on", file=sys.stderr)  # noqa: T201
        sys.exit(130)
