"""The benchmark's table keeps what was measured, says what was not, and tells whether a bar is met."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.bench.probe import Watch
from tests.bench.table import HEADS, Bar, Row, read, text

SIZES = (5, 50, 500)


def row(**changes: object) -> Row:
    values = {
        "seconds": {5: 0.5, 50: 1.0, 500: 5.0},
        "peaks": {5: 60, 50: 70, 500: 80},
        "peers": {5: 0.25, 50: 4.0, 500: 50.0},
    }
    made = Row("fetch", "feeds", SIZES, "reader", (Bar("ratio", 5), Bar("MB", 80)))
    for name, value in {**values, **changes}.items():
        setattr(made, name, value)
    return made


def cell(made: Row, head: str) -> str:
    return dict(zip(HEADS, made.cells(), strict=True))[head]


def test_a_row_tells_times_growth_ratios_and_bars() -> None:
    assert [cell(row(), head) for head in ("1×", "10×", "100×", "growth")] == ["500 ms", "1 s", "5 s", "× 10"]
    assert cell(row(), "peer") == "reader: 250 ms / 4 s / 50 s"
    assert cell(row(), "times as fast") == "0.5 / 4 / 10"
    assert cell(row(), "bar") == "≥ 5 × as fast: met; < 80 MB: MISSED"
    assert row().short()


def test_what_failed_was_not_reached_or_has_no_peer_is_said_in_the_row() -> None:
    made = row(seconds={5: 0.5}, peers={}, peerless="reader is not installed", wrong=["digest failed at 50"])
    assert cell(made, "100×") == "?"
    assert cell(made, "growth") == "?"
    assert cell(made, "peer") == "reader is not installed"
    assert cell(made, "times as fast") == "—"
    assert cell(made, "bar").startswith("digest failed at 50; ≥ 5 × as fast: not measured")
    assert made.short()


def test_a_written_table_is_read_back_so_that_parts_can_be_measured_anew() -> None:
    failed = row(wrong=["a|b\nc"])
    failed.name = "parse"
    rows = {"fetch": row().cells(), "parse": failed.cells()}
    found = read(f"# Benchmarks\n\nwords\n\n{text(rows)}\n\n## desk\n\n| no | row |\n")
    assert list(found) == ["fetch", "parse"]
    assert found["fetch"] == rows["fetch"]
    assert text(found) == text(rows)


def test_memory_is_that_of_the_process_and_of_its_children_whichever_thread_began_them() -> None:
    holding = [sys.executable, "-c", "held = bytearray(60_000_000); print(flush=True); input()"]
    before = Watch().look()
    with ThreadPoolExecutor(1) as thread:
        child = thread.submit(
            lambda: subprocess.Popen(holding, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ).result()
        assert child.stdout is not None
        child.stdout.readline()
        held, spared = Watch().look(), Watch(but=child.pid).look()
        child.communicate("\n")
    assert held > spared + 60
    assert spared < before + 60
