"""Kills the program at randomised points of its work and checks that nothing is lost, halved or done twice.

`python -m tests.torture --kills 200 --seed 7` prints one line; it stops with the seed and the point of the first fault.
Half of the kills come before the n-th commit, sync or rename; the others after a random time.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlmodel import SQLModel, col, select

from digest.db.issues import find_issue, get_issue
from digest.demo.records import RECORDED_PUBLISHERS
from digest.demo.server import serve_recorded_sources
from digest.drafts.parser import parse_draft
from digest.models.issues import Issue, Pick
from digest.models.items import Alias, Item, Mention
from digest.models.predictions import Decision, ItemVector, Ranking, Tagging
from digest.models.subscribers import Delivery
from digest.ops.backup import create_backup
from tests.ops.newer import newer, schema_is_whole
from tests.ops.workspace import MONTH, configure, edit, made, opened

FEED = next(publisher.slug for publisher in RECORDED_PUBLISHERS.values() if publisher.form == "rss")
READERS = ("ada@example.org", "grace@example.org")
_TABLES: tuple[type[SQLModel], ...] = (Item, Mention, Alias, Tagging, Ranking, Decision, Issue, Pick, ItemVector)
_LEFT_OUT = {"id", "state", "sent"}  # row numbers may differ; states are looked at by themselves
Tell = Callable[[str], object]


def story(folder: Path, tell: Tell = lambda step: None) -> None:
    """A migration, then a month from its items to its mail and a backup; said again, it goes on where it stopped."""
    with opened(folder) as workspace:
        _ = workspace.db
        tell("migrate")
        workspace.fetch()
        tell("fetch")
        workspace.add_jsonl(folder / "month.jsonl")
        tell("add")
        workspace.tag()
        tell("tag")
        with workspace.db.read() as session:
            issue = find_issue(session, MONTH)
        if issue is None or issue.state == "draft":
            workspace.rank(MONTH)
            workspace.draft(MONTH)
            tell("draft")
            edit(folder)
            workspace.approve(MONTH, by="Ada", accept_gaps=True)
        tell("approve")
        workspace.publish(MONTH)
        tell("publish")
        workspace.send(MONTH, yes=True)
        tell("send")
        create_backup(workspace.context)
        tell("backup")


def site(folder: Path) -> dict[str, bytes]:
    """What Jekyll reads; names that begin with a dot it does not."""
    root = folder / "site"
    files = (path for path in root.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def rows(folder: Path) -> dict[str, list[str]]:
    """The store without row numbers, sorted."""
    with opened(folder) as workspace, workspace.db.read() as session:
        return {
            table.__name__: sorted(repr(row.model_dump(exclude=_LEFT_OUT)) for row in session.exec(select(table)))
            for table in _TABLES
        }


def after_the_kill(folder: Path, told: set[str], whole: dict[str, bytes], counts: tuple[int, int]) -> None:
    """What must hold the moment the process is gone: a sound store, everything that was said to be done, no halves.

    `counts` are the items after the fetch, and after the month is added.
    """
    schema_is_whole(folder)
    with opened(folder) as workspace, workspace.db.read() as session:
        assert workspace.db.check_integrity() == []
        assert leftovers(folder) == []
        items, tags = len(session.exec(select(Item)).all()), len(session.exec(select(Tagging)).all())
        issue = find_issue(session, MONTH)
        states = set(session.exec(select(Delivery.state)).all())
    fetched, added = counts
    assert items in ({added} if "add" in told else {fetched, added} if "fetch" in told else {0, fetched, added}), items
    assert tags in ({added} if "tag" in told else {0, added}), tags
    assert issue is not None or "draft" not in told
    assert issue is None or issue.state != "draft" or "approve" not in told
    assert states == {"sent"} or "send" not in told, states
    for name, body in site(folder).items():
        if name.startswith("_drafts/"):
            parse_draft(body.decode())
        elif name not in ("feed.xml", "feed.json") or "publish" in told:
            assert whole.get(name) == body or body == _skeleton(name), name
    assert set(site(folder)) >= set(whole) or "publish" not in told
    for path in (folder / "backups").glob("digest-*.zip"):
        with zipfile.ZipFile(path) as packed:
            assert packed.testzip() is None
    assert list((folder / "backups").glob("digest-*.zip")) or "backup" not in told


def leftovers(folder: Path) -> list[str]:
    """Files on their way to a name that no living process writes."""
    return [path.name for path in folder.rglob(".*.partial")]


@contextmanager
def sources() -> Iterator[str]:
    """The demo's recorded sources, served by a process of their own: the children that are killed are forks of this."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # of clients that were killed it would tell at length
        with serve_recorded_sources() as base:
            os.write(writing, f"{base}\n".encode())
            signal.pause()
    try:
        with os.fdopen(reading) as file:
            yield file.readline().strip()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


_skeletons: dict[str, bytes] = {}


def _skeleton(name: str) -> bytes | None:
    return _skeletons.get(name)


def after_the_resumption(folder: Path, whole: dict[str, bytes], stored: dict[str, list[str]]) -> None:
    """The next run comes to the end that an undisturbed one comes to, and no reader has two messages."""
    assert site(folder) == whole
    found = rows(folder)
    for name, expected in stored.items():
        assert found[name] == expected, name
    with opened(folder) as workspace, workspace.db.read() as session:
        assert workspace.db.check_integrity() == []
        assert get_issue(session, MONTH).state in ("published", "sent")
        journal = list(session.exec(select(Delivery).order_by(col(Delivery.id))))
    assert leftovers(folder) == []
    assert len(journal) == len(READERS)
    mail = [path.name for path in (folder / "outbox").glob("*.eml")]
    assert len(mail) <= len(READERS)
    assert len(mail) >= sum(row.state == "sent" for row in journal)


def kill_once(base: Path, folder: Path, dice: random.Random, events: int, seconds: float) -> tuple[str, set[str]]:
    """Kill a child at the story where the dice say; gives the point in words, and what was told as done."""
    shutil.copytree(base, folder)
    by_event = dice.random() < 0.5
    number, delay = dice.randint(1, events), dice.uniform(0, seconds)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        if by_event:
            counted(partial(_die, number))
        _quietly(lambda: story(folder, lambda step: os.write(writing, f"{step}\n".encode())))
    os.close(writing)
    if not by_event:
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reading) as file:
        told = set(file.read().split())
    return (f"event {number} of {events}" if by_event else f"{delay:.3f} s"), told


def _die(number: int, count: int) -> None:
    if count == number:
        os.kill(os.getpid(), signal.SIGKILL)


def _counting(tally: Path, folder: Path) -> None:
    counted(lambda count: tally.write_text(str(count)))
    story(folder)


def counted(at: Callable[[int], Any]) -> None:
    """Call `at` with its number before every commit, sync and rename of this process."""
    count = 0

    def one(*_: Any) -> None:
        nonlocal count
        count += 1
        at(count)

    event.listen(Engine, "commit", one)
    for name in ("fsync", "replace"):
        setattr(os, name, _before(one, getattr(os, name)))


def _before(first: Callable[[], Any], then: Callable[..., Any]) -> Callable[..., Any]:
    def both(*arguments: Any, **options: Any) -> Any:
        first()
        return then(*arguments, **options)

    return both


def in_child(work: Callable[[], object]) -> None:
    """Do work in a process of its own; raises when it fails."""
    child = os.fork()
    if child == 0:
        _quietly(work)
    if os.waitpid(child, 0)[1] != 0:
        raise AssertionError("the run after the kill failed; its traceback is above")


def _quietly(work: Callable[[], object]) -> None:
    try:
        work()
        os._exit(0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)


def torture(kills: int, seed: int, limit: float) -> dict[str, Any]:
    """Kill `kills` times, or until `limit` seconds are over; raises AssertionError at the first fault."""
    dice, began = random.Random(seed), time.monotonic()
    with sources() as address, tempfile.TemporaryDirectory() as place:
        base, calm = made(Path(place) / "base"), Path(place) / "calm"
        feed = {"id": "blog", "kind": "feed", "url": f"{address}/rss/{FEED}.xml", "allow_private": True}
        configure(base, sources=[feed])
        with opened(base) as workspace:
            for reader in READERS:
                workspace.add_subscriber(reader, confirmed=True)
        _skeletons.update(site(base))
        newer()
        shutil.copytree(base, calm)
        story(shutil.copytree(base, Path(place) / "warm"))  # so that what is loaded once is not what is measured
        tally, start = Path(place) / "tally", time.monotonic()
        in_child(partial(_counting, tally, calm))
        seconds, events = time.monotonic() - start, int(tally.read_text())
        whole, stored = site(calm), rows(calm)
        counts = (len(stored["Item"]) - 16, len(stored["Item"]))
        done, points = 0, set()
        while done < kills and time.monotonic() - began < limit:
            folder = Path(place) / f"kill-{done}"
            point, told = kill_once(base, folder, dice, events, seconds)
            try:
                after_the_kill(folder, told, whole, counts)
                in_child(partial(story, folder))
                after_the_resumption(folder, whole, stored)
            except AssertionError as error:
                raise AssertionError(f"seed {seed}, kill {done}, at {point}, after {sorted(told)}: {error}") from error
            shutil.rmtree(folder)
            points.add(len(told))
            done += 1
    return {"kills": done, "events": events, "steps_hit": len(points), "seconds": round(time.monotonic() - began, 1)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--limit", type=float, default=3600.0)
    asked = parser.parse_args()
    print(json.dumps({"seed": asked.seed} | torture(asked.kills, asked.seed, asked.limit)))
