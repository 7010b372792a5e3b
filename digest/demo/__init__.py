"""The demo: the true pipeline against a loopback server that plays recorded sources of the year 2025."""
