"""Draft files, their versions in the database, and how a draft becomes the rows of its issue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlmodel import Session

from digest.blurbs.generate import BlurbResult
from digest.context import Context, record_run
from digest.db.issues import (
    find_newest_draft_version,
    get_issue,
    load_draft_versions,
    load_generated_drafts,
    load_imported_decisions,
    load_monthly_categories,
    load_picks,
    replace_draft_decisions,
    replace_picks,
    save_draft_version,
    save_prediction_outcomes,
)
from digest.db.items import load_items_by_key
from digest.db.merges import load_merged_keys, load_possible_duplicates
from digest.db.predictions import choose_best_tagging, load_taggings
from digest.drafts.diff import diff_drafts
from digest.drafts.edit import apply_merges_to_draft, clear_possible_duplicates
from digest.drafts.model import Draft, DraftPick, is_month_section
from digest.drafts.parser import parse_draft
from digest.drafts.recover import recover_typed_text
from digest.drafts.workflow import transition_state
from digest.errors import DraftError, NotFoundError
from digest.files import write_documents
from digest.markdown.escape import encode_link, encode_mark_value
from digest.models.issues import Issue, Pick
from digest.models.items import Item
from digest.models.predictions import Decision
from digest.periods import Period
from digest.protocols import Document, Report

_VERSIONS_SEARCHED = 12  # generated versions: the editor may have restored an older one
_VERDICTS = ("pick", "reject", "move", "rewrite", "pass")


def get_draft_path(context: Context, period: Period) -> Path:
    """Return site/_drafts/PERIOD.md; a period's name is safe in a path."""
    return context.site_folder / "_drafts" / f"{period.name}.md"


def read_draft_text(context: Context, period: Period) -> str | None:
    """Read the draft's file; None if there is none, DraftError if it is not UTF-8."""
    path = get_draft_path(context, period)
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8 text (byte {error.start + 1})"
        raise DraftError(message, f"save it as UTF-8, or `digest history {period}` and `digest restore`") from error


def require_draft_text(context: Context, period: Period) -> str:
    """Read the draft's file; raises NotFoundError if there is none."""
    text = read_draft_text(context, period)
    if text is None:
        raise NotFoundError(f"there is no draft {get_draft_path(context, period)}", f"run `digest draft {period}`")
    return text


def write_draft_text(context: Context, period: Period, text: str) -> None:
    write_documents(context.site_folder, [Document(f"_drafts/{period.name}.md", text.encode())])


def load_draft(context: Context, period: Period) -> tuple[str, Draft]:
    """Read and parse the draft's file; raises NotFoundError or DraftError."""
    text = require_draft_text(context, period)
    with context.db.read() as session:
        return text, parse_draft_file(context, session, period, text)


def parse_draft_file(context: Context, session: Session, period: Period, text: str) -> Draft:
    """Parse the text of the draft's file; a DraftError names the file, also for a key that is not in the database."""
    try:
        draft = parse_draft_cached(text)
        if draft.period != period.name:
            line = next((n for n, line in enumerate(text.splitlines(), 1) if line.lstrip().startswith("period")), 1)
            hint = f'write it as period: "{period.name}"'
            raise DraftError(f"period: {draft.period!r} is not this file's", hint, line=line)
        if missing := _find_missing_keys(session, draft):
            line = text[: text.find(f"key={encode_mark_value(missing[0])}")].count("\n") + 1
            hint = "restore the comment as it was; `digest add URL` adds a work"
            raise DraftError(f"the database has no {missing[0]}", hint, line=line)
    except DraftError as error:
        file = get_draft_path(context, period).relative_to(context.root).as_posix()
        raise DraftError(error.detail, error.hint, line=error.line, file=file) from error
    return draft


def _find_missing_keys(session: Session, draft: Draft) -> list[str]:
    keys = [*(pick.key for _, pick in draft.iter_picks()), *(line.key for line in draft.missed)]
    items = load_items_by_key(session, keys)
    return [key for key in keys if key not in items]


@lru_cache(maxsize=16)
def parse_draft_cached(text: str) -> Draft:
    """Parse a draft; the editor's page loads the same text again and again."""
    return parse_draft(text)


def load_base_draft(session: Session, period: str) -> Draft | None:
    """Return the draft as last generated, the base of a merge and of the editor's decisions."""
    version = find_newest_draft_version(session, period, "generated")
    return parse_draft_cached(version.text) if version else None


def apply_merges(session: Session, draft: Draft) -> Draft:
    """Apply what was decided on items since the draft was written: merges, and possible duplicates that differ."""
    draft = apply_merges_to_draft(draft, load_merged_keys(session))
    keys = [pick.key for _, pick in draft.iter_picks() if pick.possible_duplicate]
    keys += [candidate.key for candidate in draft.shortlist if candidate.possible_duplicate]
    if not keys:
        return draft
    items = load_items_by_key(session, keys)
    open_ids = load_possible_duplicates(session, [item.id for item in items.values()])
    return clear_possible_duplicates(draft, {key for key in keys if key not in items or items[key].id not in open_ids})


def recover_editor_text(session: Session, draft: Draft) -> Draft:
    """Apply merges, and recover what the editor typed into generated parts of a line."""
    generated = map(parse_draft_cached, load_generated_drafts(session, draft.period, _VERSIONS_SEARCHED))
    return apply_merges(session, recover_typed_text(draft, generated))


def save_editor_version(context: Context, period: Period, text: str | None) -> None:
    """Save the draft as the editor left it, unless it is the newest version anyway."""
    if text is None:
        return
    with context.db.read() as session:
        is_saved = is_newest_version(session, period, text)
    if not is_saved:
        with context.db.write() as session:
            save_draft_version(session, period.name, "editor", text, context.now)


def is_newest_version(session: Session, period: Period, text: str) -> bool:
    """Whether a text is the newest version of the draft."""
    newest = find_newest_draft_version(session, period.name)
    return newest is not None and newest.text == text


def apply_draft_to_issue(
    session: Session,
    issue: Issue,
    draft: Draft,
    base: Draft | None,
    now: datetime,
    blurbs: Mapping[str, BlurbResult] | None = None,
) -> None:
    """Write a draft into its issue: texts, sections, picks, and the decisions against `base`.

    `blurbs` are those just generated, with their evidence.
    """
    merged_keys = load_merged_keys(session)
    draft, base = apply_merges_to_draft(draft, merged_keys), base and apply_merges_to_draft(base, merged_keys)
    if missing := _find_missing_keys(session, draft):
        message = f"the draft names {', '.join(missing)}, which the database does not have"
        raise NotFoundError(message, "`digest add URL` adds a work")
    for name, value in _build_issue_fields(issue, draft).items():
        setattr(issue, name, value)
    session.add(issue)
    items = load_items_by_key(session, [pick.key for _, pick in draft.iter_picks()])
    previous = {pick.item_id: pick for pick, _ in load_picks(session, issue.id)}
    is_monthly = issue.kind == "monthly"
    categories = {} if is_monthly else _load_item_categories(session, [item.id for item in items.values()])
    save_prediction_outcomes(session, {prediction.id: prediction.outcome for prediction in draft.predictions})
    rows = []
    for position, (section, pick) in enumerate(draft.iter_picks()):
        item = items[pick.key]
        category = categories.get(item.id, section.slug) if is_month_section(section.slug) else section.slug
        blurb = (blurbs or {}).get(pick.key)
        rows.append(_build_pick_row(category, position, pick, item, previous.get(item.id), blurb))
    replace_picks(session, issue.id, rows)
    if base is not None:
        _record_decisions(session, issue, base, draft, now)


def _load_item_categories(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """Load, for a recap by month, each item's category in its monthly or imported issue, else the tagger's."""
    taggings = ((item_id, choose_best_tagging(rows)) for item_id, rows in load_taggings(session, ids).items())
    categories = {item_id: tagging.category for item_id, tagging in taggings if tagging is not None}
    categories |= {key: row.category for key, row in load_imported_decisions(session).items() if row.category}
    return categories | load_monthly_categories(session)


def copy_issue_with_draft(issue: Issue, draft: Draft) -> Issue:
    """Return a copy of the issue, not stored, with the draft's texts."""
    return Issue(**issue.model_dump() | _build_issue_fields(issue, draft))


def _build_issue_fields(issue: Issue, draft: Draft) -> dict[str, Any]:
    """Return the values of the issue's fields that come from its draft."""
    sections = [
        {"slug": s.slug, "title": s.title, "note": s.intro, "engine": s.engine, "closing": s.closing}
        | ({"keys": [pick.key for pick in s.picks]} if draft.form == "month" else {})  # categories do not tell them
        for s in draft.sections
    ]
    texts = {name: getattr(draft, name) for name in ("title", "subject", "preheader", "form", "intro", "outro")}
    return {**texts, "sections": sections, "numbers": _build_issue_figures(issue, draft)}


def _build_issue_figures(issue: Issue, draft: Draft) -> dict[str, Any]:
    """Return the issue's figures, and the editor's text on missed works and predictions of a recap."""
    if issue.kind == "monthly":
        return issue.numbers
    missed = [{"key": line.key, "words": line.editor_text} for line in draft.missed if line.mark == "x"]
    comments = {str(prediction.id): prediction.comment for prediction in draft.predictions if prediction.comment}
    figures = {name: value for name, value in issue.numbers.items() if name != "bets"}
    return {**figures, "missed": missed, **({"bets": comments} if comments else {})}


def build_pick_rows(draft: Draft, items: Mapping[str, Item]) -> Iterator[tuple[DraftPick, Pick]]:
    """Yield the draft's picks with rows that are not stored; picks without an item are skipped."""
    for position, (section, pick) in enumerate(draft.iter_picks()):
        if pick.key in items:
            yield pick, _build_pick_row(section.slug, position, pick, items[pick.key], None, None)


def _build_pick_row(
    category: str, position: int, pick: DraftPick, item: Item, previous: Pick | None, blurb: BlurbResult | None
) -> Pick:
    unchanged = previous if previous is not None and previous.blurb == pick.blurb else None
    evidence = list(blurb.evidence) if blurb and blurb.text == pick.blurb else []
    status = {"source": "quoted", "editor": "editor"}.get(pick.origin, "flagged" if pick.flags else "grounded")
    return Pick(
        issue_id=0,
        item_id=item.id,
        category=category,
        position=position,
        title=pick.title if pick.title != item.title else None,
        url=pick.url if encode_link(pick.url) not in ("", encode_link(item.url)) else None,
        blurb=pick.blurb,
        origin=pick.origin,
        engine=pick.engine if pick.origin == "model" else "",
        grounding_status=status,
        flags=list(pick.flags),
        verdict=pick.verdict,
        evidence=evidence or (list(unchanged.evidence) if unchanged else []),
        versions=list(previous.versions) if previous else [],
        is_brief=pick.note,
        highlight=pick.highlight,
        update_of=pick.update_of,
        signed_by=unchanged.signed_by if unchanged else None,
        signed=unchanged.signed if unchanged else None,
    )


def _record_decisions(session: Session, issue: Issue, base: Draft, draft: Draft, now: datetime) -> None:
    """Replace the editor's decisions of the issue by those that lead from `base` to `draft`."""
    decisions = diff_drafts(base, draft)
    items = load_items_by_key(session, [decision.key for decision in decisions])
    rows = [
        Decision(
            item_id=items[decision.key].id,
            period=issue.period,
            verdict=decision.verdict,
            category=decision.category or None,
            detail=decision.detail,
            origin="draft",
            at=now,
        )
        for decision in decisions
        if decision.key in items
    ]
    replace_draft_decisions(session, issue.period, _VERDICTS, rows)


def list_draft_versions(context: Context, period: Period) -> list[dict[str, Any]]:
    """List the versions, oldest first: version (from 1), at, origin, lines, and lines added and removed."""
    save_editor_version(context, period, read_draft_text(context, period))
    with context.db.read() as session:
        versions = load_draft_versions(session, period.name)
    rows, previous = [], set[str]()
    for number, version in enumerate(versions, 1):
        lines = [line for line in version.text.splitlines() if line.strip()]
        current = set(lines)
        counts = {"lines": len(lines), "added": len(current - previous), "removed": len(previous - current)}
        rows.append({"version": number, "at": version.at, "origin": version.origin, **counts})
        previous = current
    return rows


def load_draft_version(context: Context, period: Period, number: int) -> str:
    """Return the text of a version; raises NotFoundError."""
    with context.db.read() as session:
        versions = load_draft_versions(session, period.name)
    if not 1 <= number <= len(versions):
        raise NotFoundError(f"{period} has no version {number}", f"run `digest history {period}` to list them")
    return versions[number - 1].text


def restore_draft_version(context: Context, period: Period, number: int) -> Report:
    """Restore a version as the draft; the current one is saved first, so that this can be undone."""
    with record_run(context, "restore", period.name) as report:
        text = load_draft_version(context, period, number)
        draft = parse_draft(text)
        save_editor_version(context, period, read_draft_text(context, period))
        with context.db.write() as session:
            issue = get_issue(session, period.name)
            transition_state(issue.state, "draft", period.name)
            write_draft_text(context, period, text)
            save_draft_version(session, period.name, "editor", text, context.now)
            apply_draft_to_issue(session, issue, draft, load_base_draft(session, period.name), context.now)
        report.line = f"{period}: version {number} is the draft again"
    return report
