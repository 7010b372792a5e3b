"""The templates a workspace may override: their names, and a copy to begin with."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from digest import render, site
from digest.bundle import find_resource
from digest.errors import CheckFailedError, NotFoundError
from digest.pipeline.context import Context


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """A template by its name below templates/; `own` when the workspace has one of its own."""

    name: str
    is_own: bool


def list_templates(context: Context) -> list[TemplateFile]:
    """Every template there is, by name: those that ship with the program and the workspace's own."""
    own = site.load_template_overrides(context.template_folder)
    return [TemplateFile(name, name in own) for name in sorted({*_list_shipped_templates(), *own})]


def copy_template(context: Context, name: str) -> str:
    """Put a shipped template into the workspace, to be changed there; returns its path. Nothing is overwritten."""
    names = _list_shipped_templates()
    text = render.load_template_source(name, {}) if name in names else None
    if text is None:
        close = difflib.get_close_matches(name, names, 1)
        raise NotFoundError(
            f"there is no template {name!r}",
            f"did you mean {close[0]!r}?" if close else "`digest templates list` names them",
        )
    if not site.write_new_file(context.template_folder, name, text.encode()):
        raise CheckFailedError(f"templates/{name} is there already", "edit it, or delete it to use the one that ships")
    return f"templates/{name}"


def _list_shipped_templates() -> list[str]:
    root = find_resource("templates")
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.j2"))
