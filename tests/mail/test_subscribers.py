"""The list of readers: one entry for each address, and who once left stays left."""

from __future__ import annotations

import mailbox
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.config.schema import MailConfig
from digest.context import Context
from digest.db.subscribers import find_subscriber_by_token, load_subscribers
from digest.errors import ConfigError, NotFoundError
from digest.mail.send import send_issue
from digest.mail.subscriber_csv import format_subscriber_csv
from digest.mail.subscribers import (
    confirm_subscribers,
    export_subscribers,
    import_subscribers,
    process_bounces,
    remove_subscribers,
    subscribe_address,
)
from tests.mail.kill_send import PERIOD, opened, publish, renamed
from tests.mail.test_bounces import complaint, report


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return opened(tmp_path)


def states(context: Context) -> dict[str, str]:
    with context.db.read() as session:
        return {reader.address: reader.state for reader in load_subscribers(session)}


def imported(context: Context, text: str, *, confirmed: bool = True) -> dict[str, str]:
    (context.root / "list.csv").write_bytes(text.encode())
    import_subscribers(context, context.root / "list.csv", is_confirmed=confirmed)
    return states(context)


def test_a_new_reader_is_pending_until_they_or_the_editor_say_yes(context: Context) -> None:
    subscribe_address(context, "Ada@Example.org")
    assert states(context) == {"Ada@example.org": "pending"}
    confirm_subscribers(context, ["ada@example.org"])
    assert states(context) == {"Ada@example.org": "active"}


def test_one_address_is_one_reader_however_it_is_spelled(context: Context) -> None:
    for address in ("ada@example.org", "ADA@example.org", "ada@EXAMPLE.org.", " ada@example.org"):
        subscribe_address(context, address, is_confirmed=True)
    assert len(states(context)) == 1


def test_a_reader_is_asked_by_mail_where_an_endpoint_takes_the_answer(tmp_path: Path) -> None:
    context = opened(tmp_path, MailConfig(unsubscribe_url="https://u.example.org/x"))
    subscribe_address(context, "ada@example.org")
    raw = next((tmp_path / "outbox").glob("*.eml")).read_bytes()
    message = message_from_bytes(raw, policy=policy.default)
    with context.db.read() as session:
        token = load_subscribers(session)[0].token
    assert message["To"] == "ada@example.org"
    assert f"https://u.example.org/x/c/{token}" in message.get_content()


def test_who_left_stays_left_through_every_way_of_adding(context: Context) -> None:
    subscribe_address(context, "ada@example.org", is_confirmed=True)
    remove_subscribers(context, ["ada@example.org"])
    subscribe_address(context, "ada@example.org", is_confirmed=True)
    assert imported(context, "email,state\nada@example.org,active\n") == {"ada@example.org": "unsubscribed"}
    confirm_subscribers(context, ["ada@example.org"])
    assert states(context) == {"ada@example.org": "active"}


def test_a_suppression_on_an_imported_list_is_taken_over(context: Context) -> None:
    subscribe_address(context, "ada@example.org", is_confirmed=True)
    assert imported(context, "email,state\nada@example.org,bounced\n") == {"ada@example.org": "bounced"}


def test_lists_as_people_have_them_are_read(context: Context) -> None:
    found = imported(context, "\ufeffName;E-Mail;Topics\nAda;ada@example.org;models agents\n")
    assert found == {"ada@example.org": "active"}
    found = imported(context, "bob@example.org\ncid@example.org\n", confirmed=False)
    assert found == {"ada@example.org": "active", "bob@example.org": "pending", "cid@example.org": "pending"}


def test_a_bad_line_is_told_with_its_number_and_the_rest_is_taken(context: Context) -> None:
    (context.root / "l.csv").write_text("email,topics\nada@example.org,\nnobody,\nbob@example.org,nonsense\n")
    told = import_subscribers(context, context.root / "l.csv", is_confirmed=True)
    assert told.state == "partial"
    assert [line.split(":")[0] for line in told.problems] == ["line 3", "line 4"]
    assert states(context) == {"ada@example.org": "active"}


def test_a_list_without_addresses_or_a_missing_file_is_told(context: Context) -> None:
    (context.root / "l.csv").write_text("name,age\nAda,36\n")
    with pytest.raises(ConfigError, match="no column of addresses"):
        import_subscribers(context, context.root / "l.csv")
    with pytest.raises(NotFoundError):
        import_subscribers(context, context.root / "none.csv")


def test_what_is_exported_comes_back_the_same(context: Context, tmp_path: Path) -> None:
    subscribe_address(context, "ada@example.org", name="=HYPERLINK(1)", topics=["models"], is_confirmed=True)
    subscribe_address(context, "bob@example.org", is_confirmed=True)
    remove_subscribers(context, ["bob@example.org"])
    text = export_subscribers(context)
    assert ",'=HYPERLINK(1)," in text
    (tmp_path / "b").mkdir()
    other = opened(tmp_path / "b")
    assert imported(other, text) == states(context)
    with other.db.read() as session:
        ada = load_subscribers(session)[0]
    assert (ada.name, ada.topics) == ("=HYPERLINK(1)", ["models"])


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=20), min_size=7, max_size=7)
)
def test_no_exported_cell_is_a_formula(cells: list[str]) -> None:
    import csv
    import io

    written = list(csv.reader(io.StringIO(format_subscriber_csv([cells]), newline="")))[1]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in written)


def test_a_category_may_be_named_as_it_was_called_before(context: Context) -> None:
    context = replace(context, config=renamed(context.config))
    imported(context, "email,topics\nada@example.org,agents\n")
    subscribe_address(context, "bob@example.org", topics=["actors"])
    with context.db.read() as session:
        assert [reader.topics for reader in load_subscribers(session)] == [["actors"], ["actors"]]


def test_an_unknown_category_or_reader_is_refused(context: Context) -> None:
    with pytest.raises(ConfigError, match="nonsense"):
        subscribe_address(context, "ada@example.org", topics=["nonsense"])
    with pytest.raises(NotFoundError):
        remove_subscribers(context, ["ada@example.org"])


def test_a_token_opens_only_its_own_readers_door(context: Context) -> None:
    subscribe_address(context, "ada@example.org")
    subscribe_address(context, "bob@example.org")
    with context.db.read() as session:
        for reader in load_subscribers(session):
            found = find_subscriber_by_token(session, reader.token)
            assert found is not None
            assert found.address == reader.address
        assert find_subscriber_by_token(session, "") is None
        assert find_subscriber_by_token(session, "\ud800") is None


def test_reports_take_readers_out_by_message_by_address_and_by_token(tmp_path: Path) -> None:
    publish(tmp_path, 4)
    context = opened(tmp_path)
    send_issue(context, PERIOD, is_confirmed=True)
    mails = [message_from_bytes(p.read_bytes(), policy=policy.default) for p in (tmp_path / "outbox").glob("*.eml")]
    ids = {str(mail["To"]).partition("@")[0]: str(mail["Message-ID"]) for mail in mails}
    with context.db.read() as session:
        token = load_subscribers(session)[3].token
    ours = "<0123456789abcdef0123456789abcdef@example.org>"
    box = mailbox.mbox(tmp_path / "box")
    box.add(report().replace(ours, ids["reader0"]))
    box.add(report().replace(ours, "<unknown@x>").replace("bob@example.net", "READER1@example.org"))
    box.add(complaint().replace(ours, ids["reader2"]))
    box.add(f"Subject: unsubscribe {token}\n\n")
    box.add(report("4.2.2"))
    box.add(report().replace(ours, "<unknown@x>"))
    box.close()
    told = process_bounces(context, tmp_path / "box")
    assert told.numbers == {"bounced": 2, "unsubscribed": 2, "delayed": 1, "unknown": 1}
    assert list(states(context).values()) == ["bounced", "bounced", "unsubscribed", "unsubscribed"]
    assert process_bounces(context, tmp_path / "box").numbers == told.numbers


def test_a_list_of_another_platform_brings_back_nobody_who_left_there(context: Context) -> None:
    subscribe_address(context, "eve@example.org", is_confirmed=True)
    found = imported(
        context,
        "id,email,name,note,subscribed_to_emails,deleted_at\n1,ann@example.org,Ann,,true,\n"
        "2,bob@example.org,Bob,,false,\n3,eve@example.org,Eve,,false,\n4,ann@example.org,Ann,,false,\n",
    )
    assert found == {
        "ann@example.org": "unsubscribed",
        "bob@example.org": "unsubscribed",
        "eve@example.org": "unsubscribed",
    }
    assert imported(context, "Email,Status\ndan@example.org,unconfirmed\n")["dan@example.org"] == "pending"


def test_a_wish_to_leave_is_named_with_the_command_and_changes_nothing(context: Context) -> None:
    for address in ("ann@example.org", "bob@example.org"):
        subscribe_address(context, address, is_confirmed=True)
    remove_subscribers(context, ["bob@example.org"])
    box = mailbox.mbox(context.root / "box")
    for address in ("Ann <ANN@example.org>", "ann@example.org", "bob@example.org", "cid@example.org"):
        box.add(f"From: {address}\nSubject: unsubscribe\n\nThank you.\n")
    box.close()
    told = process_bounces(context, context.root / "box")
    assert told.numbers["to read"] == 2
    assert told.problems == [
        "ann@example.org asks to leave: `digest subscribers remove ann@example.org`",
        "cid@example.org asks to leave, and is no reader: look for another address of theirs",
    ]
    assert states(context) == {"ann@example.org": "active", "bob@example.org": "unsubscribed"}
