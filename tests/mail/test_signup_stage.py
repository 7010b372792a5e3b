"""Double opt-in: a pending reader gets one mail, through crashes and refusals, and more only when it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.config.schema import MailConfig
from digest.context import Context
from digest.db.deliveries import find_subscriber_of_confirmation
from digest.db.locks import hold_lock
from digest.db.subscribers import add_subscriber, load_subscribers
from digest.errors import CheckFailedError, ConfigError, DeliveryError
from digest.mail.signup import request_confirmations, request_signup, send_confirmations
from digest.mail.subscribers import confirm_subscribers, import_subscribers, remove_subscribers, subscribe_address
from digest.models.subscribers import Confirmation
from tests.mail.kill_send import NOW, opened
from tests.mail.server import Faulty, always, serving
from tests.mail.test_send import Hands
from tests.workbench import Clock

MAIL = MailConfig(unsubscribe_url="https://u.example.org")


def ready(root: Path, hands: Hands, *names: str) -> tuple[Context, Clock]:
    """Pending readers whom nobody asked yet, and a clock to move."""
    clock = Clock(NOW)
    context = opened(root, MAIL, make_transport=lambda: hands, clock=clock)
    with context.db.write() as session:
        for name in names:
            add_subscriber(session, f"{name}@example.org", NOW)
    return context, clock


def states(context: Context) -> dict[str, str]:
    with context.db.read() as session:
        found = {reader.id: reader.address.partition("@")[0] for reader in load_subscribers(session)}
        rows = [session.get(Confirmation, number) for number in found]
    return {found[row.subscriber_id]: row.state for row in rows if row}


def test_all_who_were_never_asked_are_mailed_once_their_number_is_said(tmp_path: Path) -> None:
    hands = Hands()
    context, _ = ready(tmp_path, hands, "ada", "bob")
    assert "--expect 2" in request_confirmations(context).line
    with pytest.raises(CheckFailedError, match="2 readers"):
        request_confirmations(context, expected_count=3)
    assert hands.messages == []
    assert request_confirmations(context, expected_count=2).numbers == {"sent": 2}
    assert request_confirmations(context, expected_count=0).numbers == {}
    assert hands.to == ["ada", "bob"]


def test_a_reader_who_is_named_is_asked_once_more_and_a_settled_one_never(tmp_path: Path) -> None:
    hands = Hands()
    context, _ = ready(tmp_path, hands, "ada")
    request_confirmations(context, ["ada@example.org"])
    request_confirmations(context, ["ADA@example.org"])
    assert hands.to == ["ada", "ada"]
    assert hands.messages[0].message_id != hands.messages[1].message_id
    remove_subscribers(context, ["ada@example.org"])
    with pytest.raises(CheckFailedError, match=r"ada@example\.org is unsubscribed"):
        request_confirmations(context, ["ada@example.org"])


def test_without_an_endpoint_nobody_can_be_asked(tmp_path: Path) -> None:
    context = opened(tmp_path)
    assert "--ask" in subscribe_address(context, "ada@example.org").line
    with pytest.raises(ConfigError, match="unsubscribe_url"):
        request_confirmations(context, ["ada@example.org"])


def test_adding_a_reader_twice_asks_them_once(tmp_path: Path) -> None:
    hands = Hands()
    context, _ = ready(tmp_path, hands)
    assert "1 sent" in subscribe_address(context, "ada@example.org").line
    subscribe_address(context, "ada@example.org")
    subscribe_address(context, "bob@example.org", is_confirmed=True)
    assert hands.to == ["ada"]


def test_failures_are_told_apart_and_what_was_put_off_is_tried_again_later(tmp_path: Path) -> None:
    hands = Hands(
        ada=DeliveryError("busy", is_temporary=True), bob=DeliveryError("no such user"),
        cid=DeliveryError("no answer", is_outcome_unknown=True),
    )  # fmt: skip
    context, clock = ready(tmp_path, hands, "ada", "bob", "cid", "dan")
    assert request_confirmations(context, expected_count=4).state == "partial"
    assert states(context) == {"ada": "deferred", "bob": "failed", "cid": "unknown", "dan": "sent"}
    hands.failures.clear()
    send_confirmations(context)
    assert hands.to == ["dan"]
    clock.forward(minutes=16)
    send_confirmations(context)
    assert hands.to == ["dan", "ada"]


def test_what_is_put_off_for_a_day_has_failed(tmp_path: Path) -> None:
    context, clock = ready(tmp_path, Hands(ada=DeliveryError("busy", is_temporary=True)), "ada")
    request_confirmations(context, expected_count=1)
    for _ in range(5):
        clock.forward(hours=9)
        assert states(context) == {"ada": "deferred"}
        send_confirmations(context)
    assert states(context) == {"ada": "failed"}


def test_a_crash_while_it_was_handed_over_leaves_doubt_and_no_second_mail(tmp_path: Path) -> None:
    context, _ = ready(tmp_path, Hands(ada=KeyboardInterrupt()), "ada")
    with pytest.raises(KeyboardInterrupt):
        request_confirmations(context, expected_count=1)
    assert states(context) == {"ada": "sending"}
    hands = Hands()
    again, clock = ready(tmp_path, hands)
    send_confirmations(again)
    assert states(again) == {"ada": "unknown"}
    clock.forward(minutes=61)
    request_signup(again, "ada@example.org")  # who asks once more wants one more
    send_confirmations(again)
    assert hands.to == ["ada"]


def test_who_confirms_or_leaves_before_it_goes_out_is_not_written_to(tmp_path: Path) -> None:
    hands = Hands()
    context, _ = ready(tmp_path, hands)
    request_signup(context, "ada@example.org")
    remove_subscribers(context, ["ada@example.org"])
    send_confirmations(context)
    assert hands.to == []
    assert states(context) == {"ada": "skipped"}


def test_a_second_process_leaves_it_to_the_first(tmp_path: Path) -> None:
    hands = Hands()
    context, _ = ready(tmp_path, hands, "ada")
    with hold_lock(context.db, "confirm"):
        assert "another process" in request_confirmations(context, expected_count=1).line
    assert states(context) == {"ada": "queued"}
    assert hands.to == []


def test_a_server_that_takes_nothing_stops_the_round(tmp_path: Path) -> None:
    with serving(Faulty(MAIL=always("553 not your address"))) as mail:
        context = opened(tmp_path, mail.model_copy(update={"unsubscribe_url": "https://u.example.org"}))
        for name in ("ada", "bob"):
            request_signup(context, f"{name}@example.org")
        send_confirmations(context)
    assert states(context) == {"ada": "deferred", "bob": "queued"}


def test_a_bounce_of_the_mail_takes_the_reader_out(tmp_path: Path) -> None:
    hands = Hands()
    context, _ = ready(tmp_path, hands, "ada")
    request_confirmations(context, expected_count=1)
    with context.db.read() as session:
        found = find_subscriber_of_confirmation(session, hands.messages[0].message_id)
        assert find_subscriber_of_confirmation(session, "<>") is None
    assert found is not None
    assert found.address == "ada@example.org"


def test_who_was_asked_and_has_not_answered_in_thirty_days_is_forgotten_and_nobody_else(tmp_path: Path) -> None:
    context, clock = ready(tmp_path, Hands(), "ada", "bob", "cid")
    request_confirmations(context, [f"{name}@example.org" for name in ("ada", "bob", "cid")])
    confirm_subscribers(context, ["bob@example.org"])
    remove_subscribers(context, ["cid@example.org"])
    import_subscribers(context, listed(tmp_path, "never-asked@example.org"))
    clock.forward(days=29)
    send_confirmations(context)
    assert len(people(context)) == 4
    clock.forward(days=2)
    send_confirmations(context)
    assert people(context) == {
        "bob@example.org": "active", "cid@example.org": "unsubscribed", "never-asked@example.org": "pending"
    }  # fmt: skip


def test_who_is_forgotten_may_ask_again_and_is_asked_again(tmp_path: Path) -> None:
    hands = Hands()
    context, clock = ready(tmp_path, hands)
    for _ in range(2):
        request_signup(context, "ada@example.org")
        send_confirmations(context)
        clock.forward(days=31)
        send_confirmations(context)
        assert people(context) == {}
    assert hands.to == ["ada", "ada"]


def listed(root: Path, address: str) -> Path:
    (root / "list.csv").write_text(f"email\n{address}\n")
    return root / "list.csv"


def people(context: Context) -> dict[str, str]:
    with context.db.read() as session:
        return {reader.address: reader.state for reader in load_subscribers(session)}
