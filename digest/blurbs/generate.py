"""Generate blurbs with a model, check them against the source, and fall back to extraction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, TypeVar

from digest.aio import run_sync
from digest.blurbs.extract import extract_quote
from digest.blurbs.grounding import GroundingFlag, check_grounding, prepare_grounding_source
from digest.blurbs.prompts import (
    BLURB_STAGE,
    ModelBlurb,
    build_blurb_prompt,
    build_verify_prompt,
    parse_blurb,
    parse_unsupported_claims,
)
from digest.blurbs.voice import Voice, load_voice, load_voiced_templates
from digest.context import Context
from digest.db.llm_calls import load_cached_answers, save_cached_answers
from digest.embeddings import load_embeddings
from digest.errors import ModelOutputError
from digest.llm.client import MeteredClient
from digest.llm.prompts import PromptTemplates
from digest.markdown.escape import escape_markdown
from digest.models.items import Item, get_abstract
from digest.protocols import Completion, Prompt, Usage
from digest.tagging.llm import PromptItem, build_cache_key
from digest.text import format_count

T = TypeVar("T")


class GenerationTask(ABC, Generic[T]):
    """A text to be generated from `item`; its answer is cached under `key`."""

    stage: str
    item_id: int | None = None

    def __init__(self, context: Context, client: MeteredClient, item: PromptItem) -> None:
        section = context.config.model
        options = {"thinking": section.thinking, "verify": section.verify}
        self.key = build_cache_key(client.model.name, self.stage, self.build_prompt().version, item, **options)

    @abstractmethod
    def build_prompt(self, unsupported: Sequence[str] = ()) -> Prompt:
        """Ask for the text; `unsupported` are the claims that failed in the last attempt."""

    @abstractmethod
    def parse(self, completion: Completion) -> tuple[T, Sequence[GroundingFlag]]:
        """Return the value and its unsupported claims, or raise ModelOutputError."""

    @abstractmethod
    def build_verify_prompt(self, value: T) -> Prompt:
        """Ask for what the source does not support."""


@dataclass(frozen=True)
class GeneratedText(Generic[T]):
    """The value of the last attempt, if it could be parsed, its flags, and the model's version."""

    value: T | None
    flags: tuple[GroundingFlag, ...]
    engine: str

    @property
    def accepted_value(self) -> T | None:
        return None if self.flags else self.value


async def generate_texts(
    context: Context,
    client: MeteredClient,
    tasks: Sequence[GenerationTask[T]],
    label: str,
    *,
    ignore_cache: bool = False,
) -> tuple[dict[str, GeneratedText[T]], int]:
    """Generate a text for each task until the client stops; cached answers are checked again.

    Returns the texts by the keys of their tasks, and how many came from the cache.
    """
    with context.db.read() as session:
        cached = {} if ignore_cache else load_cached_answers(session, [task.key for task in tasks])
    texts = {task.key: _restore_cached_text(client, task, cached[task.key]) for task in tasks if task.key in cached}

    async def generate(task: GenerationTask[T]) -> None:
        texts[task.key] = await _generate_text(context, client, task)

    try:
        await client.map_concurrently([task for task in tasks if task.key not in cached], generate, label)
    finally:
        await client.model.close()
    return texts, len(cached)


async def _generate_text(context: Context, client: MeteredClient, task: GenerationTask[T]) -> GeneratedText[T]:
    """Ask at most twice, the second time with the flagged claims, and cache the last answer."""
    rejected: list[str] = []
    for _ in range(2):
        completion, call_id = await client.complete(task.build_prompt(rejected))
        text = _parse_completion(client, task, completion)
        unsupported: tuple[str, ...] = ()
        # A second call sees what no pattern can.
        if text.accepted_value is not None and context.config.model.verify:
            verification, _ = await client.complete(task.build_verify_prompt(text.accepted_value))
            unsupported = parse_unsupported_claims(verification)
        text = _add_unsupported_claims(text, unsupported)
        if not text.flags:
            break
        rejected = [flag.text for flag in text.flags]
    # A truncated or blocked answer may succeed another day.
    if completion.data is not None:
        answer = {
            "data": completion.data,
            "model_version": completion.model_version,
            "finish": completion.finish,
            "doubts": list(unsupported),
        }
        row = {"key": task.key, "stage": task.stage, "item_id": task.item_id, "call_id": call_id, "value": answer}
        with context.db.write() as session:
            save_cached_answers(session, [row | {"at": context.now}])
    return text


def _parse_completion(client: MeteredClient, task: GenerationTask[T], completion: Completion) -> GeneratedText[T]:
    engine = completion.model_version or client.model.name
    try:
        value, flags = task.parse(completion)
    except ModelOutputError as error:
        return GeneratedText(None, (GroundingFlag("answer", error.message),), engine)
    return GeneratedText(value, tuple(flags), engine)


def _add_unsupported_claims(text: GeneratedText[T], unsupported: Sequence[str]) -> GeneratedText[T]:
    return replace(text, flags=(*text.flags, *(GroundingFlag("verify", claim) for claim in unsupported)))


def _restore_cached_text(client: MeteredClient, task: GenerationTask[T], answer: Mapping[str, Any]) -> GeneratedText[T]:
    """Check a cached answer again, so that an improved check also applies to old answers."""
    version = str(answer.get("model_version") or "")
    completion = Completion("", answer.get("data"), Usage(), client.model.name, version, str(answer["finish"]))
    return _add_unsupported_claims(
        _parse_completion(client, task, completion), list(map(str, answer.get("doubts", ())))
    )


@dataclass(frozen=True, slots=True)
class BlurbResult:
    """A pick's blurb, its author, and its relation to the source."""

    text: str
    origin: Literal["source", "model"]
    engine: str = ""
    grounding_status: Literal["quoted", "grounded"] = "quoted"
    # What failed in a model's text, or what is suspicious in the source.
    flags: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    # A judgement that a model proposes; the editor signs or strikes it.
    verdict: str = ""


@dataclass
class BlurbResults:
    """Blurbs by the keys of their items, and a summary of who wrote them."""

    by_key: dict[str, BlurbResult] = field(default_factory=dict)
    message: str = ""
    problems: list[str] = field(default_factory=list)
    usd: float = 0.0
    # False when only the limit in USD was reached.
    is_model_unavailable: bool = False


def generate_blurbs(
    context: Context,
    items: Sequence[Item],
    run_id: int | None = None,
    max_usd: float | None = None,
    *,
    ignore_cache: bool = False,
) -> BlurbResults:
    """Write a blurb for each item; quote where the model's failed the check twice or is unavailable."""
    blurbs = {item.key: build_quoted_blurb(item) for item in items}
    model = context.make_model()
    if model is None:
        return BlurbResults(blurbs, context.model_summary)
    with context.db.read() as session:
        voice = load_voice(context, session)
    client = MeteredClient(context, model, run_id, max_usd)
    templates = load_voiced_templates(context, voice)
    # A title alone gives a model nothing to write from.
    tasks = [_BlurbTask(context, client, item, templates, voice) for item in items if get_abstract(item).strip()]
    texts, cached_count = run_sync(generate_texts(context, client, tasks, "writing", ignore_cache=ignore_cache))
    blurbs |= {task.item.key: task.choose_blurb(texts.get(task.key)) for task in tasks}
    return _summarize_blurbs(context.model_summary.rstrip(".") or model.name, client, blurbs, cached_count)


def build_quoted_blurb(item: Item, failed_checks: Sequence[str] = ()) -> BlurbResult:
    """Quote the source; `failed_checks` are the reasons why a model's text was rejected."""
    quote = extract_quote(item.title, get_abstract(item), load_embeddings(), is_post=item.kind == "post")
    return BlurbResult(quote.text, "source", flags=tuple(failed_checks), evidence=quote.sentences)


class _BlurbTask(GenerationTask[ModelBlurb]):
    """A blurb to be generated, and the choice between the result and the quotation."""

    stage = BLURB_STAGE

    def __init__(
        self, context: Context, client: MeteredClient, item: Item, templates: PromptTemplates, voice: Voice
    ) -> None:
        self.item, self.item_id = item, item.id
        self._prompt_item = PromptItem.from_text(item.key, item.title, get_abstract(item))
        self._templates, self._examples = templates, voice.choose_examples(self._prompt_item, load_embeddings())
        self._source = prepare_grounding_source(item.title, item.summary, item.content)
        super().__init__(context, client, self._prompt_item)

    def build_prompt(self, unsupported: Sequence[str] = ()) -> Prompt:
        return build_blurb_prompt(self._prompt_item, self._templates, self._examples, unsupported)

    def build_verify_prompt(self, value: ModelBlurb) -> Prompt:
        return build_verify_prompt(self._prompt_item, self._templates, value)

    def parse(self, completion: Completion) -> tuple[ModelBlurb, Sequence[GroundingFlag]]:
        blurb = parse_blurb(completion, self._prompt_item)
        flags = check_grounding(blurb.text, self._source, blurb.evidence, load_embeddings())
        return blurb, [*flags, *(GroundingFlag("link", string) for string in blurb.removed_strings)]

    def choose_blurb(self, text: GeneratedText[ModelBlurb] | None) -> BlurbResult:
        blurb = text.accepted_value if text else None
        if text is None or blurb is None:
            return build_quoted_blurb(self.item, [str(flag) for flag in text.flags] if text else ())
        injected = self._prompt_item.injected_text
        suspicious = (f"source: {injected}",) if injected else ()
        verdict = "" if injected else self._check_verdict(blurb.verdict)
        return BlurbResult(blurb.text, "model", text.engine, "grounded", suspicious, blurb.evidence, verdict)

    def _check_verdict(self, verdict: str) -> str:
        """Return a proposed verdict as Markdown; one that states what the source does not say is dropped.

        A judgement is the model's own, so words of praise are no reason to drop it.
        """
        flags = check_grounding(verdict, self._source)
        return escape_markdown(verdict) if all(flag.kind in ("hype", "appeal") for flag in flags) else ""


def _summarize_blurbs(
    model_name: str, client: MeteredClient, blurbs: dict[str, BlurbResult], cached_count: int
) -> BlurbResults:
    by_model = sum(blurb.origin == "model" for blurb in blurbs.values())
    failed = sum(blurb.origin == "source" and bool(blurb.flags) for blurb in blurbs.values())
    usd = client.budget.spent
    cost = f"({cached_count} known before, {usd:.4f} USD)"
    problems = [f"{failed} quoted because the model's text failed a check"] if failed else []
    if client.stop_error:
        problems.append(f"quoted from there on: {client.failure_reason}")
    message = f"{format_count(by_model, 'blurb')} by {model_name}, {len(blurbs) - by_model} quoted {cost}"
    return BlurbResults(blurbs, message, problems, usd, client.is_unavailable)
