"""Whatever a file holds that came from elsewhere, it is read, in part or not, or refused by an error of ours."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.config.loader import load_config
from digest.config.schema import Category, Source
from digest.drafts.archive.headings import HeadingMap
from digest.drafts.archive.items import extract_imported_post
from digest.drafts.archive.posts import parse_archive_post
from digest.drafts.parser import parse_draft
from digest.drafts.writer import render_draft
from digest.errors import ConfigError, DraftError
from digest.ingest.add import parse_json_objects, parse_jsonl_items
from digest.mail.bounces import parse_report, read_bounce_reports
from digest.mail.subscriber_csv import parse_subscriber_csv
from tests.drafts.drafts import example
from tests.fuzz.documents import HTML, spoilt

BOUNDED = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
NOW = datetime(2026, 1, 2, tzinfo=UTC)
SOURCE = Source(id="s", kind="feed", url="https://a.example/f")

REPORT = b"""From MAILER-DAEMON Mon Jan  5 10:00:00 2026
To: bounce+0123456789abcdef@a.example
Subject: Undelivered
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.a.example

Final-Recipient: rfc822; ada@a.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 no such user

--b
Content-Type: message/rfc822

Message-ID: <x@a.example>

hello
--b--
"""
COMPLAINT = REPORT.replace(b"delivery-status", b"feedback-report").replace(b"Action", b"Feedback-Type: abuse\nX")
LIST = b'email;name;state;topics\nada@a.example;\'=Ada;active;agents evals\n"b@a.example";B;pending;\n'
ROWS = b"""{"title": "A", "url": "https://a.example/1", "authors": ["N"], "published": "2026-01-01", "categories": []}
{"arxiv_id": "2601.00001", "abstract": "x", "date": "2026-01-01T10:00:00+05:30", "source": "s"}
"""
POST = b"""---
title: "A month: January"
date: 2026-01-05 10:00:00 +0200
---
# A month
## Agents
1. [A](https://a.example/1). Words about it, see [paper](https://arxiv.org/abs/2601.00001v2).
* **B**: words [link](https://a.example/2 "t")
{: .x}
| [C](https://a.example/3) | words |
"""
SHEET = render_draft(example()).encode()
CONFIG = b"""newsletter: {title: T, url: "https://a.example", timezone: Europe/Madrid}
sources:
  - {id: a, kind: feed, url: "https://a.example/f", weight: 1}
taxonomy: {version: "1", categories: [{slug: agents, title: Agents, description: d}]}
"""


@BOUNDED
@given(spoilt(REPORT, COMPLAINT))
def test_a_mail_that_came_back_is_a_report_or_none(document: bytes) -> None:
    for told in parse_report(message_from_bytes(document, policy=policy.compat32)):
        assert "\n" not in told.address + told.reason + told.message_id + told.token


@BOUNDED
@given(st.lists(spoilt(REPORT, COMPLAINT), max_size=3))
def test_a_mailbox_of_such_mails_is_read_to_its_end(tmp_path: Path, documents: list[bytes]) -> None:
    box = tmp_path / "box.mbox"
    box.write_bytes(b"\n".join([*documents, REPORT]))
    assert "ada@a.example" in [told.address for told in read_bounce_reports(box)]


@BOUNDED
@given(spoilt(LIST))
def test_a_list_of_readers_is_read_or_refused(document: bytes) -> None:
    with suppress(ConfigError):
        assert all(isinstance(row.address, str) for row in parse_subscriber_csv(document))


@BOUNDED
@given(spoilt(ROWS))
def test_lines_of_papers_cost_no_more_than_themselves(document: bytes) -> None:
    rows, problems = parse_json_objects(document)
    assert all(isinstance(row, dict) for row in rows)
    lines = [(str(number), line) for number, line in enumerate(document.decode("utf-8", "replace").split("\n"))]
    read = parse_jsonl_items(lines, {"s": SOURCE}, SOURCE, NOW)
    assert len(read.items) + sum(read.rejected_counts.values()) == read.line_count == len(lines)
    assert len(problems) <= len(lines)


@pytest.mark.parametrize("published", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "9" * 5000, "-1"])
def test_a_date_at_the_end_of_time_is_told_by_its_line(published: str) -> None:
    line = json.dumps({"title": "A", "url": "https://a.example/1", "published": published})
    read = parse_jsonl_items([("1", line)], {}, SOURCE, NOW)
    assert len(read.items) + sum(read.rejected_counts.values()) == 1


@BOUNDED
@given(spoilt(POST, HTML), st.sampled_from(["2026-01-05-a.md", "a.html", "2026-13-45-b.markdown", ""]))
def test_a_past_issue_is_harvested_whatever_became_of_it(document: bytes, name: str) -> None:
    headings = HeadingMap([Category(slug="agents", title="Agents", description="what agents do")])
    post = parse_archive_post(name, document.decode("utf-8", "replace"))
    found = extract_imported_post(post, headings, include_essays=True)
    assert all("\n" not in item.title for item in found.items)


@BOUNDED
@given(spoilt(SHEET))
def test_a_sheet_is_refused_with_its_line_or_read_and_written_again(document: bytes) -> None:
    with suppress(DraftError):
        assert render_draft(parse_draft(document.decode("utf-8", "replace"))).startswith("---")


@BOUNDED
@given(spoilt(CONFIG))
def test_a_configuration_is_taken_or_refused(tmp_path: Path, document: bytes) -> None:
    path = tmp_path / "sources.yaml"
    path.write_bytes(document)
    with suppress(ConfigError):
        load_config(path)


@pytest.mark.parametrize(
    "text", ["[" * 20_000, "{a: " * 20_000, "- " * 20_000, "a: &a [*a]\n", "a: !!python/name:os", "a: 2026-02-30"]
)
def test_yaml_nested_without_end_or_with_a_day_that_is_not_is_refused_wherever_it_stands(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        load_config(path)
    front = f"---\n{text}\n---\nwords"
    with pytest.raises(DraftError):
        parse_draft(front)
    assert "words" in parse_archive_post("a.md", front).html


@pytest.mark.parametrize("date", ["0001-01-01 00:00:00 +1400", "9999-12-31 23:00:00 -0900", "2026-02-30"])
def test_a_sheet_of_a_day_that_is_not_is_refused_with_its_line(date: str) -> None:
    text, changed = re.subn(r"(?m)^date: .*$", f"date: {date}", SHEET.decode())
    assert changed == 1
    with pytest.raises(DraftError, match=f"line 4: date: '{re.escape(date)}'"):
        parse_draft(text)
