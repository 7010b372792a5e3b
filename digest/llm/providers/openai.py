"""Any endpoint that speaks OpenAI's chat completions with a JSON schema: Ollama, vLLM, llama-server, LM Studio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2

from digest.config.schema import ModelConfig
from digest.errors import ConfigError, ModelUnavailableError
from digest.llm.json_reply import parse_json_reply, redact_key
from digest.llm.prices import THINKING_TOKENS
from digest.llm.retry import Sleep, is_transient_status, retry_model_call
from digest.protocols import Completion, Prompt, Usage
from digest.text import normalise_line

_FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
_HINT = "check model.name, model.base_url and model.api_key_env in sources.yaml"
_HINTS = {
    400: "the server must know `response_format` with a JSON schema; check model.name too",
    401: "check the variable that model.api_key_env in sources.yaml names",
    404: "model.base_url in sources.yaml ends in /v1 as a rule, and model.name must be there",
}


class OpenAI:
    """A model behind `model.base_url`; the key, if it needs one, is in the variable named by `model.api_key_env`."""

    def __init__(self, section: ModelConfig, environ: Mapping[str, str], sleep: Sleep = asyncio.sleep) -> None:
        if section.base_url is None:
            raise ConfigError("model.base_url is missing", "for Ollama it is http://localhost:11434/v1")
        key = environ.get(section.api_key_env, "") if section.api_key_env else ""
        if section.api_key_env and not key:
            raise ConfigError(f"the variable {section.api_key_env} is empty", "export it, or clear model.api_key_env")
        self.name = f"openai:{section.name}"
        self._section = section
        self._key = key
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._sleep = sleep
        self._open_client: httpx2.AsyncClient | None = None
        is_openai = httpx2.URL(str(section.base_url or "")).host == "api.openai.com"
        self._limit_field = "max_completion_tokens" if is_openai else "max_tokens"

    async def complete(self, prompt: Prompt) -> Completion:
        """Ask until answered; an answer that is cut or not JSON has no `data` and says why in `finish`."""
        return await retry_model_call(lambda: self._post_prompt(prompt), self._sleep)

    async def close(self) -> None:
        if self._open_client is not None:
            await self._open_client.aclose()
            self._open_client = None

    def _client(self) -> httpx2.AsyncClient:
        if self._open_client is None:
            self._open_client = httpx2.AsyncClient(timeout=self._section.timeout_seconds, headers=self._headers)
        return self._open_client

    async def _post_prompt(self, prompt: Prompt) -> Completion:
        start = time.monotonic()
        body = {
            "model": self._section.name,
            "messages": [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
            self._limit_field: prompt.max_output_tokens + THINKING_TOKENS[self._section.thinking],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": prompt.stage, "schema": dict(prompt.schema), "strict": True},
            },
        }
        try:
            url = f"{str(self._section.base_url).rstrip('/')}/chat/completions"
            response = await self._client().post(url, json=body)
        except httpx2.HTTPError as error:
            raise ModelUnavailableError(
                f"{self.name}: {type(error).__name__}: {error}",
                "is the server at model.base_url running?",
                may_be_billed=not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout),
            ) from error
        # OpenAI's reasoning models and servers like it refuse max_tokens and name the field they take.
        is_refused = response.status_code == httpx2.codes.BAD_REQUEST and "max_completion_tokens" in response.text
        if is_refused and self._limit_field == "max_tokens":
            self._limit_field = "max_completion_tokens"
            return await self._post_prompt(prompt)
        if response.status_code != httpx2.codes.OK:
            raise self._translate_status(response)
        return self._completion(_as_mapping(parse_json_reply(response.text)), time.monotonic() - start)

    def _translate_status(self, response: httpx2.Response) -> ModelUnavailableError:
        text = normalise_line(redact_key(response.text, self._key))
        message = f"{self.name}: HTTP {response.status_code}: {text[:200]}"
        if not is_transient_status(response.status_code):
            return ModelUnavailableError(message, _HINTS.get(response.status_code, _HINT), is_final=True)
        wait = response.headers.get("retry-after", "")
        return ModelUnavailableError(message, "try again later", retry_after=float(wait) if wait.isdecimal() else None)

    def _completion(self, body: Mapping[str, Any], seconds: float) -> Completion:
        choices = body.get("choices")
        choice = _as_mapping(choices[0]) if isinstance(choices, list) and choices else {}
        if not choice:
            raise ModelUnavailableError(f"{self.name}: the answer has no choices", "is model.base_url a chat endpoint?")
        text = redact_key(_message_text(_as_mapping(choice.get("message")).get("content")), self._key)
        finish = str(choice.get("finish_reason") or "stop")
        usage = _as_mapping(body.get("usage"))
        thoughts = _token_count(_as_mapping(usage.get("completion_tokens_details")), "reasoning_tokens")
        return Completion(
            text=text,
            data=parse_json_reply(text) if finish == "stop" else None,
            usage=Usage(
                prompt=_token_count(usage, "prompt_tokens"),
                output=max(0, _token_count(usage, "completion_tokens") - thoughts),  # OpenAI counts thoughts in
                thoughts=thoughts,
                cached=_token_count(_as_mapping(usage.get("prompt_tokens_details")), "cached_tokens"),
            ),
            model=self.name,
            model_version=str(body.get("model") or ""),
            finish=_FINISH.get(finish, finish.upper()),
            seconds=seconds,
        )


def _as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _message_text(content: Any) -> str:
    """Return a message's text, a string or the list of parts that some servers send."""
    if isinstance(content, list):
        return "".join(str(_as_mapping(part).get("text") or "") for part in content)
    return str(content or "")


def _token_count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def create_model(section: ModelConfig, environ: Mapping[str, str], root: Path) -> OpenAI:
    """Create the model at the endpoint that sources.yaml names."""
    return OpenAI(section, environ)
