"""Gemini through google-genai, imported at first use: https://ai.google.dev/gemini-api/docs.

The SDK's own retries are off: they ignore the server's Retry-After (googleapis/python-genai issue 1875).
"""

from __future__ import annotations

import asyncio
import copy
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
    400: "check {key}, and model.name and model.thinking in sources.yaml",
    401: "check {key}",
    403: "the key in {key} may not use this model; check it in AI Studio",
    404: "model.name in sources.yaml is no model of this API version",
}
_MODELS_WITHOUT_MINIMAL = ("gemini-3.8-flash",)  # refuse the lowest level
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
        """Return a completion, with retries; one that is cut, blocked or not JSON has no `data`; `finish` says why."""
        return await retry_model_call(lambda: self._generate(prompt), self._sleep)

    async def submit_batch(self, prompts: Sequence[Prompt], batch_mark: str) -> str:
        """Send all prompts as one batch job, at half price, with `batch_mark` as its display name."""
        job = await retry_model_call(lambda: self._create_job(prompts, batch_mark), self._sleep, at_most_once=True)
        return str(job.name)

    async def find_batch(self, batch_mark: str) -> str | None:
        """Find the name of the job with that display name."""
        return await retry_model_call(lambda: self._find_job(batch_mark), self._sleep)

    async def collect_batch(self, job: str, count: int) -> list[Completion | None]:
        """Return the job's completions; None where there is none."""
        ended = await self._wait_for_job(job)
        completions: list[Completion | None] = [None] * count
        for order, answer in enumerate((ended.dest.inlined_responses if ended.dest else None) or []):
            # An answer carries the key that was sent with its prompt; without it the order decides.
            key = str((answer.metadata or {}).get("key"))
            index = int(key) if key.isdecimal() else order
            if answer.response is not None and index < count and completions[index] is None:
                completions[index] = self._completion(answer.response, 0.0)
        return completions

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
            max_output_tokens=prompt.max_output_tokens + THINKING_TOKENS[self._section.thinking],
            thinking_config=self._thinking(),
            service_tier=types.ServiceTier.FLEX if self._section.service_tier == "flex" else None,
        )

    def _thinking(self) -> types.ThinkingConfig | None:
        """Return the thinking level; models before 3 have a budget in tokens instead."""
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
        start = time.monotonic()
        config, models = self._config(prompt), self._client().aio.models
        with self._translate_errors():
            response = await models.generate_content(model=self._section.name, contents=prompt.user, config=config)
        return self._completion(response, time.monotonic() - start)

    async def _find_job(self, mark: str) -> str | None:
        from google.genai import types

        with self._translate_errors():
            pager = await self._client().aio.batches.list(config=types.ListBatchJobsConfig(page_size=100))
            async for job in pager:
                if job.display_name == mark:
                    return job.name
        return None

    async def _create_job(self, prompts: Sequence[Prompt], mark: str) -> types.BatchJob:
        from google.genai import types

        requests = [
            types.InlinedRequest(contents=prompt.user, config=self._config(prompt), metadata={"key": str(index)})
            for index, prompt in enumerate(prompts)
        ]
        with self._translate_errors():
            return await self._client().aio.batches.create(
                model=self._section.name, src=requests, config=types.CreateBatchJobConfig(display_name=mark)
            )

    async def _wait_for_job(self, name: str) -> types.BatchJob:
        waited = 0.0
        while True:
            job = await retry_model_call(lambda: self._get_job(name), self._sleep)
            if _enum_value(job.state).rpartition("_STATE_")[2] in _END_STATES:
                return job
            if waited >= self.batch_limit_seconds:
                message = f"{self.name}: the batch {name} did not end within a day"
                raise ModelUnavailableError(message, "set batch: false")
            await self._sleep(self.batch_poll_seconds)
            waited += self.batch_poll_seconds

    async def _get_job(self, name: str) -> types.BatchJob:
        with self._translate_errors():
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

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Translate errors of the SDK and its transport to ModelUnavailableError, without the key."""
        import httpx2
        from google.genai import errors

        transport = (httpx2.HTTPError, OSError, json.JSONDecodeError, ValidationError, errors.UnknownApiResponseError)
        try:
            yield
        except errors.APIError as error:
            raise self._translate_api_error(error) from error
        except transport as error:
            # A proxy may answer with a page of its own and status 200; then the model was never asked.
            is_proxy_page = isinstance(error, json.JSONDecodeError) and error.doc.lstrip().startswith("<")
            is_sent = not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout) and not is_proxy_page
            message = self._describe(f"{type(error).__name__}: {error}")
            hint = "check the network and model.base_url"
            raise ModelUnavailableError(message, hint, may_be_billed=is_sent) from error

    def _translate_api_error(self, error: errors.APIError) -> ModelUnavailableError:
        """Translate an HTTP error: transient, a daily quota, or one that needs a fix."""
        details = _error_details(error.details)
        message = self._describe(f"HTTP {error.code}: {error.message or error.status or ''}")
        if any("PerDay" in str(broken.get("quotaId")) for row in details for broken in row.get("violations") or ()):
            hint = "the day's quota is used up; it is reset at midnight Pacific time"
            return ModelUnavailableError(message, hint, is_final=True)
        if is_transient_status(error.code):
            return ModelUnavailableError(message, "try again later", retry_after=_retry_delay(details, message))
        hint = _HINTS.get(error.code, "the request itself is refused").format(key=self._key_name)
        return ModelUnavailableError(message, hint, is_final=True)

    def _describe(self, text: str) -> str:
        return f"{self.name}: {normalise_line(redact_key(text, self._key))[:220]}"


def _enum_value(value: Any) -> str:
    """Return an enum's value, or the string itself where the SDK does not know it yet."""
    return str(getattr(value, "value", value) or "")


def _error_details(body: Any) -> list[Mapping[str, Any]]:
    """Return the `details` list of an error body, which may have any shape."""
    inner = body.get("error") if isinstance(body, Mapping) else None
    rows = inner.get("details") if isinstance(inner, Mapping) else None
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _retry_delay(details: Sequence[Mapping[str, Any]], message: str) -> float | None:
    """Return the seconds of google.rpc.RetryInfo, else those in the message."""
    requested = next((str(row["retryDelay"]) for row in details if row.get("retryDelay")), "")
    if re.fullmatch(r"[\d.]+s", requested):
        return float(requested[:-1])
    match = _RETRY_IN.search(message)
    return float(match[1].rstrip(".")) if match else None


def create_model(section: ModelConfig, environ: Mapping[str, str], root: Path) -> Gemini:
    """Create the model that sources.yaml names, with a key from the environment."""
    return Gemini(section, environ)
