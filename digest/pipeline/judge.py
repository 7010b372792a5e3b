"""`judge`: a language model reads the best-ranked candidates of a period; what it answered once is not asked again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from digest import tagging
from digest.judging import Grade, PromptItem
from digest.models import Item, Tagging
from digest.periods import Period
from digest.pipeline.asking import MeteredClient
from digest.pipeline.batching import BatchJobStore
from digest.pipeline.context import Context, record_run
from digest.pipeline.hearing import GradingBatch, GradingRun, build_grading_batch
from digest.pipeline.tag import EMBEDDED_ENGINE
from digest.pipeline.texts import get_abstract
from digest.pipeline.waiting import run_sync
from digest.ports import Report
from digest.store import judgements

AGREED_CONFIDENCE, NEAR_CONFIDENCE, DISAGREED_CONFIDENCE = (
    0.85,
    0.7,
    0.5,
)  # how sure a category is when the embedded tagger says so too, nearly, or not


def grade_candidates(
    context: Context, period: Period, *, limit: int | None = None, max_usd: float | None = None
) -> Report:
    """Have the model sort and grade the best `limit` candidates; rank again afterwards, and its grades count.

    Without a model it says so and does nothing. What the model cannot or may not answer keeps the machine's verdict,
    and the report says how many and why.
    """
    with record_run(context, "judge", period.name) as report:
        model = context.make_model()
        if model is None:
            report.line = f"{period}: judged by no language model. {context.model_summary}".strip()
            return report
        most = context.config.model.judged if limit is None else limit
        with context.db.read() as session:
            best = [item for _, item in judgements.load_ranking(session, period.name, most)]
        items = {item.key: item for item in best}
        docket = build_grading_batch(
            context, build_prompt_items(best), model.name, {key: item.id or 0 for key, item in items.items()}
        )
        known = docket.load_grades(context, items)
        _save_grades(context, items, model.name, known)
        asker = MeteredClient(context, model, report.run_id, max_usd)
        jobs = BatchJobStore(context, model.name, period.name)
        hearing = GradingRun(
            context, docket, asker, jobs, lambda found: _save_grades(context, items, model.name, found)
        )
        run_sync(hearing.run())
        _fill_grading_report(context, period, docket, hearing, len(known), report)
    return report


def build_prompt_items(items: Sequence[Item]) -> dict[str, PromptItem]:
    """Items' words as a model may see them, by key."""
    return {item.key: PromptItem.from_text(item.key, item.title, get_abstract(item)) for item in items}


def _save_grades(context: Context, items: Mapping[str, Item], engine: str, grades: Mapping[str, Grade]) -> None:
    """Store judgements as taggings by this engine."""
    mark = tagging.fingerprint_taxonomy(context.config.taxonomy)
    ids = [items[key].id or 0 for key in grades]
    with context.db.write() as session:
        ours = judgements.load_taggings(session, ids)
        rows: Sequence[dict[str, Any]] = [
            {
                "item_id": items[key].id,
                "engine": engine,
                **judgement.model_dump(),
                "confidence": _combine_confidence(judgement, ours.get(items[key].id or 0, {}).get(EMBEDDED_ENGINE)),
                "taxonomy": mark,
                "item_digest": items[key].digest,
                "at": context.now,
            }
            for key, judgement in grades.items()
        ]
        judgements.save_taggings(session, rows)


def _combine_confidence(grade: Grade, embedded_tagging: Tagging | None) -> float:
    """Two taggers that agree are surer than one that says how sure it is."""
    if embedded_tagging is None:
        return NEAR_CONFIDENCE
    if embedded_tagging.category == grade.category:
        return max(AGREED_CONFIDENCE, embedded_tagging.confidence)
    return NEAR_CONFIDENCE if grade.category == embedded_tagging.secondary else DISAGREED_CONFIDENCE


def _fill_grading_report(
    context: Context, period: Period, batch: GradingBatch, run: GradingRun, cached_count: int, report: Report
) -> None:
    asker = run.client
    suspects = [key for key, candidate in batch.items.items() if candidate.injected_text]
    left = len(batch.load_ungraded(context))
    judged = len(batch.items) - left
    report.numbers = {
        "judged": judged,
        "asked_before": cached_count,
        "calls": asker.call_count,
        "left": left,
        "usd": round(asker.budget.spent, 6),
        "suspects": suspects,
        "swayed": run.tampered_calls,
    }
    who = context.model_summary.rstrip(".") or asker.model.name
    version = f", which answered as {' and '.join(sorted(asker.model_versions))}" if asker.model_versions else ""
    report.line = (
        f"{period}: {judged} of the {len(batch.items)} best judged by {who}{version}; "
        f"{cached_count} of them known before, {asker.call_count} calls, {asker.cost_summary}"
    )
    if suspects:
        report.line += f"; {len(suspects)} look like instructions to a model and were judged alone"
    if run.tampered_calls:
        report.line += f"; {run.tampered_calls} calls were swayed by a text in them: their items were judged alone"
    if left:
        report.state = "done" if asker.is_budget_exhausted else "partial"
        report.problems = [f"{left} keep this machine's own verdict: {asker.failure_reason}"]
        report.line += f"; {report.problems[0]}"
