"""The words on a pick: a model's, if each sentence stands on the source, else the source's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from digest import grounding, judging
from digest.errors import ModelOutput
from digest.grounding import Flag
from digest.judging import Blurb, Candidate
from digest.models import Item
from digest.pipeline.asking import Asker
from digest.pipeline.context import Context
from digest.pipeline.texts import abstract
from digest.pipeline.waiting import wait_for
from digest.ports import Completion, Model, Usage
from digest.store import answers
from digest.store import issues as issue_store
from digest.vectors import vectors

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Written:
    """A pick's words, whose they are, and how they stand to the source."""

    text: str
    origin: Literal["source", "model"]
    engine: str = ""
    verdict: Literal["quoted", "grounded"] = "quoted"
    flags: tuple[str, ...] = ()  # what failed in a model's words, or what is suspect in the source's
    evidence: tuple[str, ...] = ()


@dataclass
class Blurbs:
    """What was written, by the items' keys, and one line on who wrote it."""

    words: dict[str, Written] = field(default_factory=dict)
    line: str = ""
    problems: list[str] = field(default_factory=list)
    usd: float = 0.0


@dataclass(frozen=True)
class _Job:
    item: Item
    candidate: Candidate
    source: grounding.Source
    key: str


def write_blurbs(
    context: Context,
    items: Sequence[Item],
    run_id: int | None = None,
    max_usd: float | None = None,
    *,
    again: bool = False,
) -> Blurbs:
    """Words for each item: a quotation where a model's text failed the check twice or was not to be had.

    `again` asks also where an answer is known.
    """
    model = context.make_model()
    if model is None:
        return Blurbs({item.key: quoted(item) for item in items}, context.model_line)
    with context.db.read() as session:
        examples = issue_store.editor_blurbs(session, _EXAMPLES)
    writer = _Writer(context, model, examples, run_id, max_usd)
    wait_for(writer.write(items, again=again))
    return writer.told(items)


def quoted(item: Item, failed: Sequence[str] = ()) -> Written:
    """The source's own sentences; `failed` is why a model's were not taken."""
    quote = grounding.quote(item.title, abstract(item), vectors(), post=item.kind == "post")
    return Written(quote.text, "source", flags=tuple(failed), evidence=quote.sentences)


def _source(item: Item) -> grounding.Source:
    return grounding.source_of(item.title, item.summary, item.content)


class _Writer:
    """One stage's writing with one model, one style and one set of examples."""

    def __init__(
        self, context: Context, model: Model, examples: Sequence[str], run_id: int | None, max_usd: float | None
    ) -> None:
        self._context = context
        self._examples = examples
        self._wording = judging.wording(context.config, context.templates)
        self._asker = Asker(context, model, run_id, max_usd)
        self._words: dict[str, Written] = {}
        self._known = 0

    async def write(self, items: Sequence[Item], *, again: bool = False) -> None:
        jobs = [self._job(item) for item in items]
        with self._context.db.read() as session:
            kept = {} if again else answers.answers(session, [job.key for job in jobs])
        self._known = len(kept)
        for job in jobs:
            if job.key in kept:
                self._words[job.item.key] = self._from_kept(job, kept[job.key])
        try:
            waiting = [job for job in jobs if job.key not in kept]
            await self._asker.each(waiting, self._one, "writing")
        finally:
            await self._asker.model.close()

    def told(self, items: Sequence[Item]) -> Blurbs:
        """All words, quotations where the model gave none, and who wrote how many."""
        words = {item.key: self._words.get(item.key) or quoted(item) for item in items}
        by_model = sum(one.origin == "model" for one in words.values())
        failed = sum(one.origin == "source" and bool(one.flags) for one in words.values())
        name, spent = self._asker.model.name, self._asker.budget.spent
        line = (
            f"{by_model} blurbs by {name}, {len(words) - by_model} quoted ({self._known} known before, {spent:.4f} USD)"
        )
        problems = [f"{failed} quoted because the model's text failed a check"] if failed else []
        if self._asker.stopped:
            problems.append(f"quoted from there on: {self._asker.stopped}")
        return Blurbs(words, "; ".join([line, *problems]), problems, self._asker.budget.spent)

    def _job(self, item: Item) -> _Job:
        candidate = Candidate.of(item.key, item.title, abstract(item))
        version = judging.blurb_prompt(candidate, self._wording, self._examples).version
        thinking = self._context.config.model.thinking
        verify = self._context.config.model.verify
        key = judging.answer_key(
            self._asker.model.name, judging.BLURB, version, candidate, thinking=thinking, verify=verify
        )
        return _Job(item, candidate, _source(item), key)

    async def _one(self, job: _Job) -> None:
        """Ask; where the check fails, ask once more and name what failed; keep the last answer either way."""
        unsupported: list[str] = []
        for _ in range(2):
            prompt = judging.blurb_prompt(job.candidate, self._wording, self._examples, unsupported)
            completion, call_id = await self._asker.ask(prompt)
            flags, blurb = self._judged(job, completion)
            doubts = await self._doubts(job, blurb) if blurb and not flags else ()
            flags = [*flags, *(Flag("verify", words) for words in doubts)]
            if not flags:
                break
            unsupported = [flag.text for flag in flags]
        words = self._decided(job, blurb, flags, completion.model_version)
        self._words[job.item.key] = words
        row = {
            "key": job.key,
            "stage": judging.BLURB,
            "item_id": job.item.id,
            "call_id": call_id,
            "value": {
                "data": completion.data,
                "model_version": completion.model_version,
                "finish": completion.finish,
                "doubts": doubts,
            },
            "at": self._context.now,
        }
        if completion.data is not None:  # a cut or blocked answer may come out better another day
            with self._context.db.write() as session:
                answers.keep_answers(session, [row])

    async def _doubts(self, job: _Job, blurb: Blurb) -> tuple[str, ...]:
        """What a second call finds unsupported, where model.verify asks for one; it sees what no pattern can."""
        if not self._context.config.model.verify:
            return ()
        completion, _ = await self._asker.ask(judging.verify_prompt(job.candidate, blurb, self._wording))
        return judging.read_doubts(completion)

    def _judged(self, job: _Job, completion: Completion) -> tuple[Sequence[Flag], Blurb | None]:
        try:
            blurb = judging.read_blurb(completion, job.candidate)
        except ModelOutput as error:
            return [Flag("answer", error.message)], None
        flags = grounding.check(blurb.text, job.source, blurb.evidence, vectors())
        return [*flags, *(Flag("link", string) for string in blurb.removed)], blurb

    def _decided(self, job: _Job, blurb: Blurb | None, flags: Sequence[Flag], version: str) -> Written:
        if blurb is None or flags:
            return quoted(job.item, [str(flag) for flag in flags])
        suspect = (f"source: {job.candidate.suspect}",) if job.candidate.suspect else ()
        engine = version or self._asker.model.name
        return Written(blurb.text, "model", engine, "grounded", suspect, blurb.evidence)

    def _from_kept(self, job: _Job, value: Mapping[str, Any]) -> Written:
        """A kept answer is checked again, so that a better check also serves old answers."""
        version = str(value.get("model_version") or "")
        completion = Completion("", value.get("data"), Usage(), self._asker.model.name, version, str(value["finish"]))
        flags, blurb = self._judged(job, completion)
        doubts = [Flag("verify", str(words)) for words in value.get("doubts", ())]
        return self._decided(job, blurb, [*flags, *doubts], version)
