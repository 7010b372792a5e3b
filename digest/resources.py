"""Files that ship with the program: templates, the site's skeleton, the default sources.yaml, word lists."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

_PACKAGE_FOLDER = Path(__file__).parent


def find_resource(name: str) -> Path:
    """Find a shipped file or folder: inside the package when installed, beside it in a checkout."""
    packed = _PACKAGE_FOLDER / "shipped" / name
    beside = _PACKAGE_FOLDER.parent / name
    return packed if packed.exists() else beside


@cache
def load_lexicon() -> dict[str, Any]:
    """Read the word lists and patterns of data/lexicon.toml."""
    return tomllib.loads((_PACKAGE_FOLDER / "data" / "lexicon.toml").read_text(encoding="utf-8"))
