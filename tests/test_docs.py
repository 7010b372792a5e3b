"""The documentation is current, complete and builds: generated pages, every command, every link, banned words."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs_reference import DOCS, PAGES

ROOT = DOCS.parent


@pytest.mark.parametrize("file", PAGES)
def test_a_reference_page_is_what_the_program_says_now(file: str) -> None:
    assert (DOCS / file).read_text(encoding="utf-8") == PAGES[file](), "run `make docs`"


def test_the_site_of_the_documentation_builds_without_a_warning(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "-q",
        "--strict",
        "-f",
        str(ROOT / ".mkdocs.yml"),
        "-d",
        str(tmp_path),
    ]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "tutorial" / "index.html").exists()


def test_commands_named_in_the_documentation_exist() -> None:
    reference = PAGES["commands.md"]()
    names = set(re.findall(r"^###? digest ([a-z -]+)$", reference, re.MULTILINE))
    heads = {name.split()[0] for name in names}
    for page in [ROOT / "README.md", *DOCS.glob("*.md")]:
        for head in re.findall(
            r"(?:^    |`)digest (?:-w \S+ )?([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE
        ):
            assert head in heads, f"{page.name}: digest {head}"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
