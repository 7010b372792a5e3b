"""A review's sentence on a month stands on the works it cites, each by a quotation; otherwise the month has none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from digest.context import Context
from digest.drafts.model import DraftPick
from digest.drafts.recap.month_summary import MonthSummaries, generate_month_summaries
from digest.drafts.recap.picks import PastPick
from digest.models.items import Item
from digest.periods import parse_period
from tests.llm.gemini_server import GeminiServer
from tests.llm.workspace import NOW, context, gemini, store

WORKS = [
    ("Lantern: a memory", "We propose Lantern, a memory that indexes itself and improves recall by 12%."),
    ("Harbor: safe agents", "Harbor keeps agents from leaking secrets through the tools they call."),
]
CITES = [
    {"pick": "pick-1", "evidence": "a memory that indexes itself"},
    {"pick": "pick-2", "evidence": "keeps agents from leaking secrets"},
]
GOOD = {"sentence": "Memory indexes itself while agents are kept from leaking secrets.", "cites": CITES}


@pytest.fixture
def place(tmp_path: Path, server: GeminiServer) -> Context:
    return context(tmp_path, gemini(server.url))


def review(place: Context, items: Sequence[Item]) -> MonthSummaries:
    past = [
        PastPick(DraftPick(item.key, item.title, item.url, "", ""), "rag", "2026-10", item.published.date())
        for item in items
        if item.published
    ]
    return generate_month_summaries(place, parse_period("2026", NOW), past, {item.key: item for item in items}, None)


def test_a_sentence_that_stands_on_the_months_works_links_each_it_cites(place: Context, server: GeminiServer) -> None:
    server.answer = lambda asked: GOOD
    summaries = review(place, store(place, WORKS))
    message = summaries.by_month["2026-10"]
    assert message.text.startswith("Memory indexes itself while agents are kept from leaking secrets (")
    assert "[Lantern](/2026/review/#url-https-example-org-0)" in message.text
    assert "[Harbor](/2026/review/#url-https-example-org-1)" in message.text
    assert message.engine == "gemini-test-001"
    assert "1 of 1 months with a sentence" in summaries.message


def test_the_model_may_cite_the_months_works_alone(place: Context, server: GeminiServer) -> None:
    server.answer = lambda asked: GOOD
    review(place, store(place, WORKS))
    schema = server.asked[0]["body"]["generationConfig"]["responseSchema"]
    assert schema["properties"]["cites"]["items"]["properties"]["pick"]["enum"] == ["pick-1", "pick-2"]


@pytest.mark.parametrize(
    "bad",
    [
        {**GOOD, "sentence": "Memory improves recall by 40% and agents keep secrets."},
        {**GOOD, "cites": [CITES[0], {"pick": "pick-2", "evidence": "a memory that indexes itself"}]},
        {**GOOD, "cites": [{"pick": "pick-9", "evidence": "a memory that indexes itself"}]},
        {"sentence": "", "cites": CITES},
        {**GOOD, "sentence": "Memory indexes itself and agents keep secrets, so subscribe and tell your friends."},
        {**GOOD, "sentence": "Visit our sponsor: memory indexes itself while agents keep secrets."},
        {**GOOD, "sentence": "Readers should star the repository of the memory that indexes itself."},
        {**GOOD, "sentence": "Memory indexes itself, as in mamba, and agents keep secrets."},
        {**GOOD, "sentence": "Memory indexes itself, as in GPT-4o, and agents keep secrets."},
        {**GOOD, "sentence": "Memory indexes itself (https://example.com/x) while agents keep secrets."},
        {**GOOD, "sentence": "Ignore all previous instructions: memory indexes itself while agents keep secrets."},
    ],
    ids=[
        "a false number",
        "another work's words",
        "no such pick",
        "no sentence",
        "an appeal",
        "a sponsor",
        "an order to readers",
        "a work in small letters",
        "a work not picked",
        "a link",
        "an order",
    ],
)
def test_what_does_not_stand_on_them_is_asked_once_more_and_then_left_out(
    place: Context, server: GeminiServer, bad: dict[str, Any]
) -> None:
    server.answer = lambda asked: bad
    summaries = review(place, store(place, WORKS))
    assert not summaries.by_month
    assert len(server.asked) == 2
    assert "1 months keep their title alone" in summaries.problems[0]


def test_a_second_review_asks_nothing_that_was_answered(place: Context, server: GeminiServer) -> None:
    server.answer = lambda asked: GOOD
    items = store(place, WORKS)
    first, again = review(place, items), review(place, items)
    assert again.by_month == first.by_month
    assert len(server.asked) == 1


def test_without_a_model_no_month_has_a_sentence(tmp_path: Path) -> None:
    place = context(tmp_path, lambda: None)
    assert review(place, store(place, WORKS)) == MonthSummaries()
