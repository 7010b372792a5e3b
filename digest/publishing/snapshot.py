"""Store and load published issues as readers saw them.

What the database learns later changes no published page.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Session

from digest.context import Context
from digest.db.issues import find_newest_snapshot, load_picks, save_snapshot
from digest.files import write_documents
from digest.models.issues import Issue, IssueSnapshot
from digest.publishing.issue_view import IssueView, PickView
from digest.publishing.pictures import publish_pictures
from digest.publishing.view import build_issue_view
from digest.text import hash_texts

# The metadata of a pick's work. A correction of the editor's text leaves them as published; errata change them.
PICK_FACTS = (
    "title", "url", "authors", "published", "venue", "quoted_from", "confidence", "second_guess", "links", "withdrawn",
    "superseded", "mentions",
)  # fmt: skip


def load_issue_view(context: Context, session: Session, issue: Issue) -> IssueView:
    """Load the issue as it was published, else as it would be published now."""
    snapshot = find_newest_snapshot(session, issue.id) if issue.state in ("published", "sent") else None
    if snapshot is None or issue.published is None:
        return build_issue_view(session, context.config, issue, context.parse_period(issue.period), context.now)
    view: IssueView = _view_adapter().validate_python(snapshot.view)
    view.published, view.updated = issue.published, issue.updated or issue.published
    return view


def create_snapshot(context: Context, session: Session, issue: Issue, *, is_correction: bool) -> None:
    """Store an issue as it is published; a correction keeps the metadata that readers know."""
    view = build_issue_view(session, context.config, issue, context.parse_period(issue.period), context.now)
    previous = find_newest_snapshot(session, issue.id) if is_correction else None
    if previous is not None:
        rows = load_picks(session, issue.id)
        edited = {item.key: {name for name in ("title", "url") if getattr(pick, name)} for pick, item in rows}
        _preserve_facts(view, _view_adapter().validate_python(previous.view), edited)
    write_documents(context.site_folder, publish_pictures(context, view))
    issue.published = issue.published or context.now
    store_snapshot(context, session, issue, view)


def store_snapshot(context: Context, session: Session, issue: Issue, view: IssueView) -> None:
    """Store a view as what readers see; `updated` changes when the view does."""
    assert issue.published is not None
    view.published = view.updated = issue.published
    value = _view_adapter().dump_python(view, mode="json")
    digest = hash_texts(json.dumps(value, sort_keys=True))
    if digest != issue.content_digest or issue.updated is None:
        save_snapshot(session, IssueSnapshot(issue_id=issue.id, view=value, at=context.now))
        issue.content_digest, issue.updated = digest, context.now
    session.add(issue)


def change_facts(view: IssueView, key: str, facts: Mapping[str, Any]) -> None:
    """Change the metadata of a work wherever the view shows it."""
    for pick in iterate_picks(view):
        if pick.key == key:
            for name, value in facts.items():
                setattr(pick, name, value)


def iterate_picks(view: IssueView) -> Iterator[PickView]:
    """Iterate over all picks; a recap by category and by month shows a work twice."""
    for section in (*view.sections, *view.by_month):
        yield from section.picks
    yield from view.missed


def _preserve_facts(view: IssueView, previous: IssueView, edited: Mapping[str, Collection[str]]) -> None:
    """Copy the previous metadata, except fields that the editor wrote (`edited`, by key)."""
    previous_picks = {pick.key: pick for pick in iterate_picks(previous)}
    for pick in iterate_picks(view):
        if old := previous_picks.get(pick.key):
            for name in PICK_FACTS:
                if name not in edited.get(pick.key, ()):
                    setattr(pick, name, getattr(old, name))


@cache
def _view_adapter() -> TypeAdapter[IssueView]:
    return TypeAdapter(IssueView)
