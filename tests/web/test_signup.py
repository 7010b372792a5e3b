"""The endpoint: a link opened changes nothing, its button does, and guessing is useless."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path

import httpx2
import pytest

from digest.config.schema import MailConfig
from digest.context import Context
from digest.db.subscribers import add_subscriber, load_subscribers
from digest.errors import StoreError
from digest.mail.signup import request_signup, send_confirmations
from digest.web.security import ClientLimit
from digest.web.signup import ConfirmationSender, create_signup_app
from tests.mail.kill_send import NOW, opened


class Listening:
    """A client, the readers it acts on, and what was mailed to them."""

    def __init__(self, context: Context, client: httpx2.AsyncClient, moment: list[float]) -> None:
        self.context, self.client, self.moment = context, client, moment
        with context.db.write() as session:
            self.token = add_subscriber(session, "ada@example.org", NOW).token

    @property
    def state(self) -> str:
        return self.states()["ada@example.org"]

    def states(self) -> dict[str, str]:
        with self.context.db.read() as session:
            return {reader.address: reader.state for reader in load_subscribers(session)}

    def topics(self) -> dict[str, list[str]]:
        with self.context.db.read() as session:
            return {reader.address: reader.topics for reader in load_subscribers(session)}

    async def sign_up(self, address: str, **fields: str | list[str]) -> httpx2.Response:
        return await self.client.post("/subscribe", data={"address": address, **fields})

    def posted(self) -> list[str]:
        """Send what is queued; the texts of all that was ever sent, by recipient."""
        send_confirmations(self.context)
        mails = [message_from_bytes(path.read_bytes()) for path in sorted((self.context.root / "outbox").glob("*.eml"))]
        return [f"{mail['To']} {mail.get_payload(decode=True).decode()}" for mail in mails]  # type: ignore[union-attr]


@pytest.fixture
async def listening(tmp_path: Path) -> AsyncIterator[Listening]:
    moment = [0.0]
    context = opened(tmp_path, MailConfig(unsubscribe_url="https://u.example.org/mail"))
    app = create_signup_app(context, prefix="/mail", clock=lambda: moment[0])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://x") as client:
        yield Listening(context, client, moment)
    context.db.close()


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


async def test_a_part_of_a_link_opens_nothing(listening: Listening) -> None:
    for part in (listening.token[:-1], listening.token[:1], f"{listening.token}x", listening.token.swapcase()):
        assert (await listening.client.post(f"/c/{part}")).status_code == 404
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
    limit = ClientLimit(20, 60, lambda: moment[0])
    for _ in range(25):
        limit.record_event("a")
    assert limit.is_reached("a")
    assert not limit.is_reached("b")
    moment[0] = 61
    assert not limit.is_reached("a")


async def test_who_signs_up_is_asked_by_mail_and_is_a_reader_once_the_button_is_pressed(listening: Listening) -> None:
    page = await listening.client.get("/subscribe")
    assert '<form method="post">' in page.text
    assert 'name="address"' in page.text
    answer = await listening.sign_up("Bob@example.org")
    assert "mailbox" in answer.text
    assert "set-cookie" not in answer.headers
    assert listening.states()["Bob@example.org"] == "pending"
    (text,) = listening.posted()
    link = re.search(r"https://u\.example\.org(/mail/c/\S+)", text)
    assert text.startswith("Bob@example.org")
    assert link is not None
    await listening.client.get(link[1])
    assert listening.states()["Bob@example.org"] == "pending"
    await listening.client.post(link[1])
    assert listening.states()["Bob@example.org"] == "active"


async def test_the_answer_is_the_same_whoever_asks_and_who_left_is_not_written_to(listening: Listening) -> None:
    with listening.context.db.write() as session:
        for state in ("active", "unsubscribed", "bounced"):
            add_subscriber(session, f"{state}@example.org", NOW, state=state)
    before = listening.states()
    answers = []
    for name in ("new", "ada", "ACTIVE", "unsubscribed", "bounced"):
        answers.append(await listening.sign_up(f"{name}@example.org"))
        listening.moment[0] += 300
    assert len({(answer.status_code, answer.text, str(sorted(answer.headers.items()))) for answer in answers}) == 1
    assert sorted(text.split()[0] for text in listening.posted()) == ["ada@example.org", "new@example.org"]
    assert listening.states() == before | {"new@example.org": "pending"}


async def test_asking_again_and_again_sends_one_mail_an_hour_and_five_at_most(listening: Listening) -> None:
    clock = {"now": NOW}
    listening.context = replace(listening.context, clock=lambda: clock["now"])
    sent = []
    for _ in range(12):
        for _ in range(3):
            request_signup(listening.context, "ada@example.org")
        sent.append(len(listening.posted()))
        clock["now"] += timedelta(minutes=40)
    assert sent == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5, 5]


async def test_what_is_no_address_is_told_and_a_field_nobody_sees_stores_nothing(listening: Listening) -> None:
    answer = await listening.sign_up("nobody<script>")
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert "<script>" not in answer.text
    answer = await listening.sign_up("bot@example.org", website="https://spam.example")
    assert answer.status_code == 200
    assert list(listening.states()) == ["ada@example.org"]


async def test_categories_are_offered_asked_for_in_the_mail_and_kept_when_the_button_is_pressed(
    listening: Listening,
) -> None:
    page = await listening.client.get("/subscribe")
    assert re.findall(r'name="topic" value="(\w+)"> (\w+)', page.text) == [("models", "Models"), ("agents", "Agents")]
    await listening.sign_up("bob@example.org", topic=["agents", "gone"])
    (text,) = listening.posted()
    assert "only these sections: Agents." in text
    link = re.search(r"https://u\.example\.org(/mail/c/\S+)", text)
    assert link is not None
    assert "only these sections: Agents." in (await listening.client.get(link[1])).text
    await listening.client.post(link[1])
    assert listening.topics()["bob@example.org"] == ["agents"]


async def test_what_is_asked_for_last_counts_until_it_is_confirmed_and_a_stranger_changes_nothing_then(
    listening: Listening,
) -> None:
    await listening.sign_up("ada@example.org", topic=["models"])
    await listening.sign_up("ada@example.org", topic=["agents"])
    assert listening.topics()["ada@example.org"] == ["agents"]
    await listening.client.post(f"/c/{listening.token}")
    await listening.sign_up("ada@example.org")
    assert listening.topics()["ada@example.org"] == ["agents"]


async def test_a_form_that_comes_back_keeps_what_was_typed(listening: Listening) -> None:
    answer = await listening.sign_up('nobody"<b>', topic=["agents"])
    assert 'value="nobody&quot;&lt;b&gt;"' in answer.text
    assert 'value="agents" checked' in answer.text
    assert 'value="models">' in answer.text


async def test_a_client_may_sign_up_five_addresses_in_ten_minutes(listening: Listening) -> None:
    codes = [(await listening.sign_up(f"a{number}@example.org")).status_code for number in range(6)]
    assert codes == [200] * 5 + [429]
    assert "a5@example.org" not in listening.states()
    listening.moment[0] += 601
    assert (await listening.sign_up("a5@example.org")).status_code == 200


async def test_the_addresses_of_one_ipv6_network_are_one_client(tmp_path: Path) -> None:
    context = opened(tmp_path, MailConfig(unsubscribe_url="https://u.example.org"))
    app = create_signup_app(context, clock=lambda: 0.0)
    codes = []
    for number, host in enumerate([f"2001:db8::{n}" for n in range(6)] + ["2001:db8:0:1::1", "fe80::1%eth0"]):
        transport = httpx2.ASGITransport(app, client=(host, 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
            codes.append((await client.post("/subscribe", data={"address": f"a{number}@example.org"})).status_code)
    context.db.close()
    assert codes == [200] * 5 + [429, 200, 200]


async def test_many_clients_together_fill_no_more_than_the_limit_of_all(tmp_path: Path) -> None:
    context = opened(tmp_path, MailConfig(unsubscribe_url="https://u.example.org"))
    app = create_signup_app(context, clock=lambda: 0.0)
    codes = []
    for number in range(62):
        transport = httpx2.ASGITransport(app, client=(f"192.0.2.{number}", 1))
        async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
            codes.append((await client.post("/subscribe", data={"address": f"a{number}@example.org"})).status_code)
    context.db.close()
    assert codes == [200] * 60 + [429] * 2


def test_the_postman_sends_when_woken_and_survives_a_full_disk() -> None:
    calls, done = list[int](), threading.Event()

    def post() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise StoreError("disk is full")
        done.set()

    with ConfirmationSender(post, interval=600) as postman:
        while not calls:
            time.sleep(0.001)
        postman.wake()
        assert done.wait(10)
    assert not [thread for thread in threading.enumerate() if thread.name == "postman"]
