"""Plug-ins: kinds of sources, providers of models, exporters and renderers from other installed packages.

A package declares an entry point of a group, for example `[project.entry-points."digest.sources"]`. Nothing is imported
until a plug-in's name is used; the built-in names come first.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from digest.errors import ConfigError

PluginGroup = Literal["digest.sources", "digest.models", "digest.exporters", "digest.renderers"]
PLUGIN_GROUPS: tuple[PluginGroup, ...] = ("digest.sources", "digest.models", "digest.exporters", "digest.renderers")


def list_plugins(group: PluginGroup) -> list[str]:
    """Return the names that installed packages declare in a group, without importing them."""
    return sorted({point.name for point in entry_points(group=group)})


def load_plugin(group: PluginGroup, name: str) -> Any:
    """Import a plug-in. Raises ConfigError with the name of its package when it is missing or broken."""
    points = [point for point in entry_points(group=group) if point.name == name]
    if not points:
        raise ConfigError(
            f"no installed package declares {name!r} in {group}", "install the package, or change the name"
        )
    try:
        return points[0].load()
    except Exception as error:
        message = f"{name!r} of {_describe_package(points[0])} cannot be loaded: {type(error).__name__}: {error}"
        raise ConfigError(message, f"update or remove {_describe_package(points[0])}") from error


def find_broken_plugins() -> list[str]:
    """Import every plug-in, and return what is wrong with each broken one."""
    problems = []
    for group in PLUGIN_GROUPS:
        for name in list_plugins(group):
            try:
                load_plugin(group, name)
            except ConfigError as error:
                problems.append(f"{group}: {error.message}")
    return problems


def _describe_package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value
