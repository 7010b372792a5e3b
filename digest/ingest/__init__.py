"""Fetch sources and decide which work each entry is, and whether it is new."""
