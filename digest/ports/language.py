"""Language models: what they are asked and what they answer; what taggers say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is asked. `schema` is a JSON schema of the answer; `stage` and `version` go into the cache key."""

    stage: str
    version: str
    system: str
    user: str
    schema: Mapping[str, Any]
    max_output_tokens: int = 2048


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them; thoughts are billed as output."""

    prompt: int = 0
    output: int = 0
    thoughts: int = 0
    cached: int = 0


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model answered: `data` is the parsed JSON if it is JSON, `finish` the provider's word for why it ended."""

    text: str
    data: Any
    usage: Usage
    model: str
    model_version: str = ""
    finish: str = "STOP"
    seconds: float = 0.0


class Model(Protocol):
    """A language model. `name` is provider:model.

    Raises ModelUnavailable; an answer that is cut, blocked or not JSON has no `data`, and `finish` says why.
    """

    name: str

    async def complete(self, prompt: Prompt) -> Completion: ...

    async def close(self) -> None: ...


@runtime_checkable
class BatchModel(Model, Protocol):
    """A model that can also be asked many things in one job: cheaper, slower, and None where no answer came."""

    async def submit_batch(self, prompts: Sequence[Prompt], batch_mark: str) -> str:
        """Send the job; returns its name, by which it can be collected even after a restart."""
        ...

    async def find_batch(self, batch_mark: str) -> str | None:
        """The name of the job that was sent with this mark of ours, if it arrived."""
        ...

    async def collect_batch(self, job: str, count: int) -> list[Completion | None]:
        """Wait for the job's end; its `count` answers in the order they were asked."""
        ...


@dataclass(frozen=True, slots=True)
class TagInput:
    """The text a tagger reads."""

    title: str
    abstract: str = ""


@dataclass(frozen=True, slots=True)
class Classification:
    """A tagger's answer: a category slug or "other", a second guess, and how likely the first is right (0..1)."""

    category: str
    secondary: str | None
    confidence: float
    relevance: int | None = None
    novelty: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ExtractedQuote:
    """A blurb quoted from a source, and whether every sentence is verbatim."""

    text: str
    sentences: tuple[str, ...]
