"""The workspaces of a service: `workspaces/NAME/{sources.yaml,templates,site}`, found, made and described together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from digest.config.loader import load_config
from digest.context import Context
from digest.errors import CheckFailedError, ConfigError, DigestError, describe_read_error
from digest.ops.status import Status, load_status
from digest.ops.workspace import WorkspaceAnswers, create_workspace
from digest.text import format_count

CONFIG_FILE = "sources.yaml"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")


@dataclass(frozen=True, slots=True)
class WorkspaceRow:
    """A workspace and its newsletter, as its sources.yaml has them."""

    name: str
    folder: str
    title: str = ""
    url: str = ""
    sources: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class WorkspaceStatus:
    """One line on a workspace; `problem` is empty where nobody needs to act."""

    name: str
    items: int = 0
    sources: int = 0
    last: str = ""
    issue: str = ""
    next: str = ""
    problem: str = ""


def find_workspaces(place: Path) -> dict[str, Path]:
    """Find the workspaces below a folder, or those that the lines of a file name; by the name of their folder."""
    try:
        if place.is_file():
            lines = place.read_text(encoding="utf-8").splitlines()
            roots = [place.parent / line.strip() for line in lines if line.strip() and not line.startswith("#")]
        else:
            roots = sorted(path.parent for path in place.glob(f"*/{CONFIG_FILE}"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{place} cannot be read: {error}", "name a folder or a file of workspaces") from error
    workspaces = {root.resolve().name: root.resolve() for root in roots}
    if missing := [str(root) for root in roots if not (root / CONFIG_FILE).exists()]:
        raise ConfigError(f"{missing[0]} has no {CONFIG_FILE}", "run `digest init DIR`, or take the line out")
    if len(workspaces) < len(roots):
        raise ConfigError(f"two workspaces of {place} have the same folder name", "rename one of the folders")
    if not workspaces:
        raise ConfigError(f"there is no workspace in {place}", "run `digest workspaces add NAME`")
    return workspaces


def list_workspaces(place: Path) -> list[WorkspaceRow]:
    """List the workspaces with their newsletters; one whose sources.yaml is wrong is listed with the reason."""
    rows = []
    for name, root in find_workspaces(place).items():
        try:
            config = load_config(root / CONFIG_FILE)
        except DigestError as error:
            rows.append(WorkspaceRow(name, str(root), problem=error.message))
            continue
        newsletter = config.newsletter
        rows.append(WorkspaceRow(name, str(root), newsletter.title, str(newsletter.url), len(config.sources)))
    return rows


def add_workspace(place: Path, name: str, answers: WorkspaceAnswers = WorkspaceAnswers()) -> Path:
    """Make a workspace in a service's folder, or add it to the file that lists them; return its folder."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} is no name of a workspace", "use at most 50 of a-z, 0-9, - and _, with a letter or digit first"
        )
    root = (place.parent if place.is_file() else place) / name
    if (root / CONFIG_FILE).exists():
        raise CheckFailedError(f"{root} exists already", "choose another name, or edit its sources.yaml")
    create_workspace(root, answers)
    if place.is_file():
        try:
            text = place.read_text(encoding="utf-8")
            separator = "" if not text or text.endswith("\n") else "\n"
            place.write_text(f"{text}{separator}{name}\n", encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{place} cannot be changed: {describe_read_error(error)}", f"add the line {name} to it"
            ) from error
    return root


def load_workspace_status(context: Context, name: str) -> WorkspaceStatus:
    """Describe a workspace in one line."""
    status = load_status(context)
    failing = [row.id for row in status.sources if row.enabled and row.error]
    failing_text = f"{format_count(len(failing), 'source')} failing: {', '.join(failing[:3])}" if failing else ""
    last, issue = next(iter(status.last), None), next(iter(status.issues), None)
    return WorkspaceStatus(
        name,
        items=status.totals["items"],
        sources=len(status.sources),
        last=f"{last.started} {last.stage} {last.state}" if last else "",
        issue=f"{issue.period} {issue.state}, {format_count(issue.picks, 'pick')}" if issue else "",
        next=next((f"{row.work} {row.period} {row.state} {row.at}" for row in status.due), ""),
        problem="; ".join(filter(None, [_describe_last_failure(status), failing_text])),
    )


def sort_by_problem(rows: Sequence[WorkspaceStatus]) -> list[WorkspaceStatus]:
    """Sort workspaces that need a person first, then by name."""
    return sorted(rows, key=lambda row: (not row.problem, row.name))


def summarise_workspaces(rows: Sequence[WorkspaceStatus]) -> str:
    """Return the first line of the status screen."""
    line = f"{format_count(len(rows), 'workspace')}, {format_count(sum(row.items for row in rows), 'item')}"
    problems = sum(bool(row.problem) for row in rows)
    return f"{line}; {problems} with a problem" if problems else f"{line}; all well"


def _describe_last_failure(status: Status) -> str:
    failed = [run for run in status.last if run.state in ("failed", "refused", "interrupted")]
    return f"{failed[0].stage} {failed[0].state}: {failed[0].line}".rstrip(": ") if failed else ""
