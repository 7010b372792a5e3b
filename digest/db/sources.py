"""The state of each source between two fetches, claims on the next fetch, and checkpoints of long work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, select

from digest.db.bulk import in_list, upsert
from digest.models.items import FetchState, SourceState
from digest.models.runs import Checkpoint

_COLUMNS = tuple(FetchState.model_fields)
MAX_RESUMES = 3  # kills in a row after which a source waits until its claim is over


def load_source_states(session: Session, ids: Sequence[str]) -> dict[str, FetchState]:
    """Load the stored states of sources; `save_source_states` stores what changes in them."""
    query = select(*(getattr(SourceState, name) for name in _COLUMNS)).where(in_list(SourceState.source_id, ids))
    rows = session.connection().execute(query)
    return {state.source_id: state for state in (FetchState(**dict(zip(_COLUMNS, row, strict=True))) for row in rows)}


def claim_due_sources(
    session: Session, claims: Mapping[str, tuple[str, timedelta]], now: datetime, *, force: bool, resume: bool
) -> dict[str, FetchState]:
    """Claim the due sources among `claims`: by id, their configured URL and how long to hold them.

    Their next check is put off by that time first. With `resume`, a source whose last fetch never ended is due at
    once, at most MAX_RESUMES times, so that a process that dies again and again does not fetch again and again.
    A source with a changed URL starts from an empty state.
    """
    states = load_source_states(session, list(claims))
    claimed = {}
    for source_id, (url, hold) in claims.items():
        state = states.get(source_id)
        if state is None or state.url != url:
            state = FetchState(source_id=source_id, url=url)
        elif not (force or (resume and 0 < state.unanswered <= MAX_RESUMES) or is_source_due(state, now)):
            continue
        state.next_check = now + hold
        state.unanswered += 1
        claimed[source_id] = state
    save_source_states(session, *claimed.values())
    return claimed


def release_sources(session: Session, states: Iterable[FetchState]) -> None:
    """Make claimed sources due at once, because the work stopped before they were fetched."""
    waiting = [state.source_id for state in states if state.unanswered]
    chosen = update(SourceState).where(in_list(SourceState.source_id, waiting))
    session.connection().execute(chosen.values(next_check=None, unanswered=0))


def is_source_due(state: FetchState, now: datetime) -> bool:
    """Return whether a source may be fetched by its own schedule."""
    return not state.disabled and (state.next_check is None or state.next_check <= now)


def save_source_states(session: Session, *states: FetchState) -> None:
    """Store states as they are now."""
    rows = [{name: getattr(state, name) for name in _COLUMNS} for state in states]
    upsert(session, SourceState, rows, ["source_id"], [name for name in _COLUMNS if name != "source_id"])


def load_checkpoint(session: Session, name: str) -> dict[str, Any]:
    """Load how far a piece of work has come; empty when it was never begun."""
    checkpoint = session.get(Checkpoint, name)
    return dict(checkpoint.value) if checkpoint else {}


def save_checkpoint(session: Session, name: str, value: Mapping[str, Any], now: datetime) -> None:
    """Store how far a piece of work has come, in the transaction that stores its result."""
    session.merge(Checkpoint(name=name, value=dict(value), at=now))
