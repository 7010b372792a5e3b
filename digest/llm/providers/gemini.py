"""Gemini through google-genai, imported when first asked: https://ai.google.dev/gemini-api/docs.

The SDK's own retries stay off: they ignore the delay the server asks for (googleapis/python-genai issue 1875).
"""

from __future__ import annotations

import asyncio
import copy
import json
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from digest.config.schema import ModelConfig
from digest.errors import ConfigError, ModelUnavailableError
from digest.llm.json_reply import parse_json_reply, redact_key
from digest.llm.prices import THINKING_TOKENS
from digest.llm.retry import Sleep, is_transient_status, retry_model_call
from digest.protocols import Completion, Prompt, Usage
from digest.text import normalise_line

if TYPE_CHECKING:
    from google.genai import Client, errors, types

KEY_VARIABLES = ("GOOGLE_API_KEY", "GEMINI_API_KEY")  # the first wins, as in the SDK
_RETRY_IN = re.compile(r"retry in ([\d.]+) ?s", re.I)
_HINTS = {  # `{key}` is the variable that the key came from
    400: "look at {key}, and at model.name and model.thinking in sources.yaml",
    401: "look at {key}",
    403: "the key in {key} may not use this model; look at it in AI Studio",
    404: "model.name in sources.yaml is not a model that this API version knows",
}
_MODELS_WITHOUT_MINIMAL = ("gemini-3.8-flash",)  # it refuses the lowest level
_END_STATES = frozenset({"SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "PARTIALLY_SUCCEEDED"})


class Gemini:
    """A Gemini model. Needs a key in the environment; raises ConfigError without one."""

    batch_poll_seconds = 30.0
    batch_limit_seconds = 24 * 3600.0

    def __init__(self, section: ModelConfig, environ: Mapping[str, str], sleep: Sleep = asyncio.sleep) -> None:
        key_name = next((name for name in KEY_VARIABLES if environ.get(name)), None)
        if key_name is None:
            raise ConfigError(
                "neither GEMINI_API_KEY nor GOOGLE_API_KEY is in the environment",
                "make a key in AI Studio and export it",
            )
        self.name = f"gemini:{section.name}"
        self._section = section
        self._key, self._key_name = environ[key_name], key_name
        self._base_url = str(section.base_url or environ.get("GOOGLE_GEMINI_BASE_URL") or "") or None
        self._sleep = sleep
        self._open_client: Client | None = None

    async def complete(self, prompt: Prompt) -> Completion:
        """Ask until answered; an answer that is cut, blocked or not JSON has no `data` and says why in `finish`."""
        return await retry_model_call(lambda: self._generate(prompt), self._sleep)

    async def submit_batch(self, prompts: Sequence[Prompt], batch_mark: str) -> str:
        """Send all as one batch job, at half price, under `mark` as the name that its owner sees."""
        job = await retry_model_call(lambda: self._create_job(prompts, batch_mark), self._sleep, at_most_once=True)
        return str(job.name)

    async def find_batch(self, batch_mark: str) -> str | None:
        """The job of that name, among those the API lists."""
        return await retry_model_call(lambda: self._find_job(batch_mark), self._sleep)

    async def collect_batch(self, job: str, count: int) -> list[Completion | None]:
        """The job's answers; None where it gave none. One that is no whole JSON has no `data`, and was paid for."""
        ended = await self._wait_for_job(job)
        answers = (ended.dest.inlined_responses if ended.dest else None) or []
        found: list[Completion | None] = [None] * count
        for order, answer in enumerate(answers):
            place = _response_index((answer.metadata or {}).get("key"), order)
            if answer.response is not None and place < count and found[place] is None:
                found[place] = self._completion(answer.response, 0.0)
        return found

    async def close(self) -> None:
        if self._open_client is not None:
            await self._open_client.aio.aclose()
            self._open_client = None

    def _client(self) -> Client:
        if self._open_client is None:
            from google import genai

            options = genai.types.HttpOptions(
                base_url=self._base_url,
                timeout=int(self._section.timeout_seconds * 1000),  # milliseconds
                retry_options=genai.types.HttpRetryOptions(attempts=1),
            )
            self._open_client = genai.Client(api_key=self._key, http_options=options)
        return self._open_client

    def _config(self, prompt: Prompt) -> types.GenerateContentConfig:
        from google.genai import types

        return types.GenerateContentConfig(
            system_instruction=prompt.system,
            response_mime_type="application/json",
            response_schema=copy.deepcopy(dict(prompt.schema)),  # the SDK rewrites it in place
            max_output_tokens=prompt.max_output_tokens
            + THINKING_TOKENS[self._section.thinking],  # thoughts count as output
            thinking_config=self._thinking(),
            service_tier=types.ServiceTier.FLEX if self._section.service_tier == "flex" else None,
        )

    def _thinking(self) -> types.ThinkingConfig | None:
        """Models before 3 know a budget in tokens instead of a level."""
        from google.genai import types

        level = self._section.thinking
        if not level:
            return None
        if self._section.name.startswith("gemini-2"):
            return types.ThinkingConfig(thinking_budget=0 if level == "MINIMAL" else -1)
        if level == "MINIMAL" and self._section.name.startswith(_MODELS_WITHOUT_MINIMAL):
            level = "LOW"
        return types.ThinkingConfig(thinking_level=types.ThinkingLevel(level))

    async def _generate(self, prompt: Prompt) -> Completion:
        began = time.monotonic()
        config = self._config(prompt)
        client = self._client()
        with _ErrorTranslation(self.name, self._key, self._key_name):
            response = await client.aio.models.generate_content(
                model=self._section.name, contents=prompt.user, config=config
            )
        return self._completion(response, time.monotonic() - began)

    async def _find_job(self, mark: str) -> str | None:
        from google.genai import types

        with _ErrorTranslation(self.name, self._key, self._key_name):
            pager = await self._client().aio.batches.list(config=types.ListBatchJobsConfig(page_size=100))
            async for job in pager:
                if job.display_name == mark:
                    return job.name
        return None

    async def _create_job(self, prompts: Sequence[Prompt], mark: str) -> types.BatchJob:
        from google.genai import types

        requests = [
            types.InlinedRequest(contents=prompt.user, config=self._config(prompt), metadata={"key": str(place)})
            for place, prompt in enumerate(prompts)
        ]
        with _ErrorTranslation(self.name, self._key, self._key_name):
            return await self._client().aio.batches.create(
                model=self._section.name, src=requests, config=types.CreateBatchJobConfig(display_name=mark)
            )

    async def _wait_for_job(self, name: str) -> types.BatchJob:
        waited = 0.0
        while True:
            job = await retry_model_call(lambda: self._get_job(name), self._sleep)
            if _job_state(job) in _END_STATES:
                return job
            if waited >= self.batch_limit_seconds:
                raise ModelUnavailableError(
                    f"{self.name}: the batch {name} did not end within a day", "set batch: false"
                )
            await self._sleep(self.batch_poll_seconds)
            waited += self.batch_poll_seconds

    async def _get_job(self, name: str) -> types.BatchJob:
        with _ErrorTranslation(self.name, self._key, self._key_name):
            return await self._client().aio.batches.get(name=name)

    def _completion(self, response: types.GenerateContentResponse, seconds: float) -> Completion:
        usage = response.usage_metadata
        candidates = response.candidates or []
        if candidates:
            finish = _enum_value(candidates[0].finish_reason) or "OTHER"
            content = candidates[0].content
            parts = (content.parts if content else None) or []
            text = "".join(part.text for part in parts if part.text and not part.thought)
            text = redact_key(text, self._key)
        else:
            blocked = response.prompt_feedback.block_reason if response.prompt_feedback else None
            finish, text = f"BLOCKED {_enum_value(blocked)}".strip(), ""
        return Completion(
            text=text,
            data=parse_json_reply(text) if finish == "STOP" else None,
            usage=Usage(
                prompt=(usage and usage.prompt_token_count) or 0,
                output=(usage and usage.candidates_token_count) or 0,
                thoughts=(usage and usage.thoughts_token_count) or 0,
                cached=(usage and usage.cached_content_token_count) or 0,
            ),
            model=self.name,
            model_version=response.model_version or "",
            finish=finish,
            seconds=seconds,
        )


def _response_index(key: Any, order: int) -> int:
    """Which prompt an answer is to, by the key that was sent with it; by its order where none came back."""
    return int(key) if str(key).isdecimal() else order


def _enum_value(value: Any) -> str:
    """An enum's word, or the word itself where the SDK does not know it yet."""
    return str(getattr(value, "value", value) or "")


def _job_state(job: types.BatchJob) -> str:
    return _enum_value(job.state).rpartition("_STATE_")[2]


class _ErrorTranslation:
    """A block in which whatever the SDK and its transport raise becomes ModelUnavailable, without the key."""

    def __init__(self, name: str, key: str, key_name: str) -> None:
        self._name = name
        self._key = key
        self._key_name = key_name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or not isinstance(error, Exception):
            return
        import httpx2
        from google.genai import errors

        if isinstance(error, errors.APIError):
            raise self._translate_api_error(error) from error
        unreadable = (
            json.JSONDecodeError | ValidationError | errors.UnknownApiResponseError
        )  # a proxy's page with a 200
        if isinstance(error, httpx2.HTTPError | OSError | unreadable):
            raise ModelUnavailableError(
                self._describe(f"{type(error).__name__}: {error}"),
                "look at the network or at model.base_url",
                may_be_billed=not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
                and not _is_proxy_page(error),
            ) from error

    def _translate_api_error(self, error: errors.APIError) -> ModelUnavailableError:
        """What an HTTP error means: wait and ask again, come back tomorrow, or mend something."""
        details = _error_details(error.details)
        said = self._describe(f"HTTP {error.code}: {error.message or error.status or ''}")
        if any("PerDay" in str(broken.get("quotaId")) for row in details for broken in row.get("violations") or ()):
            return ModelUnavailableError(
                said, "the day's quota is used up; it starts anew at midnight Pacific time", is_final=True
            )
        if is_transient_status(error.code):
            return ModelUnavailableError(said, "try again later", retry_after=_retry_delay(details, said))
        hint = _HINTS.get(error.code, "the request itself is refused").format(key=self._key_name)
        return ModelUnavailableError(said, hint, is_final=True)

    def _describe(self, text: str) -> str:
        return f"{self._name}: {normalise_line(redact_key(text, self._key))[:220]}"


def _is_proxy_page(error: Exception) -> bool:
    """Whether a proxy answered with a page of its own, so that the model was never asked."""
    return isinstance(error, json.JSONDecodeError) and error.doc.lstrip().startswith("<")


def _error_details(body: Any) -> list[Mapping[str, Any]]:
    """The `details` list of an error body, which is whatever the server or a proxy sent."""
    inner = body.get("error") if isinstance(body, Mapping) else None
    rows = inner.get("details") if isinstance(inner, Mapping) else None
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _retry_delay(details: Sequence[Mapping[str, Any]], message: str) -> float | None:
    """Seconds from google.rpc.RetryInfo, else from the message."""
    asked = next((str(row["retryDelay"]) for row in details if row.get("retryDelay")), "")
    if re.fullmatch(r"[\d.]+s", asked):
        return float(asked[:-1])
    found = _RETRY_IN.search(message)
    return float(found[1].rstrip(".")) if found else None


def create_model(section: ModelConfig, environ: Mapping[str, str], root: Path) -> Gemini:
    """The model that sources.yaml names, with a key of the environment."""
    return Gemini(section, environ)
