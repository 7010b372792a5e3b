"""The workflow for GitHub, its shell steps run as they are: twice from an empty clone, with nothing kept but branches."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from digest.config.schema import Cadence
from digest.ops.install import find_package_address, render_schedule_files
from tests.ops.workspace import MONTH, NOW, configure, edit, made, opened

ROOT = Path(__file__).resolve().parents[2]


class Runner:
    """Runs the shell steps of a job in a fresh clone, as GitHub does, with a `gh` that writes down its calls."""

    def __init__(self, folder: Path, workflow: dict[Any, Any]) -> None:
        self.folder, self.workflow, self.clone = folder, workflow, folder / "clone"
        programs = folder / "bin"
        programs.mkdir()
        for name, script in {
            "gh": f'echo "$1 $2 $4 on $(git branch --show-current)" >> {folder}/calls; cat "$6" >> {folder}/bodies',
            "pip": "exit 0",
            "digest": f'exec {sys.executable} -m digest "$@"',
        }.items():
            (programs / name).write_text(f"#!/bin/sh\n{script}\n")
            (programs / name).chmod(0o755)
        self.environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(folder),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_SYSTEM": "/dev/null",
            "PYTHONPATH": str(ROOT),
            "DIGEST_NOW": NOW.isoformat(),
            "RUNNER_TEMP": str(folder),
            "GITHUB_OUTPUT": str(folder / "output"),
        }

    def git(self, *words: str, at: Path | None = None) -> str:
        """Run git and return what it prints."""
        done = subprocess.run(
            ["git", *words], cwd=at or self.clone, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def run(self, event: str, *, visibility: str = "private", before: str = "") -> dict[str, int]:
        """Run the job `work` for an event in a new clone; return the exit code of each step that ran."""
        shutil.rmtree(self.clone, ignore_errors=True)
        self.git("clone", "-q", str(self.folder / "origin"), str(self.clone), at=self.folder)
        expressions = {
            "vars.DIGEST_PACKAGE": "digest.whl",
            "inputs.publish": "",
            "github.event.before": before,
            "github.actor": "ada-lovelace",
            "github.event.repository.visibility": visibility,
        }
        codes: dict[str, int] = {}
        for step in self.workflow["jobs"]["work"]["steps"]:
            if "run" not in step or not self._is_wanted(step.get("if", ""), event, codes):
                continue
            assert "${{" not in step["run"]  # what a person types is no part of a script
            values = {"GITHUB_SHA": self.git("rev-parse", "origin/main"), "PACKAGE": "digest.whl"}
            for name, value in step.get("env", {}).items():
                values[name] = expressions.get(str(value).removeprefix("${{ ").removesuffix(" }}"), "")
            done = subprocess.run(
                ["bash", "-e", "-o", "pipefail", "-c", step["run"]],
                cwd=self.clone,
                env=self.environment | values,
                capture_output=True,
                text=True,
                check=False,
            )
            codes[step["name"]] = done.returncode
            self.output = done.stdout + done.stderr
        return codes

    def _is_wanted(self, condition: str, event: str, codes: dict[str, int]) -> bool:
        is_push = event == "push"
        named = {"github.event_name != 'push'": not is_push, "github.event_name == 'push'": is_push}
        wanted = all(value for text, value in named.items() if text in condition)
        return wanted and ("always()" in condition or not any(codes.values()))


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    (document,) = render_schedule_files("github", tmp_path, ["digest"], Cadence(fetch_hour_utc=9))
    running = Runner(tmp_path, yaml.safe_load(document.body))
    running.git("init", "-q", "--bare", "-b", "main", str(tmp_path / "origin"), at=tmp_path)
    news = made(tmp_path / "news")
    configure(news, cadence={"draft_business_day": 1})
    (news / ".gitignore").write_text("/digest.db*\n/.state/\n")
    running.git("init", "-q", "-b", "main", at=news)
    running.git("add", ".", at=news)
    running.git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "first", at=news)
    running.git("push", "-q", str(tmp_path / "origin"), "main", at=news)
    with opened(news) as workspace:
        workspace.add_jsonl(news / "month.jsonl")
        workspace.tag()
    return running


def save_first_state(runner: Runner) -> None:
    """Put the items on the branch as an earlier night would have done."""
    news = runner.folder / "news"
    subprocess.run(["digest", "export", ".state"], cwd=news, env=runner.environment, check=True, capture_output=True)
    shutil.copytree(news / ".state", runner.folder / "state")
    state = runner.folder / "state"
    runner.git("init", "-q", "-b", "digest-state", at=state)
    runner.git("add", ".", at=state)
    runner.git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "state", at=state)
    runner.git("push", "-q", str(runner.folder / "origin"), "digest-state", at=state)


@pytest.mark.sqlite
def test_a_night_drafts_into_a_pull_request_and_the_merge_publishes(runner: Runner) -> None:
    save_first_state(runner)
    night = runner.run("schedule")
    assert set(night.values()) == {0}, runner.output
    assert (runner.folder / "calls").read_text() == f"pr create Draft of {MONTH} on draft-{MONTH}\n"
    assert (
        f"digest draft {MONTH}" in (runner.folder / "bodies").read_text()
        or "cannot be approved" in (runner.folder / "bodies").read_text()
    )
    assert set(runner.run("schedule").values()) == {0}  # the next night opens no second one
    assert len((runner.folder / "calls").read_text().splitlines()) == 1

    before = runner.git("rev-parse", "origin/main")
    runner.git("switch", "-q", f"draft-{MONTH}")
    edit(runner.clone)
    runner.git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qam", "edited")
    runner.git("push", "-q", "origin", "HEAD:main")
    merged = runner.run("push", before=before)
    assert set(merged.values()) == {0}, runner.output
    files = runner.git("ls-tree", "-r", "--name-only", "origin/main").split()
    assert {"site/feed.xml", "site/search.json", f"site/_posts/2026-02-04-{MONTH}.md"} <= set(files)
    assert "digest.db" not in files
    assert "published=true" in (runner.folder / "output").read_text()
    with opened(runner.clone) as workspace:
        assert [(issue.state, issue.period) for issue in workspace.status().issues] == [("published", MONTH)]


def test_the_first_night_of_an_empty_clone_saves_a_state_that_the_second_restores(runner: Runner) -> None:
    codes = runner.run("schedule")  # nothing was read, so the run is unhealthy; what there is is saved
    assert codes["restore the state"] == 0
    assert codes["save the state"] == 0
    tables = runner.git("ls-tree", "-r", "--name-only", "origin/digest-state")
    assert "tables/run.jsonl" in tables
    second = runner.run("schedule")
    assert second["restore the state"] == 0
    assert second["save the state"] == 0
    assert runner.git("rev-list", "--count", "origin/digest-state") == "1"  # no history of what was known


def test_addresses_of_subscribers_never_reach_a_public_branch(runner: Runner) -> None:
    news = runner.folder / "news"
    subprocess.run(
        ["digest", "subscribers", "add", "ada@example.org", "--confirmed"],
        cwd=news,
        env=runner.environment,
        check=True,
        capture_output=True,
    )
    save_first_state(runner)
    codes = runner.run("schedule", visibility="public")
    assert codes["save the state"] == 4
    assert runner.run("schedule", visibility="private")["save the state"] == 0


@pytest.mark.parametrize(("code", "outcome"), [(0, 0), (3, 0), (4, 1), (1, 1)])
def test_one_source_out_of_reach_does_not_fail_the_night(runner: Runner, code: int, outcome: int) -> None:
    (runner.folder / "bin" / "digest").write_text(f'#!/bin/sh\n[ "$1" != run ] || exit {code}\n')
    assert runner.run("schedule")["do what is due"] == outcome


def test_the_cadence_gives_the_hour_and_no_name_that_does_not_exist_is_installed(runner: Runner) -> None:
    assert runner.workflow[True]["schedule"] == [{"cron": "30 9 * * *"}]
    assert runner.workflow["concurrency"] == {"group": "newsletter"}
    assert "digest-newsletter" not in runner.workflow["env"]["PACKAGE"]
    assert not find_package_address().startswith("file:")
