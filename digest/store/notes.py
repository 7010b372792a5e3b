"""Bets and doubts kept for a year's end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, col, select

from digest.models import Note


def add(session: Session, year: int, text: str, now: datetime) -> None:
    """Keep a note for a year."""
    session.add(Note(year=year, text=text, at=now))


def of_year(session: Session, year: int) -> list[Note]:
    """The year's notes, oldest first."""
    return list(session.exec(select(Note).where(Note.year == year).order_by(col(Note.id))))


def answer(session: Session, outcomes: Mapping[int, str]) -> None:
    """Keep what became of notes: right, wrong or open."""
    for number, outcome in outcomes.items():
        note = session.get(Note, number)
        if note is not None:
            note.outcome = outcome
            session.add(note)
