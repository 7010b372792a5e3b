"""AI research-digest newsletter: fetch, sort, rank, edit, publish, mail."""

__version__ = "0.1.0"
