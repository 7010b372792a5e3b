"""`digest status` fits one screen, whatever it has to tell, and what needs a look stands first."""

from __future__ import annotations

import os
import pty
import select
import struct
import subprocess
import sys
import termios
from fcntl import ioctl
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from digest.app import initialise
from digest.cli.workspace import render_status_screen
from digest.ops.status import DueRow, IssueRow, RunRow, SourceRow, Status, group_by_error


def source(name: str, **facts: Any) -> SourceRow:
    row: dict[str, Any] = {"id": name, "state": "ok", "counts": "9 found: 9 unchanged"}
    return SourceRow(**row | {"checked": "2026-03-04 06:00", "next": "2026-03-05 06:00"} | facts)


def issue(period: str, state: str = "published") -> IssueRow:
    return IssueRow(period, "monthly", state, 12, f"研究摘要 {period} " * 20)


def facts(sources: list[SourceRow], issues: list[IssueRow]) -> Status:
    due = [DueRow(work, "2026-03", "due", "x") for work in ("fetch", "refresh", "draft")]
    due += [DueRow("draft", "2026-04", "next", "y")]
    last = RunRow(1, "due:fetch", "2026-03", "failed", "z", None, "half\nis out of reach")
    return Status("many items", {}, due, [last], sources, issues)


WELL = [source(f"well-{n}") for n in range(400)]
ILL = [source(f"ill-{n}", state="failed", error=f"HTTP {400 + n}: " + "ü" * 200) for n in range(60)]
OFFLINE = [source(f"far-{n}", state="failed", error=f"cannot reach the host h{n}.test") for n in range(400)]
SILENT = [source(f"still-{n}", state="silent for 30 days") for n in range(60)]
NEW = [source(f"new-{n}", state="never read", counts="", checked="", next="") for n in range(60)]
MONTHS = [issue(f"20{year}-{month:02}") for year in range(10, 26) for month in range(1, 13)]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 24)])
@pytest.mark.parametrize(
    "sources",
    [WELL, ILL, OFFLINE, SILENT, NEW, [*WELL, *ILL, *OFFLINE, *SILENT, *NEW], WELL[:1], []],
    ids=["well", "ill", "offline", "silent", "new", "all", "one", "none"],
)
@pytest.mark.parametrize("issues", [MONTHS, [], [issue(f"2026-{n:02}", "draft") for n in range(1, 13)]])
def test_it_fits_with_a_row_for_the_prompt_and_no_line_wraps(
    size: tuple[int, int], sources: list[SourceRow], issues: list[IssueRow]
) -> None:
    lines = render_status_screen(facts(sources, issues), *size)
    assert len(lines) < size[1]
    assert all(cell_len(line) < size[0] and "\n" not in line for line in lines)
    assert lines[0] == "many items"
    assert any(line.startswith("  ! last run: due:fetch of 2026-03") for line in lines)


def test_few_sources_are_all_named_and_of_many_only_those_in_need() -> None:
    few = render_status_screen(facts([*WELL[:3], ILL[0]], []), 100, 24)
    assert few[6] == "sources: 3 healthy, 1 failing; last fetch 2026-03-04 06:00 UTC"
    assert few[7].startswith("  ! ill-0: HTTP 400")
    assert few[8] == "    well-0: 9 found: 9 unchanged; next 2026-03-05 06:00"
    many = render_status_screen(facts([*WELL, *SILENT[:1], *ILL[:2]], []), 100, 24)
    assert [line.split(":")[0] for line in many[7:]] == [
        "  ! ill-0",
        "  ! ill-1",
        "  ! still-0",
        "    and 400 healthy",
    ]


def test_one_trouble_of_many_is_told_once_and_what_has_no_room_is_counted() -> None:
    lines = render_status_screen(facts([*OFFLINE, *ILL], []), 100, 24)
    assert lines[7].startswith("  ! 400: cannot reach the host: far-0, far-1, ")
    assert lines[-1] == "    and 46 more lines: `digest status --all`"
    assert group_by_error({"a": "the host a.test is away", "b": "gone"}) == {
        "the host a.test is away": ["a"],
        "gone": ["b"],
    }


def test_issues_under_way_stand_before_the_newest_others_each_with_the_next_step() -> None:
    lines = render_status_screen(facts([], [*MONTHS, issue("2026-01", "approved"), issue("2026-02", "draft")]), 100, 40)
    assert lines[6] == "issues: 194, of which"
    assert lines[7] == "  ! 2026-01: approved, 12 picks; next `digest publish 2026-01`"
    assert lines[8] == "  ! 2026-02: draft, 12 picks; next `digest desk 2026-02`, then `digest approve 2026-02`"
    assert [line.split(":")[0] for line in lines[9:]] == ["    2025-10", "    2025-11", "    2025-12"]


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 40)])
def test_on_a_real_terminal_the_shipped_sources_fit(tmp_path: Path, columns: int, rows: int) -> None:
    initialise(tmp_path)
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    environ = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    command = [sys.executable, "-m", "digest", "-w", str(tmp_path), "status", "--watch", "60"]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ | {"TERM": "xterm"})
    shown = b""
    while not (b"never read: " in shown and shown.endswith(b"\n")) and select.select([ours], [], [], 60)[0]:
        shown += os.read(ours, 65536)
    process.terminate()
    process.wait(30)
    os.close(ours)
    os.close(theirs)
    lines = shown.decode().rpartition("\x1b[2J")[2].splitlines()
    assert len(lines) < rows
    assert all(cell_len(line.removeprefix("\x1b[1;1H")) < columns for line in lines)
    assert "sources: 79 never read; run `digest fetch` to read them" in lines
