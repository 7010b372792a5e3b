"""Has words written and checked: what fails is asked for once more with its faults named, and every answer is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from digest import judging
from digest.errors import ModelOutputError
from digest.grounding import GroundingFlag
from digest.pipeline.asking import MeteredClient
from digest.pipeline.context import Context
from digest.ports import Completion, Prompt, Usage
from digest.store import answers

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
        kept = {} if ignore_cache else answers.load_cached_answers(session, [task.key for task in tasks])
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
    return judging.parse_unsupported_claims(completion)


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
        answers.save_cached_answers(session, [row | {"at": context.now}])
