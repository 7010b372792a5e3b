"""Shared options and completion.

What a shell offers for values: periods, sources, models. Where the workspace cannot be read it offers nothing.

Which folder a command works in.
"""

from __future__ import annotations

import os
from pathlib import Path

from digest.errors import DigestError

_selected_root: dict[str, Path] = {}


def select_workspace(root: Path | None) -> None:
    """Remember what `--workspace` named, for this call of the program; None is nothing."""
    _selected_root.clear()
    if root is not None:
        _selected_root["root"] = root


def find_workspace_root() -> Path:
    """--workspace, else DIGEST_WORKSPACE, else the nearest folder upwards that holds a sources.yaml."""
    if "root" in _selected_root:
        return _selected_root["root"].resolve()
    if named := os.environ.get("DIGEST_WORKSPACE"):
        return Path(named).resolve()
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "sources.yaml").is_file()), here)


def complete_periods(incomplete: str) -> list[str]:
    """The words for a period, and the periods whose sheet lies in the workspace."""
    sheets = sorted((path.stem for path in find_workspace_root().glob("site/_drafts/*.md")), reverse=True)
    return [name for name in ("last", "this", *sheets) if name.startswith(incomplete)]


def complete_sources(incomplete: str) -> list[str]:
    """The ids of the configured sources."""
    from digest.config.loader import load_config

    try:
        config = load_config(find_workspace_root() / "sources.yaml")
    except DigestError:
        return []
    return [source.id for source in config.sources if source.id.startswith(incomplete)]


def complete_providers(incomplete: str) -> list[str]:
    """The language models there are."""
    from digest.config.schema import PROVIDERS

    return [name for name in ("local", *PROVIDERS) if name.startswith(incomplete)]
