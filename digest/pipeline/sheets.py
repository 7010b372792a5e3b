"""Between the sheet and the store: where a sheet lies, what the program would write, and what the editor decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlmodel import Session

from digest import issues
from digest.errors import NotFoundError, SheetError
from digest.issues import Sheet, SheetPick
from digest.issues.escape import mark_value
from digest.markdown import link
from digest.models import Decision, Issue, Item, Pick
from digest.periods import Period
from digest.pipeline.blurbs import Written
from digest.pipeline.context import Context
from digest.pipeline.view import is_month
from digest.store import issues as issue_store
from digest.store import items as item_store
from digest.store import judgements, merging
from digest.store import notes as note_store

_LOOKED_BACK = 12  # versions the program wrote: an older one may have been brought back


def sheet_path(context: Context, period: Period) -> Path:
    """site/_drafts/PERIOD.md; a period's name is safe in a path."""
    return context.site / "_drafts" / f"{period.name}.md"


def on_disk(context: Context, period: Period) -> str | None:
    """The sheet as it lies there now, or None; raises SheetError when its bytes are no text."""
    path = sheet_path(context, period)
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8 text (byte {error.start + 1})"
        raise SheetError(message, f"save it as UTF-8, or `digest history {period}` and `digest restore`") from error


def lying(context: Context, period: Period) -> str:
    """The sheet on disk; raises NotFoundError when there is none."""
    text = on_disk(context, period)
    if text is None:
        raise NotFoundError(f"there is no sheet {sheet_path(context, period)}", f"`digest draft {period}` writes it")
    return text


def current(context: Context, period: Period) -> tuple[str, Sheet]:
    """The sheet on disk, as text and read; raises NotFoundError or SheetError."""
    text = lying(context, period)
    return text, parsed(context, period, text)


def parsed(context: Context, period: Period, text: str) -> Sheet:
    """The text of the sheet's file, read; a SheetError names the file, also for a pick the store does not hold."""
    try:
        sheet = read(text)
        _must_be_of(period, text, sheet)
        _must_be_stored(context, text, sheet)
    except SheetError as error:
        place = sheet_path(context, period).relative_to(context.root).as_posix()
        raise SheetError(error.words, error.hint, line=error.line, file=place) from error
    return sheet


def _must_be_of(period: Period, text: str, sheet: Sheet) -> None:
    if sheet.period != period.name:
        where = next((n for n, line in enumerate(text.splitlines(), 1) if line.lstrip().startswith("period")), 1)
        raise SheetError(
            f"period: {sheet.period!r} is not this file's", f'write it as period: "{period.name}"', line=where
        )


def _must_be_stored(context: Context, text: str, sheet: Sheet) -> None:
    keys = [*(pick.key for _, pick in sheet.picks()), *(line.key for line in sheet.missed)]
    with context.db.read() as session:
        known = item_store.by_keys(session, keys)
    missing = next((key for key in keys if key not in known), None)
    if missing is not None:
        where = text[: text.find(f"key={mark_value(missing)}")].count("\n") + 1
        hint = "bring back the comment as it was; `digest add URL` adds a work"
        raise SheetError(f"the store holds no {missing}", hint, line=where)


@lru_cache(maxsize=16)
def read(text: str) -> Sheet:
    """A sheet from its text; the desk asks for the same one again and again."""
    return issues.parse(text)


def caught_up(session: Session, sheet: Sheet) -> Sheet:
    """A sheet with what was settled since it was written: works that are one now, works known to differ."""
    sheet = issues.joined(sheet, merging.joined(session))
    asked = [pick.key for _, pick in sheet.picks() if pick.twin] + [line.key for line in sheet.shortlist if line.twin]
    if not asked:
        return sheet
    items = item_store.by_keys(session, asked)
    still = merging.possible(session, [item.id or 0 for item in items.values()])
    return issues.without_twins(sheet, {key for key in asked if key not in items or items[key].id not in still})


def of_a_hand(session: Session, sheet: Sheet) -> Sheet:
    """A sheet caught up, and what was typed among the program's words on a line heard as the editor's."""
    written = map(read, issue_store.written_sheets(session, sheet.period, _LOOKED_BACK))
    return caught_up(session, issues.heard(sheet, written))


def keep_hand(context: Context, period: Period, text: str | None) -> None:
    """Keep the sheet as a person left it, unless it is the newest version anyway."""
    if text is None:
        return
    with context.db.write() as session:
        newest = issue_store.newest_sheet(session, period.name)
        if newest is None or newest.text != text:
            issue_store.keep_sheet(session, period.name, "editor", text, context.now)


def adopt(
    session: Session,
    issue: Issue,
    sheet: Sheet,
    base: Sheet | None,
    now: datetime,
    written: Mapping[str, Written] | None = None,
) -> None:
    """Make the store say what the sheet says: words, sections, picks, and the decisions against what was proposed.

    `written` are the blurbs as they were just written, with their evidence.
    """
    names = merging.joined(session)
    sheet, base = issues.joined(sheet, names), base and issues.joined(base, names)
    for name, value in _said(issue, sheet).items():
        setattr(issue, name, value)
    session.add(issue)
    rows = list(sheet.picks())
    found = item_store.by_keys(session, [pick.key for _, pick in rows])
    missed = [line.key for line in sheet.missed]
    known = found.keys() | item_store.by_keys(session, missed).keys()
    missing = [key for key in [*(pick.key for _, pick in rows), *missed] if key not in known]
    if missing:
        raise NotFoundError(
            f"the sheet names {', '.join(missing)}, which the store does not hold", "`digest add URL` adds a work"
        )
    old = {pick.item_id: pick for pick, _ in issue_store.picks(session, issue.id or 0)}
    homes = _homes(session, [item.id or 0 for item in found.values()]) if issue.kind != "monthly" else {}
    note_store.answer(session, {note.id: note.outcome for note in sheet.notes})
    new = [
        _row(
            homes.get(found[pick.key].id or 0, section.slug) if is_month(section.slug) else section.slug,
            place,
            pick,
            found[pick.key],
            old.get(found[pick.key].id or 0),
            (written or {}).get(pick.key),
        )
        for place, (section, pick) in enumerate(rows)
    ]
    issue_store.replace_picks(session, issue.id or 0, new)
    if base is not None:
        _decide(session, issue, base, sheet, now)


def _homes(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """For a recap by month: each work's category in its monthly issue, else in an imported one, else its tagger's."""
    tagged = {key: judgements.best(rows) for key, rows in judgements.taggings(session, ids).items()}
    homes = {key: verdict.category for key, verdict in tagged.items() if verdict is not None}
    homes |= {key: row.category for key, row in issue_store.imported(session).items() if row.category}
    return homes | issue_store.monthly_categories(session)


def as_issue(issue: Issue, sheet: Sheet) -> Issue:
    """A copy of the issue, not stored, that says what the sheet says."""
    return Issue(**issue.model_dump() | _said(issue, sheet))


def _said(issue: Issue, sheet: Sheet) -> dict[str, Any]:
    """What the sheet says of the issue itself, by the issue's fields."""
    words = {name: getattr(sheet, name) for name in ("title", "form", "intro", "outro")}
    return {**words, "sections": _sections(sheet), "numbers": _numbers(issue, sheet)}


def _numbers(issue: Issue, sheet: Sheet) -> dict[str, Any]:
    """The issue's figures, and of a recap the editor's words on what it owns to have missed and on the year's bets."""
    if issue.kind == "monthly":
        return issue.numbers
    missed = [{"key": line.key, "words": line.words} for line in sheet.missed if line.mark == "x"]
    bets = {str(note.id): note.words for note in sheet.notes if note.words}
    figures = {name: value for name, value in issue.numbers.items() if name != "bets"}
    return {**figures, "missed": missed, **({"bets": bets} if bets else {})}


def _sections(sheet: Sheet) -> list[dict[str, str]]:
    names = ("slug", "title", "note", "engine", "closing")
    return [{name: getattr(section, name) for name in names} for section in sheet.sections]


def pick_rows(sheet: Sheet, found: Mapping[str, Item]) -> Iterator[tuple[SheetPick, Pick]]:
    """The sheet's picks as rows, not stored; picks of works the store does not hold are left out."""
    for place, (section, pick) in enumerate(sheet.picks()):
        if pick.key in found:
            yield pick, _row(section.slug, place, pick, found[pick.key], None, None)


def _row(category: str, place: int, pick: SheetPick, item: Item, before: Pick | None, written: Written | None) -> Pick:
    same = before is not None and before.blurb == pick.blurb
    evidence = list(written.evidence) if written and written.text == pick.blurb else []
    verdict = {"source": "quoted", "editor": "editor"}.get(pick.origin, "flagged" if pick.flags else "grounded")
    return Pick(
        issue_id=0,
        item_id=item.id or 0,
        category=category,
        position=place,
        title=pick.title if pick.title != item.title else None,
        url=pick.url if link(pick.url) not in ("", link(item.url)) else None,
        blurb=pick.blurb,
        origin=pick.origin,
        engine=pick.engine if pick.origin == "model" else "",
        verdict=verdict,
        flags=list(pick.flags),
        evidence=evidence or (list(before.evidence) if before and same else []),
        versions=list(before.versions) if before else [],
        note=pick.note,
        highlight=pick.highlight,
        update_of=pick.update_of,
        signed_by=before.signed_by if before and same else None,
        signed=before.signed if before and same else None,
    )


def _decide(session: Session, issue: Issue, base: Sheet, sheet: Sheet, now: datetime) -> None:
    """Write down what the editor changed against what the program proposed; doing so again changes nothing."""
    verdicts = ("pick", "reject", "move", "rewrite", "pass")
    changes = issues.changes(base, sheet)
    found = item_store.by_keys(session, [change.key for change in changes])
    rows = [
        Decision(
            item_id=item.id or 0,
            period=issue.period,
            verdict=change.verdict,
            category=change.category or None,
            detail=change.detail,
            origin="sheet",
            at=now,
        )
        for change in changes
        if (item := found.get(change.key)) is not None
    ]
    issue_store.keep_decisions(session, issue.period, verdicts, rows)
