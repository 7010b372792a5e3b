"""The editor is reminded once of each draft that waits, with the shortlist, through whatever the mail server does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from digest.errors import ConfigError
from digest.ops.schedule import run_due
from tests.mail.server import Faulty, always, serving
from tests.ops.workspace import MONTH, configure, edit, made, opened

NOW = datetime(2026, 2, 5, 9, tzinfo=UTC)


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    folder = made(tmp_path / "w")
    configure(folder, cadence={"remind": "ed@example.org"})
    with opened(folder, NOW) as workspace:
        workspace.add_jsonl(folder / "month.jsonl")
    return folder


@contextmanager
def served(folder: Path, faulty: Faulty) -> Iterator[Faulty]:
    with serving(faulty) as mail:
        configure(folder, mail=mail.model_dump(exclude_defaults=True))
        yield faulty


def shift(folder: Path, minutes: int = 0) -> dict[str, str]:
    with opened(folder, NOW + timedelta(minutes=minutes)) as workspace:
        return {report.stage.removeprefix("due:"): report.state for report in run_due(workspace.context)}


def read(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_the_reminder_holds_the_picks_the_shortlist_and_what_to_say_next(ready: Path) -> None:
    shift(ready)
    (path,) = (ready / "outbox").glob("*.eml")
    message = read(path.read_bytes())
    assert message["To"] == "ed@example.org"
    assert message["Auto-Submitted"] == "auto-generated"
    assert "January 2026: the draft is ready for you" in message["Subject"]
    text = message.get_content()
    assert "site/_drafts/2026-01.md" in text
    assert f"digest approve {MONTH}" in text
    for line in (ready / "month.jsonl").read_text().splitlines():
        title = line.split('"')[3]
        assert f"* {title}" in text or f". {title}" in text


def test_a_draft_is_reminded_of_once(ready: Path) -> None:
    assert shift(ready)["remind"] == "done"
    assert shift(ready, 1) == {}
    assert "remind" not in shift(ready, 24 * 60)
    assert len(list((ready / "outbox").glob("*.eml"))) == 1


def test_a_server_that_refuses_is_tried_again_later_and_one_mail_arrives(ready: Path) -> None:
    with served(ready, Faulty(MAIL=always("550 not from you"))) as server:
        assert shift(ready)["remind"] == "failed"
        assert server.messages == []
    with served(ready, Faulty()) as server:
        assert shift(ready, 5) == {}
        assert shift(ready, 16) == {"remind": "done"}
        assert server.recipients == ["ed@example.org"]


def test_a_mail_that_may_have_arrived_is_not_sent_again(ready: Path) -> None:
    with served(ready, Faulty(DOT=always("garbage"))) as server:
        assert shift(ready)["remind"] == "partial"
        assert shift(ready, 60 * 5) == {}
        assert len(server.messages) == 1


def test_an_approved_issue_is_not_reminded_of(ready: Path) -> None:
    configure(ready, cadence={"remind": ""})
    shift(ready)
    edit(ready)
    with opened(ready, NOW) as workspace:
        workspace.approve(MONTH, by="Ada", accept_gaps=True)
    configure(ready, cadence={"remind": "ed@example.org"})
    assert shift(ready, 1) == {}


@pytest.mark.parametrize("address", ["ed", "ed@", "a@b.org, c@d.org", "a@b.org\nBcc: c@d.org"])
def test_an_address_that_is_none_is_told_with_its_place(ready: Path, address: str) -> None:
    configure(ready, cadence={"remind": address})
    with (
        opened(ready, NOW) as workspace,
        pytest.raises(ConfigError, match=r"cadence\.remind: must be one mail address"),
    ):
        _ = workspace.config
