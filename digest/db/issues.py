"""Queries on issues, picks, draft versions, snapshots, decisions, and predictions for the year in review."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, func, select

from digest.db.bulk import in_list
from digest.errors import NotFoundError
from digest.models.issues import DraftVersion, Issue, IssueSnapshot, Pick, Prediction
from digest.models.items import Item, get_abstract
from digest.models.predictions import Decision
from digest.text import hash_texts

_IS_PUBLISHED = col(Issue.state).in_(("published", "sent"))
_IS_IMPORTED_PICK = (
    (col(Decision.verdict) == "pick") & (col(Decision.origin) == "import") & col(Decision.period).is_not(None)
)


def find_issue(session: Session, period: str) -> Issue | None:
    """Find the issue of a period."""
    return session.exec(select(Issue).where(Issue.period == period)).first()


def get_issue(session: Session, period: str) -> Issue:
    """Return the issue of a period; raise NotFoundError."""
    issue = find_issue(session, period)
    if issue is None:
        raise NotFoundError(f"there is no issue {period}", f"`digest draft {period}` makes one")
    return issue


def load_published_issues(session: Session) -> list[Issue]:
    """Load every issue that readers can see, oldest first."""
    return list(session.exec(select(Issue).where(_IS_PUBLISHED).order_by(col(Issue.published), col(Issue.period))))


def list_unpublished_periods(session: Session) -> list[str]:
    """List the periods of the issues that no reader has seen yet."""
    return list(session.exec(select(Issue.period).where(col(Issue.state).in_(("draft", "approved")))))


def load_picks(session: Session, issue_id: int) -> list[tuple[Pick, Item]]:
    """Load an issue's picks with their items, in page order."""
    query = select(Pick, Item).where(Pick.issue_id == issue_id, Pick.item_id == Item.id)
    return list(session.exec(query.order_by(col(Pick.position), col(Pick.id))).all())


def find_pick(session: Session, issue_id: int, item_id: int) -> Pick | None:
    """Find the pick of an item in an issue."""
    return session.exec(select(Pick).where(Pick.issue_id == issue_id, Pick.item_id == item_id)).first()


def replace_picks(session: Session, issue_id: int, rows: Sequence[Pick]) -> None:
    """Replace an issue's picks by `rows`, keeping the row of an item that was there already."""
    existing = {pick.item_id: pick for pick in session.exec(select(Pick).where(Pick.issue_id == issue_id))}
    wanted = {row.item_id for row in rows}
    for item_id, pick in existing.items():
        if item_id not in wanted:
            session.delete(pick)
    for row in rows:
        row.issue_id = issue_id
        if old := existing.get(row.item_id):
            for name, value in row.model_dump(exclude={"id", "issue_id"}).items():
                if getattr(old, name) != value:  # setting costs more than looking
                    setattr(old, name, value)
            session.add(old)
        else:
            session.add(row)
    session.flush()


def load_covered_in(session: Session, except_period: str) -> dict[int, str]:
    """Load the first monthly issue that published each item, without the issue of `except_period`."""
    query = (
        select(Pick.item_id, Issue.period)
        .where(Pick.issue_id == Issue.id, _IS_PUBLISHED, Issue.kind == "monthly")
        .where(Issue.period != except_period)
        .order_by(col(Issue.period).desc())
    )
    imported = select(Decision.item_id, Decision.period).where(_IS_IMPORTED_PICK)
    past = {item_id: str(period) for item_id, period in session.exec(imported) if period != except_period}
    return past | dict(session.exec(query).all())


def load_past_blurbs(session: Session, ids: Sequence[int], except_period: str) -> list[tuple[int, str, str]]:
    """Load what published and imported issues wrote on items: (item, period, text), oldest period first.

    The issue of `except_period` is left out.
    """
    picked = (
        select(Pick.item_id, Issue.period, Pick.blurb)
        .where(Pick.issue_id == Issue.id, _IS_PUBLISHED, Issue.period != except_period)
        .where(in_list(Pick.item_id, ids))
    )
    imported = session.exec(select(Decision).where(Decision.origin == "import", in_list(Decision.item_id, ids)))
    past = [(row.item_id, row.period or "an undated issue", str(row.detail.get("blurb", ""))) for row in imported]
    return sorted({*session.exec(picked).all(), *past}, key=lambda row: (row[1], row[0]))


def load_imported_decisions(session: Session) -> dict[int, Decision]:
    """Load the first decision by which each work was in an imported issue of a known month."""
    query = select(Decision).where(_IS_IMPORTED_PICK)
    return {row.item_id: row for row in session.exec(query.order_by(col(Decision.period).desc(), col(Decision.id)))}


class EditorLine(NamedTuple):
    """A line the editor wrote on a work, as Markdown, with the work's title and text."""

    key: str
    title: str
    text: str
    markdown: str


def load_editor_lines(session: Session) -> list[EditorLine]:
    """Load the editor's blurbs of published issues, newest first, then those of imported ones."""
    query = (
        select(Item, Pick)
        .where(Pick.issue_id == Issue.id, Pick.item_id == Item.id, _IS_PUBLISHED)
        .where(((col(Pick.origin) == "editor") & (col(Pick.blurb) != "")) | (col(Pick.verdict) != ""))
        .order_by(col(Issue.period).desc(), col(Pick.position))
    )
    lines = [
        _build_editor_line(item, pick.blurb if pick.origin == "editor" else "", pick.verdict)
        for item, pick in session.exec(query)
    ]
    imported = select(Item, Decision).where(_IS_IMPORTED_PICK, Decision.item_id == Item.id)
    for item, decision in session.exec(imported.order_by(col(Decision.period).desc(), col(Decision.id))):
        if markdown := str(decision.detail.get("markdown") or decision.detail.get("blurb") or ""):
            lines.append(_build_editor_line(item, markdown, str(decision.detail.get("verdict", ""))))
    return lines


def _build_editor_line(item: Item, markdown: str, verdict: str) -> EditorLine:
    """Build a line that ends with its verdict in bold."""
    line = " ".join(filter(None, (markdown, f"**{verdict}**" if verdict else "")))
    return EditorLine(item.key, item.title, get_abstract(item), line)


def load_monthly_categories(session: Session) -> dict[int, str]:
    """Load the category of each work in the newest monthly issue that has it."""
    query = select(Pick.item_id, Pick.category).where(Pick.issue_id == Issue.id, Issue.kind == "monthly")
    return dict(session.exec(query.order_by(col(Issue.period))).all())


def save_draft_version(session: Session, period: str, origin: str, text: str, now: datetime) -> bool:
    """Store a version of a draft unless it equals the newest one; return whether it was new."""
    digest = hash_texts(text)
    last = find_newest_draft_version(session, period)
    if last is not None and last.digest == digest and last.origin == origin:
        return False
    session.add(DraftVersion(period=period, origin=origin, text=text, digest=digest, at=now))
    session.flush()
    return True


def find_newest_draft_version(session: Session, period: str, origin: str | None = None) -> DraftVersion | None:
    """Find the newest version of a draft, of one origin or of any."""
    query = select(DraftVersion).where(DraftVersion.period == period).order_by(col(DraftVersion.id).desc()).limit(1)
    return session.exec(query.where(DraftVersion.origin == origin) if origin else query).first()


def load_generated_drafts(session: Session, period: str, limit: int) -> Iterator[str]:
    """Yield the newest texts of a draft that the program wrote, newest first."""
    query = select(DraftVersion.id).where(DraftVersion.period == period, DraftVersion.origin != "editor")
    for number in session.exec(query.order_by(col(DraftVersion.id).desc()).limit(limit)).all():
        yield session.exec(select(DraftVersion.text).where(DraftVersion.id == number)).one()


def save_snapshot(session: Session, snapshot: IssueSnapshot) -> None:
    """Store what readers see from now on."""
    session.add(snapshot)
    session.flush()


def find_newest_snapshot(session: Session, issue_id: int) -> IssueSnapshot | None:
    """Find what readers see of an issue; None when it was never published."""
    query = select(IssueSnapshot).where(IssueSnapshot.issue_id == issue_id)
    return session.exec(query.order_by(col(IssueSnapshot.id).desc()).limit(1)).first()


def load_draft_versions(session: Session, period: str) -> list[DraftVersion]:
    """Load every version of a draft, oldest first."""
    return list(session.exec(select(DraftVersion).where(DraftVersion.period == period).order_by(col(DraftVersion.id))))


def load_decisions(session: Session, verdicts: Sequence[str] = (), period: str | None = None) -> list[Decision]:
    """Load decisions, oldest first, of some verdicts or of one period."""
    query = select(Decision).order_by(col(Decision.id))
    if verdicts:
        query = query.where(col(Decision.verdict).in_(verdicts))
    return list(session.exec(query.where(Decision.period == period) if period else query))


def replace_draft_decisions(session: Session, period: str, verdicts: Sequence[str], rows: Sequence[Decision]) -> None:
    """Replace a period's decisions from its draft; an equal one keeps its row, and so its time."""
    query = select(Decision).where(Decision.period == period, Decision.origin == "draft")
    old = {_get_decision_key(row): row for row in session.exec(query.where(col(Decision.verdict).in_(verdicts)))}
    new = {_get_decision_key(row): row for row in rows}
    for key, row in old.items():
        if key not in new:
            session.delete(row)
    session.add_all([row for key, row in new.items() if key not in old])


def _get_decision_key(row: Decision) -> tuple[object, ...]:
    return row.item_id, row.verdict, row.category, json.dumps(row.detail, sort_keys=True)


def replace_imported_decisions(session: Session, rows: Sequence[Decision]) -> None:
    """Store what past issues decided, in place of what was imported of the same works and periods."""
    replaced = {(row.item_id, row.period) for row in rows}
    for old in session.exec(select(Decision).where(Decision.origin == "import")):
        if (old.item_id, old.period) in replaced:
            session.delete(old)
    session.add_all(rows)


def sign_flagged_picks(session: Session, issue_id: int, name: str, now: datetime) -> None:
    """Record who answers for an issue's flagged texts without a signature."""
    for pick in session.exec(select(Pick).where(Pick.issue_id == issue_id, Pick.grounding_status == "flagged")):
        if pick.signed_by is None:
            pick.signed_by, pick.signed = name, now
            session.add(pick)


def load_picked_item_ids(session: Session) -> dict[str, frozenset[int]]:
    """Load what the editor picked, by monthly period: picks of approved issues and imported ones."""
    picked: dict[str, set[int]] = {}
    approved = select(Issue.period, Pick.item_id).where(Pick.issue_id == Issue.id)
    approved = approved.where(Issue.kind == "monthly", Issue.state != "draft")
    imported = select(Decision.period, Decision.item_id).where(_IS_IMPORTED_PICK)
    for period, item_id in [*session.exec(approved), *session.exec(imported)]:
        picked.setdefault(str(period), set()).add(item_id)
    return {period: frozenset(ids) for period, ids in picked.items()}


def add_prediction(session: Session, year: int, text: str, now: datetime) -> None:
    """Store a prediction for a year."""
    session.add(Prediction(year=year, text=text, at=now))


def load_predictions(session: Session, year: int) -> list[Prediction]:
    """Load a year's predictions, oldest first."""
    return list(session.exec(select(Prediction).where(Prediction.year == year).order_by(col(Prediction.id))))


def save_prediction_outcomes(session: Session, outcomes: Mapping[int, str]) -> None:
    """Store the outcomes of predictions: right, wrong or open."""
    for number, outcome in outcomes.items():
        if prediction := session.get(Prediction, number):
            prediction.outcome = outcome
            session.add(prediction)


def load_newest_draft_texts(session: Session) -> dict[str, str]:
    """Load the newest text of every draft, by period."""
    newest = select(func.max(DraftVersion.id)).group_by(DraftVersion.period)
    query = select(DraftVersion.period, DraftVersion.text).where(col(DraftVersion.id).in_(newest))
    return dict(session.exec(query.order_by(DraftVersion.period)).all())


def count_picked_items(session: Session) -> int:
    """Count the works picked for any issue, each once."""
    return session.exec(select(func.count(func.distinct(col(Pick.item_id))))).one()


def load_issues_with_pick_counts(session: Session) -> list[tuple[Issue, int]]:
    """Load every issue with the number of its picks, by period."""
    query = select(Issue, func.count(col(Pick.id))).join(Pick, isouter=True).group_by(col(Issue.id))
    return list(session.exec(query.order_by(col(Issue.period))).all())


def find_added_item_ids(session: Session, ids: Collection[int], detail: Mapping[str, str]) -> set[int]:
    """Return those of the items that are recorded as added by the editor with this very detail."""
    query = select(Decision.item_id, Decision.detail).where(in_list(Decision.item_id, ids), Decision.verdict == "add")
    return {item_id for item_id, stored in session.exec(query) if stored == detail}
