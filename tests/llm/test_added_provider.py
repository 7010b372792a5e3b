"""Adding a provider is one file: sources.yaml and the command line may name it at once, and it judges."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import digest
from tests.llm.workspace import context, store

FILE = """
import json

from digest.protocols import Completion, Usage


class Fourth:
    name = "fourth:oracle"

    async def complete(self, prompt):
        rows = [
            {"id": item["id"], "reason": "It says so.", "category": "agents", "secondary": "none", "relevance": 4,
             "novelty": 2}
            for item in json.loads(prompt.user)["items"]
        ]
        return Completion("{}", {"items": rows}, Usage(10, 10), self.name, "oracle-1")

    async def close(self):
        pass


def create_model(section, environ, root):
    return Fourth()
"""
SOURCES = """
newsletter: {title: Test digest}
sources: [{id: s, kind: feed, url: https://example.org/feed}]
taxonomy:
  categories:
    - {slug: rag, title: Retrieval, description: Retrieval and memory for language models.}
    - {slug: agents, title: Agents, description: "Agents that act, plan and use tools."}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The project as it is, with one more file."""
    package, root = Path(digest.__file__).parent, tmp_path / "checkout"
    (root / "digest" / "llm" / "providers").mkdir(parents=True)
    for folder in (Path(), Path("digest"), Path("digest/llm"), Path("digest/llm/providers")):
        for path in (package.parent / folder).iterdir():
            if not (root / folder / path.name).exists() and path.name != "__pycache__":
                (root / folder / path.name).symlink_to(path)
    (root / "digest" / "llm" / "providers" / "fourth.py").write_text(FILE)
    return root


def run(checkout: Path, workspace: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(checkout), "DIGEST_WORKSPACE": str(workspace)}
    command = [sys.executable, "-m", "digest", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=workspace, env=environ, check=False)


@pytest.mark.parametrize("by", ["the file", "the command"])
def test_a_fourth_provider_is_one_file(tmp_path: Path, checkout: Path, by: str) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    chosen = "model: {provider: fourth}\n" if by == "the file" else ""
    (workspace / "sources.yaml").write_text(SOURCES + chosen)
    store(context(workspace, lambda: None), [("Paper one", "We propose one."), ("Paper two", "We propose two.")])
    flags = [] if chosen else ["--provider", "fourth"]
    done = run(checkout, workspace, "judge", "2026-10", *flags)
    assert "2 of the 2 best judged by fourth:" in done.stdout, done.stderr
    assert "answered as oracle-1" in done.stdout
    assert "oracle-1" in run(checkout, workspace, "costs").stdout


def test_a_slip_in_its_name_is_told_with_every_name_there_is(tmp_path: Path, checkout: Path) -> None:
    (tmp_path / "sources.yaml").write_text(f"{SOURCES}model: {{provider: forth}}\n")
    done = run(checkout, tmp_path, "judge", "2026-10")
    assert done.returncode == 2
    assert "sources.yaml:8: model.provider: 'forth' is unknown (did you mean 'fourth'?)" in done.stderr
    assert "allowed: auto, local, fourth, gemini, openai, scripted" in done.stderr
