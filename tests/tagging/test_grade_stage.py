"""Judging: the best are asked about, answers are kept one by one, nothing is asked twice, and it stops at the limit."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from digest.config.schema import ModelConfig
from digest.context import Context
from digest.db.llm_calls import get_month_start, load_costs, sum_spend_since
from digest.db.predictions import load_taggings, replace_ranking, save_taggings
from digest.errors import ConfigError
from digest.llm.providers.gemini import Gemini
from digest.llm.providers.openai import OpenAI
from digest.models.predictions import Tagging
from digest.models.runs import CachedAnswer, LLMCall
from digest.ops.estimate import estimate_costs
from digest.protocols import Model, Prompt
from digest.tagging.grade import grade_candidates
from tests.llm.gemini_server import GeminiServer, candidate, error, quota, sensible
from tests.llm.workspace import NOW, context, gemini, period, store

TEXTS = [(f"Paper {n}", f"We propose method {n}. It works on {n} tasks.") for n in range(1, 26)]


@pytest.fixture
def place(tmp_path: Path, server: GeminiServer) -> Context:
    made = context(tmp_path, gemini(server.url))
    store(made, TEXTS)
    return made


def tagged(place: Context) -> dict[int, Tagging]:
    with place.db.read() as session:
        return {row.item_id: row for row in session.exec(select(Tagging))}


def test_every_candidate_is_judged_in_calls_of_at_most_ten_under_unforeseeable_names(
    place: Context, server: GeminiServer
) -> None:
    report = grade_candidates(place, period())
    assert (report.state, report.numbers["judged"], report.numbers["calls"]) == ("done", 25, 5)
    assert {row.category for row in tagged(place).values()} == {"rag"}
    sizes = sorted(len(asked["items"]) for asked in server.data())
    assert sizes == [4, 8, 8, 8, 9]  # our own four first, then two of them in each
    assert all(item["id"].startswith("item-") and len(item) == 3 for asked in server.data() for item in asked["items"])
    assert "A test's model (of its own), which answered as gemini-test-001" in report.line


def test_two_taggers_that_agree_are_surer_than_two_that_do_not(place: Context) -> None:
    said = [("rag", None), ("agents", "rag"), ("agents", None)]
    rows = [
        {
            "item_id": number,
            "engine": "embedded",
            "category": category,
            "secondary": secondary,
            "confidence": 0.6,
            "taxonomy": "t",
            "item_digest": "d",
            "reason": "",
            "relevance": None,
            "novelty": None,
            "at": NOW,
        }
        for number, (category, secondary) in enumerate(said, 1)
    ]
    with place.db.write() as session:
        save_taggings(session, rows)
    grade_candidates(place, period(), limit=4)
    with place.db.read() as session:
        found = load_taggings(session, [1, 2, 3, 4])
    confident = [found[number]["gemini:gemini-3.5-flash-lite"].confidence for number in (1, 2, 3, 4)]
    assert confident == [0.85, 0.7, 0.5, 0.7]


def test_a_second_run_asks_nothing_and_costs_nothing(place: Context, server: GeminiServer) -> None:
    grade_candidates(place, period())
    before = len(server.asked)
    report = grade_candidates(place, period())
    assert len(server.asked) == before
    assert (report.numbers["asked_before"], report.numbers["usd"]) == (25, 0)


def test_a_new_item_is_the_only_one_asked_about(place: Context, server: GeminiServer) -> None:
    grade_candidates(place, period())
    store(place, [*TEXTS, ("Paper new", "We propose something new.")])
    grade_candidates(place, period())
    assert [item["title"] for item in server.data()[-1]["items"]] == ["Paper new"]


def test_missing_doubled_and_invented_names_are_asked_again_alone_once(place: Context, server: GeminiServer) -> None:
    def careless(asked: dict[str, Any]) -> Any:
        answer = sensible(asked)
        rows = answer["items"]
        if len(rows) > 1:
            rows[0]["id"] = "item-zzzzz"
            rows[2] = dict(rows[1])
        return answer

    server.answer = careless
    report = grade_candidates(place, period())
    assert report.numbers["judged"] == 25
    together = Counter(item["title"] for asked in server.data() if len(asked["items"]) > 1 for item in asked["items"])
    alone = Counter(item["title"] for asked in server.data() if len(asked["items"]) == 1 for item in asked["items"])
    papers = {title for title, _ in TEXTS}
    assert {together[title] for title in papers} == {1}
    assert {alone[title] for title in papers} == {0, 1}


def test_a_verdict_outside_the_rubric_is_not_believed(place: Context, server: GeminiServer) -> None:
    def wild(asked: dict[str, Any]) -> Any:
        rows = sensible(asked)["items"]
        return {"items": [{**row, "relevance": 100} for row in rows]}

    server.answer = wild
    report = grade_candidates(place, period(), limit=3)
    assert (report.state, report.numbers["left"]) == ("partial", 3)
    assert tagged(place) == {}


@pytest.mark.parametrize("finish", ["MAX_TOKENS", "SAFETY"])
def test_a_cut_or_blocked_answer_loses_no_item(place: Context, server: GeminiServer, finish: str) -> None:
    server.fail.append(candidate('{"items": [{"id": "it', finish))
    assert grade_candidates(place, period()).numbers["judged"] == 25


def test_a_daily_quota_stops_the_run_keeps_what_was_answered_and_says_why(place: Context, server: GeminiServer) -> None:
    place.config.model.__dict__["parallel"] = 1
    server.fail.extend([server_answer(server), quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier")])
    report = grade_candidates(place, period())
    assert report.state == "partial"
    assert report.numbers["left"] + report.numbers["judged"] == 25
    assert "429" in report.line
    assert "keep this machine's own verdict" in report.line
    server.fail.clear()
    assert grade_candidates(place, period()).numbers["judged"] == 25


def server_answer(server: GeminiServer) -> dict[str, Any]:
    """A whole answer about nothing: its batch is asked again later."""
    return candidate(json.dumps({"items": []}))


def test_a_model_that_stays_away_costs_three_calls_not_thirty(place: Context, server: GeminiServer) -> None:
    server.fail.extend([error(503, "UNAVAILABLE", "overloaded")] * 100)
    report = grade_candidates(place, period())
    assert report.numbers["judged"] == 0
    assert len(server.asked) <= 4 * 4
    with place.db.read() as session:
        assert {call.state for call in session.exec(select(LLMCall))} == {"failed"}


def test_the_runs_limit_is_kept_and_the_rest_stays_with_this_machine(place: Context, server: GeminiServer) -> None:
    report = grade_candidates(place, period(), max_usd=0.005)
    assert (report.state, len(report.problems)) == ("done", 1)  # what its owner asked for is no fault
    assert "the limit of 0.005 USD for this run" in report.line
    assert report.numbers["usd"] <= 0.005


def test_the_months_limit_counts_what_earlier_runs_have_spent(tmp_path: Path, server: GeminiServer) -> None:
    place = context(tmp_path, gemini(server.url), max_usd_per_month=0.005)
    store(place, TEXTS)
    grade_candidates(place, period())
    report = grade_candidates(place, period())
    assert "this month" in report.line
    with place.db.read() as session:
        assert sum_spend_since(session, get_month_start(place.now)) <= 0.005


def test_the_bill_is_kept_by_month_stage_and_model_and_holds_no_key(place: Context) -> None:
    grade_candidates(place, period())
    with place.db.read() as session:
        (row,) = load_costs(session)
        assert (row.month, row.stage, row.calls) == ("2026-11", "judge", 5)
        assert row.model == "gemini-3.5-flash-lite (gemini-test-001)"
        assert row.usd == pytest.approx((row.prompt_tokens * 0.30 + row.output_tokens * 2.50) / 1e6)
        assert all(answer.call_id for answer in session.exec(select(CachedAnswer)))


def test_an_estimate_sends_nothing_and_is_not_below_the_bill(place: Context, server: GeminiServer) -> None:
    told = estimate_costs(place, period(), "gemini")
    assert server.asked == []
    assert (told.numbers["waiting"], told.numbers["calls"], told.numbers["untagged"]) == (25, 5, 25)
    assert told.numbers["usd"] >= grade_candidates(place, period()).numbers["usd"] > 0
    assert estimate_costs(place, period(), "gemini").numbers["waiting"] == 0


def test_an_estimate_before_the_first_ranking_reckons_with_the_periods_items(place: Context) -> None:
    with place.db.write() as session:
        replace_ranking(session, period().name, [])
    told = estimate_costs(place, period(), "local", limit=12)
    assert (told.numbers["waiting"], told.numbers["calls"]) == (12, 3)
    assert "no model is set up, so nothing would be sent" in told.line


def test_a_model_of_unknown_price_is_refused_where_money_is_at_stake(tmp_path: Path, server: GeminiServer) -> None:
    place = context(tmp_path, gemini(server.url, name="gemini-99-dear"))
    store(place, TEXTS)
    with pytest.raises(ConfigError, match="no price is known of gemini:gemini-99-dear"):
        grade_candidates(place, period())
    assert server.asked == []
    priced = context(tmp_path, place.make_model, price={"input": 1000.0, "output": 1000.0})
    report = grade_candidates(priced, period(), max_usd=0.01)
    assert (server.asked, report.numbers["left"]) == ([], 25)


def test_a_model_on_ones_own_machine_needs_no_price_unless_a_limit_is_asked_for(
    tmp_path: Path, server: GeminiServer
) -> None:
    section = ModelConfig.model_validate({"name": "local-test", "base_url": f"{server.url}/v1"})
    place = context(tmp_path, lambda: OpenAI(section, {}))
    store(place, TEXTS)
    with pytest.raises(ConfigError, match="no limit in USD would hold"):
        grade_candidates(place, period(), max_usd=1.0)
    assert "no price known, so no limit in USD holds" in grade_candidates(place, period()).line


def test_a_batch_job_judges_all_and_what_failed_in_it_is_asked_at_once(tmp_path: Path, server: GeminiServer) -> None:
    place = context(tmp_path, gemini(server.url), batch=True)
    store(place, TEXTS)
    assert grade_candidates(place, period()).numbers["judged"] == 25
    paths = [call["path"].rpartition(":")[2] for call in server.asked if call["body"]]
    assert paths == ["generateContent", "batchGenerateContent", "generateContent"]  # our own items at once


def test_what_a_batch_job_answers_in_vain_is_billed_and_asked_for_at_once(tmp_path: Path, server: GeminiServer) -> None:
    place = context(tmp_path, gemini(server.url), batch=True)
    store(place, TEXTS)
    server.batch_text = "runaway " * 2_000
    report = grade_candidates(place, period())
    assert report.numbers["judged"] == 25
    with place.db.read() as session:
        calls = session.exec(select(LLMCall).where(LLMCall.state == "bad")).all()
    assert len(calls) == 3  # of four; the last request of a job fails
    assert sum(call.usd for call in calls) >= 3 * 2_000 * 1.25 / 1e6
    assert report.numbers["usd"] == pytest.approx(_spent(place), abs=1e-6)


def _spent(place: Context) -> float:
    with place.db.read() as session:
        return sum_spend_since(session, get_month_start(place.now))


class _Gone(BaseException):
    """The process ends."""


def _cut_off(server: GeminiServer) -> Model:
    async def gone(seconds: float) -> None:
        raise _Gone

    return Gemini(ModelConfig(), {"GOOGLE_API_KEY": "k", "GOOGLE_GEMINI_BASE_URL": server.url}, sleep=gone)


def test_a_batch_job_that_was_broken_off_is_collected_not_sent_again(tmp_path: Path, server: GeminiServer) -> None:
    place = context(tmp_path, lambda: _cut_off(server), batch=True)
    store(place, TEXTS)
    with pytest.raises(_Gone):
        grade_candidates(place, period())
    resumed = context(tmp_path, gemini(server.url), batch=True)
    report = grade_candidates(resumed, period())
    assert report.numbers["judged"] == 25
    assert report.numbers["usd"] > 0
    sent = [len(call["body"]["batch"]["inputConfig"]["requests"]["requests"]) for call in server.asked
            if call["path"].endswith(":batchGenerateContent")]  # fmt: skip
    assert sent == [4, 1]  # the second holds what the first job failed to answer
    assert grade_candidates(resumed, period()).numbers["calls"] == 0


def _lost(server: GeminiServer) -> Model:
    """A model whose process ends when its job has just arrived, before its name is known."""
    model = Gemini(ModelConfig(), {"GOOGLE_API_KEY": "k", "GOOGLE_GEMINI_BASE_URL": server.url})

    async def begin(prompts: Sequence[Prompt], batch_mark: str) -> str:
        await Gemini.submit_batch(model, prompts, batch_mark)
        raise _Gone

    model.submit_batch = begin  # type: ignore[method-assign]
    return model


def test_a_batch_job_whose_name_was_never_noted_is_found_and_not_paid_twice(
    tmp_path: Path, server: GeminiServer
) -> None:
    place = context(tmp_path, lambda: _lost(server), batch=True)
    store(place, TEXTS)
    with pytest.raises(_Gone):
        grade_candidates(place, period())
    assert grade_candidates(context(tmp_path, gemini(server.url), batch=True), period()).numbers["judged"] == 25
    sent = [len(call["body"]["batch"]["inputConfig"]["requests"]["requests"]) for call in server.asked
            if call["path"].endswith(":batchGenerateContent")]  # fmt: skip
    assert sent == [4, 1]  # the second holds what the first job failed to answer


def test_a_batch_job_that_never_arrived_is_sent_and_no_longer_held_against_the_limit(
    tmp_path: Path, server: GeminiServer
) -> None:
    server.fail.append(b'{"name": "batc')
    server.fail_in = ":batchGenerateContent"
    place = context(tmp_path, gemini(server.url), batch=True)
    store(place, TEXTS)
    assert grade_candidates(place, period()).numbers["left"] == 25
    assert grade_candidates(place, period()).numbers["judged"] == 25
    with place.db.read() as session:
        assert sum(row.unanswered for row in load_costs(session)) == 0


def test_a_batch_job_that_is_gone_is_forgotten_and_sent_anew(tmp_path: Path, server: GeminiServer) -> None:
    place = context(tmp_path, lambda: _cut_off(server), batch=True)
    store(place, TEXTS)
    with pytest.raises(_Gone):
        grade_candidates(place, period())
    server.fail.append(error(404, "NOT_FOUND", "no such batch"))
    assert grade_candidates(context(tmp_path, gemini(server.url), batch=True), period()).numbers["judged"] == 25


def test_a_batch_job_that_cannot_be_asked_about_now_is_kept_and_nothing_is_sent(
    tmp_path: Path, server: GeminiServer
) -> None:
    place = context(tmp_path, lambda: _cut_off(server), batch=True)
    store(place, TEXTS)
    with pytest.raises(_Gone):
        grade_candidates(place, period())
    server.fail.extend([error(503, "UNAVAILABLE", "overloaded")] * 4)
    resumed = context(tmp_path, gemini(server.url), batch=True)
    assert grade_candidates(resumed, period()).numbers["left"] == 25
    assert grade_candidates(resumed, period()).numbers["judged"] == 25
    assert sum(call["path"].endswith(":batchGenerateContent") for call in server.asked) == 2


def test_without_a_model_it_says_so_and_does_nothing(tmp_path: Path) -> None:
    place = context(tmp_path, lambda: None)
    store(place, TEXTS)
    report = grade_candidates(place, period())
    assert report.line == "2026-10: judged by no language model. A test's model (of its own)."
    assert report.state == "done"
