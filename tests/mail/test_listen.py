"""The endpoint: a link opened changes nothing, its button does, and guessing is useless."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from digest.desk.listen import Guesses, application
from digest.store import readers
from digest.store.database import Database
from tests.pipeline.workbench import NOW, config


class Listening:
    """A client, and the readers it acts on."""

    def __init__(self, db: Database, client: httpx.AsyncClient) -> None:
        self.db, self.client = db, client
        with db.write() as session:
            self.token = readers.subscribe(session, "ada@example.org", NOW).token

    @property
    def state(self) -> str:
        with self.db.read() as session:
            return readers.everyone(session)[0].state


@pytest.fixture
async def listening(tmp_path: Path) -> AsyncIterator[Listening]:
    db, moment = Database(tmp_path / "digest.db"), [0.0]
    app = application(db, config([]).newsletter, lambda: NOW, prefix="/mail", guesses=Guesses(lambda: moment[0]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        yield Listening(db, client)
    db.close()


async def test_opening_a_link_asks_and_changes_nothing(listening: Listening) -> None:
    for letter in "cu":
        answer = await listening.client.get(f"/{letter}/{listening.token}")
        assert answer.status_code == 200
        assert "<button>" in answer.text
        assert "ada@" not in answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
    assert listening.state == "pending"


async def test_the_button_confirms_and_one_click_leaves_for_good(listening: Listening) -> None:
    await listening.client.post(f"/mail/c/{listening.token}")
    assert listening.state == "active"
    answer = await listening.client.post(f"/u/{listening.token}", data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert listening.state == "unsubscribed"
    await listening.client.post(f"/u/{listening.token}")
    await listening.client.post(f"/c/{listening.token}")
    assert listening.state == "unsubscribed"


async def test_wrong_links_are_told_apart_and_guessing_is_stopped(listening: Listening) -> None:
    for _ in range(20):
        assert (await listening.client.post("/u/wrong")).status_code == 404
    answer = await listening.client.post(f"/u/{listening.token}")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "60"
    assert listening.state == "pending"


async def test_right_links_are_never_counted(listening: Listening) -> None:
    answers = [await listening.client.post(f"/u/{listening.token}") for _ in range(50)]
    assert {answer.status_code for answer in answers} == {200}


async def test_a_large_body_is_refused_before_anything_is_done(listening: Listening) -> None:
    answer = await listening.client.post(f"/u/{listening.token}", content=b"x" * 5000)
    assert answer.status_code == 413
    assert listening.state == "pending"


def test_the_memory_of_wrong_links_fades() -> None:
    moment = [0.0]
    guesses = Guesses(lambda: moment[0])
    for _ in range(25):
        guesses.wrong("a")
    assert guesses.too_many("a")
    assert not guesses.too_many("b")
    moment[0] = 61
    assert not guesses.too_many("a")
