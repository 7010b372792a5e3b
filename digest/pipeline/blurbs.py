"""The words on a pick: a model's, if each sentence stands on the source, else the source's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from digest import grounding, judging
from digest.grounding import GroundingFlag
from digest.judging import ModelBlurb, PromptItem, PromptTemplates
from digest.models import Item
from digest.pipeline.asking import MeteredClient
from digest.pipeline.context import Context
from digest.pipeline.texts import get_abstract
from digest.pipeline.waiting import run_sync
from digest.pipeline.writing import GeneratedText, GenerationTask, generate_texts
from digest.ports import Completion
from digest.store import issues as issue_store
from digest.vectors import load_embeddings

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
        examples = issue_store.load_editor_blurbs(session, _MAX_EXAMPLES)
    asker = MeteredClient(context, model, run_id, max_usd)
    wording = judging.load_prompt_templates(context.config, context.template_folder)
    asked = [_BlurbTask(context, asker, item, wording, examples) for item in items if get_abstract(item).strip()]
    answers = run_sync(
        generate_texts(context, asker, [one.task for one in asked], "writing", ignore_cache=ignore_cache)
    )
    words = {item.key: build_quoted_blurb(item) for item in items}  # a title alone is nothing to write from
    words |= {one.item.key: one.choose_blurb(answers.by_key.get(one.task.key)) for one in asked}
    return _summarize_blurbs(context.model_summary.rstrip(".") or asker.model.name, asker, words, answers.cached_count)


def build_quoted_blurb(item: Item, failed_checks: Sequence[str] = ()) -> BlurbResult:
    """The source's own sentences; `failed` is why a model's were not taken."""
    quote = grounding.extract_quote(item.title, get_abstract(item), load_embeddings(), is_post=item.kind == "post")
    return BlurbResult(quote.text, "source", flags=tuple(failed_checks), evidence=quote.sentences)


def _prepare_item_source(item: Item) -> grounding.GroundingSource:
    return grounding.prepare_grounding_source(item.title, item.summary, item.content)


class _BlurbTask:
    """A blurb to be asked for, and what becomes of the answer."""

    def __init__(
        self, context: Context, asker: MeteredClient, item: Item, templates: PromptTemplates, examples: Sequence[str]
    ) -> None:
        section = context.config.model
        candidate = PromptItem.from_text(item.key, item.title, get_abstract(item))
        prompt = partial(judging.build_blurb_prompt, candidate, templates, examples)
        options = {"thinking": section.thinking, "verify": section.verify}
        key = judging.build_cache_key(asker.model.name, judging.BLURB, prompt().version, candidate, **options)
        self.item = item
        self.task = GenerationTask(
            key,
            judging.BLURB,
            prompt,
            self._parse_and_check,
            lambda blurb: judging.build_verify_prompt(candidate, blurb, templates),
            item.id,
        )
        self._candidate = candidate
        self._grounding_source = _prepare_item_source(item)

    def _parse_and_check(self, completion: Completion) -> tuple[ModelBlurb, Sequence[GroundingFlag]]:
        blurb = judging.parse_blurb(completion, self._candidate)
        flags = grounding.check_grounding(blurb.text, self._grounding_source, blurb.evidence, load_embeddings())
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
