"""`from digest import Workspace` does what its documentation shows, is typed, and costs nothing until it is used."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path

import pytest

import digest
from tests.small import rows, write_jsonl


def test_the_documented_session_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    write_jsonl(tmp_path / "papers.jsonl", rows())
    found = doctest.testmod(digest)
    assert found.attempted > 10
    assert found.failed == 0


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Wrokspace'"):
        _ = digest.Wrokspace


def test_the_package_is_typed_and_its_import_is_light() -> None:
    assert (Path(digest.__file__).parent / "py.typed").is_file()
    code = "import sys, digest; print([name for name in sys.modules if name.startswith('digest.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
