"""Which workspace a command works in, and what a shell completes: periods, sources, models."""

from __future__ import annotations

import os
from pathlib import Path

from digest.errors import DigestError

_selected_root: dict[str, Path] = {}


def select_workspace(root: Path | None) -> None:
    """Remember what `--workspace` named, for this call of the program."""
    _selected_root.clear()
    if root is not None:
        _selected_root["root"] = root


def find_workspace_root() -> Path:
    """Return --workspace, else DIGEST_WORKSPACE, else the nearest folder upwards that holds a sources.yaml."""
    if "root" in _selected_root:
        return _selected_root["root"].resolve()
    if named := os.environ.get("DIGEST_WORKSPACE"):
        return Path(named).resolve()
    current = Path.cwd()
    return next((folder for folder in (current, *current.parents) if (folder / "sources.yaml").is_file()), current)


def complete_periods(incomplete: str) -> list[str]:
    """Complete the words for a period, and the periods whose draft is in the workspace."""
    drafts = sorted((path.stem for path in find_workspace_root().glob("site/_drafts/*.md")), reverse=True)
    return [name for name in ("last", "this", *drafts) if name.startswith(incomplete)]


def complete_sources(incomplete: str) -> list[str]:
    """Complete the ids of the configured sources; none where the workspace cannot be read."""
    from digest.config.loader import load_config

    try:
        config = load_config(find_workspace_root() / "sources.yaml")
    except DigestError:
        return []
    return [source.id for source in config.sources if source.id.startswith(incomplete)]


def complete_providers(incomplete: str) -> list[str]:
    """Complete the names of language models' providers."""
    from digest.config.schema import PROVIDERS

    return [name for name in ("local", *PROVIDERS) if name.startswith(incomplete)]
