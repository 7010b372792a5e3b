"""The house keeps its shape: layers import downwards only, files stay small, nothing names a machine or an index."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def tracked(*patterns: str) -> list[Path]:
    """The project's own files, without what git ignores."""
    return [
        path
        for pattern in patterns
        for path in ROOT.glob(pattern)
        if path.is_file() and not {".venv", "demo", "__pycache__"} & set(path.relative_to(ROOT).parts[:1])
    ]


def test_each_layer_imports_only_those_below_it() -> None:
    code = "from importlinter.cli import lint_imports_command as run; run()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_module_is_long() -> None:
    written = [path for path in (ROOT / "digest").rglob("*.py") if "versions" not in path.parts]
    assert written
    assert {path.name: n for path in written if (n := path.read_text().count("\n")) > 300} == {}


def test_no_file_names_a_machines_path_or_a_package_index() -> None:
    files = tracked("digest/**/*.py", "tests/**/*.py", "*.md", "*.toml", "Makefile", ".ci/*", ".github/workflows/*")
    assert len(files) > 100
    found = re.compile(r"/(?:work|root)/(?!\*)\w|index[-_]url|pypi\.org|--trusted-host")
    told = {str(path): found.findall(path.read_text("utf-8")) for path in files if path != Path(__file__)}
    assert {name: hits for name, hits in told.items() if hits} == {}


def test_only_the_agreed_names_stand_at_the_top() -> None:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    tops = {line.split("/")[0] for line in done.stdout.splitlines()}
    files = {"pyproject.toml", "sources.yaml", "Makefile", "README.md", "CHANGELOG.md", "LICENSE", "NOTICE"}
    allowed = files | {"digest", "templates", "site", "tests"}
    assert {name for name in tops if not name.startswith(".")} <= allowed
