"""What crosses an edge: Request/Response/Fetcher, Prompt/Completion/Model, Message/Transport, Document, Report, Progress, Clock.

Language models: what they are asked and what they answer; what taggers say.

How long work tells a person where it stands, and a stage its outcome.

Documents for the site and messages for readers.

Protocols, and the values that cross them. No behaviour beyond what a value knows of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

T = TypeVar("T")
Clock = Callable[[], datetime]  # aware, UTC


class Progress(Protocol):
    """Shows long work. `track` yields its items; `say` prints one line."""

    def track(self, items: Iterable[T], label: str, total: int | None = None) -> Iterable[T]: ...

    def task(self, label: str, total: int | None = None) -> AbstractContextManager[Callable[[int], None]]: ...

    def print_line(self, line: str) -> None: ...


class NullProgress:
    """A Progress that shows nothing, for scripts and notebooks."""

    def track(self, items: Iterable[T], label: str, total: int | None = None) -> Iterable[T]:
        return items

    @contextmanager
    def task(self, label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        yield lambda step: None

    def print_line(self, line: str) -> None:
        """Say nothing."""


@dataclass(slots=True)
class Report:
    """A stage's outcome: one line for a person, numbers for a machine, and what went wrong."""

    stage: str
    line: str
    state: Literal["done", "partial", "failed"] = "done"
    numbers: dict[str, Any] = field(default_factory=dict)
    problems: Sequence[str] = ()
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. A note is worth knowing and no fault; a warning will hurt some day; bad hurts now."""

    subject: str
    state: Literal["good", "note", "warning", "bad"]
    words: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server gave to recognise its last answer by: opaque, and only good for the URL that gave it."""

    url: str
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One GET. `headers` come on top of the client's own; `deadline` is the total time in seconds, waiting aside."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    deadline: float = 60.0
    max_bytes: int = 15_000_000
    allow_private: bool = False
    validators: Validators | None = None  # sent only to the URL they came from
    min_pause: float = 0.0  # seconds, at least, before the next request where the site is one that is asked with pauses


@dataclass(frozen=True, slots=True)
class Response:
    """An answer with its decoded body. `url` is the one that answered; header names are lower-case."""

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
    """Makes one request: limits, pacing and safety inside; raises FetchError."""

    async def __call__(self, request: Request) -> Response: ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Document:
    """A file to be written below the site's root; `path` is relative, with forward slashes."""

    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """One e-mail to one reader, complete; `raw` is RFC 5322 with CRLF."""

    recipient: str
    sender: str  # envelope
    message_id: str
    raw: bytes


class Transport(Protocol):
    """Hands a message over. Returns the server's words; raises DeliveryError, which says when it is in doubt."""

    def send(self, message: Message) -> str: ...

    def close(self) -> None: ...


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
