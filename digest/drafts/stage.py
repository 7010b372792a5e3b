"""`draft`: writes the sheet of a period, or merges what is new into the one a person is working on."""

from __future__ import annotations

from dataclasses import replace

from sqlmodel import Session

from digest.blurbs.generate import BlurbResults, generate_blurbs
from digest.context import Context, record_run
from digest.db.issues import find_issue, find_newest_draft_version, save_draft_version
from digest.db.items import count_items_by_source, load_items_by_key
from digest.db.predictions import load_ranking, load_taggings
from digest.drafts.archive import ARCHIVE_SOURCE as ARCHIVE
from digest.drafts.edit import apply_marks, fill_missing_blurbs
from digest.drafts.editing import ResolvedDraft, fetch_added_urls, resolve_known_urls
from digest.drafts.merge import MergeConflict, merge_drafts
from digest.drafts.model import Draft
from digest.drafts.parser import parse_draft
from digest.drafts.propose import DraftProposal, build_pick, propose_draft
from digest.drafts.storage import (
    apply_draft_to_issue,
    apply_merges,
    get_draft_path,
    parse_draft_file,
    read_draft_text,
    recover_editor_text,
    save_editor_version,
)
from digest.drafts.workflow import transition_state
from digest.drafts.writer import render_draft
from digest.files import write_documents
from digest.i18n import load_translations
from digest.models.issues import Issue
from digest.periods import Period
from digest.protocols import Document, Report
from digest.ranking.stage import rank_period


def draft_issue(context: Context, period: Period, *, dry_run: bool = False, max_usd: float | None = None) -> Report:
    """Propose, merge with what lies on disk, write; what was touched by hand stays, removals stay removed."""
    with record_run(context, "draft", period.name) as report:
        with context.db.read() as session:
            require_draftable(session, period)
            ranked = bool(load_ranking(session, period.name, 1))
        if not ranked:
            rank_period(context, period)
        proposal = propose_draft(context, period, report.run_id, max_usd)
        write_draft(context, period, proposal, report, dry_run=dry_run, max_usd=max_usd)
    return report


def write_draft(
    context: Context,
    period: Period,
    proposal: DraftProposal,
    report: Report,
    *,
    dry_run: bool = False,
    max_usd: float | None = None,
) -> None:
    """Merge a newly generated sheet with the one on disk, and keep, write and adopt the result.

    The hand's version is kept first, then the file is written, then the store follows: a crash at any point leaves
    a file and a store from which the same command comes to the same end.
    """
    mine, new = read_draft_text(context, period), proposal.draft
    typed = _load_edited_draft(context, period, mine, should_fetch=not dry_run)
    merged, conflicts = _merge_with_base(context, period, typed, new)
    blurbs = proposal.blurbs
    if not dry_run:
        merged, blurbs = _write_missing_blurbs(context, merged, proposal, report, max_usd)
    picked = sum(1 for _ in merged.iter_picks())
    report.numbers = {"picks": picked, "shortlist": len(merged.shortlist), "conflicts": len(conflicts)}
    report.line = f"{period}: {picked} picks, {len(merged.shortlist)} on the shortlist"
    if conflicts:
        report.line += f", {len(conflicts)} of your texts differ from newer ones of the program (shown in the sheet)"
    if blurbs.message:
        report.line += f"; {blurbs.message.rstrip('.')}"
    waiting = [f"{url} waits to be fetched: {why}" for url, why in (typed.unreadable_urls if typed else {}).items()]
    report.problems = [*blurbs.problems, *waiting]
    if blurbs.is_model_unavailable:
        report.state = "partial"
    if dry_run:
        report.line += " (nothing written)"
        return
    save_editor_version(context, period, mine)
    text = render_draft(merged)
    write_documents(context.site_folder, [Document(f"_drafts/{period.name}.md", text.encode())])
    with context.db.write() as session:
        issue = find_issue(session, period.name) or _create_issue(context, period, merged)
        session.add(issue)
        session.flush()
        issue.engines = describe_engines(context, session, merged)
        issue.numbers = compute_issue_figures(context, session, period, merged) | dict(proposal.figures)
        save_draft_version(session, period.name, "generated", render_draft(new), context.now)
        save_draft_version(session, period.name, "merged", text, context.now)
        apply_draft_to_issue(session, issue, merged, new, context.now, blurbs.by_key)
    report.line += f" → {get_draft_path(context, period).relative_to(context.root)}"


def describe_engines(context: Context, session: Session, draft: Draft) -> list[str]:
    """Who sorted and who wrote, in the words readers see; empty when this machine did it all."""
    items = load_items_by_key(session, [pick.key for _, pick in draft.iter_picks()])
    rows = load_taggings(session, [item.id for item in items.values()])
    models = sorted({name for row in rows.values() for name in row if ":" in name})
    of_picks = {pick.engine for _, pick in draft.iter_picks() if pick.origin == "model"}
    writers = sorted(of_picks | {section.engine for section in draft.sections if section.engine})
    w = load_translations(context.config.newsletter.language)
    return [w("sorted_with", engine=name) for name in models] + [w("commentary", engine=name) for name in writers]


def _write_missing_blurbs(
    context: Context, draft: Draft, proposal: DraftProposal, report: Report, max_usd: float | None
) -> tuple[Draft, BlurbResults]:
    """The sheet with words on the picks of the editor's choice that wait for some, and all that was written."""
    blurbs, proposed = proposal.blurbs, {pick.key for _, pick in proposal.draft.iter_picks()}
    waiting = (pick for _, pick in draft.iter_picks() if not pick.blurb and pick.origin == "source" and not pick.note)
    keys = [pick.key for pick in waiting if pick.key not in proposed]
    with context.db.read() as session:
        items = load_items_by_key(session, keys)
    if not items:
        return draft, blurbs
    more = generate_blurbs(context, list(items.values()), report.run_id, max_usd)
    picks = {key: build_pick(context.config, item, more.by_key[item.key]) for key, item in items.items()}
    every = replace(
        more,
        by_key=blurbs.by_key | more.by_key,
        message="; ".join(dict.fromkeys(filter(None, [blurbs.message, more.message]))),
        problems=[*blurbs.problems, *more.problems],
        is_model_unavailable=blurbs.is_model_unavailable or more.is_model_unavailable,
    )
    return fill_missing_blurbs(draft, picks), every


def _load_edited_draft(
    context: Context, period: Period, text: str | None, *, should_fetch: bool
) -> ResolvedDraft | None:
    """The sheet under the hand with its marks carried out; its addresses are fetched if `ask`. None when none was."""
    with context.db.read() as session:
        last = find_newest_draft_version(session, period.name)
        hand = text if text is not None else last.text if last else None
        if hand is None:
            return None
        here = recover_editor_text(session, parse_draft_file(context, period, hand))
        titles = {category.slug: category.title for category in context.config.taxonomy.categories}
        settled = resolve_known_urls(context, session, apply_marks(here, titles))
    return fetch_added_urls(context, settled) if should_fetch else ResolvedDraft(settled)


def _merge_with_base(
    context: Context, period: Period, edited: ResolvedDraft | None, generated: Draft
) -> tuple[Draft, list[MergeConflict]]:
    if edited is None:
        return generated, []
    with context.db.read() as session:
        base = find_newest_draft_version(session, period.name, "generated")
        before = apply_merges(session, parse_draft(base.text)) if base else generated
    return merge_drafts(before, edited.draft, generated)


def require_draftable(session: Session, period: Period) -> None:
    """Raise Refused when the issue has left the hands of the editor."""
    issue = find_issue(session, period.name)
    if issue is not None:
        transition_state(issue.state, "draft", period.name)


def _create_issue(context: Context, period: Period, draft: Draft) -> Issue:
    newsletter = context.config.newsletter
    host = newsletter.url.split("://", 1)[1].split("/", 1)[0].split(":", 1)[0]
    since = newsletter.owned_since or f"{context.now:%Y-%m-%d}"
    return Issue(
        period=period.name,
        kind=period.kind,
        form=draft.form,
        title=draft.title,
        atom_id=f"tag:{host},{since}:digest/{period.kind}/{period.name.replace('..', '_')}",
        taxonomy={
            "version": context.config.taxonomy.version,
            "categories": [{"slug": c.slug, "title": c.title} for c in context.config.taxonomy.categories],
        },
        created=context.now,
    )


def count_read_by_source(context: Context, session: Session, period: Period) -> dict[str, int]:
    """What was read in a period by source; how much stood behind an imported issue nobody knows."""
    counts = count_items_by_source(session, period.start(context.zone), period.end(context.zone))
    return {name: count for name, count in counts.items() if name != ARCHIVE.id}


def compute_issue_figures(context: Context, session: Session, period: Period, draft: Draft) -> dict[str, object]:
    """How much was read and kept, in all and by source."""
    read = count_read_by_source(context, session, period)
    kept: dict[str, int] = {}
    for item in load_items_by_key(session, [pick.key for _, pick in draft.iter_picks()]).values():
        kept[item.source_id] = kept.get(item.source_id, 0) + 1
    labels = {source.id: source.label for source in context.config.sources}
    rows = [
        {"name": labels.get(name, name), "read": count, "kept": kept.get(name, 0)}
        for name, count in sorted(read.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    return {"read": sum(read.values()), "kept": sum(kept.values()), "sources": rows}
