"""What is known of each source between two checks, claims on the next check, and checkpoints of long work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from digest.models import Checkpoint, SourceState


def states(session: Session, ids: Sequence[str]) -> dict[str, SourceState]:
    """The stored states of sources; a source that was never asked has none."""
    return {s.source_id: s for s in session.exec(select(SourceState).where(col(SourceState.source_id).in_(ids)))}


def claim(
    session: Session, source_id: str, url: str, now: datetime, hold: timedelta, *, force: bool, resume: bool
) -> SourceState | None:
    """Take a source that is due, its next check put off by `hold` before anything is asked; None when it is not due.

    With `resume`, one whose last request never ended is due at once, but only the first time: a process that dies
    again and again does not make us ask again and again. A changed address in the configuration starts afresh.
    """
    state = session.get(SourceState, source_id)
    if state is not None and state.url != url:
        session.delete(state)
        session.flush()
        state = None
    if state is None:
        state = SourceState(source_id=source_id, url=url)
    elif not (force or (resume and state.unanswered == 1) or is_due(state, now)):
        return None
    state.next_check = now + hold
    state.unanswered += 1
    session.add(state)
    return state


def is_due(state: SourceState, now: datetime) -> bool:
    """Whether a source may be asked by its own schedule."""
    return not state.disabled and (state.next_check is None or state.next_check <= now)


def save(session: Session, state: SourceState) -> None:
    """Store a state as it is now."""
    session.merge(state)


def checkpoint(session: Session, name: str) -> dict[str, Any]:
    """Where a piece of work stands; empty when it was never begun."""
    found = session.get(Checkpoint, name)
    return dict(found.value) if found else {}


def set_checkpoint(session: Session, name: str, value: Mapping[str, Any], now: datetime) -> None:
    """Keep where a piece of work stands, in the transaction that stores its result."""
    session.merge(Checkpoint(name=name, value=dict(value), at=now))
