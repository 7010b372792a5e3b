"""A model's sentence on each month of a review, tied to the picks it cites; a month that gets none keeps its title."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from digest.aio import run_sync
from digest.blurbs.generate import GeneratedText, GenerationTask, generate_texts
from digest.blurbs.grounding import (
    GroundingFlag,
    GroundingSource,
    check_grounding,
    is_quotation_supported,
    prepare_grounding_source,
)
from digest.blurbs.prompts import (
    MONTH_SUMMARY_STAGE,
    ModelMonthSummary,
    build_month_summary_prompt,
    build_verify_prompt,
    parse_month_summary,
)
from digest.context import Context
from digest.db.items import load_items_by_key
from digest.drafts.model import get_issue_path
from digest.drafts.recap.build import MonthSummary
from digest.drafts.recap.picks import PastPick, deduplicate_picks
from digest.embeddings import load_embeddings
from digest.i18n import load_translations
from digest.llm.client import MeteredClient
from digest.llm.prompts import PromptTemplates, load_prompt_templates
from digest.markdown.escape import escape_markdown
from digest.models.items import Item, get_abstract
from digest.periods import Period
from digest.protocols import Completion, Prompt
from digest.tagging.llm import PromptItem, build_cache_key
from digest.text import normalise_line, shorten_text, slugify

_MAX_CITATION_CHARACTERS = 50  # characters of a title that stand in a citation


@dataclass
class MonthSummaries:
    """The sentences by month, one line on who wrote them, and why some months have none."""

    by_month: dict[str, MonthSummary] = field(default_factory=dict)
    message: str = ""
    problems: list[str] = field(default_factory=list)
    is_model_unavailable: bool = (
        False  # whether the model could not be asked; a limit in USD that is reached is no fault
    )


def generate_month_summaries(
    context: Context, period: Period, picks: Sequence[PastPick], run_id: int | None, max_usd: float | None = None
) -> MonthSummaries:
    """A sentence on each month from that month's picks alone; nothing without a model."""
    model = context.make_model()
    if model is None:
        return MonthSummaries()
    asker = MeteredClient(context, model, run_id, max_usd)
    wording = load_prompt_templates(context.config, context.template_folder)
    asked = {
        month: _MonthSummaryTask(context, asker, wording, month, group)
        for month, group in _group_works_by_month(context, picks).items()
        if group
    }
    answers = run_sync(generate_texts(context, asker, [one.task for one in asked.values()], "months"))
    told = {
        month: one.build_summary(answers.by_key.get(one.task.key), get_issue_path(period))
        for month, one in asked.items()
    }
    return _report_month_summaries(
        asker, {month: gist for month, gist in told.items() if gist}, len(asked), answers.cached_count
    )


def _group_works_by_month(context: Context, picks: Sequence[PastPick]) -> dict[str, list[tuple[PastPick, Item]]]:
    """Each month's works that still stand and whose texts do not speak to a model, by date."""
    whole = sorted(deduplicate_picks(picks), key=lambda one: (one.month, str(one.published), one.pick.key))
    with context.db.read() as session:
        items = load_items_by_key(session, [one.pick.key for one in whole])
    months: dict[str, list[tuple[PastPick, Item]]] = {}
    for one in whole:
        item = items[one.pick.key]
        if not one.withdrawn and not _build_prompt_candidate(item).injected_text:
            months.setdefault(one.month, []).append((one, item))
    return months


def _build_prompt_candidate(item: Item) -> PromptItem:
    return PromptItem.from_text(item.key, item.title, get_abstract(item))


class _MonthSummaryTask:
    """A month's sentence to be asked for, and what becomes of the answer."""

    def __init__(
        self,
        context: Context,
        asker: MeteredClient,
        templates: PromptTemplates,
        month: str,
        group: Sequence[tuple[PastPick, Item]],
    ) -> None:
        section = context.config.model
        self._month_name = load_translations(context.config.newsletter.language).period(month)
        self._items = {item.key: item for _, item in group}
        self._titles = {one.pick.key: one.pick.title for one, _ in group}
        self._picks = [_build_prompt_candidate(item) for _, item in group]
        self._templates = templates
        prompt = partial(build_month_summary_prompt, self._month_name, self._picks, templates)
        asked = prompt()
        options = {"thinking": section.thinking, "verify": section.verify}
        about = PromptItem(month, self._month_name, asked.user)
        key = build_cache_key(asker.model.name, MONTH_SUMMARY_STAGE, asked.version, about, **options)
        self.task = GenerationTask(key, MONTH_SUMMARY_STAGE, prompt, self._parse_and_check, self._build_verify_prompt)

    def _parse_and_check(self, completion: Completion) -> tuple[ModelMonthSummary, Sequence[GroundingFlag]]:
        """The sentence against the texts of the works it cites, together; each quotation against its own work's."""
        gist = parse_month_summary(completion, self._month_name, self._picks)
        sources = {key: _combine_sources([self._items[key]]) for key in gist.citations}
        false = [
            key for key, quotation in gist.citations.items() if not is_quotation_supported(quotation, sources[key])
        ]
        together = _combine_sources([self._items[key] for key in gist.citations], self._month_name)
        flags = check_grounding(gist.text, together, embeddings=load_embeddings())
        return gist, [
            *flags,
            *(GroundingFlag("evidence", gist.citations[key][:80] or "(none)") for key in false),
            *(GroundingFlag("link", string) for string in gist.removed_strings),
        ]

    def _build_verify_prompt(self, gist: ModelMonthSummary) -> Prompt:
        text = "\n".join(f"{self._items[key].title}. {get_abstract(self._items[key])}" for key in gist.citations)
        return build_verify_prompt(PromptItem.from_text("", self._month_name, text), self._templates, gist)

    def build_summary(self, answer: GeneratedText[ModelMonthSummary] | None, page: str) -> MonthSummary | None:
        """The sentence with its citations, each a link to the pick's place in the review."""
        if answer is None or answer.accepted_value is None:
            return None
        text, end = answer.accepted_value.text, "."
        if text[-1] in ".!?。":
            text, end = text[:-1], text[-1]
        cites = "; ".join(
            f"[{escape_markdown(_shorten_title(self._titles[key]))}]({page}#{slugify(key)})"
            for key in answer.accepted_value.citations
        )
        return MonthSummary(f"{escape_markdown(text)} ({cites}){end}", answer.engine)


def _combine_sources(items: Sequence[Item], month_name: str = "") -> GroundingSource:
    """The stored texts of several works as one; `named` is what may be said besides."""
    title = ". ".join(part for part in (month_name, *(item.title for item in items)) if part)
    return prepare_grounding_source(
        title, "\n".join(item.summary for item in items), "\n".join(item.content for item in items)
    )


def _shorten_title(title: str) -> str:
    """A title as a citation names it: what stands before its colon."""
    return shorten_text(normalise_line(title).partition(": ")[0], _MAX_CITATION_CHARACTERS)


def _report_month_summaries(
    asker: MeteredClient, summaries: Mapping[str, MonthSummary], asked_count: int, cached_count: int
) -> MonthSummaries:
    line = f"{len(summaries)} of {asked_count} months with a sentence by {asker.model.name} ({cached_count} known before, {asker.cost_summary})"
    problems = []
    if asker.stop_error:
        problems.append(f"no sentences from there on: {asker.failure_reason}")
    elif len(summaries) < asked_count:
        problems.append(
            f"{asked_count - len(summaries)} months keep their title alone: the model's sentence failed a check"
        )
    return MonthSummaries(dict(summaries), line, problems, asker.is_unavailable)
