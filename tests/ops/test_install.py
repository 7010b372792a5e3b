"""What cron, systemd and GitHub Actions are given runs as it stands, in folders of any name, and is quiet when idle."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from digest.config.schema import Cadence
from digest.errors import ConfigError
from digest.ops.install import render_schedule_files
from tests.ops.workspace import MONTH, NOW, made, opened, waiting

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-m", "digest"]
BARE = {"PATH": "/usr/bin:/bin", "LANG": "C", "SHELL": "/bin/sh", "PYTHONPATH": str(ROOT)}


def lines(form: str, root: Path, program: list[str] | None = None) -> list[str]:
    documents = render_schedule_files(form, root, program or ["/usr/bin/digest"], Cadence(fetch_hour_utc=9))
    return "".join(document.body.decode() for document in documents).splitlines()


def test_the_line_for_cron_runs_without_home_terminal_or_words_for_nothing(tmp_path: Path) -> None:
    folder = made(tmp_path / "o'brien & news")
    *comments, line = lines("cron", folder, PROGRAM)
    assert all(comment.startswith("#") for comment in comments)
    moment, command = line.split(" ")[:5], line.split(" ", 5)[5]
    assert moment == ["*/15", "*", "*", "*", "*"]
    environ = BARE | {"DIGEST_NOW": "2026-02-03T05:00:00+00:00"}
    first, second = (
        subprocess.run(["/bin/sh", "-c", command], env=environ, cwd="/", capture_output=True, text=True, check=False)
        for _ in range(2)
    )
    assert (first.returncode, first.stdout) == (1, "")  # a month without an item is red
    assert "--accept-gaps" in first.stderr
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")  # it waits, and says nothing


def test_systemd_is_told_the_command_and_takes_the_units(tmp_path: Path) -> None:
    text = lines("systemd", Path("/srv/my news"))
    assert "ExecStart=/usr/bin/digest -w '/srv/my news' run --due" in text
    assert "WorkingDirectory=/srv/my news" in text
    assert "SuccessExitStatus=3" in text  # one source out of reach each night is not a failed unit each night
    if shutil.which("systemd-analyze") is None:
        return
    for document in render_schedule_files("systemd", tmp_path, ["/bin/true"], Cadence()):
        (tmp_path / Path(document.path).name).write_bytes(document.body)
    units = [str(tmp_path / f"digest.{kind}") for kind in ("service", "timer")]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if str(tmp_path) in line] == []


@pytest.mark.parametrize(("form", "name"), [("cron", "100%"), ("systemd", "100%"), ("systemd", "$x"), ("cron", "a\nb")])
def test_a_folder_they_would_read_otherwise_is_refused(form: str, name: str) -> None:
    with pytest.raises(ConfigError, match="reads otherwise"):
        render_schedule_files(form, Path("/srv") / name, ["digest"], Cadence())


def test_github_does_every_night_what_is_due_and_keeps_what_it_read_though_a_source_failed() -> None:
    flow = yaml.safe_load("\n".join(lines("github", Path("/srv/100%"))))
    assert flow[True]["schedule"] == [{"cron": "30 9 * * *"}]
    steps = flow["jobs"]["draft"]["steps"]
    runs = [step["run"] for step in steps if "run" in step]
    (shift,) = [run for run in runs if run.startswith("digest run --due --no-autopilot")]
    after = steps[[step.get("run") for step in steps].index(shift) + 1 :]
    assert [step["if"] for step in after] == ["always()", "always()"]
    assert after[0]["with"]["path"] == "digest.db"


@pytest.mark.parametrize(("exits", "told"), [(0, 0), (3, 0), (4, 1), (1, 1)])
def test_githubs_night_is_red_when_a_run_is_and_not_for_one_source(tmp_path: Path, exits: int, told: int) -> None:
    flow = yaml.safe_load("\n".join(lines("github", tmp_path)))
    (shift,) = [step["run"] for step in flow["jobs"]["draft"]["steps"] if "run --due" in step.get("run", "")]
    (tmp_path / "digest").write_text(f"#!/bin/sh\nexit {exits}\n")
    (tmp_path / "digest").chmod(0o755)
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["/bin/bash", "-e", "-c", shift], env=environ, check=False)
    assert done.returncode == told


def test_github_opens_one_pull_request_for_each_new_draft(tmp_path: Path) -> None:
    flow = yaml.safe_load("\n".join(lines("github", tmp_path)))
    script = flow["jobs"]["draft"]["steps"][-1]["run"]
    here, programs = tmp_path / "checkout", tmp_path / "bin"
    programs.mkdir()
    (programs / "gh").write_text('#!/bin/sh\necho "$@" on "$(git branch --show-current)" >> "$TOLD"\n')
    (programs / "gh").chmod(0o755)
    environ = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "TOLD": str(tmp_path / "told")}
    environ |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}

    def git(*words: str, at: Path = here) -> str:
        done = subprocess.run(["git", *words], cwd=at, env=environ, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "-q", "--bare", str(tmp_path / "origin"), at=tmp_path)
    git("clone", "-q", str(tmp_path / "origin"), str(here), at=tmp_path)
    (here / ".gitignore").write_text("/digest.db*\n")
    git("add", ".")
    git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "first")
    environ["GITHUB_SHA"] = git("rev-parse", "HEAD")
    drafts = here / "site" / "_drafts"
    for night in (["2026-01"], ["2026-01", "2026-02", "2026-Q1"], []):
        git("switch", "-q", "--detach", environ["GITHUB_SHA"])
        drafts.mkdir(parents=True, exist_ok=True)
        for period in night:
            (drafts / f"{period}.md").write_text(f"the draft of {period}")
        subprocess.run(["bash", "-e", "-c", script], cwd=here, env=environ, capture_output=True, check=True)
        for period in night:
            (drafts / f"{period}.md").unlink(missing_ok=True)
    told = (tmp_path / "told").read_text().splitlines()
    assert told == [f"pr create --fill on draft-{period}" for period in ("2026-01", "2026-02", "2026-Q1")]
    for period in ("2026-01", "2026-02", "2026-Q1"):
        files = git("ls-tree", "-r", "--name-only", f"origin/draft-{period}").split()
        assert files == [".gitignore", f"site/_drafts/{period}.md"]
    assert git("log", "-1", "--format=%s", "origin/draft-2026-02") == "draft 2026-02"


def test_github_publishes_a_merged_draft_when_a_person_asks_and_commits_it(tmp_path: Path) -> None:
    flow = yaml.safe_load("\n".join(lines("github", tmp_path)))
    assert flow["jobs"]["pages"]["needs"] == "publish"
    (script,) = (step["run"] for step in flow["jobs"]["publish"]["steps"] if step.get("name", "").startswith("approve"))
    assert "${{" not in script  # what a person types is no part of the script
    here, origin, programs = tmp_path / "news", tmp_path / "origin", tmp_path / "bin"
    waiting(here)
    programs.mkdir()
    (programs / "digest").write_text(f'#!/bin/sh\nexec {sys.executable} -m digest "$@"\n')
    (programs / "digest").chmod(0o755)
    environ = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    environ |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "EDITOR": "ada-lovelace"}
    environ |= {"PERIOD": MONTH, "DIGEST_NOW": NOW.isoformat()}

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=here, env=environ, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "-q", "--bare", "-b", "main", str(origin))
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "merged")
    git("remote", "add", "origin", str(origin))
    git("push", "-q", "-u", "origin", "main")
    subprocess.run(["bash", "-e", "-c", script], cwd=here, env=environ, capture_output=True, check=True)
    files = git("ls-tree", "-r", "--name-only", "origin/main").split()
    assert {"site/feed.xml", "site/search.json", "site/_posts/2026-02-04-2026-01.md"} <= set(files)
    assert "digest.db" not in files
    with opened(here) as workspace:
        assert [(issue["state"], issue["period"]) for issue in workspace.status()["issues"]] == [("published", MONTH)]
