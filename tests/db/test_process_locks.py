"""A process is known by its number and by when it began: numbers are given out again."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from digest import files
from digest.db.locks import identify_host_process, may_be_running

HERE = socket.gethostname()


def test_this_process_is_at_work_and_one_that_had_its_number_is_not() -> None:
    assert identify_host_process().startswith(f"{HERE}/{os.getpid()}@")
    assert may_be_running(identify_host_process())
    assert not may_be_running(f"{HERE}/{os.getpid()}@long-ago")


def test_a_process_says_of_another_when_it_began_whatever_its_name_holds(tmp_path: Path) -> None:
    odd = tmp_path / "a) S 1 (b"
    odd.symlink_to(sys.executable)
    signed = "from digest.db.locks import identify_host_process; print(identify_host_process(), flush=True); input()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    child = subprocess.Popen([str(odd), "-c", signed], env=environment, text=True, **pipes)  # type: ignore[call-overload]
    holder = child.stdout.readline().strip()
    assert may_be_running(holder)
    child.communicate("\n")
    assert not may_be_running(holder)


@pytest.mark.parametrize("holder", ["elsewhere/1@1", "elsewhere/1", "", "{here}/{pid}"])
def test_what_cannot_be_judged_may_be_at_work(holder: str) -> None:
    assert may_be_running(holder.format(here=HERE, pid=os.getpid()))


def test_without_proc_the_system_s_ps_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(files, "_PROC", tmp_path)
    ps = tmp_path / "ps"
    ps.write_text('#!/bin/sh\necho "Mon Nov 23 18:50:00 2026 "\n')
    ps.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert may_be_running(f"{HERE}/{os.getpid()}@Mon-Nov-23-18:50:00-2026")
    assert not may_be_running(f"{HERE}/{os.getpid()}@Mon-Nov-23-18:49:59-2026")
    ps.write_text("#!/bin/sh\nexit 1\n")
    assert may_be_running(f"{HERE}/{os.getpid()}@whenever")
