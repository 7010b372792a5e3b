"""Which folder a command works in."""

from __future__ import annotations

import os
from pathlib import Path

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
