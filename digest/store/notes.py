"""Bets and doubts kept for a year's end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, col, select

from digest.models import Prediction


def add_prediction(session: Session, year: int, text: str, now: datetime) -> None:
    """Keep a note for a year."""
    session.add(Prediction(year=year, text=text, at=now))


def load_predictions(session: Session, year: int) -> list[Prediction]:
    """The year's notes, oldest first."""
    return list(session.exec(select(Prediction).where(Prediction.year == year).order_by(col(Prediction.id))))


def save_prediction_outcomes(session: Session, outcomes: Mapping[int, str]) -> None:
    """Keep what became of notes: right, wrong or open."""
    for number, outcome in outcomes.items():
        note = session.get(Prediction, number)
        if note is not None:
            note.outcome = outcome
            session.add(note)
