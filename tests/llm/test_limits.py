"""A limit holds for all stages of a run together, and what calls under way leave of it is used; troubles say why."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from digest.blurbs.generate import generate_blurbs
from digest.config.schema import ModelConfig
from digest.context import Context, record_run
from digest.db.llm_calls import load_costs, save_llm_call
from digest.drafts.stage import draft_issue
from digest.llm.client import MeteredClient
from digest.llm.providers.gemini import Gemini
from digest.models.items import Item
from digest.models.runs import LLMCall
from digest.protocols import Completion, Model, Prompt
from digest.tagging.grade import grade_candidates
from digest.tagging.stage import tag_items
from tests.llm.gemini_server import GeminiServer, candidate, error
from tests.llm.workspace import context, gemini, period, store

TEXTS = [(f"Paper {n}", f"We propose method {n}. It works on {n} tasks.") for n in range(1, 46)]


@pytest.fixture
def place(tmp_path: Path, server: GeminiServer) -> Context:
    made = context(tmp_path, gemini(server.url), parallel=5)
    store(made, TEXTS)
    return made


def test_what_calls_under_way_hold_back_is_used_once_they_are_billed(place: Context) -> None:
    report = grade_candidates(
        place, period(), max_usd=0.017
    )  # room for the estimates of three calls at a time, of five
    assert report.numbers["judged"] == 45
    assert report.numbers["usd"] < 0.017


def test_the_stages_of_one_run_share_its_limit(place: Context, server: GeminiServer) -> None:
    with record_run(place, "run"):
        spent = grade_candidates(place, period()).numbers["usd"]
        with place.db.read() as session:
            items = [session.get_one(Item, number) for number in range(1, 6)]
        written = generate_blurbs(place, items, run_id=place.active_run_ids[0], max_usd=spent + 0.001)
    assert any(f"{spent:.4f} USD spent in this run" in problem for problem in written.problems)
    assert all(words.origin == "source" for words in written.by_key.values())


def test_a_run_that_has_ended_does_not_count_against_the_next(place: Context) -> None:
    grade_candidates(place, period())
    assert place.active_run_ids == []
    with record_run(place, "draft"):
        model = place.make_model()
        assert model is not None
        MeteredClient(place, model, None, max_usd=0.001).budget.reserve(0.001)


class _Killed(BaseException):
    """The process ends."""


def _killed(url: str) -> Model:
    """A model whose process ends when it has just been asked."""
    model = Gemini(ModelConfig(), {"GOOGLE_API_KEY": "k", "GOOGLE_GEMINI_BASE_URL": url})

    async def complete(prompt: Prompt) -> Completion:
        await Gemini.complete(model, prompt)
        raise _Killed

    model.complete = complete  # type: ignore[method-assign]
    return model


def test_calls_of_runs_that_were_killed_count_against_the_months_limit(tmp_path: Path, server: GeminiServer) -> None:
    place = context(tmp_path, lambda: _killed(server.url), max_usd_per_month=0.02, parallel=1)
    store(place, TEXTS)
    for _ in range(9):
        with suppress(_Killed):
            grade_candidates(place, period())
    served = (server.prompt_tokens * 0.30 + server.output_tokens * 2.50) / 1e6
    assert 0 < served < 0.02
    assert len(server.asked) < 9
    with place.db.read() as session:
        (row,) = load_costs(session)
    assert row.unanswered == row.calls == len(server.asked)
    assert served <= row.usd <= 0.02


def test_what_another_process_has_under_way_counts_too(tmp_path: Path, server: GeminiServer) -> None:
    place = context(tmp_path, gemini(server.url), max_usd_per_month=0.02)
    store(place, TEXTS)
    with place.db.write() as session:
        call = LLMCall(stage="judge", provider="gemini", model="m", usd=0.0199, at=place.now)
        save_llm_call(session, call)
    assert grade_candidates(place, period()).numbers["left"] == 45
    assert server.asked == []


def test_a_draft_that_a_limit_cuts_short_is_done_and_one_whose_model_is_away_is_done_in_part(
    place: Context, server: GeminiServer
) -> None:
    tag_items(place)
    short = draft_issue(place, period(), max_usd=0.001)
    assert short.state == "done"
    assert "quoted from there on: the limit of 0.001 USD for this run" in short.problems[0]
    server.fail.extend([error(403, "PERMISSION_DENIED", "no")] * 40)
    away = draft_issue(place, period())
    assert away.state == "partial"
    assert "quoted from there on" in away.problems[0]


def test_a_call_whose_answer_was_lost_is_told_apart_from_what_was_billed(place: Context, server: GeminiServer) -> None:
    server.fail.extend([b'{"candidates": ['] * 40)
    report = grade_candidates(place, period())
    assert report.numbers["usd"] == 0
    assert "0.0000 USD and up to 0.0" in report.line
    assert "for calls without an answer" in report.line


def test_what_mends_a_refusal_stands_with_it(place: Context, server: GeminiServer) -> None:
    server.fail.extend([error(400, "INVALID_ARGUMENT", "API key not valid.")] * 5)
    report = grade_candidates(place, period())
    assert "API key not valid. → check GOOGLE_API_KEY" in report.line


def test_a_model_whose_every_answer_is_cut_is_left_alone_after_twenty_and_the_cut_is_named(
    place: Context, server: GeminiServer
) -> None:
    place.config.model.__dict__["parallel"] = 1
    server.fail.extend([candidate('{"items": [', "MAX_TOKENS")] * 100)
    report = grade_candidates(place, period())
    assert len(server.asked) == 20
    assert "it ended with MAX_TOKENS" in report.line
    assert "model.thinking" in report.line


def test_one_good_answer_in_a_while_keeps_a_model_in_use(place: Context, server: GeminiServer) -> None:
    def every_tenth(asked: dict[str, Any]) -> Any:
        good = len(server.asked) % 10 == 0
        rows = [{"id": i["id"], "reason": "Solid.", "category": "rag", "secondary": "none"} for i in asked["items"]]
        return {"items": [{**row, "relevance": 3, "novelty": 3} for row in rows]} if good else {"items": []}

    place.config.model.__dict__["parallel"] = 1
    server.answer = every_tenth
    grade_candidates(place, period())
    assert len(server.asked) == 5 + 45 + 40  # our own four items, each item alone, and once more what was left


def test_many_candidates_are_graded_in_brief_and_the_best_of_them_by_their_abstracts(
    place: Context, server: GeminiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.tagging.grade.MAX_WHOLE_TEXTS", 10)
    report = grade_candidates(place, period())
    texts = [str(asked) for asked in server.asked]
    brief = {n for n in range(1, 46) for text in texts if f"method {n}." in text}
    whole = {n for n in range(1, 46) for text in texts if f"works on {n} tasks" in text}
    assert len(brief) == 45
    assert len(whole) == 10
    assert (report.numbers["judged"], report.numbers["in_brief"], report.state) == (45, 45, "done")
    assert "chosen from 45 judged by title and first sentence" in report.line
    asked = len(server.asked)
    again = grade_candidates(place, period())
    assert (again.numbers["usd"], len(server.asked)) == (0, asked)
