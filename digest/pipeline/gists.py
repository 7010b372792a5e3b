"""A model's sentence on each month of a review, tied to the picks it cites; a month that gets none keeps its title."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from digest import grounding, issues, judging
from digest.grounding import Flag
from digest.issues import PastPick
from digest.judging import Blurb, Candidate, Gist, Wording
from digest.markdown import escape
from digest.models import Item
from digest.periods import Period
from digest.pipeline.asking import Asker
from digest.pipeline.context import Context
from digest.pipeline.texts import abstract
from digest.pipeline.view import path_of
from digest.pipeline.waiting import wait_for
from digest.pipeline.writing import Answer, Task, write
from digest.ports import Completion, Prompt
from digest.render.present import shortened
from digest.render.words import words
from digest.store import items as item_store
from digest.text import one_line, slug
from digest.vectors import vectors

_LINKED = 50  # characters of a title that stand in a citation


@dataclass
class Gists:
    """The sentences by month, one line on who wrote them, and why some months have none."""

    sentences: dict[str, issues.Gist] = field(default_factory=dict)
    line: str = ""
    problems: list[str] = field(default_factory=list)
    down: bool = False  # whether the model could not be asked; a limit in USD that is reached is no fault


def write_gists(
    context: Context, period: Period, past: Sequence[PastPick], run_id: int | None, max_usd: float | None = None
) -> Gists:
    """A sentence on each month from that month's picks alone; nothing without a model."""
    model = context.make_model()
    if model is None:
        return Gists()
    asker = Asker(context, model, run_id, max_usd)
    wording = judging.wording(context.config, context.templates)
    asked = {
        month: _Gist(context, asker, wording, month, group) for month, group in _months(context, past).items() if group
    }
    answers = wait_for(write(context, asker, [one.task for one in asked.values()], "months"))
    told = {month: one.decided(answers.found.get(one.task.key), path_of(period)) for month, one in asked.items()}
    return _told(asker, {month: gist for month, gist in told.items() if gist}, len(asked), answers.known)


def _months(context: Context, past: Sequence[PastPick]) -> dict[str, list[tuple[PastPick, Item]]]:
    """Each month's works that still stand and whose texts do not speak to a model, by date."""
    whole = sorted(issues.once(past), key=lambda one: (one.month, str(one.published), one.pick.key))
    with context.db.read() as session:
        items = item_store.by_keys(session, [one.pick.key for one in whole])
    months: dict[str, list[tuple[PastPick, Item]]] = {}
    for one in whole:
        item = items[one.pick.key]
        if not one.withdrawn and not _candidate(item).suspect:
            months.setdefault(one.month, []).append((one, item))
    return months


def _candidate(item: Item) -> Candidate:
    return Candidate.of(item.key, item.title, abstract(item))


class _Gist:
    """A month's sentence to be asked for, and what becomes of the answer."""

    def __init__(
        self,
        context: Context,
        asker: Asker,
        wording: Wording,
        month: str,
        group: Sequence[tuple[PastPick, Item]],
    ) -> None:
        section = context.config.model
        self._named = words(context.config.newsletter.language).period(month)
        self._items = {item.key: item for _, item in group}
        self._titles = {one.pick.key: one.pick.title for one, _ in group}
        self._picks = [_candidate(item) for _, item in group]
        self._wording = wording
        prompt = partial(judging.gist_prompt, self._named, self._picks, wording)
        asked = prompt()
        options = {"thinking": section.thinking, "verify": section.verify}
        about = Candidate(month, self._named, asked.user)
        key = judging.answer_key(asker.model.name, judging.GIST, asked.version, about, **options)
        self.task = Task(key, judging.GIST, prompt, self._read, self._verify)

    def _read(self, completion: Completion) -> tuple[Gist, Sequence[Flag]]:
        """The sentence against the texts of the works it cites, together; each quotation against its own work's."""
        gist = judging.read_gist(completion, self._named, self._picks)
        sources = {key: _source([self._items[key]]) for key in gist.cites}
        false = [key for key, quotation in gist.cites.items() if not grounding.supported(quotation, sources[key])]
        together = _source([self._items[key] for key in gist.cites], self._named)
        flags = grounding.check(gist.text, together, vectors=vectors())
        return gist, [
            *flags,
            *(Flag("evidence", gist.cites[key][:80] or "(none)") for key in false),
            *(Flag("link", string) for string in gist.removed),
        ]

    def _verify(self, gist: Gist) -> Prompt:
        text = "\n".join(f"{self._items[key].title}. {abstract(self._items[key])}" for key in gist.cites)
        return judging.verify_prompt(Candidate.of("", self._named, text), Blurb(gist.text, (), ()), self._wording)

    def decided(self, answer: Answer[Gist] | None, page: str) -> issues.Gist | None:
        """The sentence with its citations, each a link to the pick's place in the review."""
        if answer is None or answer.good is None:
            return None
        text, end = answer.good.text, "."
        if text[-1] in ".!?。":
            text, end = text[:-1], text[-1]
        cites = "; ".join(f"[{escape(_short(self._titles[key]))}]({page}#{slug(key)})" for key in answer.good.cites)
        return issues.Gist(f"{escape(text)} ({cites}){end}", answer.engine)


def _source(items: Sequence[Item], named: str = "") -> grounding.Source:
    """The stored texts of several works as one; `named` is what may be said besides."""
    title = ". ".join(part for part in (named, *(item.title for item in items)) if part)
    return grounding.source_of(
        title, "\n".join(item.summary for item in items), "\n".join(item.content for item in items)
    )


def _short(title: str) -> str:
    """A title as a citation names it: what stands before its colon."""
    return shortened(one_line(title).partition(": ")[0], _LINKED)


def _told(asker: Asker, sentences: Mapping[str, issues.Gist], asked: int, known: int) -> Gists:
    line = (
        f"{len(sentences)} of {asked} months with a sentence by {asker.model.name} ({known} known before, {asker.bill})"
    )
    problems = []
    if asker.stopped:
        problems.append(f"no sentences from there on: {asker.trouble}")
    elif len(sentences) < asked:
        problems.append(f"{asked - len(sentences)} months keep their title alone: the model's sentence failed a check")
    return Gists(dict(sentences), line, problems, asker.down)
