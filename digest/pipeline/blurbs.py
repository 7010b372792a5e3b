"""The words on a pick: a model's, if each sentence stands on the source, else the source's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from digest import grounding, judging
from digest.grounding import Flag
from digest.judging import Blurb, Candidate, Wording
from digest.models import Item
from digest.pipeline.asking import Asker
from digest.pipeline.context import Context
from digest.pipeline.texts import abstract
from digest.pipeline.waiting import wait_for
from digest.pipeline.writing import Answer, Task, write
from digest.ports import Completion
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
    down: bool = False  # whether the model could not be asked; a limit in USD that is reached is no fault


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
    asker = Asker(context, model, run_id, max_usd)
    wording = judging.wording(context.config, context.templates)
    asked = [_Blurb(context, asker, item, wording, examples) for item in items if abstract(item).strip()]
    answers = wait_for(write(context, asker, [one.task for one in asked], "writing", again=again))
    words = {item.key: quoted(item) for item in items}  # a title alone is nothing to write from
    words |= {one.item.key: one.decided(answers.found.get(one.task.key)) for one in asked}
    return _told(context.model_line.rstrip(".") or asker.model.name, asker, words, answers.known)


def quoted(item: Item, failed: Sequence[str] = ()) -> Written:
    """The source's own sentences; `failed` is why a model's were not taken."""
    quote = grounding.quote(item.title, abstract(item), vectors(), post=item.kind == "post")
    return Written(quote.text, "source", flags=tuple(failed), evidence=quote.sentences)


def _source(item: Item) -> grounding.Source:
    return grounding.source_of(item.title, item.summary, item.content)


class _Blurb:
    """A blurb to be asked for, and what becomes of the answer."""

    def __init__(self, context: Context, asker: Asker, item: Item, wording: Wording, examples: Sequence[str]) -> None:
        section = context.config.model
        candidate = Candidate.of(item.key, item.title, abstract(item))
        prompt = partial(judging.blurb_prompt, candidate, wording, examples)
        options = {"thinking": section.thinking, "verify": section.verify}
        key = judging.answer_key(asker.model.name, judging.BLURB, prompt().version, candidate, **options)
        self.item = item
        self.task = Task(
            key,
            judging.BLURB,
            prompt,
            self._read,
            lambda blurb: judging.verify_prompt(candidate, blurb, wording),
            item.id,
        )
        self._candidate = candidate
        self._source = _source(item)

    def _read(self, completion: Completion) -> tuple[Blurb, Sequence[Flag]]:
        blurb = judging.read_blurb(completion, self._candidate)
        flags = grounding.check(blurb.text, self._source, blurb.evidence, vectors())
        return blurb, [*flags, *(Flag("link", string) for string in blurb.removed)]

    def decided(self, answer: Answer[Blurb] | None) -> Written:
        """The model's words where they are good, else the source's own."""
        if answer is None or answer.good is None:
            return quoted(self.item, [str(flag) for flag in answer.flags] if answer else ())
        suspect = (f"source: {self._candidate.suspect}",) if self._candidate.suspect else ()
        return Written(answer.good.text, "model", answer.engine, "grounded", suspect, answer.good.evidence)


def _told(who: str, asker: Asker, words: dict[str, Written], known: int) -> Blurbs:
    """All words, and one line on who wrote how many."""
    by_model = sum(one.origin == "model" for one in words.values())
    failed = sum(one.origin == "source" and bool(one.flags) for one in words.values())
    spent = asker.budget.spent
    line = f"{by_model} blurbs by {who}, {len(words) - by_model} quoted ({known} known before, {spent:.4f} USD)"
    problems = [f"{failed} quoted because the model's text failed a check"] if failed else []
    if asker.stopped:
        problems.append(f"quoted from there on: {asker.trouble}")
    return Blurbs(words, line, problems, spent, asker.down)
