"""Double opt-in: a pending reader gets one mail, through crashes and refusals, and more only when it is asked for."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from digest.config import Mail
from digest.errors import ConfigError, DeliveryError, Refused
from digest.models import Confirmation, Lease
from digest.pipeline import confirming
from digest.pipeline import readers as list_of
from digest.pipeline.context import Context
from digest.store import confirmations, readers
from tests.mail.server import Faulty, always, serving
from tests.pipeline.mailbench import NOW, opened
from tests.pipeline.test_send import Hands
from tests.pipeline.workbench import Clock

MAIL = Mail(unsubscribe_url="https://u.example.org")


def ready(root: Path, hands: Hands, *names: str) -> tuple[Context, Clock]:
    """Pending readers whom nobody asked yet, and a clock to move."""
    clock = Clock(NOW)
    context = opened(root, MAIL, make_transport=lambda: hands, clock=clock)
    with context.db.write() as session:
        for name in names:
            readers.subscribe(session, f"{name}@example.org", NOW)
    return context, clock


def states(context: Context) -> dict[str, str]:
    with context.db.read() as session:
        found = {reader.id: reader.address.partition("@")[0] for reader in readers.everyone(session)}
        rows = [session.get(Confirmation, number) for number in found]
    return {found[row.subscriber_id]: row.state for row in rows if row}


def test_all_who_were_never_asked_are_mailed_once_their_number_is_said(tmp_path: Path) -> None:
    hands = Hands()
    context, _ = ready(tmp_path, hands, "ada", "bob")
    assert "--expect 2" in confirming.ask(context).line
    with pytest.raises(Refused, match="2 readers"):
        confirming.ask(context, expect=3)
    assert hands.messages == []
    assert confirming.ask(context, expect=2).numbers == {"sent": 2}
    assert confirming.ask(context, expect=0).numbers == {}
    assert hands.to == ["ada", "bob"]


def test_a_reader_who_is_named_is_asked_once_more_and_a_settled_one_never(tmp_path: Path) -> None:
    hands = Hands()
    context, _ = ready(tmp_path, hands, "ada")
    confirming.ask(context, ["ada@example.org"])
    confirming.ask(context, ["ADA@example.org"])
    assert hands.to == ["ada", "ada"]
    assert hands.messages[0].message_id != hands.messages[1].message_id
    list_of.remove(context, ["ada@example.org"])
    with pytest.raises(Refused, match=r"ada@example\.org is unsubscribed"):
        confirming.ask(context, ["ada@example.org"])


def test_without_an_endpoint_nobody_can_be_asked(tmp_path: Path) -> None:
    context = opened(tmp_path)
    assert "--ask" in list_of.add(context, "ada@example.org").line
    with pytest.raises(ConfigError, match="unsubscribe_url"):
        confirming.ask(context, ["ada@example.org"])


def test_adding_a_reader_twice_asks_them_once(tmp_path: Path) -> None:
    hands = Hands()
    context, _ = ready(tmp_path, hands)
    assert "1 sent" in list_of.add(context, "ada@example.org").line
    list_of.add(context, "ada@example.org")
    list_of.add(context, "bob@example.org", confirmed=True)
    assert hands.to == ["ada"]


def test_failures_are_told_apart_and_what_was_put_off_is_tried_again_later(tmp_path: Path) -> None:
    hands = Hands(
        ada=DeliveryError("busy", temporary=True), bob=DeliveryError("no such user"),
        cid=DeliveryError("no answer", in_doubt=True),
    )  # fmt: skip
    context, clock = ready(tmp_path, hands, "ada", "bob", "cid", "dan")
    assert confirming.ask(context, expect=4).state == "partial"
    assert states(context) == {"ada": "deferred", "bob": "failed", "cid": "unknown", "dan": "sent"}
    hands.failures.clear()
    confirming.post(context)
    assert hands.to == ["dan"]
    clock.forward(minutes=16)
    confirming.post(context)
    assert hands.to == ["dan", "ada"]


def test_what_is_put_off_for_a_day_has_failed(tmp_path: Path) -> None:
    context, clock = ready(tmp_path, Hands(ada=DeliveryError("busy", temporary=True)), "ada")
    confirming.ask(context, expect=1)
    for _ in range(5):
        clock.forward(hours=9)
        assert states(context) == {"ada": "deferred"}
        confirming.post(context)
    assert states(context) == {"ada": "failed"}


def test_a_crash_while_it_was_handed_over_leaves_doubt_and_no_second_mail(tmp_path: Path) -> None:
    context, _ = ready(tmp_path, Hands(ada=KeyboardInterrupt()), "ada")
    with pytest.raises(KeyboardInterrupt):
        confirming.ask(context, expect=1)
    assert states(context) == {"ada": "sending"}
    hands = Hands()
    again, clock = ready(tmp_path, hands)
    confirming.post(again)
    assert states(again) == {"ada": "unknown"}
    clock.forward(minutes=61)
    confirming.sign_up(again, "ada@example.org")  # who asks once more wants one more
    confirming.post(again)
    assert hands.to == ["ada"]


def test_who_confirms_or_leaves_before_it_goes_out_is_not_written_to(tmp_path: Path) -> None:
    hands = Hands()
    context, _ = ready(tmp_path, hands)
    confirming.sign_up(context, "ada@example.org")
    list_of.remove(context, ["ada@example.org"])
    confirming.post(context)
    assert hands.to == []
    assert states(context) == {"ada": "skipped"}


def test_a_second_process_leaves_it_to_the_first(tmp_path: Path) -> None:
    hands = Hands()
    context, _ = ready(tmp_path, hands, "ada")
    with context.db.write() as session:
        session.merge(Lease(name="confirm", holder="elsewhere/1", expires=NOW + timedelta(hours=1)))
    assert "another process" in confirming.ask(context, expect=1).line
    assert states(context) == {"ada": "queued"}
    assert hands.to == []


def test_a_server_that_takes_nothing_stops_the_round(tmp_path: Path) -> None:
    with serving(Faulty(MAIL=always("553 not your address"))) as mail:
        context = opened(tmp_path, mail.model_copy(update={"unsubscribe_url": "https://u.example.org"}))
        for name in ("ada", "bob"):
            confirming.sign_up(context, f"{name}@example.org")
        confirming.post(context)
    assert states(context) == {"ada": "deferred", "bob": "queued"}


def test_a_bounce_of_the_mail_takes_the_reader_out(tmp_path: Path) -> None:
    hands = Hands()
    context, _ = ready(tmp_path, hands, "ada")
    confirming.ask(context, expect=1)
    with context.db.read() as session:
        found = confirmations.reader_of(session, hands.messages[0].message_id)
        assert confirmations.reader_of(session, "<>") is None
    assert found is not None
    assert found.address == "ada@example.org"


def test_who_was_asked_and_has_not_answered_in_thirty_days_is_forgotten_and_nobody_else(tmp_path: Path) -> None:
    context, clock = ready(tmp_path, Hands(), "ada", "bob", "cid")
    confirming.ask(context, [f"{name}@example.org" for name in ("ada", "bob", "cid")])
    list_of.confirm(context, ["bob@example.org"])
    list_of.remove(context, ["cid@example.org"])
    list_of.load(context, listed(tmp_path, "never-asked@example.org"))
    clock.forward(days=29)
    confirming.post(context)
    assert len(people(context)) == 4
    clock.forward(days=2)
    confirming.post(context)
    assert people(context) == {
        "bob@example.org": "active", "cid@example.org": "unsubscribed", "never-asked@example.org": "pending"
    }  # fmt: skip


def test_who_is_forgotten_may_ask_again_and_is_asked_again(tmp_path: Path) -> None:
    hands = Hands()
    context, clock = ready(tmp_path, hands)
    for _ in range(2):
        confirming.sign_up(context, "ada@example.org")
        confirming.post(context)
        clock.forward(days=31)
        confirming.post(context)
        assert people(context) == {}
    assert hands.to == ["ada", "ada"]


def listed(root: Path, address: str) -> Path:
    (root / "list.csv").write_text(f"email\n{address}\n")
    return root / "list.csv"


def people(context: Context) -> dict[str, str]:
    with context.db.read() as session:
        return {reader.address: reader.state for reader in readers.everyone(session)}
