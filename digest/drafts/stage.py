"""Stage `draft`: write the draft of a period, or merge what is new into the one being edited."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlmodel import Session

from digest.blurbs.generate import BlurbResults, generate_blurbs
from digest.context import Context, record_run
from digest.db.issues import find_issue, find_newest_draft_version, save_draft_version
from digest.db.items import count_items_by_source, load_items_by_key
from digest.db.predictions import load_taggings
from digest.drafts.archive import ARCHIVE_SOURCE
from digest.drafts.edit import fill_missing_blurbs
from digest.drafts.editing import ResolvedDraft, apply_draft_marks, fetch_added_urls
from digest.drafts.merge import merge_drafts
from digest.drafts.model import Draft
from digest.drafts.propose import DraftProposal, ProposalInputs, build_pick, load_proposal_inputs, propose_draft
from digest.drafts.storage import (
    apply_draft_to_issue,
    apply_merges,
    get_draft_path,
    load_base_draft,
    parse_draft_file,
    read_draft_text,
    write_draft_text,
)
from digest.drafts.workflow import transition_state
from digest.drafts.writer import render_draft
from digest.errors import CheckFailedError
from digest.i18n import load_translations
from digest.ingest.coverage import describe_missing_days, load_missing_days
from digest.models.issues import Issue
from digest.models.items import Item
from digest.periods import Period
from digest.protocols import Report
from digest.ranking.stage import rank_period
from digest.text import format_count


@dataclass(frozen=True, slots=True)
class _EditedDraft:
    """The draft being edited with its marks applied, the base it was edited from, and rows for missing blurbs."""

    text: str | None  # of the file
    is_saved: bool  # whether the text is the newest version already
    draft: Draft | None
    base: Draft | None
    waiting_items: dict[str, Item]  # of picks that lack a blurb


def draft_issue(
    context: Context,
    period: Period,
    *,
    dry_run: bool = False,
    accept_gaps: bool = False,
    max_usd: float | None = None,
) -> Report:
    """Propose a draft, merge it with the one being edited, and write the result.

    What the editor changed is kept; what the editor removed stays removed. Unless `accept_gaps`, raises
    CheckFailedError when arXiv was read for a part of the period only.
    """
    with record_run(context, "draft", period.name) as report:
        inputs, gaps = _load_inputs(context, period)
        if gaps and not accept_gaps:
            raise CheckFailedError(
                "no draft was written: " + "; ".join(gaps), f"run `digest run {period}`; --accept-gaps drafts anyway"
            )
        if not inputs.has_ranking:
            rank_period(context, period)
            inputs, gaps = _load_inputs(context, period)
        proposal = propose_draft(context, period, inputs, report.run_id, max_usd)
        write_draft(context, period, proposal, report, dry_run=dry_run, max_usd=max_usd)
        report.problems = [*report.problems, *(f"{gap} (accepted)" for gap in gaps)]
        if not inputs.has_ranking:
            empty = f"{period} has no candidates: run `digest fetch`, or `digest backfill {period}` for arXiv"
            report.state, report.problems = "partial", [*report.problems, empty]
    return report


def _load_inputs(context: Context, period: Period) -> tuple[ProposalInputs, list[str]]:
    """Load what a proposal is made from, and which days of arXiv are missing."""
    with context.db.read() as session:
        require_draftable(session, period)
        missing = load_missing_days(context, session, period, of_active_sources=True)
        return load_proposal_inputs(context, session, period), describe_missing_days(missing, period)


def write_draft(
    context: Context,
    period: Period,
    proposal: DraftProposal,
    report: Report,
    *,
    dry_run: bool = False,
    max_usd: float | None = None,
) -> None:
    """Merge a generated draft with the one being edited; save, write and apply the result.

    The editor's version is committed first, then the file is written, then the database. After a crash at any point,
    the same command leads to the same result.
    """
    with context.db.read() as session:
        edited = _load_edited_draft(context, session, period)
    resolved = ResolvedDraft(edited.draft or proposal.draft)
    merged, conflict_count, blurbs = proposal.draft, 0, proposal.blurbs
    if edited.draft is not None:
        resolved = ResolvedDraft(edited.draft) if dry_run else fetch_added_urls(context, edited.draft)
        merged, conflicts = merge_drafts(edited.base or proposal.draft, resolved.draft, proposal.draft)
        conflict_count = len(conflicts)
    if not dry_run:
        merged, blurbs = _write_missing_blurbs(context, merged, proposal, edited.waiting_items, report, max_usd)
    _describe(report, period, merged, conflict_count, blurbs)
    waiting = [f"{url} waits to be fetched: {error}" for url, error in resolved.unreadable_urls.items()]
    report.problems = [*report.problems, *waiting]
    if dry_run:
        report.line += " (nothing written)"
        return
    if edited.text is not None and not edited.is_saved:
        with context.db.write() as session:
            save_draft_version(session, period.name, "editor", edited.text, context.now)
    text = render_draft(merged)
    with context.db.write() as session:
        require_draftable(session, period)
        write_draft_text(context, period, text)
        issue = find_issue(session, period.name) or _create_issue(context, period, merged)
        session.add(issue)
        session.flush()
        items = load_items_by_key(session, [pick.key for _, pick in merged.iter_picks()])
        issue.engines = _describe_engines(context, session, merged, items)
        issue.numbers = _compute_figures(context, session, period, items) | dict(proposal.figures)
        save_draft_version(session, period.name, "generated", render_draft(proposal.draft), context.now)
        save_draft_version(session, period.name, "merged", text, context.now)
        apply_draft_to_issue(session, issue, merged, proposal.draft, context.now, blurbs.by_key)
    report.line += f" → {get_draft_path(context, period).relative_to(context.root)}"


def _load_edited_draft(context: Context, session: Session, period: Period) -> _EditedDraft:
    """Load the draft's file, or the newest version if there is none, with its marks applied."""
    text, newest = read_draft_text(context, period), find_newest_draft_version(session, period.name)
    is_saved = newest is not None and newest.text == text
    edited_text = text if text is not None else newest.text if newest else None
    if edited_text is None:
        return _EditedDraft(None, is_saved, None, None, {})
    draft = apply_draft_marks(context, session, parse_draft_file(context, session, period, edited_text))
    base = load_base_draft(session, period.name)
    waiting_items = load_items_by_key(session, [pick.key for _, pick in draft.iter_picks() if pick.lacks_blurb])
    return _EditedDraft(text, is_saved, draft, apply_merges(session, base) if base else None, waiting_items)


def _write_missing_blurbs(
    context: Context,
    draft: Draft,
    proposal: DraftProposal,
    items: dict[str, Item],
    report: Report,
    max_usd: float | None,
) -> tuple[Draft, BlurbResults]:
    """Generate blurbs for the editor's picks without one; return the draft and all blurbs generated so far."""
    first, proposed = proposal.blurbs, {pick.key for _, pick in proposal.draft.iter_picks()}
    lacking = {pick.key for _, pick in draft.iter_picks() if pick.lacks_blurb} - proposed
    items = {key: item for key, item in items.items() if key in lacking}
    if not items:
        return draft, first
    more = generate_blurbs(context, list(items.values()), report.run_id, max_usd)
    picks = {key: build_pick(context.config, item, more.by_key[item.key]) for key, item in items.items()}
    blurbs = replace(
        more,
        by_key=first.by_key | more.by_key,
        message="; ".join(dict.fromkeys(filter(None, [first.message, more.message]))),
        problems=[*first.problems, *more.problems],
        is_model_unavailable=first.is_model_unavailable or more.is_model_unavailable,
    )
    return fill_missing_blurbs(draft, picks), blurbs


def _describe(report: Report, period: Period, draft: Draft, conflict_count: int, blurbs: BlurbResults) -> None:
    """Fill the report with counts, the blurbs' message and problems."""
    picks, shortlist = sum(1 for _ in draft.iter_picks()), len(draft.shortlist)
    report.numbers = {"picks": picks, "shortlist": shortlist, "conflicts": conflict_count}
    report.line = f"{period}: {format_count(picks, 'pick')}, {shortlist} on the shortlist"
    if conflict_count:
        report.line += f", {conflict_count} of your texts differ from newer generated ones (shown in the draft)"
    if blurbs.message:
        report.line += f"; {blurbs.message.rstrip('.')}"
    report.problems = list(blurbs.problems)
    if blurbs.is_model_unavailable:
        report.state = "partial"


def require_draftable(session: Session, period: Period) -> None:
    """Raise CheckFailedError if the issue is no draft any more."""
    issue = find_issue(session, period.name)
    if issue is not None:
        transition_state(issue.state, "draft", period.name)


def _create_issue(context: Context, period: Period, draft: Draft) -> Issue:
    newsletter, taxonomy = context.config.newsletter, context.config.taxonomy
    host = newsletter.url.split("://", 1)[1].split("/", 1)[0].split(":", 1)[0]
    since = newsletter.owned_since or f"{context.now:%Y-%m-%d}"
    categories = [{"slug": category.slug, "title": category.title} for category in taxonomy.categories]
    return Issue(
        period=period.name,
        kind=period.kind,
        form=draft.form,
        title=draft.title,
        atom_id=f"tag:{host},{since}:digest/{period.kind}/{period.name.replace('..', '_')}",
        taxonomy={"version": taxonomy.version, "categories": categories},
        created=context.now,
    )


def _describe_engines(context: Context, session: Session, draft: Draft, items: dict[str, Item]) -> list[str]:
    """Say for readers which models sorted and wrote; empty when the embedded engine did it all."""
    taggings = load_taggings(session, [item.id for item in items.values()])
    taggers = sorted({name for by_engine in taggings.values() for name in by_engine if ":" in name})
    writers = {pick.engine for _, pick in draft.iter_picks() if pick.origin == "model"}
    writers |= {section.engine for section in draft.sections if section.engine}
    translate = load_translations(context.config.newsletter.language)
    sorted_with = [translate("sorted_with", engine=name) for name in taggers]
    return sorted_with + [translate("commentary", engine=name) for name in sorted(writers)]


def count_read_by_source(context: Context, session: Session, period: Period) -> dict[str, int]:
    """Count the items read in a period by source; imported issues do not say how much was read for them."""
    counts = count_items_by_source(session, period.start(context.zone), period.end(context.zone))
    return {name: count for name, count in counts.items() if name != ARCHIVE_SOURCE.id}


def _compute_figures(context: Context, session: Session, period: Period, items: dict[str, Item]) -> dict[str, object]:
    """Count the items read and picked, in all and by source."""
    read = count_read_by_source(context, session, period)
    picked: dict[str, int] = {}
    for item in items.values():
        picked[item.source_id] = picked.get(item.source_id, 0) + 1
    labels = {source.id: source.label for source in context.config.sources}
    rows = [
        {"name": labels.get(name, name), "read": count, "kept": picked.get(name, 0)}
        for name, count in sorted(read.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    return {"read": sum(read.values()), "kept": sum(picked.values()), "sources": rows}
