"""Generate, check, ask again; fall back to extraction.

The words on a pick: a model's, if each sentence stands on the source, else the source's own.

Has words written and checked: what fails is asked for once more with its faults named, and every answer is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Literal, TypeVar

from digest.aio import run_sync
from digest.blurbs.extract import extract_quote
from digest.blurbs.grounding import GroundingFlag, GroundingSource, check_grounding, prepare_grounding_source
from digest.blurbs.prompts import (
    BLURB_STAGE,
    ModelBlurb,
    build_blurb_prompt,
    build_verify_prompt,
    parse_blurb,
    parse_unsupported_claims,
)
from digest.context import Context
from digest.db.issues import load_editor_blurbs
from digest.db.llm_calls import load_cached_answers, save_cached_answers
from digest.embeddings import load_embeddings
from digest.errors import ModelOutputError
from digest.llm.client import MeteredClient
from digest.llm.prompts import PromptTemplates, load_prompt_templates
from digest.models.items import Item, get_abstract
from digest.protocols import Completion, Prompt, Usage
from digest.tagging.llm import PromptItem, build_cache_key

T = TypeVar("T")


@dataclass(frozen=True)
class GenerationTask(Generic[T]):
    """Words to be written. `key` is what the answer is kept under, `prompt` is given what failed the last time.

    `read` gives the words of a completion and what their source does not support, or raises ModelOutput.
    """

    key: str
    stage: str
    build_prompt: Callable[[Sequence[str]], Prompt]
    parse: Callable[[Completion], tuple[T, Sequence[GroundingFlag]]]
    build_verify_prompt: Callable[[T], Prompt]
    item_id: int | None = None


@dataclass(frozen=True)
class GeneratedText(Generic[T]):
    """The last words written, if any could be read, what is wrong with them, and who wrote them."""

    value: T | None
    flags: tuple[GroundingFlag, ...]
    engine: str

    @property
    def accepted_value(self) -> T | None:
        return None if self.flags else self.value


@dataclass
class GenerationResults(Generic[T]):
    """Answers by their tasks' keys, and how many of them were known before."""

    by_key: dict[str, GeneratedText[T]] = field(default_factory=dict)
    cached_count: int = 0


async def generate_texts(
    context: Context,
    asker: MeteredClient,
    tasks: Sequence[GenerationTask[T]],
    label: str,
    *,
    ignore_cache: bool = False,
) -> GenerationResults[T]:
    """Answers to the tasks, as far as the model may be asked; `again` asks also where an answer is known."""
    with context.db.read() as session:
        kept = {} if ignore_cache else load_cached_answers(session, [task.key for task in tasks])
    told = GenerationResults(
        {task.key: _restore_cached_text(asker, task, kept[task.key]) for task in tasks if task.key in kept}, len(kept)
    )

    async def one(task: GenerationTask[T]) -> None:
        told.by_key[task.key] = await _generate_text(context, asker, task)

    try:
        await asker.map_concurrently([task for task in tasks if task.key not in kept], one, label)
    finally:
        await asker.model.close()
    return told


async def _generate_text(context: Context, asker: MeteredClient, task: GenerationTask[T]) -> GeneratedText[T]:
    """Ask; where the check fails, ask once more and name what failed; keep the last answer either way."""
    unsupported: list[str] = []
    for _ in range(2):
        completion, call_id = await asker.complete(task.build_prompt(unsupported))
        answer = _parse_completion(asker, task, completion)
        doubts = await _ask_for_unsupported_claims(context, asker, task, answer.accepted_value)
        answer = _add_unsupported_claims(answer, doubts)
        if not answer.flags:
            break
        unsupported = [flag.text for flag in answer.flags]
    if completion.data is not None:  # a cut or blocked answer may come out better another day
        _cache_answer(context, task, completion, call_id, doubts)
    return answer


async def _ask_for_unsupported_claims(
    context: Context, asker: MeteredClient, task: GenerationTask[T], value: T | None
) -> tuple[str, ...]:
    """What a second call finds unsupported, where model.verify asks for one; it sees what no pattern can."""
    if value is None or not context.config.model.verify:
        return ()
    completion, _ = await asker.complete(task.build_verify_prompt(value))
    return parse_unsupported_claims(completion)


def _parse_completion(asker: MeteredClient, task: GenerationTask[T], completion: Completion) -> GeneratedText[T]:
    engine = completion.model_version or asker.model.name
    try:
        words, flags = task.parse(completion)
    except ModelOutputError as error:
        return GeneratedText(None, (GroundingFlag("answer", error.message),), engine)
    return GeneratedText(words, tuple(flags), engine)


def _add_unsupported_claims(answer: GeneratedText[T], unsupported: Sequence[str]) -> GeneratedText[T]:
    return GeneratedText(
        answer.value, (*answer.flags, *(GroundingFlag("verify", words) for words in unsupported)), answer.engine
    )


def _restore_cached_text(
    asker: MeteredClient, task: GenerationTask[T], cached_answer: Mapping[str, Any]
) -> GeneratedText[T]:
    """A kept answer is checked again, so that a better check also serves old answers."""
    version = str(cached_answer.get("model_version") or "")
    completion = Completion(
        "", cached_answer.get("data"), Usage(), asker.model.name, version, str(cached_answer["finish"])
    )
    return _add_unsupported_claims(
        _parse_completion(asker, task, completion), [str(words) for words in cached_answer.get("doubts", ())]
    )


def _cache_answer(
    context: Context, task: GenerationTask[T], completion: Completion, call_id: int, unsupported: Sequence[str]
) -> None:
    value = {
        "data": completion.data,
        "model_version": completion.model_version,
        "finish": completion.finish,
        "doubts": list(unsupported),
    }
    row = {"key": task.key, "stage": task.stage, "item_id": task.item_id, "call_id": call_id, "value": value}
    with context.db.write() as session:
        save_cached_answers(session, [row | {"at": context.now}])


_MAX_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class BlurbResult:
    """A pick's words, whose they are, and how they stand to the source."""

    text: str
    origin: Literal["source", "model"]
    engine: str = ""
    grounding_status: Literal["quoted", "grounded"] = "quoted"
    flags: tuple[str, ...] = ()  # what failed in a model's words, or what is suspect in the source's
    evidence: tuple[str, ...] = ()


@dataclass
class BlurbResults:
    """What was written, by the items' keys, and one line on who wrote it."""

    by_key: dict[str, BlurbResult] = field(default_factory=dict)
    message: str = ""
    problems: list[str] = field(default_factory=list)
    usd: float = 0.0
    is_model_unavailable: bool = (
        False  # whether the model could not be asked; a limit in USD that is reached is no fault
    )


def generate_blurbs(
    context: Context,
    items: Sequence[Item],
    run_id: int | None = None,
    max_usd: float | None = None,
    *,
    ignore_cache: bool = False,
) -> BlurbResults:
    """Words for each item: a quotation where a model's text failed the check twice or was not to be had.

    `again` asks also where an answer is known.
    """
    model = context.make_model()
    if model is None:
        return BlurbResults({item.key: build_quoted_blurb(item) for item in items}, context.model_summary)
    with context.db.read() as session:
        examples = load_editor_blurbs(session, _MAX_EXAMPLES)
    asker = MeteredClient(context, model, run_id, max_usd)
    wording = load_prompt_templates(context.config, context.template_folder)
    asked = [_BlurbTask(context, asker, item, wording, examples) for item in items if get_abstract(item).strip()]
    answers = run_sync(
        generate_texts(context, asker, [one.task for one in asked], "writing", ignore_cache=ignore_cache)
    )
    words = {item.key: build_quoted_blurb(item) for item in items}  # a title alone is nothing to write from
    words |= {one.item.key: one.choose_blurb(answers.by_key.get(one.task.key)) for one in asked}
    return _summarize_blurbs(context.model_summary.rstrip(".") or asker.model.name, asker, words, answers.cached_count)


def build_quoted_blurb(item: Item, failed_checks: Sequence[str] = ()) -> BlurbResult:
    """The source's own sentences; `failed` is why a model's were not taken."""
    quote = extract_quote(item.title, get_abstract(item), load_embeddings(), is_post=item.kind == "post")
    return BlurbResult(quote.text, "source", flags=tuple(failed_checks), evidence=quote.sentences)


def _prepare_item_source(item: Item) -> GroundingSource:
    return prepare_grounding_source(item.title, item.summary, item.content)


class _BlurbTask:
    """A blurb to be asked for, and what becomes of the answer."""

    def __init__(
        self, context: Context, asker: MeteredClient, item: Item, templates: PromptTemplates, examples: Sequence[str]
    ) -> None:
        section = context.config.model
        candidate = PromptItem.from_text(item.key, item.title, get_abstract(item))
        prompt = partial(build_blurb_prompt, candidate, templates, examples)
        options = {"thinking": section.thinking, "verify": section.verify}
        key = build_cache_key(asker.model.name, BLURB_STAGE, prompt().version, candidate, **options)
        self.item = item
        self.task = GenerationTask(
            key,
            BLURB_STAGE,
            prompt,
            self._parse_and_check,
            lambda blurb: build_verify_prompt(candidate, blurb, templates),
            item.id,
        )
        self._candidate = candidate
        self._grounding_source = _prepare_item_source(item)

    def _parse_and_check(self, completion: Completion) -> tuple[ModelBlurb, Sequence[GroundingFlag]]:
        blurb = parse_blurb(completion, self._candidate)
        flags = check_grounding(blurb.text, self._grounding_source, blurb.evidence, load_embeddings())
        return blurb, [*flags, *(GroundingFlag("link", string) for string in blurb.removed_strings)]

    def choose_blurb(self, answer: GeneratedText[ModelBlurb] | None) -> BlurbResult:
        """The model's words where they are good, else the source's own."""
        if answer is None or answer.accepted_value is None:
            return build_quoted_blurb(self.item, [str(flag) for flag in answer.flags] if answer else ())
        suspect = (f"source: {self._candidate.injected_text}",) if self._candidate.injected_text else ()
        return BlurbResult(
            answer.accepted_value.text, "model", answer.engine, "grounded", suspect, answer.accepted_value.evidence
        )


def _summarize_blurbs(
    model_name: str, asker: MeteredClient, results: dict[str, BlurbResult], cached_count: int
) -> BlurbResults:
    """All words, and one line on who wrote how many."""
    by_model = sum(one.origin == "model" for one in results.values())
    failed = sum(one.origin == "source" and bool(one.flags) for one in results.values())
    spent = asker.budget.spent
    line = f"{by_model} blurbs by {model_name}, {len(results) - by_model} quoted ({cached_count} known before, {spent:.4f} USD)"
    problems = [f"{failed} quoted because the model's text failed a check"] if failed else []
    if asker.stop_error:
        problems.append(f"quoted from there on: {asker.failure_reason}")
    return BlurbResults(results, line, problems, spent, asker.is_unavailable)
