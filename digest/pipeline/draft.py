"""`draft`: writes the sheet of a period, or merges what is new into the one a person is working on."""

from __future__ import annotations

from dataclasses import replace

from sqlmodel import Session

from digest import issues, site
from digest.issues import Sheet
from digest.models import Issue
from digest.periods import Period
from digest.pipeline.archive import SOURCE as ARCHIVE
from digest.pipeline.blurbs import Blurbs, write_blurbs
from digest.pipeline.context import Context, recorded
from digest.pipeline.propose import Proposal, item_pick, propose
from digest.pipeline.rank import rank
from digest.pipeline.sheets import adopt, caught_up, keep_hand, of_a_hand, on_disk, parsed, sheet_path
from digest.pipeline.typed import Typed, fetched, known
from digest.ports import Document, Report
from digest.render import words
from digest.store import issues as issue_store
from digest.store import items as item_store
from digest.store import judgements


def draft(context: Context, period: Period, *, dry_run: bool = False, max_usd: float | None = None) -> Report:
    """Propose, merge with what lies on disk, write; what was touched by hand stays, removals stay removed."""
    with recorded(context, "draft", period.name) as report:
        with context.db.read() as session:
            may_be_drafted(session, period)
            ranked = bool(judgements.ranking(session, period.name, 1))
        if not ranked:
            rank(context, period)
        proposal = propose(context, period, report.run_id, max_usd)
        write(context, period, proposal, report, dry_run=dry_run, max_usd=max_usd)
    return report


def write(
    context: Context,
    period: Period,
    proposal: Proposal,
    report: Report,
    *,
    dry_run: bool = False,
    max_usd: float | None = None,
) -> None:
    """Merge a newly generated sheet with the one on disk, and keep, write and adopt the result.

    The hand's version is kept first, then the file is written, then the store follows: a crash at any point leaves
    a file and a store from which the same command comes to the same end.
    """
    mine, new = on_disk(context, period), proposal.sheet
    typed = _settled(context, period, mine, ask=not dry_run)
    merged, conflicts = _merged(context, period, typed, new)
    blurbs = proposal.blurbs
    if not dry_run:
        merged, blurbs = _worded(context, merged, proposal, report, max_usd)
    picked = sum(1 for _ in merged.picks())
    report.numbers = {"picks": picked, "shortlist": len(merged.shortlist), "conflicts": len(conflicts)}
    report.line = f"{period}: {picked} picks, {len(merged.shortlist)} on the shortlist"
    if conflicts:
        report.line += f", {len(conflicts)} of your texts differ from newer ones of the program (shown in the sheet)"
    if blurbs.line:
        report.line += f"; {blurbs.line.rstrip('.')}"
    waiting = [f"{url} waits to be fetched: {why}" for url, why in (typed.unread if typed else {}).items()]
    report.problems = [*blurbs.problems, *waiting]
    if blurbs.down:
        report.state = "partial"
    if dry_run:
        report.line += " (nothing written)"
        return
    keep_hand(context, period, mine)
    text = issues.render(merged)
    site.write(context.site, [Document(f"_drafts/{period.name}.md", text.encode())])
    with context.db.write() as session:
        issue = issue_store.find(session, period.name) or _new_issue(context, period, merged)
        session.add(issue)
        session.flush()
        issue.engines = engines(context, session, merged)
        issue.numbers = numbers(context, session, period, merged) | dict(proposal.numbers)
        issue_store.keep_sheet(session, period.name, "generated", issues.render(new), context.now)
        issue_store.keep_sheet(session, period.name, "merged", text, context.now)
        adopt(session, issue, merged, new, context.now, blurbs.words)
    report.line += f" → {sheet_path(context, period).relative_to(context.root)}"


def engines(context: Context, session: Session, sheet: Sheet) -> list[str]:
    """Who sorted and who wrote, in the words readers see; empty when this machine did it all."""
    items = item_store.by_keys(session, [pick.key for _, pick in sheet.picks()])
    rows = judgements.taggings(session, [item.id or 0 for item in items.values()])
    models = sorted({name for row in rows.values() for name in row if ":" in name})
    of_picks = {pick.engine for _, pick in sheet.picks() if pick.origin == "model"}
    writers = sorted(of_picks | {section.engine for section in sheet.sections if section.engine})
    w = words(context.config.newsletter.language)
    return [w("sorted_with", engine=name) for name in models] + [w("commentary", engine=name) for name in writers]


def _worded(
    context: Context, sheet: Sheet, proposal: Proposal, report: Report, max_usd: float | None
) -> tuple[Sheet, Blurbs]:
    """The sheet with words on the picks of the editor's choice that wait for some, and all that was written."""
    blurbs, proposed = proposal.blurbs, {pick.key for _, pick in proposal.sheet.picks()}
    waiting = (pick for _, pick in sheet.picks() if not pick.blurb and pick.origin == "source" and not pick.note)
    keys = [pick.key for pick in waiting if pick.key not in proposed]
    with context.db.read() as session:
        items = item_store.by_keys(session, keys)
    if not items:
        return sheet, blurbs
    more = write_blurbs(context, list(items.values()), report.run_id, max_usd)
    picks = {key: item_pick(context.config, item, more.words[item.key]) for key, item in items.items()}
    every = replace(
        more,
        words=blurbs.words | more.words,
        line="; ".join(dict.fromkeys(filter(None, [blurbs.line, more.line]))),
        problems=[*blurbs.problems, *more.problems],
        down=blurbs.down or more.down,
    )
    return issues.fill(sheet, picks), every


def _settled(context: Context, period: Period, mine: str | None, *, ask: bool) -> Typed | None:
    """The sheet under the hand with its marks carried out; its addresses are fetched if `ask`. None when none was."""
    with context.db.read() as session:
        last = issue_store.newest_sheet(session, period.name)
        hand = mine if mine is not None else last.text if last else None
        if hand is None:
            return None
        here = of_a_hand(session, parsed(context, period, hand))
        titles = {category.slug: category.title for category in context.config.taxonomy.categories}
        settled = known(context, session, issues.settle(here, titles))
    return fetched(context, settled) if ask else Typed(settled)


def _merged(
    context: Context, period: Period, mine: Typed | None, new: Sheet
) -> tuple[Sheet, list[issues.MergeConflict]]:
    if mine is None:
        return new, []
    with context.db.read() as session:
        base = issue_store.newest_sheet(session, period.name, "generated")
        before = caught_up(session, issues.parse(base.text)) if base else new
    return issues.merge(before, mine.sheet, new)


def may_be_drafted(session: Session, period: Period) -> None:
    """Raise Refused when the issue has left the hands of the editor."""
    issue = issue_store.find(session, period.name)
    if issue is not None:
        issues.move(issue.state, "draft", period.name)


def _new_issue(context: Context, period: Period, sheet: Sheet) -> Issue:
    newsletter = context.config.newsletter
    host = newsletter.url.split("://", 1)[1].split("/", 1)[0].split(":", 1)[0]
    since = newsletter.owned_since or f"{context.now:%Y-%m-%d}"
    return Issue(
        period=period.name,
        kind=period.kind,
        form=sheet.form,
        title=sheet.title,
        atom_id=f"tag:{host},{since}:digest/{period.kind}/{period.name.replace('..', '_')}",
        taxonomy={
            "version": context.config.taxonomy.version,
            "categories": [{"slug": c.slug, "title": c.title} for c in context.config.taxonomy.categories],
        },
        created=context.now,
    )


def read_counts(context: Context, session: Session, period: Period) -> dict[str, int]:
    """What was read in a period by source; how much stood behind an imported issue nobody knows."""
    counts = item_store.read_counts(session, period.start(context.zone), period.end(context.zone))
    return {name: count for name, count in counts.items() if name != ARCHIVE.id}


def numbers(context: Context, session: Session, period: Period, sheet: Sheet) -> dict[str, object]:
    """How much was read and kept, in all and by source."""
    read = read_counts(context, session, period)
    kept: dict[str, int] = {}
    for item in item_store.by_keys(session, [pick.key for _, pick in sheet.picks()]).values():
        kept[item.source_id] = kept.get(item.source_id, 0) + 1
    labels = {source.id: source.label for source in context.config.sources}
    rows = [
        {"name": labels.get(name, name), "read": count, "kept": kept.get(name, 0)}
        for name, count in sorted(read.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    return {"read": sum(read.values()), "kept": sum(kept.values()), "sources": rows}
