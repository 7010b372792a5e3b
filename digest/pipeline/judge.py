"""`judge`: a language model reads the best-ranked candidates of a period; what it answered once is not asked again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from digest import tagging
from digest.judging import Candidate, Judgement
from digest.models import Item, Tagging
from digest.periods import Period
from digest.pipeline.asking import Asker
from digest.pipeline.batching import Jobs
from digest.pipeline.context import Context, recorded
from digest.pipeline.hearing import Docket, Hearing, docket_of
from digest.pipeline.tag import ENGINE
from digest.pipeline.texts import abstract
from digest.pipeline.waiting import wait_for
from digest.ports import Report
from digest.store import judgements

AGREED, NEAR, APART = 0.85, 0.7, 0.5  # how sure a category is when the embedded tagger says so too, nearly, or not


def judge(context: Context, period: Period, *, limit: int | None = None, max_usd: float | None = None) -> Report:
    """Have the model sort and grade the best `limit` candidates; rank again afterwards, and its grades count.

    Without a model it says so and does nothing. What the model cannot or may not answer keeps the machine's verdict,
    and the report says how many and why.
    """
    with recorded(context, "judge", period.name) as report:
        model = context.make_model()
        if model is None:
            report.line = f"{period}: judged by no language model. {context.model_line}".strip()
            return report
        most = context.config.model.judged if limit is None else limit
        with context.db.read() as session:
            best = [item for _, item in judgements.ranking(session, period.name, most)]
        items = {item.key: item for item in best}
        docket = docket_of(context, candidates_of(best), model.name, {key: item.id or 0 for key, item in items.items()})
        known = docket.known(context, items)
        _save(context, items, model.name, known)
        asker = Asker(context, model, report.run_id, max_usd)
        jobs = Jobs(context, model.name, period.name)
        hearing = Hearing(context, docket, asker, jobs, lambda found: _save(context, items, model.name, found))
        wait_for(hearing.all())
        _tell(context, period, docket, hearing, len(known), report)
    return report


def candidates_of(items: Sequence[Item]) -> dict[str, Candidate]:
    """Items' words as a model may see them, by key."""
    return {item.key: Candidate.of(item.key, item.title, abstract(item)) for item in items}


def _save(context: Context, items: Mapping[str, Item], engine: str, found: Mapping[str, Judgement]) -> None:
    """Store judgements as taggings by this engine."""
    mark = tagging.fingerprint(context.config.taxonomy)
    ids = [items[key].id or 0 for key in found]
    with context.db.write() as session:
        ours = judgements.taggings(session, ids)
        rows: Sequence[dict[str, Any]] = [
            {
                "item_id": items[key].id,
                "engine": engine,
                **judgement.model_dump(),
                "confidence": _confidence(judgement, ours.get(items[key].id or 0, {}).get(ENGINE)),
                "taxonomy": mark,
                "item_digest": items[key].digest,
                "at": context.now,
            }
            for key, judgement in found.items()
        ]
        judgements.save_taggings(session, rows)


def _confidence(judgement: Judgement, ours: Tagging | None) -> float:
    """Two taggers that agree are surer than one that says how sure it is."""
    if ours is None:
        return NEAR
    if ours.category == judgement.category:
        return max(AGREED, ours.confidence)
    return NEAR if judgement.category == ours.secondary else APART


def _tell(context: Context, period: Period, docket: Docket, hearing: Hearing, known: int, report: Report) -> None:
    asker = hearing.asker
    suspects = [key for key, candidate in docket.candidates.items() if candidate.suspect]
    left = len(docket.waiting(context))
    judged = len(docket.candidates) - left
    report.numbers = {
        "judged": judged,
        "asked_before": known,
        "calls": asker.calls,
        "left": left,
        "usd": round(asker.budget.spent, 6),
        "suspects": suspects,
        "swayed": hearing.swayed,
    }
    who = context.model_line.rstrip(".") or asker.model.name
    version = f", which answered as {' and '.join(sorted(asker.versions))}" if asker.versions else ""
    report.line = (
        f"{period}: {judged} of the {len(docket.candidates)} best judged by {who}{version}; "
        f"{known} of them known before, {asker.calls} calls, {asker.bill}"
    )
    if suspects:
        report.line += f"; {len(suspects)} look like instructions to a model and were judged alone"
    if hearing.swayed:
        report.line += f"; {hearing.swayed} calls were swayed by a text in them: their items were judged alone"
    if left:
        report.state = "done" if asker.at_limit else "partial"
        report.problems = [f"{left} keep this machine's own verdict: {asker.trouble}"]
        report.line += f"; {report.problems[0]}"
