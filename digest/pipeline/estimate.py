"""What sorting, judging and writing a period would cost at most, before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence

from digest import judging, llm, tagging
from digest.judging import Candidate
from digest.models import Item
from digest.periods import Period
from digest.pipeline.asking import estimated
from digest.pipeline.context import Context
from digest.pipeline.hearing import Docket, docket_of
from digest.pipeline.judge import candidates_of
from digest.pipeline.tag import ENGINE
from digest.ports import Prompt, Report
from digest.store import answers, judgements
from digest.store import items as item_store


def estimate(context: Context, period: Period, provider: str, *, limit: int | None = None) -> Report:
    """The calls of `judge` and of the blurbs, and what they may cost; nothing is sent or stored.

    Without a `provider` (`local`) Gemini is reckoned with. Before the first ranking any of the period's items stand in.
    """
    section = context.config.model
    name = f"{'gemini' if provider == 'local' else provider}:{section.name}"
    price = llm.price(name, section)
    untagged, docket = _read(context, period, name, limit)
    waiting = docket.waiting(context)
    judged = _judged(context, docket, waiting)
    written = _blurbs(context, list(docket.candidates.values()))
    tier = "batch" if section.batch else ""
    usd = sum(estimated(prompt, price, section, tier) for prompt in judged)
    blurbs_usd = sum(estimated(prompt, price, section) for prompt in written)
    told = [
        f"{period}: {untagged} items to be sorted on this machine, which costs nothing",
        f"{len(waiting)} of {len(docket.candidates)} to judge with {name} in {len(judged)} calls",
        f"up to {len(written)} blurbs to write, a call each",
        _said(usd, blurbs_usd, known=price is not None),
        _spent(context),
    ]
    if provider == "local":
        told.append("no model is set up, so nothing would be sent")
    numbers = {"untagged": untagged, "waiting": len(waiting), "calls": len(judged), "usd": usd}
    return Report("estimate", "; ".join(told), numbers={**numbers, "blurbs": len(written), "blurbs_usd": blurbs_usd})


def _read(context: Context, period: Period, model: str, limit: int | None) -> tuple[int, Docket]:
    """How many items no tagger has seen, and what there is to judge."""
    most = context.config.model.judged if limit is None else limit
    mark = tagging.fingerprint(context.config.taxonomy)
    start, end = period.start(context.zone), period.end(context.zone)
    with context.db.read() as session:
        untagged = judgements.untagged(session, ENGINE, mark)
        ranked: Sequence[Item] = [item for _, item in judgements.ranking(session, period.name, most)]
        items = ranked or item_store.candidates(session, start, end)[:most]
    return len(untagged), docket_of(context, candidates_of(items), model, {})


def _judged(context: Context, docket: Docket, waiting: Sequence[Candidate]) -> list[Prompt]:
    """The prompts that judge what waits, and before them that on our own items where it is still to be asked."""
    controls = list(docket.controls.values())
    calls = docket.batches(waiting, controls[: judging.A_CALL], alone=False)
    if any(len(batch.names) > 1 for batch in calls) and not docket.known(context, docket.controls):
        calls = [*docket.batches(controls, (), alone=False), *calls]
    return [batch.prompt for batch in calls]


def _blurbs(context: Context, candidates: Sequence[Candidate]) -> list[Prompt]:
    """The prompts of as many blurbs as the categories have room for."""
    wording = judging.wording(context.config, context.templates)
    room = sum(category.quota for category in context.config.taxonomy.categories)
    return [judging.blurb_prompt(candidate, wording) for candidate in candidates[:room]]


def _said(usd: float, blurbs_usd: float, *, known: bool) -> str:
    if not known:
        return "its price is not known: give model.price in sources.yaml"
    return f"at most {usd + blurbs_usd:.3f} USD at the list price of {llm.AS_OF}, {blurbs_usd:.3f} of it for blurbs"


def _spent(context: Context) -> str:
    with context.db.read() as session:
        spent = answers.spent_since(session, answers.month_start(context.now))
    return f"{spent:.2f} of {context.config.model.max_usd_per_month:.2f} USD are spent this month"
