"""Generate a sentence on each month of a recap, with a citation for each pick it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
from digest.blurbs.voice import Voice, load_voice, load_voiced_templates
from digest.context import Context
from digest.drafts.model import get_issue_path
from digest.drafts.recap.build import MonthSummary
from digest.drafts.recap.picks import PastPick, deduplicate_picks
from digest.embeddings import load_embeddings
from digest.i18n import load_translations
from digest.llm.client import MeteredClient
from digest.llm.prompts import PromptTemplates
from digest.markdown.escape import escape_markdown
from digest.models.items import Item, get_abstract
from digest.periods import Period
from digest.protocols import Completion, Prompt
from digest.tagging.llm import PromptItem
from digest.text import normalise_line, shorten_text, slugify

_MAX_CITATION_CHARACTERS = 50
_Group = list[tuple[PastPick, Item]]


@dataclass
class MonthSummaries:
    """The sentences by month, a summary of who wrote them, and why some months have none."""

    by_month: dict[str, MonthSummary] = field(default_factory=dict)
    message: str = ""
    problems: list[str] = field(default_factory=list)
    # False when only the limit in USD was reached.
    is_model_unavailable: bool = False


def generate_month_summaries(
    context: Context,
    period: Period,
    picks: Sequence[PastPick],
    items: Mapping[str, Item],
    run_id: int | None,
    max_usd: float | None = None,
) -> MonthSummaries:
    """Write a sentence on each month from that month's picks; nothing without a model."""
    model = context.make_model()
    if model is None:
        return MonthSummaries()
    client = MeteredClient(context, model, run_id, max_usd)
    with context.db.read() as session:
        voice = load_voice(context, session)
    templates = load_voiced_templates(context, voice)
    tasks = {
        month: _MonthSummaryTask(context, client, templates, voice, month, group)
        for month, group in _group_works_by_month(picks, items).items()
    }
    texts, cached_count = run_sync(generate_texts(context, client, list(tasks.values()), "months"))
    by_month: dict[str, MonthSummary] = {}
    for month, task in tasks.items():
        if summary := task.build_summary(texts.get(task.key), get_issue_path(period)):
            by_month[month] = summary
    problems = []
    if client.stop_error:
        problems.append(f"no sentences from there on: {client.failure_reason}")
    elif rejected := len(tasks) - len(by_month):
        problems.append(f"{rejected} months keep their title alone: the model's sentence failed a check")
    cost = f"({cached_count} known before, {client.cost_summary})"
    message = f"{len(by_month)} of {len(tasks)} months with a sentence by {model.name} {cost}"
    return MonthSummaries(by_month, message, problems, client.is_unavailable)


def _group_works_by_month(picks: Sequence[PastPick], items: Mapping[str, Item]) -> dict[str, _Group]:
    """Group by month, by date, without withdrawn works and texts that instruct a model."""
    months: dict[str, _Group] = {}
    for past in sorted(deduplicate_picks(picks), key=lambda past: (past.month, str(past.published), past.pick.key)):
        item = items[past.pick.key]
        if not past.withdrawn and not _build_prompt_item(item).injected_text:
            months.setdefault(past.month, []).append((past, item))
    return months


def _build_prompt_item(item: Item) -> PromptItem:
    return PromptItem.from_text(item.key, item.title, get_abstract(item))


class _MonthSummaryTask(GenerationTask[ModelMonthSummary]):
    """A month's sentence to be generated, and its formatting."""

    stage = MONTH_SUMMARY_STAGE

    def __init__(
        self,
        context: Context,
        client: MeteredClient,
        templates: PromptTemplates,
        voice: Voice,
        month: str,
        group: _Group,
    ) -> None:
        self._month_name = load_translations(context.config.newsletter.language).period(month)
        self._items = {item.key: item for _, item in group}
        self._titles = {past.pick.key: past.pick.title for past, _ in group}
        self._prompt_items = [_build_prompt_item(item) for _, item in group]
        self._templates = templates
        works = " ".join(f"{item.title}. {item.text}" for item in self._prompt_items)
        self._closings = voice.choose_closings(works, load_embeddings())
        super().__init__(context, client, PromptItem(month, self._month_name, self.build_prompt().user))

    def build_prompt(self, unsupported: Sequence[str] = ()) -> Prompt:
        return build_month_summary_prompt(
            self._month_name, self._prompt_items, self._templates, self._closings, unsupported
        )

    def build_verify_prompt(self, value: ModelMonthSummary) -> Prompt:
        text = "\n".join(f"{self._items[key].title}. {get_abstract(self._items[key])}" for key in value.citations)
        return build_verify_prompt(PromptItem.from_text("", self._month_name, text), self._templates, value)

    def parse(self, completion: Completion) -> tuple[ModelMonthSummary, Sequence[GroundingFlag]]:
        """Check the sentence against all cited works, and each quotation against its own work."""
        summary = parse_month_summary(completion, self._month_name, self._prompt_items)
        source = _combine_sources([self._items[key] for key in summary.citations], self._month_name)
        flags = [*check_grounding(summary.text, source, embeddings=load_embeddings())]
        for key, quotation in summary.citations.items():
            if not is_quotation_supported(quotation, _combine_sources([self._items[key]])):
                flags.append(GroundingFlag("evidence", quotation[:80] or "(none)"))
        return summary, [*flags, *(GroundingFlag("link", string) for string in summary.removed_strings)]

    def build_summary(self, text: GeneratedText[ModelMonthSummary] | None, page: str) -> MonthSummary | None:
        """Format the sentence with its citations, each a link to the pick on the recap's page."""
        if text is None or (summary := text.accepted_value) is None:
            return None
        sentence, end = summary.text, "."
        if sentence[-1] in ".!?。":
            sentence, end = sentence[:-1], sentence[-1]
        citations = []
        for key in summary.citations:
            # A work is cited by what precedes its colon.
            name = shorten_text(normalise_line(self._titles[key]).partition(": ")[0], _MAX_CITATION_CHARACTERS)
            citations.append(f"[{escape_markdown(name)}]({page}#{slugify(key)})")
        return MonthSummary(f"{escape_markdown(sentence)} ({'; '.join(citations)}){end}", text.engine)


def _combine_sources(items: Sequence[Item], month_name: str = "") -> GroundingSource:
    """Combine the stored texts of several works; the month's name counts as supported."""
    title = ". ".join(filter(None, (month_name, *(item.title for item in items))))
    summaries, contents = [item.summary for item in items], [item.content for item in items]
    return prepare_grounding_source(title, "\n".join(summaries), "\n".join(contents))
