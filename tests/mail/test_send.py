"""Mailing an issue: at most once to each reader, whatever happens on the way, and never more than was said."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from digest.config.schema import MailConfig
from digest.context import Context
from digest.db.deliveries import count_deliveries
from digest.db.locks import hold_lock
from digest.db.subscribers import load_subscribers
from digest.errors import CheckFailedError, ConfigError, DeliveryError, StoreError
from digest.mail.exporters import preview_mail
from digest.mail.send import send_issue, send_test_message
from digest.mail.signup import request_signup
from digest.mail.subscribers import remove_subscribers, set_subscriber_topics, subscribe_address
from digest.protocols import Message
from tests.mail.kill_send import NOW, PERIOD, killed, opened, publish, renamed
from tests.mail.server import Faulty, always, serving


class Hands:
    """A transport that keeps what it is handed, and fails for whom it is told to."""

    def __init__(self, **failures: DeliveryError | BaseException) -> None:
        self.failures = failures
        self.messages: list[Message] = []

    def send(self, message: Message) -> str:
        failure = self.failures.get(message.recipient.partition("@")[0])
        if failure is not None:
            raise failure
        self.messages.append(message)
        return "ok"

    def close(self) -> None:
        """Nothing is held."""

    @property
    def to(self) -> list[str]:
        return [message.recipient.partition("@")[0] for message in self.messages]


def ready(root: Path, count: int = 3, hands: Hands | None = None) -> tuple[Context, Hands]:
    publish(root, count)
    hands = hands or Hands()
    return opened(root, make_transport=lambda: hands), hands


def states(context: Context) -> dict[str, int]:
    with context.db.read() as session:
        return count_deliveries(session, 1)


def test_without_yes_nothing_leaves_and_the_number_is_said(tmp_path: Path) -> None:
    context, hands = ready(tmp_path)
    report = send_issue(context, PERIOD)
    assert report.numbers == {"readers": 3, "sent": 0}
    assert "--expect 3" in report.line
    assert hands.messages == []
    assert states(context) == {}


def test_a_wrong_number_is_refused_before_anything_leaves(tmp_path: Path) -> None:
    context, hands = ready(tmp_path)
    with pytest.raises(CheckFailedError, match="3 readers would be mailed, not 4"):
        send_issue(context, PERIOD, is_confirmed=True, expected_count=4)
    assert hands.messages == []


def test_each_reader_gets_one_message_and_a_second_run_sends_none(tmp_path: Path) -> None:
    context, hands = ready(tmp_path)
    assert send_issue(context, PERIOD, is_confirmed=True, expected_count=3).numbers == {"sent": 3}
    assert send_issue(context, PERIOD, is_confirmed=True, expected_count=0).numbers == {"sent": 0}
    assert sorted(hands.to) == ["reader0", "reader1", "reader2"]


def test_a_reader_who_came_later_gets_it_too_and_nobody_else_again(tmp_path: Path) -> None:
    context, hands = ready(tmp_path, 1)
    send_issue(context, PERIOD, is_confirmed=True)
    subscribe_address(context, "late@example.org", is_confirmed=True)
    send_issue(context, PERIOD, is_confirmed=True, expected_count=1)
    assert hands.to == ["reader0", "late"]


def test_only_a_published_issue_is_mailed(tmp_path: Path) -> None:
    context, _ = ready(tmp_path)
    with context.db.write() as session:
        from digest.db.issues import get_issue

        issue = get_issue(session, PERIOD.name)
        issue.state = "approved"
        session.add(issue)
    with pytest.raises(CheckFailedError):
        send_issue(context, PERIOD, is_confirmed=True)
    with pytest.raises(CheckFailedError):
        send_test_message(context, PERIOD, "me@example.org")


def test_failures_are_told_apart_and_only_what_is_safe_is_tried_again(tmp_path: Path) -> None:
    hands = Hands(
        reader0=DeliveryError("busy", is_temporary=True),
        reader1=DeliveryError("no such user"),
        reader2=DeliveryError("no answer", is_outcome_unknown=True),
    )
    context, _ = ready(tmp_path, 4, hands)
    report = send_issue(context, PERIOD, is_confirmed=True)
    assert report.state == "partial"
    assert states(context) == {"deferred": 1, "failed": 1, "unknown": 1, "sent": 1}
    hands.failures.clear()
    assert send_issue(context, PERIOD, is_confirmed=True, expected_count=1).numbers == {"sent": 1}
    assert sorted(hands.to) == ["reader0", "reader3"]


def test_what_is_in_doubt_is_shown_and_sent_again_only_when_named(tmp_path: Path) -> None:
    hands = Hands(reader1=DeliveryError("no answer", is_outcome_unknown=True))
    context, _ = ready(tmp_path, 2, hands)
    send_issue(context, PERIOD, is_confirmed=True)
    hands.failures.clear()
    assert any(
        "reader1@example.org: unknown: no answer" in line
        for line in send_issue(context, PERIOD, is_confirmed=True).problems
    )
    assert hands.to == ["reader0"]
    with pytest.raises(CheckFailedError, match="1 readers"):
        send_issue(context, PERIOD, is_confirmed=True, retry_addresses=["Reader1@example.org"], expected_count=9)
    assert send_issue(context, PERIOD, is_confirmed=True).numbers == {"sent": 0}
    send_issue(context, PERIOD, is_confirmed=True, retry_addresses=["Reader1@example.org"], expected_count=1)
    assert hands.to == ["reader0", "reader1"]
    with pytest.raises(ConfigError, match="reader0"):
        send_issue(context, PERIOD, is_confirmed=True, retry_addresses=["reader0@example.org"])


def test_a_repeated_message_has_the_same_bytes_on_another_day(tmp_path: Path) -> None:
    offered: list[Message] = []

    class Watched(Hands):
        def send(self, message: Message) -> str:
            offered.append(message)
            return super().send(message)

    hands = Watched(reader0=DeliveryError("no answer", is_outcome_unknown=True))
    context, _ = ready(tmp_path, 1, hands)
    send_issue(context, PERIOD, is_confirmed=True)
    hands.failures.clear()
    later = opened(tmp_path, make_transport=lambda: hands, clock=lambda: NOW + timedelta(days=2))
    send_issue(later, PERIOD, is_confirmed=True, retry_addresses=["reader0@example.org"])
    assert offered[0].raw == offered[1].raw


def test_a_server_that_takes_nothing_stops_the_run_at_once_and_the_rest_stays_queued(tmp_path: Path) -> None:
    faulty = Faulty(MAIL=always("553 not your address"))
    with serving(faulty) as mail:
        publish(tmp_path, 30)
        context = opened(tmp_path, mail)
        report = send_issue(context, PERIOD, is_confirmed=True)
    assert report.state == "partial"
    assert "stopped" in report.problems[0]
    assert states(context) == {"deferred": 1, "queued": 29}


def test_ten_refusals_in_a_row_stop_the_run(tmp_path: Path) -> None:
    with serving(Faulty(RCPT=always("550 5.7.1 blocked"))) as mail:
        publish(tmp_path, 30)
        context = opened(tmp_path, mail)
        send_issue(context, PERIOD, is_confirmed=True)
    assert states(context) == {"failed": 10, "queued": 20}


def test_who_leaves_while_the_issue_goes_out_is_not_written_to(tmp_path: Path) -> None:
    context, _ = ready(tmp_path, 3)

    class Leaving(Hands):
        def send(self, message: Message) -> str:
            remove_subscribers(context, ["reader2@example.org"])
            return super().send(message)

    leaving = Leaving()
    send_issue(opened(tmp_path, make_transport=lambda: leaving), PERIOD, is_confirmed=True)
    assert leaving.to == ["reader0", "reader1"]
    assert states(context) == {"sent": 2, "skipped": 1}


def test_a_reader_gets_the_sections_they_follow_and_nothing_when_there_are_none(tmp_path: Path) -> None:
    context, hands = ready(tmp_path, 2)
    set_subscriber_topics(context, "reader0@example.org", ["agents"])
    set_subscriber_topics(context, "reader1@example.org", ["models"])
    assert send_issue(context, PERIOD, is_confirmed=True, expected_count=1).numbers == {"sent": 1}
    assert hands.to == ["reader1"]
    assert states(context) == {"sent": 1, "skipped": 1}


def test_a_category_that_was_renamed_keeps_its_readers(tmp_path: Path) -> None:
    context, hands = ready(tmp_path, 2)
    set_subscriber_topics(context, "reader0@example.org", ["models"])  # the issue, too, was made before
    context = replace(context, config=renamed(context.config))
    set_subscriber_topics(context, "reader1@example.org", ["systems"])
    send_issue(context, PERIOD, is_confirmed=True, expected_count=2)
    assert sorted(hands.to) == ["reader0", "reader1"]


def test_sending_deletes_subscribers_who_did_not_confirm_for_a_month(tmp_path: Path) -> None:
    context, hands = ready(tmp_path, 1)
    request_signup(context, "stranger@example.org")
    assert "deleted" not in send_issue(context, PERIOD, is_confirmed=True).line
    later = replace(context, clock=lambda: NOW + timedelta(days=31))
    assert "1 deleted" in send_issue(later, PERIOD, is_confirmed=True).line
    assert hands.to == ["reader0"]
    assert "1 forgotten" not in send_issue(later, PERIOD, is_confirmed=True).line


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    context, hands = ready(tmp_path)
    with hold_lock(context.db, "send"), pytest.raises(CheckFailedError, match="another"):
        send_issue(context, PERIOD, is_confirmed=True)
    assert hands.messages == []


def limited(context: Context, room: int) -> None:
    """From now on the database may grow by so many pages only: what SQLite meets on a full disk."""
    with closing(sqlite3.connect(context.db.path)) as raw:
        pages = raw.execute("PRAGMA page_count").fetchone()[0]

    @event.listens_for(context.db._engine, "begin")  # not "connect": a connection may be at hand already
    def limit(connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + room}")


@pytest.mark.sqlite
def test_a_full_disk_stops_before_anything_is_handed_over(tmp_path: Path) -> None:
    context, hands = ready(tmp_path, 400)
    limited(context, 1)
    with pytest.raises(StoreError, match="full"):
        send_issue(context, PERIOD, is_confirmed=True)
    assert hands.messages == []
    assert states(opened(tmp_path)) == {}


@pytest.mark.sqlite
def test_a_disk_that_fills_on_the_way_leaves_one_in_doubt_and_nobody_gets_two(tmp_path: Path) -> None:
    context, hands = ready(tmp_path, 400)
    words = "250 " + "x" * 400

    class Filling(Hands):
        def send(self, message: Message) -> str:
            if len(self.messages) == 20:
                limited(context, 0)
            if len(self.messages) > 20:
                raise DeliveryError(words)  # a reason to keep, which takes room
            return super().send(message)

    filling = Filling()
    with pytest.raises(StoreError, match="full"):
        send_issue(replace(context, make_transport=lambda: filling), PERIOD, is_confirmed=True)
    again = opened(tmp_path, make_transport=lambda: hands)
    send_issue(again, PERIOD, is_confirmed=True)
    found = states(again)
    assert found.get("unknown", 0) <= 1
    got = Counter(filling.to + hands.to)
    assert max(got.values()) == 1
    assert len(got) == 400 - found.get("unknown", 0) - found.get("failed", 0)


def test_a_test_is_marked_and_leaves_no_trace_in_the_journal(tmp_path: Path) -> None:
    context, hands = ready(tmp_path)
    send_test_message(context, PERIOD, "me@example.org")
    message = message_from_bytes(hands.messages[0].raw, policy=policy.default)
    assert message["Subject"] == "[Test] Test: February 2026"
    assert message["To"] == "me@example.org"
    assert states(context) == {}


def test_a_preview_is_written_with_both_parts(tmp_path: Path) -> None:
    context, _ = ready(tmp_path)
    report = preview_mail(context, PERIOD)
    assert "Work 1" in Path(report.numbers["html"]).read_text()
    assert "Work 2" in Path(report.numbers["text"]).read_text()


@pytest.mark.slow
def test_nobody_gets_two_through_kills_and_all_but_the_in_doubt_get_one(tmp_path: Path) -> None:
    told = killed(tmp_path, readers=150, kills=2, seed=7)
    assert told["two"] == 0
    assert told["without"] <= told["unknown"] <= 2


def test_the_mail_section_of_the_settings_is_what_is_used(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    send_issue(opened(tmp_path, MailConfig(sender="Ana <a@x.org>", reply_to="r@x.org")), PERIOD, is_confirmed=True)
    message = message_from_bytes(next((tmp_path / "outbox").glob("*.eml")).read_bytes(), policy=policy.default)
    assert (message["From"], message["Reply-To"]) == ("Ana <a@x.org>", "r@x.org")


def test_an_address_that_the_server_says_is_gone_is_not_asked_for_again(tmp_path: Path) -> None:
    """The next issue goes to the others, and eleven such addresses in a row are no fault of the server."""
    publish(tmp_path, 13)
    server = Faulty(RCPT=lambda n: None if n > 11 else "550 5.1.1 The email account does not exist")
    with serving(server) as mail:
        context = opened(tmp_path, mail)
        told = send_issue(context, PERIOD, is_confirmed=True)
    assert (told.numbers["failed"], told.numbers["sent"]) == (11, 2)
    with context.db.read() as session:
        assert Counter(reader.state for reader in load_subscribers(session)) == {"bounced": 11, "active": 2}


def test_a_refusal_about_something_else_costs_no_reader(tmp_path: Path) -> None:
    publish(tmp_path, 2)
    with serving(Faulty(RCPT=always("550 5.7.1 blocked: your host is on a block list"))) as mail:
        context = opened(tmp_path, mail)
        send_issue(context, PERIOD, is_confirmed=True)
    with context.db.read() as session:
        assert [reader.state for reader in load_subscribers(session)] == ["active", "active"]
