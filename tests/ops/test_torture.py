"""Twenty kills at randomised points: nothing committed is lost, nothing is half-written, nobody is mailed twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.sqlite
@pytest.mark.slow
def test_a_killed_program_loses_nothing_and_comes_to_the_same_end() -> None:
    command = [sys.executable, "-m", "tests.torture", "--kills", "20", "--seed", "20261123", "--limit", "50"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["kills"] >= 5  # a slow machine does fewer in its minute
    assert told["steps_hit"] >= 2
