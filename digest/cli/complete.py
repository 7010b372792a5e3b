"""What a shell offers for values: periods, sources, models. Where the workspace cannot be read it offers nothing."""

from __future__ import annotations

from digest.cli.place import find_workspace_root
from digest.errors import DigestError


def complete_periods(incomplete: str) -> list[str]:
    """The words for a period, and the periods whose sheet lies in the workspace."""
    sheets = sorted((path.stem for path in find_workspace_root().glob("site/_drafts/*.md")), reverse=True)
    return [name for name in ("last", "this", *sheets) if name.startswith(incomplete)]


def complete_sources(incomplete: str) -> list[str]:
    """The ids of the configured sources."""
    from digest.config import load_config

    try:
        config = load_config(find_workspace_root() / "sources.yaml")
    except DigestError:
        return []
    return [source.id for source in config.sources if source.id.startswith(incomplete)]


def complete_providers(incomplete: str) -> list[str]:
    """The language models there are."""
    from digest.config import PROVIDERS

    return [name for name in ("local", *PROVIDERS) if name.startswith(incomplete)]
