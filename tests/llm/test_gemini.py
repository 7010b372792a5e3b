"""Gemini over its own protocol on loopback: answers, refusals, waits, and everything that can come back half."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from digest.config.schema import ModelConfig
from digest.errors import ConfigError, ModelUnavailableError
from digest.llm.providers.gemini import Gemini
from digest.protocols import BatchModel, Completion, Prompt
from tests.llm.gemini_server import GeminiServer, Reply, candidate, error, quota

KEY = {"GOOGLE_API_KEY": "test-key", "GEMINI_API_KEY": "other"}


class Pauses(list[float]):
    """Takes the place of sleeping, and remembers for how long."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


async def ask(server: GeminiServer, prompt: Prompt, pauses: Pauses | None = None, **section: object) -> Completion:
    environ = {**KEY, "GOOGLE_GEMINI_BASE_URL": server.url}
    model = Gemini(ModelConfig.model_validate(section), environ, sleep=pauses if pauses is not None else Pauses())
    try:
        return await model.complete(prompt)
    finally:
        await model.close()


async def test_an_answer_comes_with_its_data_usage_and_model_version(server: GeminiServer, prompt: Prompt) -> None:
    completion = await ask(server, prompt)
    assert completion.data["items"][0]["id"] == "item-a"
    assert (completion.finish, completion.model_version) == ("STOP", "gemini-test-001")
    assert completion.usage.prompt > 0
    assert completion.usage.thoughts == 3
    assert completion.model == "gemini:gemini-3.5-flash-lite"


async def test_what_is_sent_is_the_schema_the_level_the_tier_and_the_first_key(
    server: GeminiServer, prompt: Prompt
) -> None:
    await ask(server, prompt, service_tier="flex", name="gemini-x", thinking="LOW")
    sent = server.asked[0]
    config = sent["body"]["generationConfig"]
    assert sent["path"] == "/v1/models/gemini-x:generateContent"
    assert sent["headers"]["x-goog-api-key"] == "test-key"
    assert sent["body"]["serviceTier"] == "flex"
    assert config["responseMimeType"] == "application/json"
    assert config["responseSchema"]["type"] == "OBJECT"
    assert config["thinkingConfig"] == {"thinking_level": "LOW"}
    assert "temperature" not in config


async def test_older_models_are_told_a_thinking_budget_instead_of_a_level(server: GeminiServer, prompt: Prompt) -> None:
    await ask(server, prompt, name="gemini-2.5-flash-lite")
    assert server.asked[0]["body"]["generationConfig"]["thinkingConfig"] == {"thinking_budget": 0}


async def test_a_model_that_knows_no_minimal_level_is_asked_for_the_lowest_it_knows(
    server: GeminiServer, prompt: Prompt
) -> None:
    await ask(server, prompt, name="gemini-3.8-flash")
    config = server.asked[0]["body"]["generationConfig"]
    assert config["thinkingConfig"] == {"thinking_level": "LOW"}
    assert config["maxOutputTokens"] > prompt.max_output_tokens


async def test_a_prompt_can_be_sent_twice_with_the_same_schema(server: GeminiServer, prompt: Prompt) -> None:
    await ask(server, prompt)
    await ask(server, prompt)
    configs = [call["body"]["generationConfig"] for call in server.asked]
    assert configs[0] == configs[1]


async def test_the_delay_that_the_server_asks_for_is_waited(server: GeminiServer, prompt: Prompt) -> None:
    pauses = Pauses()
    server.fail.append(quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "7.5s"))
    await ask(server, prompt, pauses)
    assert len(pauses) == 1
    assert 7.5 <= pauses[0] <= 8.5


async def test_a_delay_that_is_only_in_the_message_is_waited_too(server: GeminiServer, prompt: Prompt) -> None:
    pauses = Pauses()
    server.fail.append(error(429, "RESOURCE_EXHAUSTED", "Quota exceeded. Please retry in 53.0s."))
    await ask(server, prompt, pauses)
    assert 53 <= pauses[0] <= 54


async def test_a_delay_of_an_hour_is_not_waited(server: GeminiServer, prompt: Prompt) -> None:
    pauses = Pauses()
    server.fail.append(quota("PerMinute", "3600s"))
    with pytest.raises(ModelUnavailableError) as caught:
        await ask(server, prompt, pauses)
    assert caught.value.retry_after == 3600
    assert pauses == []


async def test_a_daily_quota_ends_the_asking(server: GeminiServer, prompt: Prompt) -> None:
    server.fail.append(quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"))
    with pytest.raises(ModelUnavailableError, match="429") as caught:
        await ask(server, prompt)
    assert caught.value.is_final
    assert "midnight Pacific" in caught.value.hint
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [408, 500, 503, 520, 529])
async def test_whatever_a_server_or_a_proxy_says_of_itself_is_asked_again(
    server: GeminiServer, prompt: Prompt, status: int
) -> None:
    server.fail.append(error(status, "", "Busy."))
    assert (await ask(server, prompt)).data
    assert len(server.asked) == 2


async def test_an_overloaded_model_is_asked_four_times_with_growing_pauses(
    server: GeminiServer, prompt: Prompt
) -> None:
    pauses = Pauses()
    server.fail.extend([error(503, "UNAVAILABLE", "The model is overloaded.")] * 4)
    with pytest.raises(ModelUnavailableError, match="503"):
        await ask(server, prompt, pauses)
    assert len(server.asked) == 4
    assert all(pause <= 2.0**attempt for attempt, pause in enumerate(pauses))


async def test_a_proxys_page_is_not_an_answer_but_the_next_one_may_be(server: GeminiServer, prompt: Prompt) -> None:
    server.fail.extend([(502, b"<html>Bad Gateway</html>"), b"<html>Sign in to the Wi-Fi</html>"])
    assert (await ask(server, prompt)).data is not None
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("reply", "hint"),
    [
        (error(400, "INVALID_ARGUMENT", "API key not valid.", {"reason": "API_KEY_INVALID"}), "GOOGLE_API_KEY"),
        (error(401, "UNAUTHENTICATED", "no"), "GOOGLE_API_KEY"),
        (error(403, "PERMISSION_DENIED", "no"), "AI Studio"),
        (error(404, "NOT_FOUND", "models/x is not found"), "model.name"),
    ],
)
async def test_a_refusal_is_not_asked_again(server: GeminiServer, prompt: Prompt, reply: Reply, hint: str) -> None:
    server.fail.append(reply)
    with pytest.raises(ModelUnavailableError) as caught:
        await ask(server, prompt)
    assert caught.value.is_final
    assert hint in caught.value.hint
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("reply", "finish"),
    [
        (candidate('{"items": [{"id": "item-a", "categ', "MAX_TOKENS"), "MAX_TOKENS"),
        (candidate(None, "MAX_TOKENS"), "MAX_TOKENS"),
        (candidate(None, "SAFETY"), "SAFETY"),
        (candidate('{"whole": true}', "RECITATION"), "RECITATION"),
        (candidate('{"half": ', "STOP"), "STOP"),
        (candidate("", "A_WORD_OF_NEXT_YEAR"), "A_WORD_OF_NEXT_YEAR"),
        (
            {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 9}},
            "BLOCKED PROHIBITED_CONTENT",
        ),
        ({}, "BLOCKED"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*is not a valid FinishReason:UserWarning")
async def test_an_answer_that_is_cut_blocked_or_half_has_no_data_and_says_why(
    server: GeminiServer, prompt: Prompt, reply: dict[str, object], finish: str
) -> None:
    server.fail.append(reply)
    completion = await ask(server, prompt)
    assert (completion.data, completion.finish) == (None, finish)


@pytest.mark.parametrize("code", [400, 502])
async def test_a_server_that_repeats_the_request_does_not_bring_the_key_into_an_error(
    server: GeminiServer, prompt: Prompt, code: int
) -> None:
    server.fail.extend([(code, b"<html>" + b"x-goog-api-key: test-key " * 9)] * 4)
    with pytest.raises(ModelUnavailableError) as caught:
        await ask(server, prompt)
    assert "x-goog-api-key: ***" in caught.value.message
    assert "test-k" not in str(caught.value)


async def test_an_answer_that_repeats_the_key_is_read_without_it(server: GeminiServer, prompt: Prompt) -> None:
    server.fail.append(candidate('{"a": "my key is test-key"}'))
    completion = await ask(server, prompt)
    assert (completion.text, completion.data) == ('{"a": "my key is ***"}', {"a": "my key is ***"})


async def test_the_hint_names_the_variable_that_the_key_is_in(server: GeminiServer, prompt: Prompt) -> None:
    server.fail.append(error(401, "UNAUTHENTICATED", "no"))
    model = Gemini(ModelConfig(), {"GEMINI_API_KEY": "k", "GOOGLE_GEMINI_BASE_URL": server.url}, sleep=Pauses())
    with pytest.raises(ModelUnavailableError) as caught:
        await model.complete(prompt)
    await model.close()
    assert caught.value.hint == "check GEMINI_API_KEY"


@pytest.mark.parametrize(("reply", "in_doubt"), [(b'{"candidates": [{"conte', True), (b"<html>Log in</html>", False)])
async def test_an_answer_that_was_lost_on_the_way_may_have_been_billed_and_a_proxys_page_was_not(
    server: GeminiServer, prompt: Prompt, reply: bytes, in_doubt: bool
) -> None:
    server.fail.extend([reply] * 4)
    with pytest.raises(ModelUnavailableError) as caught:
        await ask(server, prompt)
    assert caught.value.may_be_billed == in_doubt


async def test_a_server_that_is_gone_is_unavailable_not_a_bug(prompt: Prompt) -> None:
    environ = {**KEY, "GOOGLE_GEMINI_BASE_URL": "http://127.0.0.1:9"}
    model = Gemini(ModelConfig(), environ, sleep=Pauses())
    with pytest.raises(ModelUnavailableError, match="ConnectError") as caught:
        await model.complete(prompt)
    await model.close()
    assert not caught.value.may_be_billed


async def test_without_a_key_the_error_names_the_variable() -> None:
    with pytest.raises(ConfigError, match="GOOGLE_API_KEY"):
        Gemini(ModelConfig(), {})


async def test_a_batch_is_polled_to_its_end_and_what_failed_in_it_is_none(server: GeminiServer, prompt: Prompt) -> None:
    pauses = Pauses()
    model = Gemini(ModelConfig(), {**KEY, "GOOGLE_GEMINI_BASE_URL": server.url}, sleep=pauses)
    assert isinstance(model, BatchModel)
    found = await model.collect_batch(await model.submit_batch([prompt, prompt, prompt], "ours"), 3)
    await model.close()
    assert [one.data is not None if one else None for one in found] == [True, True, None]
    assert pauses == [30.0]
    sent = server.asked[0]["body"]["batch"]["inputConfig"]["requests"]["requests"][0]["request"]
    assert "responseSchema" in sent["generationConfig"]
    assert "responseJsonSchema" not in json.dumps(sent)


async def test_a_batchs_answers_are_told_apart_by_their_keys_not_by_their_order(
    server: GeminiServer, prompt: Prompt
) -> None:
    model = Gemini(ModelConfig(), {**KEY, "GOOGLE_GEMINI_BASE_URL": server.url}, sleep=Pauses())
    job = await model.submit_batch([prompt, prompt, prompt], "ours")
    server.batches["b0"]["answers"].reverse()  # the last of the three failed
    found = await model.collect_batch(job, 3)
    await model.close()
    assert [one is None for one in found] == [False, False, True]


async def test_a_batch_is_found_again_by_the_mark_it_was_sent_with(server: GeminiServer, prompt: Prompt) -> None:
    model = Gemini(ModelConfig(), {**KEY, "GOOGLE_GEMINI_BASE_URL": server.url}, sleep=Pauses())
    await model.submit_batch([prompt], "another's")
    job = await model.submit_batch([prompt], "ours")
    assert [await model.find_batch(mark) for mark in ("ours", "none's")] == [job, None]
    await model.close()


async def test_a_batch_that_may_have_arrived_is_not_sent_a_second_time(server: GeminiServer, prompt: Prompt) -> None:
    server.fail.append(b'{"name": "batches/b')
    model = Gemini(ModelConfig(), {**KEY, "GOOGLE_GEMINI_BASE_URL": server.url}, sleep=Pauses())
    with pytest.raises(ModelUnavailableError):
        await model.submit_batch([prompt], "ours")
    await model.close()
    assert len(server.asked) == 1


@pytest.mark.filterwarnings("ignore:BATCH_STATE_PARTIALLY_SUCCEEDED is not a valid JobState:UserWarning")
async def test_a_failed_batch_gives_nothing_and_loses_nothing(server: GeminiServer, prompt: Prompt) -> None:
    server.batch_state = "PARTIALLY_SUCCEEDED"
    model = Gemini(ModelConfig(), {**KEY, "GOOGLE_GEMINI_BASE_URL": server.url}, sleep=Pauses())
    found = await model.collect_batch(await model.submit_batch([prompt, prompt], "ours"), 2)
    await model.close()
    assert [one is None for one in found] == [False, True]


def test_the_offline_path_does_not_import_the_sdk() -> None:
    code = (
        "import sys; from pathlib import Path; from digest.config.schema import ModelConfig; from digest.llm import choose_model;"
        "choose_model(ModelConfig(), {}, Path('.')).create(); print('google.genai' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
