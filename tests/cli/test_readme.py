"""Every command the README shows is run as it is shown, or is named here with the test that runs it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel
from typer.testing import CliRunner

from digest.cli import register_commands
from digest.cli.output import app
from digest.config.schema import Config
from digest.demo.records import RECORDED_PUBLISHERS
from digest.demo.server import serve_recorded_sources
from digest.drafts.parser import parse_draft
from digest.drafts.writer import render_draft
from tests.small import NOW, rows, write_jsonl

README = Path(__file__).resolve().parents[2] / "README.md"
PERIOD = "2025-06"
FEED = next(publisher.slug for publisher in RECORDED_PUBLISHERS.values() if publisher.form == "rss")

# What the README shows, and what is said for it, in an order in which each can be done. `EDIT` is the person's part.
EDIT = "edit the sheet"
STORY: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("digest init my-newsletter", ()),  # the fixture has said it
    ("digest init DIR", ("init .",)),
    ("digest fetch [SOURCE…]", ("fetch", "fetch blog --force")),
    ("digest add --jsonl FILE", ("add --jsonl papers.jsonl",)),
    ("digest add --jsonl", ()),
    ("digest tag", ("tag",)),
    ("digest rank PERIOD", (f"rank {PERIOD}", f"rank {PERIOD} --explain arxiv:2506.00001")),
    ("digest judge PERIOD", (f"judge {PERIOD}",)),
    ("digest tag --estimate", ("tag --estimate",)),
    ("digest search WORDS", ('search protein "language model" diff*', "search protein*")),
    # before anything is published: the weekly refresh would ask arXiv about it
    ("digest run --due", ("run --due",)),
    ("digest run PERIOD", (f"run {PERIOD}",)),
    ("digest run last", ("run last",)),
    ("digest run", ("run",)),
    ("digest draft PERIOD", (f"draft {PERIOD}",)),
    ("digest draft 2026-10", (f"draft {PERIOD}",)),
    ("digest history PERIOD", (f"history {PERIOD}",)),
    ("digest restore PERIOD VERSION", (f"restore {PERIOD} 1",)),
    (EDIT, ()),
    ("digest check PERIOD", (f"check {PERIOD}",)),
    ("digest check last", ("check last",)),
    ("digest approve PERIOD", (f"approve {PERIOD}",)),
    ("digest approve last", ("approve last",)),
    ("digest publish PERIOD", (f"publish {PERIOD}",)),
    ("digest publish last", ("publish last",)),
    ("digest subscribers add ADDRESS", ("subscribers add ada@example.org",)),
    ("digest subscribers confirm ADDRESS", ("subscribers confirm ada@example.org",)),
    ("digest subscribers topics ADDRESS", ("subscribers topics ada@example.org --topic agents",)),
    ("digest subscribers export", ("subscribers export",)),
    ("digest subscribers import FILE", ("subscribers import readers.csv",)),
    ("digest subscribers list", ("subscribers list",)),
    ("digest subscribers bounces PATH", ("subscribers bounces bounces.mbox",)),
    ("digest subscribers bounces", ()),
    ("digest mail preview PERIOD", (f"mail preview {PERIOD}",)),
    ("digest send PERIOD", (f"send {PERIOD}", f"send {PERIOD} --to me@example.org")),
    ("digest send last", ("send last",)),
    ("digest send", ("send --yes --expect 1",)),
    ("digest mail log PERIOD", (f"mail log {PERIOD}",)),
    ("digest subscribers remove ADDRESS", ("subscribers remove ada@example.org",)),
    ("digest import URL|FILE…", ("import site/feed.xml --dry-run",)),
    ("digest note --for YEAR TEXT", ('note --for 2025 "Small models will run most agents."',)),
    ("digest recap YEAR", ("recap 2025",)),
    ("digest templates list|copy NAME", ("templates list", "templates copy post.md.j2")),
    (
        "digest items show|match|merge|split",
        (
            "items show arxiv:2506.00001",
            "items match --jsonl records.jsonl --out groups.jsonl",
            "items merge arxiv:2506.00001 arxiv:2506.00002",
            "items split arxiv:2506.00001",
        ),
    ),
    (
        "digest sources list|import|export",
        ("sources list", "sources export s.opml", "sources import s.opml", "sources import s.opml --write"),
    ),
    ("digest taxonomy diff FILE", ("taxonomy diff sources.yaml",)),
    ("digest costs", ("costs",)),
    ("digest eval tagging|ranking|duplicates|grounding|all", ("eval tagging",)),
    ("digest schedule install", ("schedule install --cron", "schedule install --systemd", "schedule --next")),
    ("digest status", ("status", "status --metrics digest.prom")),
    ("digest runs", ("runs", "runs 1")),
    ("digest doctor", ("doctor",)),
    ("digest backup [FILE]", ("backup copy.zip", "backup --restore copy.zip")),
    ("digest export DIR", ("export everything",)),
    ("digest prune", ("prune --dry-run",)),
)
ELSEWHERE = {
    "digest demo [DIR]": "takes half a minute: tests/ops/test_walk.py",
    "digest backfill 2025-01..2025-06": "asks arXiv day by day: tests/ingest/test_backfill.py",
    "digest add URL": "asks a public address: tests/ingest/test_add_url.py",
    "digest desk PERIOD": "stays until stopped: tests/desk",
    "digest desk 2026-10": "stays until stopped: tests/desk",
    "digest preview": "stays until stopped; the build is in tests/site/test_jekyll.py",
    "digest listen": "stays until stopped: tests/mail/test_listen.py",
    "digest schedule": "stays until stopped: tests/operate/test_daemon.py",
    "digest refresh": "asks arXiv: tests/publishing/test_refresh.py",
    "digest mail export PERIOD": "needs an account elsewhere: tests/mail/test_exporters.py",
    "digest mail export": "needs an account elsewhere: tests/mail/test_exporters.py",
    "digest doctor mail": "asks the DNS: tests/mail/test_checkup.py",
    "digest subscribers confirm --ask": "needs a `digest listen` address: tests/mail/test_signup_stage.py",
    "digest --install-completion": "changes the shell's own files; tests/cli/test_commands.py prints the script",
}


def shown() -> set[str]:
    """Each command of the README: in code spans, and in the indented blocks."""
    text = README.read_text(encoding="utf-8")
    spans = [span.replace("\\|", "|") for span in re.findall(r"`(digest [^`]+)`", text)]
    lines = [line.split("#")[0].strip() for line in re.findall(r"^ {4}(digest .+)$", text, re.MULTILINE)]
    return {one for one in [*spans, *lines] if not one.startswith("digest-")}


def keys_of(section: type[BaseModel]) -> set[str]:
    """Every key of a part of sources.yaml, those of the parts within it too."""
    own = set(section.model_fields)
    inner = [kind for field in section.model_fields.values() for kind in _sections(field.annotation)]
    return own.union(*map(keys_of, inner))


def _sections(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [kind for part in get_args(annotation) for kind in _sections(part)]


@pytest.mark.parametrize("part", Config.model_fields)
def test_the_table_of_the_configuration_names_every_key_of_the_schema(part: str) -> None:
    row = re.search(rf"^\| `{part}` \| (.*) \|$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert row is not None
    wanted = set().union(*map(keys_of, _sections(Config.model_fields[part].annotation)))
    assert wanted <= set(re.findall(r"\w+", row[1]))


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


def test_every_command_shown_is_run_here_or_accounted_for() -> None:
    here = {name for name, _ in STORY} - {EDIT}
    assert shown() == here | ELSEWHERE.keys()


def test_the_commands_shown_end_well(folder: Path) -> None:
    with serve_recorded_sources() as base:
        path = folder / "sources.yaml"
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        config["newsletter"] |= {"url": "https://news.example", "email": "me@news.example"}
        feed = {"id": "blog", "kind": "feed", "url": f"{base}/rss/{FEED}.xml", "allow_private": True}
        path.write_text(yaml.safe_dump(config | {"sources": [feed]}), encoding="utf-8")
        for name, said in STORY:
            if name == EDIT:
                edit(folder)
            for words in said:
                done = CliRunner().invoke(app, shlex.split(words))
                assert done.exit_code == 0, f"digest {words}: {done.output}\n{done.exception!r}"
