"""Draft files, versions, adoption into the database.

Between the sheet and the store: where a sheet lies, what the program would write, and what the editor decided.

Every version of a sheet that the program saw, and the way back to one.
"""

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

_VERSIONS_SEARCHED = 12  # versions the program wrote: an older one may have been brought back


def get_draft_path(context: Context, period: Period) -> Path:
    """site/_drafts/PERIOD.md; a period's name is safe in a path."""
    return context.site_folder / "_drafts" / f"{period.name}.md"


def read_draft_text(context: Context, period: Period) -> str | None:
    """The sheet as it lies there now, or None; raises SheetError when its bytes are no text."""
    path = get_draft_path(context, period)
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8 text (byte {error.start + 1})"
        raise DraftError(message, f"save it as UTF-8, or `digest history {period}` and `digest restore`") from error


def require_draft_text(context: Context, period: Period) -> str:
    """The sheet on disk; raises NotFoundError when there is none."""
    text = read_draft_text(context, period)
    if text is None:
        raise NotFoundError(
            f"there is no sheet {get_draft_path(context, period)}", f"`digest draft {period}` writes it"
        )
    return text


def load_draft(context: Context, period: Period) -> tuple[str, Draft]:
    """The sheet on disk, as text and read; raises NotFoundError or SheetError."""
    text = require_draft_text(context, period)
    return text, parse_draft_file(context, period, text)


def parse_draft_file(context: Context, period: Period, text: str) -> Draft:
    """The text of the sheet's file, read; a SheetError names the file, also for a pick the store does not hold."""
    try:
        sheet = parse_draft_cached(text)
        _require_same_period(period, text, sheet)
        _require_stored_items(context, text, sheet)
    except DraftError as error:
        place = get_draft_path(context, period).relative_to(context.root).as_posix()
        raise DraftError(error.detail, error.hint, line=error.line, file=place) from error
    return sheet


def _require_same_period(period: Period, text: str, draft: Draft) -> None:
    if draft.period != period.name:
        where = next((n for n, line in enumerate(text.splitlines(), 1) if line.lstrip().startswith("period")), 1)
        raise DraftError(
            f"period: {draft.period!r} is not this file's", f'write it as period: "{period.name}"', line=where
        )


def _require_stored_items(context: Context, text: str, draft: Draft) -> None:
    keys = [*(pick.key for _, pick in draft.iter_picks()), *(line.key for line in draft.missed)]
    with context.db.read() as session:
        known = load_items_by_key(session, keys)
    missing = next((key for key in keys if key not in known), None)
    if missing is not None:
        where = text[: text.find(f"key={encode_mark_value(missing)}")].count("\n") + 1
        hint = "bring back the comment as it was; `digest add URL` adds a work"
        raise DraftError(f"the store holds no {missing}", hint, line=where)


@lru_cache(maxsize=16)
def parse_draft_cached(text: str) -> Draft:
    """A sheet from its text; the desk asks for the same one again and again."""
    return parse_draft(text)


def apply_merges(session: Session, draft: Draft) -> Draft:
    """A sheet with what was settled since it was written: works that are one now, works known to differ."""
    draft = apply_merges_to_draft(draft, load_merged_keys(session))
    asked = [pick.key for _, pick in draft.iter_picks() if pick.possible_duplicate] + [
        line.key for line in draft.shortlist if line.possible_duplicate
    ]
    if not asked:
        return draft
    items = load_items_by_key(session, asked)
    still = load_possible_duplicates(session, [item.id for item in items.values()])
    return clear_possible_duplicates(draft, {key for key in asked if key not in items or items[key].id not in still})


def recover_editor_text(session: Session, draft: Draft) -> Draft:
    """A sheet caught up, and what was typed among the program's words on a line heard as the editor's."""
    written = map(parse_draft_cached, load_generated_drafts(session, draft.period, _VERSIONS_SEARCHED))
    return apply_merges(session, recover_typed_text(draft, written))


def save_editor_version(context: Context, period: Period, text: str | None) -> None:
    """Keep the sheet as a person left it, unless it is the newest version anyway."""
    if text is None:
        return
    with context.db.write() as session:
        newest = find_newest_draft_version(session, period.name)
        if newest is None or newest.text != text:
            save_draft_version(session, period.name, "editor", text, context.now)


def apply_draft_to_issue(
    session: Session,
    issue: Issue,
    draft: Draft,
    base: Draft | None,
    now: datetime,
    blurbs: Mapping[str, BlurbResult] | None = None,
) -> None:
    """Make the store say what the sheet says: words, sections, picks, and the decisions against what was proposed.

    `written` are the blurbs as they were just written, with their evidence.
    """
    names = load_merged_keys(session)
    draft, base = apply_merges_to_draft(draft, names), base and apply_merges_to_draft(base, names)
    for name, value in _build_issue_fields(issue, draft).items():
        setattr(issue, name, value)
    session.add(issue)
    rows = list(draft.iter_picks())
    found = load_items_by_key(session, [pick.key for _, pick in rows])
    missed = [line.key for line in draft.missed]
    known = found.keys() | load_items_by_key(session, missed).keys()
    missing = [key for key in [*(pick.key for _, pick in rows), *missed] if key not in known]
    if missing:
        raise NotFoundError(
            f"the sheet names {', '.join(missing)}, which the store does not hold", "`digest add URL` adds a work"
        )
    old = {pick.item_id: pick for pick, _ in load_picks(session, issue.id)}
    homes = _load_item_categories(session, [item.id for item in found.values()]) if issue.kind != "monthly" else {}
    save_prediction_outcomes(session, {note.id: note.outcome for note in draft.predictions})
    new = [
        _build_pick_row(
            homes.get(found[pick.key].id, section.slug) if is_month_section(section.slug) else section.slug,
            place,
            pick,
            found[pick.key],
            old.get(found[pick.key].id),
            (blurbs or {}).get(pick.key),
        )
        for place, (section, pick) in enumerate(rows)
    ]
    replace_picks(session, issue.id, new)
    if base is not None:
        _record_decisions(session, issue, base, draft, now)


def _load_item_categories(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """For a recap by month: each work's category in its monthly issue, else in an imported one, else its tagger's."""
    tagged = {key: choose_best_tagging(rows) for key, rows in load_taggings(session, ids).items()}
    homes = {key: verdict.category for key, verdict in tagged.items() if verdict is not None}
    homes |= {key: row.category for key, row in load_imported_decisions(session).items() if row.category}
    return homes | load_monthly_categories(session)


def copy_issue_with_draft(issue: Issue, draft: Draft) -> Issue:
    """A copy of the issue, not stored, that says what the sheet says."""
    return Issue(**issue.model_dump() | _build_issue_fields(issue, draft))


def _build_issue_fields(issue: Issue, draft: Draft) -> dict[str, Any]:
    """What the sheet says of the issue itself, by the issue's fields."""
    words = {name: getattr(draft, name) for name in ("title", "form", "intro", "outro")}
    return {**words, "sections": _dump_sections(draft), "numbers": _build_issue_figures(issue, draft)}


def _build_issue_figures(issue: Issue, draft: Draft) -> dict[str, Any]:
    """The issue's figures, and of a recap the editor's words on what it owns to have missed and on the year's bets."""
    if issue.kind == "monthly":
        return issue.numbers
    missed = [{"key": line.key, "words": line.editor_text} for line in draft.missed if line.mark == "x"]
    bets = {str(note.id): note.comment for note in draft.predictions if note.comment}
    figures = {name: value for name, value in issue.numbers.items() if name != "bets"}
    return {**figures, "missed": missed, **({"bets": bets} if bets else {})}


def _dump_sections(draft: Draft) -> list[dict[str, str]]:
    return [
        {
            "slug": section.slug,
            "title": section.title,
            "note": section.intro,
            "engine": section.engine,
            "closing": section.closing,
        }
        for section in draft.sections
    ]


def build_pick_rows(draft: Draft, items: Mapping[str, Item]) -> Iterator[tuple[DraftPick, Pick]]:
    """The sheet's picks as rows, not stored; picks of works the store does not hold are left out."""
    for place, (section, pick) in enumerate(draft.iter_picks()):
        if pick.key in items:
            yield pick, _build_pick_row(section.slug, place, pick, items[pick.key], None, None)


def _build_pick_row(
    category: str, place: int, pick: DraftPick, item: Item, previous: Pick | None, blurb: BlurbResult | None
) -> Pick:
    same = previous is not None and previous.blurb == pick.blurb
    evidence = list(blurb.evidence) if blurb and blurb.text == pick.blurb else []
    verdict = {"source": "quoted", "editor": "editor"}.get(pick.origin, "flagged" if pick.flags else "grounded")
    return Pick(
        issue_id=0,
        item_id=item.id,
        category=category,
        position=place,
        title=pick.title if pick.title != item.title else None,
        url=pick.url if encode_link(pick.url) not in ("", encode_link(item.url)) else None,
        blurb=pick.blurb,
        origin=pick.origin,
        engine=pick.engine if pick.origin == "model" else "",
        grounding_status=verdict,
        flags=list(pick.flags),
        evidence=evidence or (list(previous.evidence) if previous and same else []),
        versions=list(previous.versions) if previous else [],
        is_brief=pick.note,
        highlight=pick.highlight,
        update_of=pick.update_of,
        signed_by=previous.signed_by if previous and same else None,
        signed=previous.signed if previous and same else None,
    )


def _record_decisions(session: Session, issue: Issue, base: Draft, draft: Draft, now: datetime) -> None:
    """Write down what the editor changed against what the program proposed; doing so again changes nothing."""
    verdicts = ("pick", "reject", "move", "rewrite", "pass")
    changes = diff_drafts(base, draft)
    found = load_items_by_key(session, [change.key for change in changes])
    rows = [
        Decision(
            item_id=item.id,
            period=issue.period,
            verdict=change.verdict,
            category=change.category or None,
            detail=change.detail,
            origin="draft",
            at=now,
        )
        for change in changes
        if (item := found.get(change.key)) is not None
    ]
    replace_draft_decisions(session, issue.period, verdicts, rows)


def list_draft_versions(context: Context, period: Period) -> list[dict[str, Any]]:
    """Each kept version, oldest first: version (from 1 on), at, origin, lines, and lines added and taken out."""
    save_editor_version(context, period, read_draft_text(context, period))
    with context.db.read() as session:
        versions = load_draft_versions(session, period.name)
    out, before = [], set[str]()
    for number, version in enumerate(versions, 1):
        lines = [line for line in version.text.splitlines() if line.strip()]
        here = set(lines)
        out.append(
            {
                "version": number,
                "at": version.at,
                "origin": version.origin,
                "lines": len(lines),
                "added": len(here - before),
                "removed": len(before - here),
            }
        )
        before = here
    return out


def load_draft_version(context: Context, period: Period, number: int) -> str:
    """The sheet as it was in a version; raises NotFoundError."""
    with context.db.read() as session:
        versions = load_draft_versions(session, period.name)
    if not 1 <= number <= len(versions):
        raise NotFoundError(f"{period} has no version {number}", f"`digest history {period}` lists those it has")
    return versions[number - 1].text


def restore_draft_version(context: Context, period: Period, number: int) -> Report:
    """Put a version back as the sheet. What lies there now is kept first, so that this too can be taken back."""
    with record_run(context, "restore", period.name) as report:
        text = load_draft_version(context, period, number)
        sheet = parse_draft(text)
        save_editor_version(context, period, read_draft_text(context, period))
        with context.db.write() as session:
            issue = get_issue(session, period.name)
            transition_state(issue.state, "draft", period.name)
            base = find_newest_draft_version(session, period.name, "generated")
            write_documents(context.site_folder, [Document(f"_drafts/{period.name}.md", text.encode())])
            save_draft_version(session, period.name, "editor", text, context.now)
            apply_draft_to_issue(session, issue, sheet, parse_draft(base.text) if base else None, context.now)
        report.line = f"{period}: version {number} is the sheet again"
    return report
