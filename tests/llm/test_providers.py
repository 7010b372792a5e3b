"""Every provider keeps the port's promises; which one is used is said aloud; money is counted before and after."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from digest.config.schema import ModelConfig
from digest.errors import BudgetExceededError, ConfigError, ModelUnavailableError
from digest.llm import MODEL_FACTORIES, choose_model
from digest.llm.budget import Budget
from digest.llm.prices import compute_cost, find_price
from digest.llm.providers.openai import OpenAI
from digest.llm.providers.scripted import ScriptedModel, load_scripted_model
from digest.protocols import Prompt, Usage
from tests.llm.gemini_server import GeminiServer, error

SCRIPT = '{"judge": [{"match": "^T$", "answer": {"category": "rag", "relevance": 4}}]}'

# A provider's section and environment; a new provider gets a row here.
FIXTURES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "gemini": ({}, {"GEMINI_API_KEY": "k", "GOOGLE_GEMINI_BASE_URL": "{url}"}),
    "openai": ({"name": "local-test", "base_url": "{url}/v1"}, {}),
    "scripted": ({"script": "answers.yaml"}, {}),
}


def test_every_provider_has_a_fixture() -> None:
    assert set(FIXTURES) == set(MODEL_FACTORIES)


@pytest.mark.parametrize("provider", sorted(MODEL_FACTORIES))
async def test_a_provider_answers_through_the_port(
    provider: str, server: GeminiServer, prompt: Prompt, tmp_path: Path
) -> None:
    (tmp_path / "answers.yaml").write_text(SCRIPT)
    fields, environ = FIXTURES[provider]
    section = ModelConfig.model_validate({key: value.format(url=server.url) for key, value in fields.items()})
    environ = {key: value.format(url=server.url) for key, value in environ.items()}
    model = choose_model(section, environ, tmp_path, provider).create()
    assert model is not None
    completion = await model.complete(prompt)
    await model.close()
    assert completion.data["items"][0]["category"] == "rag"
    assert completion.model == model.name
    assert model.name.startswith(f"{provider}:")
    assert completion.usage.prompt > 0
    assert completion.model_version


async def test_an_openai_endpoint_is_asked_with_a_schema_and_thoughts_are_counted_apart(
    server: GeminiServer, prompt: Prompt
) -> None:
    section = ModelConfig.model_validate({"name": "m", "base_url": f"{server.url}/v1", "api_key_env": "MY_KEY"})
    model = OpenAI(section, {"MY_KEY": "secret"})
    completion = await model.complete(prompt)
    await model.close()
    sent = server.asked[0]
    assert sent["headers"]["authorization"] == "Bearer secret"
    assert sent["body"]["response_format"]["json_schema"]["schema"] == prompt.schema
    assert completion.usage == Usage(prompt=50, output=15, thoughts=5, cached=10)


async def test_an_openai_endpoint_that_refuses_or_makes_no_sense_is_unavailable(
    server: GeminiServer, prompt: Prompt
) -> None:
    async def at_once(seconds: float) -> None:
        assert seconds >= 0

    model = OpenAI(ModelConfig.model_validate({"base_url": f"{server.url}/v1"}), {}, sleep=at_once)
    server.fail.append(error(404, "NOT_FOUND", "model not found"))
    with pytest.raises(ModelUnavailableError) as caught:
        await model.complete(prompt)
    assert caught.value.is_final
    server.fail.extend([b"<html>hello</html>", {"choices": []}, error(500, "X", "x"), {"choices": "?"}])
    with pytest.raises(ModelUnavailableError, match="no choices"):
        await model.complete(prompt)
    await model.close()


@pytest.mark.parametrize(
    ("section", "environ", "provider", "expected"),
    [
        ({}, {}, "", "local"),
        ({}, {"GEMINI_API_KEY": "k"}, "", "gemini"),
        ({"provider": "local"}, {"GEMINI_API_KEY": "k"}, "", "local"),
        ({"provider": "local"}, {"GEMINI_API_KEY": "k"}, "gemini", "gemini"),
    ],
)
def test_flag_before_configuration_before_key_before_this_machine(
    section: dict[str, str], environ: dict[str, str], provider: str, expected: str
) -> None:
    choice = choose_model(ModelConfig.model_validate(section), environ, Path(), provider)
    assert choice.provider == expected
    assert "(" in choice.description


def test_the_line_gives_the_reason_and_never_the_key() -> None:
    line = choose_model(ModelConfig(), {"GOOGLE_API_KEY": "very-secret"}, Path()).description
    assert line == "gemini:gemini-3.5-flash-lite (GOOGLE_API_KEY is set)."


@pytest.mark.parametrize(
    ("provider", "words"),
    [("gemini", "GOOGLE_API_KEY"), ("openai", "base_url"), ("scripted", "model.script"), ("gemnii", "gemini")],
)
def test_a_provider_that_cannot_be_used_is_an_error_not_a_silent_fallback(provider: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        choose_model(ModelConfig(), {}, Path(), provider).create()
    assert words in f"{caught.value.message} {caught.value.hint}"


def test_a_script_that_is_missing_or_no_table_is_an_error_in_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_scripted_model(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(ConfigError, match="not a table"):
        load_scripted_model(tmp_path / "list.yaml")


async def test_a_script_leaves_out_what_no_rule_matches_and_answers_one_item_as_such(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("judge: [{match: one, answer: {relevance: 5}}]\nblurb: [{answer: {sentences: []}}]")
    model = load_scripted_model(path)
    two = json.dumps({"items": [{"id": "a", "title": "One"}, {"id": "b", "title": "Two"}]})
    assert (await model.complete(Prompt("judge", "1", "", two, {}))).data == {"items": [{"id": "a", "relevance": 5}]}
    one = json.dumps({"item": {"title": "x"}})
    assert (await model.complete(Prompt("blurb", "1", "", one, {}))).data == {"sentences": []}


async def test_a_function_can_be_a_model(prompt: Prompt) -> None:
    model = ScriptedModel(lambda asked: {"stage": asked.stage})
    assert (await model.complete(prompt)).data == {"stage": "judge"}


def test_thoughts_cost_as_output_and_flex_is_half() -> None:
    usage = Usage(prompt=1_000_000, output=500_000, thoughts=500_000)
    price = find_price("gemini:gemini-3.5-flash-lite")
    assert compute_cost(usage, price) == pytest.approx(0.30 + 2.50)
    assert compute_cost(usage, price, "flex") == pytest.approx(1.40)
    cached = Usage(prompt=1_000_000, cached=1_000_000)
    assert compute_cost(cached, find_price("gemini-2.5-flash-lite")) == pytest.approx(0.01)


def test_a_dated_name_has_its_models_price_and_an_unknown_one_has_none_unless_it_is_configured() -> None:
    assert find_price("gemini-2.5-flash-lite-001") == find_price("gemini-2.5-flash-lite")
    assert find_price("openai:qwen3") is None
    section = ModelConfig.model_validate({"price": {"input": 1.0, "output": 2.0}})
    assert compute_cost(Usage(prompt=1_000_000, output=500_000), find_price("openai:qwen3", section)) == pytest.approx(
        2.0
    )


def test_the_budget_counts_what_is_held_what_is_spent_and_what_the_month_has_had() -> None:
    budget = Budget(0.10, 1.00)
    budget.reserve(0.03, month_spent=0.95)
    with pytest.raises(BudgetExceededError, match="this month"):
        budget.reserve(0.03, month_spent=0.98)
    budget.settle(0.03, 0.01)
    budget.reserve(0.03, month_spent=0.96)
    budget.settle(0.03, 0.0)
    assert budget.spent == pytest.approx(0.01)


def test_a_call_in_doubt_counts_against_the_limit_and_is_not_called_spent() -> None:
    budget = Budget(0.10, 1.00)
    budget.reserve(0.06)
    budget.settle(0.06, 0.0, may_be_billed=True)
    assert (budget.spent, budget.uncertain, budget.has_reservations) == (0.0, 0.06, False)
    with pytest.raises(BudgetExceededError, match="this run"):
        budget.reserve(0.05)


def test_the_runs_limit_is_reached_before_it_is_passed() -> None:
    budget = Budget(0.10, 1.00)
    budget.reserve(0.10)
    with pytest.raises(BudgetExceededError, match="this run"):
        budget.reserve(0.001)


@pytest.mark.parametrize(
    "content",
    [
        '<think>{"a": 2}? No.</think>\n```json\n{"a": 1}\n```',
        'Let me see {x}, {"a": 2}?\n</think>\n\n{"a": 1}',
        'Here it is:\n```json\n{"a": 1}\n```\nHope it helps!',
        'Sure: {"a": 1}',
        'With {x} in mind:\n{"a": 1}\nDone.',
        [{"type": "text", "text": '{"a"'}, {"text": ": 1}"}],
    ],
    ids=["thoughts", "thoughts whose beginning the server kept", "fence", "words", "braces in words", "parts"],
)
async def test_an_openai_endpoint_may_think_aloud_or_answer_in_parts(
    server: GeminiServer, prompt: Prompt, content: object
) -> None:
    model = OpenAI(ModelConfig.model_validate({"base_url": f"{server.url}/v1"}), {})
    server.fail.append({"choices": [{"message": {"content": content}, "finish_reason": "stop"}], "usage": None})
    completion = await model.complete(prompt)
    await model.close()
    assert completion.data == {"a": 1}


async def test_an_openai_endpoint_that_refuses_max_tokens_is_asked_with_the_field_it_names(
    server: GeminiServer, prompt: Prompt
) -> None:
    model = OpenAI(ModelConfig.model_validate({"name": "m", "base_url": f"{server.url}/v1"}), {})
    server.fail.append(error(400, "INVALID", "Unsupported parameter: use 'max_completion_tokens' instead."))
    await model.complete(prompt)
    await model.complete(prompt)
    await model.close()
    fields = [{"max_tokens", "max_completion_tokens"} & set(asked["body"]) for asked in server.asked]
    assert fields == [{"max_tokens"}, {"max_completion_tokens"}, {"max_completion_tokens"}]
