"""Has words written and checked: what fails is asked for once more with its faults named, and every answer is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from digest import judging
from digest.errors import ModelOutput
from digest.grounding import Flag
from digest.pipeline.asking import Asker
from digest.pipeline.context import Context
from digest.ports import Completion, Prompt, Usage
from digest.store import answers

T = TypeVar("T")


@dataclass(frozen=True)
class Task(Generic[T]):
    """Words to be written. `key` is what the answer is kept under, `prompt` is given what failed the last time.

    `read` gives the words of a completion and what their source does not support, or raises ModelOutput.
    """

    key: str
    stage: str
    prompt: Callable[[Sequence[str]], Prompt]
    read: Callable[[Completion], tuple[T, Sequence[Flag]]]
    verify: Callable[[T], Prompt]
    item_id: int | None = None


@dataclass(frozen=True)
class Answer(Generic[T]):
    """The last words written, if any could be read, what is wrong with them, and who wrote them."""

    words: T | None
    flags: tuple[Flag, ...]
    engine: str

    @property
    def good(self) -> T | None:
        return None if self.flags else self.words


@dataclass
class Answers(Generic[T]):
    """Answers by their tasks' keys, and how many of them were known before."""

    found: dict[str, Answer[T]] = field(default_factory=dict)
    known: int = 0


async def write(
    context: Context, asker: Asker, tasks: Sequence[Task[T]], label: str, *, again: bool = False
) -> Answers[T]:
    """Answers to the tasks, as far as the model may be asked; `again` asks also where an answer is known."""
    with context.db.read() as session:
        kept = {} if again else answers.answers(session, [task.key for task in tasks])
    told = Answers({task.key: _recalled(asker, task, kept[task.key]) for task in tasks if task.key in kept}, len(kept))

    async def one(task: Task[T]) -> None:
        told.found[task.key] = await _asked(context, asker, task)

    try:
        await asker.each([task for task in tasks if task.key not in kept], one, label)
    finally:
        await asker.model.close()
    return told


async def _asked(context: Context, asker: Asker, task: Task[T]) -> Answer[T]:
    """Ask; where the check fails, ask once more and name what failed; keep the last answer either way."""
    unsupported: list[str] = []
    for _ in range(2):
        completion, call_id = await asker.ask(task.prompt(unsupported))
        answer = _judged(asker, task, completion)
        doubts = await _doubts(context, asker, task, answer.good)
        answer = _doubted(answer, doubts)
        if not answer.flags:
            break
        unsupported = [flag.text for flag in answer.flags]
    if completion.data is not None:  # a cut or blocked answer may come out better another day
        _keep(context, task, completion, call_id, doubts)
    return answer


async def _doubts(context: Context, asker: Asker, task: Task[T], words: T | None) -> tuple[str, ...]:
    """What a second call finds unsupported, where model.verify asks for one; it sees what no pattern can."""
    if words is None or not context.config.model.verify:
        return ()
    completion, _ = await asker.ask(task.verify(words))
    return judging.read_doubts(completion)


def _judged(asker: Asker, task: Task[T], completion: Completion) -> Answer[T]:
    engine = completion.model_version or asker.model.name
    try:
        words, flags = task.read(completion)
    except ModelOutput as error:
        return Answer(None, (Flag("answer", error.message),), engine)
    return Answer(words, tuple(flags), engine)


def _doubted(answer: Answer[T], doubts: Sequence[str]) -> Answer[T]:
    return Answer(answer.words, (*answer.flags, *(Flag("verify", words) for words in doubts)), answer.engine)


def _recalled(asker: Asker, task: Task[T], value: Mapping[str, Any]) -> Answer[T]:
    """A kept answer is checked again, so that a better check also serves old answers."""
    version = str(value.get("model_version") or "")
    completion = Completion("", value.get("data"), Usage(), asker.model.name, version, str(value["finish"]))
    return _doubted(_judged(asker, task, completion), [str(words) for words in value.get("doubts", ())])


def _keep(context: Context, task: Task[T], completion: Completion, call_id: int, doubts: Sequence[str]) -> None:
    value = {
        "data": completion.data,
        "model_version": completion.model_version,
        "finish": completion.finish,
        "doubts": list(doubts),
    }
    row = {"key": task.key, "stage": task.stage, "item_id": task.item_id, "call_id": call_id, "value": value}
    with context.db.write() as session:
        answers.keep_answers(session, [row | {"at": context.now}])
