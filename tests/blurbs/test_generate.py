"""Blurbs: a model's words stand only on the source; what does not is asked for once more and then quoted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from digest.blurbs.generate import generate_blurbs
from digest.context import Context
from digest.models.issues import Issue, Pick
from tests.llm.gemini_server import GeminiServer, candidate, quota
from tests.llm.workspace import NOW, context, gemini, store

SUMMARY = (
    "Agents forget what they have read. We propose Lantern, a memory that indexes itself. "
    "Experiments show that Lantern improves recall by 12% on LoCoMo."
)
GOOD = {
    "text": "Lantern, a memory that indexes itself, improves recall by 12%.",
    "evidence": "Lantern improves recall by 12%",
}
BAD = {"text": "Lantern improves recall by 40%.", "evidence": "Lantern improves recall by 12%"}


@pytest.fixture
def place(tmp_path: Path, server: GeminiServer) -> Context:
    return context(tmp_path, gemini(server.url))


def test_words_that_stand_on_the_source_are_taken_with_their_evidence(place: Context, server: GeminiServer) -> None:
    server.answer = lambda asked: {"sentences": [GOOD]}
    (item,) = store(place, [("Lantern", SUMMARY)])
    written = generate_blurbs(place, [item])
    blurb = written.by_key[item.key]
    assert (blurb.text, blurb.origin, blurb.grounding_status) == (GOOD["text"], "model", "grounded")
    assert blurb.evidence == ("Lantern improves recall by 12%",)
    assert blurb.engine == "gemini-test-001"
    assert "1 blurb by A test's model (of its own), 0 quoted" in written.message


def test_an_item_of_which_only_the_title_is_known_is_not_asked_about(place: Context, server: GeminiServer) -> None:
    (item,) = store(place, [("Lantern", " ")])
    assert generate_blurbs(place, [item]).by_key[item.key].origin == "source"
    assert server.asked == []


def test_a_false_number_is_named_to_the_model_which_may_mend_it(place: Context, server: GeminiServer) -> None:
    tries = iter([[BAD], [GOOD]])
    server.answer = lambda asked: {"sentences": next(tries)}
    (item,) = store(place, [("Lantern", SUMMARY)])
    assert generate_blurbs(place, [item]).by_key[item.key].origin == "model"
    second = server.asked[1]["body"]["systemInstruction"]["parts"][0]["text"]
    assert "40%" in second


def test_what_fails_twice_is_quoted_and_not_asked_a_third_time(place: Context, server: GeminiServer) -> None:
    server.answer = lambda asked: {"sentences": [BAD]}
    (item,) = store(place, [("Lantern", SUMMARY)])
    first = generate_blurbs(place, [item])
    again = generate_blurbs(place, [item])
    for written in (first, again):
        blurb = written.by_key[item.key]
        assert (blurb.origin, blurb.grounding_status, blurb.flags) == ("source", "quoted", ("number: 40%",))
        assert blurb.text in SUMMARY
        assert written.problems == ["1 quoted because the model's text failed a check"]
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "row",
    [
        {"text": "Lantern indexes itself; see https://evil.example.", "evidence": "a memory that indexes itself"},
        {"text": "Lantern indexes itself.", "evidence": "words that stand nowhere in it"},
        {"text": "Lantern is a groundbreaking memory.", "evidence": "a memory that indexes itself"},
        {"text": "", "evidence": ""},
    ],
)
def test_links_false_evidence_praise_and_silence_give_way_to_the_quotation(
    place: Context, server: GeminiServer, row: dict[str, str]
) -> None:
    server.answer = lambda asked: {"sentences": [row]}
    (item,) = store(place, [("Lantern", SUMMARY)])
    blurb = generate_blurbs(place, [item]).by_key[item.key]
    assert blurb.origin == "source"
    assert blurb.flags


def test_a_blocked_answer_is_quoted_and_asked_again_another_day(place: Context, server: GeminiServer) -> None:
    server.answer = lambda asked: {"sentences": [GOOD]}
    server.fail.extend([candidate(None, "SAFETY"), candidate(None, "SAFETY")])
    (item,) = store(place, [("Lantern", SUMMARY)])
    assert generate_blurbs(place, [item]).by_key[item.key].origin == "source"
    assert generate_blurbs(place, [item]).by_key[item.key].origin == "model"


def test_when_the_quota_ends_the_rest_is_quoted_and_the_line_says_so(place: Context, server: GeminiServer) -> None:
    server.fail.append(quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"))
    items = store(place, [(f"Lantern {n}", SUMMARY) for n in range(5)])
    written = generate_blurbs(place, items)
    assert len(written.by_key) == 5
    assert any("quoted from there on" in problem for problem in written.problems)


def test_without_a_model_every_blurb_is_a_quotation(tmp_path: Path) -> None:
    place = context(tmp_path, lambda: None)
    (item,) = store(place, [("Lantern", SUMMARY)])
    written = generate_blurbs(place, [item])
    assert written.by_key[item.key].grounding_status == "quoted"
    assert written.by_key[item.key].evidence
    assert written.message == "A test's model (of its own)."


def test_the_editors_published_words_are_shown_as_examples_of_the_voice(place: Context, server: GeminiServer) -> None:
    items = store(place, [("Old", SUMMARY), ("Lantern", SUMMARY)])
    with place.db.write() as session:
        issue = Issue(period="2026-09", title="t", atom_id="a", created=NOW, state="published")
        session.add(issue)
        session.flush()
        fields: dict[str, Any] = {"issue_id": issue.id, "item_id": items[0].id, "category": "rag", "position": 0}
        session.add(Pick(**fields, blurb="Short, dry and to the point.", origin="editor"))
    generate_blurbs(place, [items[1]])
    body = server.asked[0]["body"]
    example = json.loads(body["contents"][0]["parts"][0]["text"])["examples"][0]
    assert example["note"] == "Short, dry and to the point."
    assert "Write as these notes are written" in body["systemInstruction"]["parts"][0]["text"]


def test_a_second_opinion_can_send_a_blurb_back_and_is_kept_with_the_answer(
    tmp_path: Path, server: GeminiServer
) -> None:
    place = context(tmp_path, gemini(server.url), verify=True)
    doubts = {"unsupported": ["indexes itself"]}
    server.answer = lambda asked: doubts if "note" in asked["item"] else {"sentences": [GOOD]}
    (item,) = store(place, [("Lantern", SUMMARY)])
    for _ in range(2):
        blurb = generate_blurbs(place, [item]).by_key[item.key]
        assert (blurb.origin, blurb.flags) == ("source", ("verify: indexes itself",))
    assert len(server.asked) == 4


def test_a_second_opinion_without_doubts_lets_the_blurb_stand(tmp_path: Path, server: GeminiServer) -> None:
    place = context(tmp_path, gemini(server.url), verify=True)
    server.answer = lambda asked: {"unsupported": []} if "note" in asked["item"] else {"sentences": [GOOD]}
    (item,) = store(place, [("Lantern", SUMMARY)])
    assert generate_blurbs(place, [item]).by_key[item.key].grounding_status == "grounded"
