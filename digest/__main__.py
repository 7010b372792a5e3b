"""`python -m digest` and the `digest` command."""

from __future__ import annotations


def main() -> None:
    """Run the command line; to be told to end is to be interrupted, so that runs and claims are closed."""
    import signal

    from digest.cli import run_cli

    signal.signal(signal.SIGTERM, _interrupt_on_sigterm)  # how systemd, `timeout` and containers stop a program
    run_cli()


def _interrupt_on_sigterm(*_: object) -> None:
    """What Ctrl-C does now, be it asyncio's way; a job in the background may ignore that, but not this."""
    import signal

    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
