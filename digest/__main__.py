"""Entry point of `python -m digest` and the `digest` command."""

from __future__ import annotations


def main() -> None:
    """Run the command line; SIGTERM interrupts it, so that runs and claims are closed."""
    import signal

    from digest.cli import run_cli

    signal.signal(signal.SIGTERM, _interrupt_on_sigterm)  # from systemd, `timeout` and containers
    run_cli()


def _interrupt_on_sigterm(*_: object) -> None:
    """Do what Ctrl-C does, also in a background job that ignores SIGINT."""
    import signal

    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
