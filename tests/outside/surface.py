"""The surface that users and their scripts hold on to: help, JSON keys, tables, templates."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main
from jinja2 import Environment, nodes

from digest.cli import register_commands
from digest.cli.options import app

_COMMANDS = (
    "search agents --json",
    "tag --json",
    "rank 2025-10 --json",
    "judge 2025-10 --estimate --json",
    "check 2025-10 --json",
    "draft 2025-09 --json",
    "history 2025-09 --json",
    "mail log 2025-09 --json",
    "templates list --json",
    "items show arxiv:2501.12948 --json",
    "publish 2025-09 --json",
    "send 2025-09 --json",
    "subscribers list --json",
    "status --json",
    "runs --json",
    "costs --json",
    "sources list --json",
    "doctor --json",
    "backup --json",
    "prune --json",
)


def command_help() -> str:
    """Return the help text, arguments and options of every command."""
    register_commands()
    return "\n".join(_describe(typer.main.get_command(app), "digest")) + "\n"


def table_ddl(path: Path) -> str:
    """Return the statements that made the tables, indexes and triggers of a database."""
    database = sqlite3.connect(path)
    rows = database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name").fetchall()
    database.close()
    return "".join(f"{sql};\n" for (sql,) in rows)


def template_names(folder: Path) -> str:
    """Return each template with the context names that it reads."""
    environment = Environment(autoescape=False, extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])
    lines = []
    for path in sorted(folder.rglob("*.j2")):
        tree = environment.parse(path.read_text(encoding="utf-8"))
        names = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "load"}
        fields = {f".{node.attr}" for node in tree.find_all(nodes.Getattr)}
        lines.append(f"{path.relative_to(folder)}: {' '.join(sorted(names | fields))}\n")
    return "".join(lines)


def json_shapes(workspace: Path) -> str:
    """Return the shape of what each command prints with --json, run in order on a copy of the demo."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("DIGEST_", "GEMINI_", "GOOGLE_"))}
    lines = []
    for command in _COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "digest", *command.split()],
            cwd=workspace,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        try:
            shape = json.dumps(_shape(json.loads(done.stdout)), sort_keys=True)
        except ValueError:
            shape = "no JSON"
        lines.append(f"{command} -> {done.returncode}: {shape}\n")
    return "".join(lines)


def _describe(command: Any, name: str) -> Iterator[str]:
    if hasattr(command, "commands"):
        yield f"{name}: {command.help or ''}"
        for child, each in sorted(command.commands.items()):
            yield from _describe(each, f"{name} {child}")
        return
    yield f"{name}: {command.help or ''}"
    for parameter in command.params:
        spelled = "/".join([*parameter.opts, *parameter.secondary_opts])
        yield f"    {spelled} {getattr(parameter, 'help', '') or ''}"


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        if value and all(not key.isidentifier() for key in value):
            return {"*": _shape(next(iter(value.values())))}
        return {key: _shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_shape(value[0])] if value else []
    return type(value).__name__
