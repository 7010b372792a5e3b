"""Work in another process: values and errors come back, and a hostile piece of work costs only itself."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from digest.errors import ParseError
from digest.ingest.parser_process import ParserPool


@pytest.fixture
async def workers() -> AsyncIterator[ParserPool]:
    async with ParserPool(deadline=20) as running:
        yield running


def double(value: str) -> str:
    print("printing must not disturb the answers")
    return value * 2


def refuse(words: str) -> None:
    raise ParseError(words, "a hint")


def stumble() -> None:
    raise KeyError("a bug")


def recurse(depth: int) -> int:
    return recurse(depth + 1)


def hang() -> None:
    time.sleep(60)


def doze(value: str) -> str:
    time.sleep(0.9)
    return value


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def eat() -> int:
    return len(bytearray(4 << 30))


def secret() -> str:
    return os.environ.get("GEMINI_API_KEY", "")


async def test_values_come_back_for_many_tasks_at_once(workers: ParserPool) -> None:
    texts = [str(n) * 50_000 for n in range(8)]
    assert await asyncio.gather(*(workers.run(double, text) for text in texts)) == [text * 2 for text in texts]


async def test_a_refusal_comes_back_with_message_and_hint(workers: ParserPool) -> None:
    with pytest.raises(ParseError) as caught:
        await workers.run(refuse, "not a feed")
    assert (caught.value.message, caught.value.hint) == ("not a feed", "a hint")


@pytest.mark.parametrize(("work", "words"), [(stumble, "KeyError"), (eat, "MemoryError")])
async def test_what_a_parser_trips_over_is_a_parse_error(workers: ParserPool, work: object, words: str) -> None:
    with pytest.raises(ParseError, match=words):
        await workers.run(work)  # type: ignore[arg-type]


async def test_endless_recursion_is_a_parse_error(workers: ParserPool) -> None:
    with pytest.raises(ParseError, match="RecursionError"):
        await workers.run(recurse, 0)


async def test_a_worker_that_dies_is_replaced(workers: ParserPool) -> None:
    with pytest.raises(ParseError, match="s: the document broke the process"):
        await workers.run(die, subject="s")
    assert await workers.run(double, "a") == "aa"


async def test_a_worker_that_hangs_is_killed_and_replaced() -> None:
    async with ParserPool(deadline=1.5) as workers:
        assert await workers.run(double, "a") == "aa"
        with pytest.raises(ParseError, match=r"more than 1\.5 seconds"):
            await workers.run(hang)
        assert await workers.run(double, "b") == "bb"


@pytest.mark.parametrize("fate", [hang, die])
async def test_what_stood_behind_a_broken_piece_of_work_is_done_all_the_same(fate: Callable[[], None]) -> None:
    async with ParserPool(deadline=1.5) as workers:
        broken, *done = await asyncio.gather(
            workers.run(fate, subject="s"), *(workers.run(double, text) for text in "abc"), return_exceptions=True
        )
    assert isinstance(broken, ParseError)
    assert done == ["aa", "bb", "cc"]


async def test_each_piece_of_work_has_its_own_deadline_though_it_stood_behind_a_slow_one() -> None:
    async with ParserPool(deadline=1.5) as workers:
        await workers.run(double, "started")
        assert await asyncio.gather(*(workers.run(doze, text) for text in "abc")) == ["a", "b", "c"]


async def test_a_cancelled_piece_of_work_leaves_a_worker_that_works(workers: ParserPool) -> None:
    task = asyncio.create_task(workers.run(hang))
    await asyncio.sleep(0.3)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await workers.run(double, "a") == "aa"


async def test_workers_see_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "hush")
    async with ParserPool() as workers:
        assert await workers.run(secret) == ""


def test_the_parser_imports_no_database_and_no_rarely_used_library() -> None:
    """A process starts while the first responses wait for it."""
    code = "import sys, digest.ingest.parser, digest.config.schema; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"sqlalchemy", "feedparser", "pylatexenc", "httpx2", "arxiv"} & set(done.stdout.split())


def test_a_script_without_a_main_guard_does_not_run_again_in_the_child(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import asyncio, operator\n"
        "from digest.ingest.parser_process import ParserPool\n"
        "print('started')\n"
        "async def main():\n"
        "    async with ParserPool() as pool:\n"
        "        print(await pool.run(operator.add, 1, 2))\n"
        "asyncio.run(main())\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == ["started", "3"]
