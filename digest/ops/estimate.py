"""What sorting, judging and writing a period would cost at most, before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence

from digest.blurbs.prompts import build_blurb_prompt
from digest.context import Context
from digest.db.items import load_period_items
from digest.db.llm_calls import get_month_start, sum_spend_since
from digest.db.predictions import load_ranking, load_untagged_items
from digest.llm.client import estimate_cost
from digest.llm.prices import PRICES_AS_OF, find_price
from digest.llm.prompts import load_prompt_templates
from digest.models.items import Item
from digest.periods import Period
from digest.protocols import Prompt, Report
from digest.tagging.embedded import EMBEDDED_ENGINE
from digest.tagging.grade import GradingBatch, build_grading_batch, build_prompt_items
from digest.tagging.llm import CANARIES_PER_CALL, PromptItem
from digest.tagging.taxonomy import fingerprint_taxonomy


def estimate_costs(context: Context, period: Period, provider: str, *, limit: int | None = None) -> Report:
    """The calls of `judge` and of the blurbs, and what they may cost; nothing is sent or stored.

    Without a `provider` (`local`) Gemini is reckoned with. Before the first ranking any of the period's items stand in.
    """
    section = context.config.model
    name = f"{'gemini' if provider == 'local' else provider}:{section.name}"
    price = find_price(name, section)
    untagged, docket = _load_grading_batch(context, period, name, limit)
    waiting = docket.load_ungraded(context)
    judged = _build_grading_prompts(context, docket, waiting)
    written = _build_blurb_prompts(context, list(docket.items.values()))
    tier = "batch" if section.batch else ""
    usd = sum(estimate_cost(prompt, price, section, tier) for prompt in judged)
    blurbs_usd = sum(estimate_cost(prompt, price, section) for prompt in written)
    told = [
        f"{period}: {untagged} items to be sorted on this machine, which costs nothing",
        f"{len(waiting)} of {len(docket.items)} to judge with {name} in {len(judged)} calls",
        f"up to {len(written)} blurbs to write, a call each",
        _format_estimate(usd, blurbs_usd, is_price_known=price is not None),
        _format_month_spend(context),
    ]
    if provider == "local":
        told.append("no model is set up, so nothing would be sent")
    numbers = {"untagged": untagged, "waiting": len(waiting), "calls": len(judged), "usd": usd}
    return Report("estimate", "; ".join(told), numbers={**numbers, "blurbs": len(written), "blurbs_usd": blurbs_usd})


def _load_grading_batch(context: Context, period: Period, model: str, limit: int | None) -> tuple[int, GradingBatch]:
    """How many items no tagger has seen, and what there is to judge."""
    most = context.config.model.judged if limit is None else limit
    mark = fingerprint_taxonomy(context.config.taxonomy)
    start, end = period.start(context.zone), period.end(context.zone)
    with context.db.read() as session:
        untagged = load_untagged_items(session, EMBEDDED_ENGINE, mark)
        ranked: Sequence[Item] = [item for _, item in load_ranking(session, period.name, most)]
        items = ranked or load_period_items(session, start, end)[:most]
    return len(untagged), build_grading_batch(context, build_prompt_items(items), model, {})


def _build_grading_prompts(context: Context, docket: GradingBatch, waiting: Sequence[PromptItem]) -> list[Prompt]:
    """The prompts that judge what waits, and before them that on our own items where it is still to be asked."""
    controls = list(docket.canaries.values())
    calls = docket.build_calls(waiting, controls[:CANARIES_PER_CALL], one_per_call=False)
    if any(len(batch.items_by_name) > 1 for batch in calls) and not docket.load_grades(context, docket.canaries):
        calls = [*docket.build_calls(controls, (), one_per_call=False), *calls]
    return [batch.prompt for batch in calls]


def _build_blurb_prompts(context: Context, candidates: Sequence[PromptItem]) -> list[Prompt]:
    """The prompts of as many blurbs as the categories have room for."""
    wording = load_prompt_templates(context.config, context.template_folder)
    room = sum(category.quota for category in context.config.taxonomy.categories)
    return [build_blurb_prompt(candidate, wording) for candidate in candidates[:room]]


def _format_estimate(usd: float, blurbs_usd: float, *, is_price_known: bool) -> str:
    if not is_price_known:
        return "its price is not known: give model.price in sources.yaml"
    return f"at most {usd + blurbs_usd:.3f} USD at the list price of {PRICES_AS_OF}, {blurbs_usd:.3f} of it for blurbs"


def _format_month_spend(context: Context) -> str:
    with context.db.read() as session:
        spent = sum_spend_since(session, get_month_start(context.now))
    return f"{spent:.2f} of {context.config.model.max_usd_per_month:.2f} USD are spent this month"
