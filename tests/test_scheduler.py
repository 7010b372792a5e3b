"""The monthly draft is due on the chosen business day, in the newsletter's time zone, through clock changes."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from digest.config import Cadence
from digest.scheduler import business_day, next_draft

MADRID = ZoneInfo("Europe/Madrid")


@pytest.mark.parametrize(
    ("year", "month", "number", "day"),
    [(2026, 8, 1, 3), (2026, 8, 3, 5), (2026, 11, 3, 4), (2024, 2, 20, 28), (2026, 5, 1, 1)],
)
def test_business_days_skip_weekends(year: int, month: int, number: int, day: int) -> None:
    assert business_day(year, month, number) == date(year, month, day)


def test_the_next_draft_is_later_than_now_and_at_the_local_hour() -> None:
    cadence = Cadence(draft_business_day=3, draft_hour=8)
    due = next_draft(cadence, datetime(2026, 3, 1, tzinfo=MADRID))
    assert due == datetime(2026, 3, 4, 8, tzinfo=MADRID)
    following = next_draft(cadence, due)
    assert following == datetime(2026, 4, 3, 8, tzinfo=MADRID)
    assert following.utcoffset() != due.utcoffset()


def test_december_leads_to_january() -> None:
    due = next_draft(Cadence(), datetime(2026, 12, 31, 23, tzinfo=MADRID))
    assert due.date() == date(2027, 1, 5)
