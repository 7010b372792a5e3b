"""What a killed process left half-written is removed by the next one; what a living one writes is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from digest.files import make_partial_path, remove_abandoned_files

ROOT = Path(__file__).resolve().parents[1]


def left_by_a_dead_process(target: Path) -> Path:
    code = f"import pathlib, digest.files; print(digest.files.make_partial_path(pathlib.Path({str(target)!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return Path(done.stdout.strip())


def test_leftovers_of_the_dead_are_removed_and_nothing_else(tmp_path: Path) -> None:
    for folder in ("site/_posts", "site/_site", "backups"):
        (tmp_path / folder).mkdir(parents=True)
    dead, made = left_by_a_dead_process(tmp_path / "site/_posts/a.md"), left_by_a_dead_process(tmp_path / "backups/b")
    dead.write_text("half")
    made.mkdir()
    (made / "digest.db").write_text("half")
    living = make_partial_path(tmp_path / "site" / "feed.xml")
    others = [living, tmp_path / "site/.nojekyll", tmp_path / ".partial", tmp_path / ".x.y.partial"]
    foreign = tmp_path / "site/_site" / dead.name
    for path in [*others, foreign]:
        path.write_text("")
    assert remove_abandoned_files(tmp_path) == 2
    assert not dead.exists()
    assert not made.exists()
    assert all(path.exists() for path in [*others, foreign])


def test_a_name_is_hidden_free_and_short_enough_for_any_disk(tmp_path: Path) -> None:
    one, other = make_partial_path(tmp_path / ("é" * 120)), make_partial_path(tmp_path / ("é" * 120))
    assert one != other
    assert one.name.startswith(".")
    assert len(os.fsencode(one.name)) < 255
    one.write_text("")


def test_a_leftover_of_a_dead_process_whose_number_lives_again_is_removed(tmp_path: Path) -> None:
    leftover = tmp_path / f".a.0.{os.getpid()}-earlier.partial"
    leftover.write_text("half")
    assert remove_abandoned_files(tmp_path) == 1
    assert not leftover.exists()
