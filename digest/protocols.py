"""Protocols at the edges of the program, and the values that cross them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

T = TypeVar("T")
Clock = Callable[[], datetime]  # aware, UTC


class Progress(Protocol):
    """A display of long work. `track` yields its items; `print_line` prints one line."""

    def track(self, items: Iterable[T], label: str, total: int | None = None) -> Iterable[T]: ...

    def task(self, label: str, total: int | None = None) -> AbstractContextManager[Callable[[int], None]]: ...

    def print_line(self, line: str) -> None: ...


class NullProgress:
    """A display that shows nothing, for scripts and notebooks."""

    def track(self, items: Iterable[T], label: str, total: int | None = None) -> Iterable[T]:
        return items

    @contextmanager
    def task(self, label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        yield lambda step: None

    def print_line(self, line: str) -> None:
        """Print nothing."""


@dataclass(slots=True)
class Report:
    """The outcome of a stage: one line for a person, numbers for a machine, and problems."""

    stage: str
    line: str
    state: Literal["done", "partial", "failed"] = "done"
    numbers: dict[str, Any] = field(default_factory=dict)
    problems: Sequence[str] = ()
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. A note is no fault; a warning will hurt some day; bad hurts now."""

    subject: str
    state: Literal["good", "note", "warning", "bad"]
    text: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server gave to recognise its last response by: opaque, and only valid for its URL."""

    url: str
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A GET request. `headers` are added to the client's own; `deadline` is in seconds, without queueing."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    deadline: float = 60.0
    max_bytes: int = 15_000_000
    allow_private: bool = False
    validators: Validators | None = None  # sent only to the URL they came from
    secret_headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # sent only to the origin of `url`
    min_pause: float = 0.0  # seconds, at least, before the next request where the site is one that is asked with pauses


@dataclass(frozen=True, slots=True)
class Response:
    """A response with its decoded body. `url` is the one that responded; header names are lower-case."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes
    elapsed_seconds: float = 0.0
    redirects: tuple[tuple[int, str], ...] = ()  # (status, location) of each redirect followed

    @property
    def is_not_modified(self) -> bool:
        return self.status == 304


class Fetcher(Protocol):
    """Makes one request, with limits, pacing and safety checks; raises FetchError."""

    async def __call__(self, request: Request) -> Response: ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Document:
    """A file to write below the site's root; `path` is relative, with forward slashes."""

    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """A complete e-mail to one subscriber; `raw` is RFC 5322 with CRLF."""

    recipient: str
    sender: str  # envelope
    message_id: str
    raw: bytes


class Transport(Protocol):
    """Delivers a message and returns the server's response; raises DeliveryError."""

    def send(self, message: Message) -> str: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request to a model. `schema` is a JSON schema of its answer; `stage` and `version` enter the cache key."""

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
    """A model's answer: `data` is its parsed JSON, if it is JSON; `finish` is the provider's reason for the end."""

    text: str
    data: Any
    usage: Usage
    model: str
    model_version: str = ""
    finish: str = "STOP"
    seconds: float = 0.0


class Model(Protocol):
    """A language model. `name` is provider:model.

    Raises ModelUnavailableError; an answer that is cut, blocked or not JSON has no `data`, and `finish` says why.
    """

    name: str

    async def complete(self, prompt: Prompt) -> Completion: ...

    async def close(self) -> None: ...


@runtime_checkable
class BatchModel(Model, Protocol):
    """A model that also takes many prompts in one job: cheaper, slower, and None without an answer."""

    async def submit_batch(self, prompts: Sequence[Prompt], batch_mark: str) -> str:
        """Send the job; return its name, by which it can be collected even after a restart."""
        ...

    async def find_batch(self, batch_mark: str) -> str | None:
        """Find the name of the job that was sent with this mark, if it arrived."""
        ...

    async def collect_batch(self, job: str, count: int) -> list[Completion | None]:
        """Wait for the job's end; return its `count` answers in the order of the prompts."""
        ...


@dataclass(frozen=True, slots=True)
class TagInput:
    """The text that a tagger reads; `source` says where a post was published, and is empty for a paper."""

    title: str
    abstract: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Classification:
    """A tagger's answer: a category slug or "other", a second guess, and the probability of the first."""

    category: str
    secondary: str | None
    confidence: float
    relevance: int | None = None
    novelty: int | None = None
    reason: str = ""
