"""`python -m digest` and the `digest` command."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from digest.cli import run

    run()


if __name__ == "__main__":
    main()
