"""Stages work from a script and from a notebook, where an event loop runs already."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from digest.aio import run_sync
from digest.errors import NotFoundError
from tests.small import rows, workspace, write_jsonl


async def _refused() -> int:
    raise NotFoundError("nothing there", "look elsewhere")


def test_a_file_is_added_where_a_loop_runs_already(tmp_path: Path) -> None:
    async def notebook() -> int:
        with workspace(tmp_path) as made:
            return int(made.add_jsonl(write_jsonl(tmp_path / "in.jsonl", rows())).numbers["new"])

    assert asyncio.run(notebook()) == len(rows())


def test_an_error_comes_back_as_itself_in_both_places() -> None:
    async def notebook() -> None:
        run_sync(_refused())

    with pytest.raises(NotFoundError, match="nothing there"):
        run_sync(_refused())
    with pytest.raises(NotFoundError, match="nothing there"):
        asyncio.run(notebook())
