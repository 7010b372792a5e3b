"""Issues as readers saw them, kept whole at publication: what the store learns later changes no page by itself."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Session

from digest.context import Context
from digest.db.issues import find_newest_snapshot, load_picks, save_snapshot
from digest.models.issues import Issue, IssueSnapshot
from digest.publishing.issue_view import IssueView, PickView
from digest.publishing.view import build_issue_view
from digest.text import hash_texts

# What a pick says of its work. A correction of the editor's words leaves these as readers know them; they change by an
# erratum that names them.
PICK_FACTS = (
    "title", "url", "authors", "published", "venue", "quoted_from", "confidence", "second_guess", "links", "withdrawn",
    "superseded", "mentions",
)  # fmt: skip


def load_issue_view(context: Context, session: Session, issue: Issue) -> IssueView:
    """The issue as it was published, or as it would be published now when it was not."""
    kept = find_newest_snapshot(session, issue.id) if issue.state in ("published", "sent") else None
    if kept is None or issue.published is None:
        return build_issue_view(session, context.config, issue, context.parse_period(issue.period), context.now)
    view: IssueView = _view_adapter().validate_python(kept.view)
    view.published, view.updated = issue.published, issue.updated or issue.published
    return view


def create_snapshot(context: Context, session: Session, issue: Issue, *, is_correction: bool) -> None:
    """Freeze an issue that is published now, or `again`, corrected: facts that readers know stay as they are."""
    view = build_issue_view(session, context.config, issue, context.parse_period(issue.period), context.now)
    before = find_newest_snapshot(session, issue.id) if is_correction else None
    if before is not None:
        rows = load_picks(session, issue.id)
        own = {item.key: {name for name in ("title", "url") if getattr(pick, name)} for pick, item in rows}
        _preserve_facts(view, _view_adapter().validate_python(before.view), own)
    issue.published = issue.published or context.now
    store_snapshot(context, session, issue, view)


def store_snapshot(context: Context, session: Session, issue: Issue, view: IssueView) -> None:
    """Make a view what readers see; `updated` moves when it differs from what they saw."""
    assert issue.published is not None
    view.published = view.updated = issue.published
    value = _view_adapter().dump_python(view, mode="json")
    digest = hash_texts(json.dumps(value, sort_keys=True))
    if digest != issue.content_digest or issue.updated is None:
        save_snapshot(session, IssueSnapshot(issue_id=issue.id, view=value, at=context.now))
        issue.content_digest, issue.updated = digest, context.now
    session.add(issue)


def change_facts(view: IssueView, changes: Mapping[str, Mapping[str, Any]]) -> None:
    """Put new facts of works into a view, by key and field, wherever it shows them."""
    for pick in iterate_picks(view):
        for name, value in changes.get(pick.key, {}).items():
            setattr(pick, name, value)


def iterate_picks(view: IssueView) -> Iterator[PickView]:
    """Every place of a view that shows a work; one of a recap by category and by month has two."""
    for section in (*view.sections, *view.by_month):
        yield from section.picks
    yield from view.missed


def _preserve_facts(view: IssueView, previous_view: IssueView, editor_fields: Mapping[str, Collection[str]]) -> None:
    """Leave facts as they were; `own` names those that the editor wrote, by key."""
    known = {pick.key: pick for pick in iterate_picks(previous_view)}
    for pick in iterate_picks(view):
        if old := known.get(pick.key):
            for name in PICK_FACTS:
                if name not in editor_fields.get(pick.key, ()):
                    setattr(pick, name, getattr(old, name))


@cache
def _view_adapter() -> TypeAdapter[IssueView]:
    return TypeAdapter(IssueView)
