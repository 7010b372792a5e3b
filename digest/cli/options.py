"""The typer app, its groups, and the options and completions that commands share."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from digest import __version__
from digest.errors import DigestError

START, GATHER, SORT, EDIT = "Start", "Gather", "Sort", "Edit"
PUBLISH, MAIL, OPERATE = "Publish", "Mail", "Operate"
_HELP_WIDTH = 60  # of a command's first sentence, so that a terminal of 80 columns shows it whole

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


class GroupedCommands(typer.core.TyperGroup):
    """A group whose help lists its commands under headings."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a section for each heading, in the order of the editor's work."""
        sections: dict[str, list[tuple[str, str]]] = {
            name: [] for name in (START, GATHER, SORT, EDIT, PUBLISH, MAIL, OPERATE)
        }
        for name, command in self.commands.items():
            heading = getattr(command, "rich_help_panel", None)
            sections.setdefault(heading if isinstance(heading, str) else "Commands", []).append(
                (name, command.get_short_help_str(_HELP_WIDTH))
            )
        for heading, rows in sections.items():
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)


app = typer.Typer(
    name="digest",
    cls=GroupedCommands,
    help="AI research-digest newsletter: fetch, sort, rank, edit, publish, mail.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def command(
    group: typer.Typer, *examples: str, panel: str | None = None, name: str | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add a function to a group as a command, with examples below its help."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        lines = "".join(f"\n  digest {example}" for example in examples)
        text = f"{inspect.cleandoc(function.__doc__ or '')}\n\n\b\nExamples:{lines}\n"
        group.command(name=name, help=text, rich_help_panel=panel)(function)
        return function

    return register


Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done; change nothing.")]
MaxUsd = Annotated[
    float | None, typer.Option("--max-usd", min=0, help="Spend at most this on language models, in USD.")
]
Provider = Annotated[
    str,
    typer.Option(
        "--provider", help="For this run, as model.provider: local, gemini, …", autocompletion=complete_providers
    ),
]
PeriodArg = Annotated[
    str,
    typer.Argument(
        metavar="PERIOD", help="2026-10, last, this; a recap also 2026, 2026-Q3.", autocompletion=complete_periods
    ),
]
AcceptGaps = Annotated[bool, typer.Option("--accept-gaps", help="Go on although sources failed or went silent.")]


@app.callback(invoke_without_command=True)
def _configure(
    workspace: Annotated[
        Path | None, typer.Option("--workspace", "-w", help="The workspace's folder (or DIGEST_WORKSPACE).")
    ] = None,
    log_format: Annotated[
        str, typer.Option("--log-format", help="json: one object a line on standard error (or DIGEST_LOG).")
    ] = "",
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        typer.echo(f"digest {__version__}")
        raise typer.Exit
    chosen_format = log_format or os.environ.get("DIGEST_LOG", "")
    if chosen_format not in ("", "text", "json"):
        raise typer.BadParameter(f"{chosen_format!r} is not a log format; use json or text")
    if chosen_format == "json":
        from digest.cli.output import enable_json_logs

        enable_json_logs()
    select_workspace(workspace)


def parse_heading_map(text: str) -> tuple[str, str]:
    """Read HEADING=CATEGORY; a mistake is one of usage."""
    heading, sign, category = text.rpartition("=")
    if not sign or not heading.strip() or not category.strip():
        raise typer.BadParameter(f"{text!r} is not HEADING=CATEGORY")
    return heading.strip(), category.strip()
