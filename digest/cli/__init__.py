def run() -> None:
    """Placeholder."""
