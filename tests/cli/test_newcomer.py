"""Every command of the program is run here, in the order of a newcomer, or is named with the test that runs it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer.main
import yaml
from typer.testing import CliRunner

from digest.cli import register_commands
from digest.cli.options import app
from digest.db.engine import uses_postgres
from digest.demo.records import RECORDED_PUBLISHERS
from digest.demo.server import serve_recorded_sources
from digest.drafts.parser import parse_draft
from digest.drafts.writer import render_draft
from tests.cli.test_commands import commands
from tests.small import NOW, rows, write_jsonl

PERIOD = "2025-06"
FEED = next(publisher.slug for publisher in RECORDED_PUBLISHERS.values() if publisher.form == "rss")

# The commands of README and tutorial, in an order in which each can be run. `EDIT` is the editor's part.
EDIT = "edit the draft"
STORY: tuple[str, ...] = (
    "init .",
    "schema",
    "fetch",
    "fetch blog --force",
    "add --jsonl papers.jsonl",
    "tag",
    f"radar {PERIOD} --no-read",
    f"rank {PERIOD}",
    f"candidates {PERIOD}",
    "rank 2025-06 --explain arxiv:2506.00001",
    f"judge {PERIOD}",
    "tag --estimate",
    'search protein "language model" diff*',
    "search protein*",
    "run --due",
    f"run {PERIOD}",
    "run last",
    "run",
    f"draft {PERIOD}",
    f"draft {PERIOD}",
    f"history {PERIOD}",
    f"restore {PERIOD} 1",
    EDIT,
    f"check {PERIOD}",
    "check last",
    f"approve {PERIOD}",
    "approve last",
    f"publish {PERIOD}",
    "publish last",
    "subscribers add ada@example.org",
    "subscribers confirm ada@example.org",
    "subscribers topics ada@example.org --topic agents",
    "subscribers export",
    "subscribers import readers.csv",
    "subscribers list",
    "subscribers bounces bounces.mbox",
    f"mail preview {PERIOD}",
    f"send {PERIOD}",
    f"send {PERIOD} --to me@example.org",
    "send last",
    "send --yes --expect 1",
    f"mail log {PERIOD}",
    "subscribers remove ada@example.org",
    "import site/feed.xml --dry-run",
    'predict --for 2025 "Small models will run most agents."',
    "recap 2025",
    "templates list",
    "templates copy post.md.j2",
    "items show arxiv:2506.00001",
    "items match --jsonl records.jsonl --out groups.jsonl",
    "items merge arxiv:2506.00001 arxiv:2506.00002",
    "items split arxiv:2506.00001",
    "sources list",
    "sources export s.opml",
    "sources import s.opml",
    "sources import s.opml --write",
    "taxonomy diff sources.yaml",
    "costs",
    "eval tagging",
    "schedule install --cron",
    "schedule install --systemd",
    "schedule --next",
    "status",
    "status --metrics digest.prom",
    "runs",
    "runs 1",
    "doctor",
    "backup copy.zip",
    "backup --restore copy.zip",
    "export everything",
    "prune --dry-run",
)
ELSEWHERE = {
    "demo": "takes half a minute: tests/ops/test_walk.py",
    "backfill": "requests arXiv day by day: tests/ingest/test_backfill.py",
    "desk": "runs until it is stopped: tests/web",
    "preview": "runs until it is stopped; the build is in tests/site/test_jekyll.py",
    "subscribers serve": "runs until it is stopped: tests/web/test_signup.py",
    "refresh": "requests arXiv: tests/publishing/test_refresh.py",
    "mail export": "needs an account elsewhere: tests/mail/test_exporters.py",
    "eval all": "takes minutes: tests/evaluation",
    "eval duplicates": "reads labelled data: tests/evaluation",
    "eval grounding": "reads labelled data: tests/evaluation",
    "eval ranking": "reads labelled data: tests/evaluation",
    "taxonomy adopt": "reads imported posts: tests/archive",
    "voice": "describes imported posts: tests/blurbs",
    "workspaces list": "works on many: tests/ops/test_workspaces.py",
    "workspaces add": "works on many: tests/ops/test_workspaces.py",
    "workspaces status": "works on many: tests/ops/test_workspaces.py",
    "worker status": "needs PostgreSQL: tests/db/test_worker.py",
}


def edit(folder: Path) -> None:
    path = folder / "site" / "_drafts" / f"{PERIOD}.md"
    sheet = parse_draft(path.read_text(encoding="utf-8"))
    kept = [section for section in sheet.sections if section.entries]
    text = render_draft(sheet).replace("\n## ", "\nA month in short.\n\n## ", 1)
    for section in sheet.sections:
        if section not in kept:
            text = re.sub(rf"^## {re.escape(section.title)} .*\n", "", text, flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the commands work on: a workspace with one feed, and the files they name."""
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "DIGEST_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DIGEST_NOW", NOW.isoformat())
    monkeypatch.chdir(tmp_path)
    register_commands()
    assert CliRunner().invoke(app, ["init", "my-newsletter"]).exit_code == 0
    root = tmp_path / "my-newsletter"
    monkeypatch.chdir(root)
    write_jsonl(root / "papers.jsonl", rows())
    record: dict[str, object] = dict.fromkeys(("source", "title", "text"), "A")
    record |= {"record_id": "1", "url": "https://x.org/a", "date": "2025-06-01"}
    write_jsonl(root / "records.jsonl", [record])
    (root / "bounces.mbox").write_text("")
    (root / "readers.csv").write_text("email\nbob@example.org\n")
    return root


def test_every_command_is_run_here_or_accounted_for() -> None:
    register_commands()
    names = {name.removeprefix("digest ") for name, _ in commands(typer.main.get_command(app))}
    assert {name for name in names if not any(f"{line} ".startswith(f"{name} ") for line in STORY)} == set(ELSEWHERE)


def test_the_commands_of_a_newcomer_end_well(folder: Path) -> None:
    with serve_recorded_sources() as base:
        path = folder / "sources.yaml"
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        config["newsletter"] |= {"url": "https://news.example", "email": "me@news.example"}
        feed = {"id": "blog", "kind": "feed", "url": f"{base}/rss/{FEED}.xml", "allow_private": True}
        path.write_text(yaml.safe_dump(config | {"sources": [feed]}), encoding="utf-8")
        for line in STORY:
            if line == EDIT:
                edit(folder)
                continue
            done = CliRunner().invoke(app, shlex.split(line))
            if line.startswith("backup") and uses_postgres():  # refused, with the command that works
                assert "digest export" in str(getattr(done.exception, "hint", "")), done.output
                continue
            assert done.exit_code == 0, f"digest {line}: {done.output}\n{done.exception!r}"
