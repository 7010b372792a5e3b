"""Estimate what grading and writing a period may cost, before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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
from digest.tagging.grade import (
    BRIEF_ITEMS_FACTOR,
    MAX_WHOLE_TEXTS,
    GradingBatch,
    build_grading_batch,
    build_prompt_items,
)
from digest.tagging.llm import CANARIES_PER_CALL, PromptItem
from digest.tagging.taxonomy import fingerprint_taxonomy
from digest.text import format_count


def estimate_costs(context: Context, period: Period, provider: str, *, limit: int | None = None) -> Report:
    """Estimate the calls of `judge` and of the blurbs and their cost; sends and stores nothing.

    With the provider `local` the prices are Gemini's. Before the first ranking any items of the period are counted.
    """
    section = context.config.model
    name = f"{'gemini' if provider == 'local' else provider}:{section.name}"
    price = find_price(name, section)
    untagged, passes = _load_grading_passes(context, period, name, limit)
    grading_batch = passes[-1]
    ungraded = passes[0].load_ungraded(context)
    grading_prompts = [
        prompt for each in passes for prompt in _build_grading_prompts(context, each, each.load_ungraded(context))
    ]
    templates = load_prompt_templates(context.config, context.template_folder)
    room = sum(category.quota for category in context.config.taxonomy.categories)
    blurb_prompts = [build_blurb_prompt(item, templates) for item in list(grading_batch.items.values())[:room]]
    tier = "batch" if section.batch else ""
    usd = sum(estimate_cost(prompt, price, section, tier) for prompt in grading_prompts)
    blurbs_usd = sum(estimate_cost(prompt, price, section) for prompt in blurb_prompts)
    with context.db.read() as session:
        spent = sum_spend_since(session, get_month_start(context.now))
    cost = f"at most {usd + blurbs_usd:.3f} USD at the list price of {PRICES_AS_OF}, {blurbs_usd:.3f} of it for blurbs"
    parts = [
        f"{period}: {format_count(untagged, 'item')} to tag on this machine, which costs nothing",
        f"{len(ungraded)} of {len(passes[0].items)} to grade with {name} in {len(grading_prompts)} calls",
        f"up to {len(blurb_prompts)} blurbs to write, a call each",
        cost if price is not None else "its price is unknown: set model.price in sources.yaml",
        f"{spent:.2f} of {section.max_usd_per_month:.2f} USD are spent this month",
    ]
    if provider == "local":
        parts.append("no model is set up, so nothing would be sent")
    numbers = {"untagged": untagged, "waiting": len(ungraded), "calls": len(grading_prompts), "usd": usd}
    return Report(
        "estimate", "; ".join(parts), numbers={**numbers, "blurbs": len(blurb_prompts), "blurbs_usd": blurbs_usd}
    )


def _load_grading_passes(
    context: Context, period: Period, model: str, limit: int | None
) -> tuple[int, list[GradingBatch]]:
    """Return the number of untagged items, and the batches to grade: all in brief, then the best by their abstracts."""
    max_items = context.config.model.judged if limit is None else limit
    fingerprint = fingerprint_taxonomy(context.config.taxonomy)
    start, end = period.start(context.zone), period.end(context.zone)
    with context.db.read() as session:
        untagged = load_untagged_items(session, EMBEDDED_ENGINE, fingerprint)
        ranked: Sequence[Item] = [item for _, item in load_ranking(session, period.name, max_items)]
        items = ranked or load_period_items(session, start, end)[:max_items]
    full = build_grading_batch(context, build_prompt_items(items[:MAX_WHOLE_TEXTS]), model, {})
    if len(items) <= MAX_WHOLE_TEXTS:
        return len(untagged), [full]
    brief = build_grading_batch(context, build_prompt_items(items, is_brief=True), model, {})
    return len(untagged), [replace(brief, items_per_call=brief.items_per_call * BRIEF_ITEMS_FACTOR), full]


def _build_grading_prompts(
    context: Context, grading_batch: GradingBatch, ungraded: Sequence[PromptItem]
) -> list[Prompt]:
    """Return the prompts for ungraded items, after those for the canaries where these have no grades yet."""
    canaries = list(grading_batch.canaries.values())
    calls = grading_batch.build_calls(ungraded, canaries[:CANARIES_PER_CALL], one_per_call=False)
    if any(len(batch.items_by_name) > 1 for batch in calls) and not grading_batch.load_grades(
        context, grading_batch.canaries
    ):
        calls = [*grading_batch.build_calls(canaries, (), one_per_call=False), *calls]
    return [batch.prompt for batch in calls]
