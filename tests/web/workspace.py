"""A workspace with a month of works of our own writing, drafted, and the desk on it in a thread or a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

from digest.app import Workspace, initialise
from digest.db.items import get_item
from digest.db.merges import add_possible_duplicates
from digest.drafts.archive import import_archive, read_archive
from digest.drafts.edit import add_typed_url, update_pick
from digest.drafts.editing import edit_draft, load_current_draft
from digest.drafts.model import Draft
from digest.web.server import DeskServer

PERIOD = "2026-10"
NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
_THEMES = (
    ("Sparse retrieval for long documents", "a retriever that reads long documents in pieces and ranks passages"),
    ("An open language model with 12 billion parameters", "an open-weight language model trained on 4 trillion tokens"),
    ("Agents that plan before they call tools", "an agent that plans its tool calls and repairs its own mistakes"),
    ("Red teaming chat models at scale", "an automatic red team that finds jailbreaks of aligned chat models"),
    ("A benchmark of honest evaluation", "a benchmark whose test questions are renewed every month"),
    ("Quantisation without tears", "a quantisation technique that keeps accuracy at 3 bits per weight"),
)


def works() -> Iterator[dict[str, object]]:
    """Thirty works of October 2026, on six themes."""
    for number in range(30):
        title, thing = _THEMES[number % 6]
        yield {
            "title": f"{title}, part {number + 1}",
            "url": f"https://lab.example/works/{number + 1}",
            "authors": [f"Ada Author{number}", "Ben Writer"],
            "published": f"2026-10-{number % 28 + 1:02d}",
            "summary": f"Earlier systems are slow and costly. We introduce {thing}. In our experiments it improves "
            f"the score by {number + 2} points over the best known system and halves the cost. "
            "The method needs no further training and runs on one machine.",
        }


def make(root: Path) -> Path:
    """A drafted workspace in a folder."""
    initialise(root)
    (root / "sources.yaml").write_text(
        (root / "sources.yaml").read_text(encoding="utf-8").replace("author:", "author: Eva Editor #", 1),
        encoding="utf-8",
    )
    lines = root / "works.jsonl"
    lines.write_text("".join(json.dumps(work) + "\n" for work in works()), encoding="utf-8")
    with opened(root) as workspace:
        workspace.add_jsonl(lines)
        workspace.tag()
        workspace.draft(PERIOD)
    return root


LISTED = "The list says: read the appendix, it holds the recipe."
BEFORE = "We wrote in June that this needs a second look."


def storied(root: Path) -> tuple[str, str]:
    """Give the workspace a past: a pick and a candidate that a list, an earlier issue and a twin have to do with.

    The pick's words are a model's with an unsupported number, its link is the editor's, and an address waits. It is
    done in a thread of its own, because a browser's event loop runs in the test's.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_storied, root).result()


def run_aside(job: Callable[[], object]) -> None:
    """Run a job in a thread of its own, because a browser's event loop runs in the test's."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(job).result()


def _storied(root: Path) -> tuple[str, str]:
    with opened(root) as workspace:
        context, period = workspace.context, workspace.context.parse_period(PERIOD)
        sheet = load_current_draft(context, period).draft
        one, two = next(pick for _, pick in sheet.iter_picks()), sheet.shortlist[0]
        named = [{"title": w.title, "url": w.url, "summary": LISTED, "source": "hf-papers"} for w in (one, two)]
        (root / "named.jsonl").write_text("".join(json.dumps(line) + "\n" for line in named), encoding="utf-8")
        workspace.add_jsonl(root / "named.jsonl")
        past = root / "2026-06-30-digest.md"
        links = [f"{n}. [Older work {n}](https://old.example/{n}) Words." for n in range(2, 8)]
        lines = ["# Digest of June", "", "## Agents", "", f"1. [{two.title}]({two.url}) {BEFORE}", *links[:3]]
        lines += ["", "## Safety", "", *links[3:], ""]
        past.write_text("\n".join(lines), encoding="utf-8")
        import_archive(context, read_archive(context, [str(past)], {}))
        with context.db.write() as session:
            items = {key: get_item(session, key).id for key in (one.key, two.key, sheet.shortlist[1].key)}
            pairs = [(items[key], items[sheet.shortlist[1].key], 0.9, "the same words") for key in (one.key, two.key)]
            add_possible_duplicates(session, pairs, NOW)
        version = load_current_draft(context, period).version
        words = {"blurb": "It gains 987 points.", "origin": "model", "engine": "gemini-x", "flags": ("987",)}

        def change(sheet: Draft) -> Draft:
            marked = update_pick(sheet, one.key, url="https://mirror.example/1", highlight="why", **words)
            return add_typed_url(marked, sheet.sections[0].slug, "https://own.example/work", "My words.")

        edit_draft(context, period, version, change)
        return one.key, two.key


def opened(root: Path) -> Workspace:
    """The workspace on a clock that stands still, in November 2026."""
    return Workspace(root, clock=lambda: NOW)


def sheet_file(root: Path) -> Path:
    return root / "site" / "_drafts" / f"{PERIOD}.md"


@contextmanager
def desk(root: Path) -> Iterator[DeskServer]:
    """The desk on a thread of this process."""
    with opened(root) as workspace:
        running = DeskServer(workspace.context, PERIOD)
        server = running.make_server()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [running.socket]}, daemon=True)
        thread.start()
        until(lambda: server.started)
        try:
            yield running
        finally:
            server.should_exit = True
            thread.join()
            running.socket.close()


def process(root: Path, port: int = 0) -> tuple[subprocess.Popen[str], str]:
    """The desk as the command runs it, and its address."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GEMINI_", "GOOGLE_"))}
    env |= {"DIGEST_NOW": NOW.isoformat(), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "digest", "-w", str(root), "desk", PERIOD, "--no-open", "--port", str(port)]
    started = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True)
    assert started.stdout
    return started, started.stdout.readline().split()[1]


def stop(started: subprocess.Popen[str]) -> None:
    """End the desk at once, as a crash does."""
    started.kill()
    started.wait()
    assert started.stdout
    started.stdout.close()


def until(true: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something to become true."""
    end = monotonic() + seconds
    while not true():
        assert monotonic() < end, "this did not happen"
        sleep(0.02)
