"""Dates of the web are read right or not at all."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from digest.sources.dates import parse_date

TEN = datetime(2025, 3, 5, 10, tzinfo=UTC)
DAY = datetime(2025, 3, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Wed, 05 Mar 2025 10:00:00 GMT", TEN),
        ("Wed, 05 Mar 2025 12:00:00 +0200", TEN),
        ("5 Mar 2025 05:00 EST", TEN),
        ("Wed, 05 Mar 2025 11:00:00 CET", TEN),
        ("Wednesday, 05-Mar-25 10:00:00 UTC", TEN),
        ("Wed, 05 Mar 2025 12:00:00 +02:00", TEN),
        ("Wed, 05 Mar 2025 12:00:00 +02", TEN),
        ("Wed, 05 Mar 2025 05:00:00 -05:00", TEN),
        ("Mi, 05 März 2025 11:00:00 +0100", TEN),
        ("mer., 05 mars 2025 11:00:00 +0100", TEN),
        ("mié, 05 mar 2025 11:00:00 +0100", TEN),
        ("mar, 5 marzo 2025 10:00:00 GMT", TEN),
        ("qua, 05 mar 2025 10:00:00 GMT", TEN),
        ("5 de marzo de 2025", DAY),
        ("5. März 2025", DAY),
        ("1er février 2025", datetime(2025, 2, 1, tzinfo=UTC)),
        ("24 août 2025", datetime(2025, 8, 24, tzinfo=UTC)),
        ("7 juillet 2025", datetime(2025, 7, 7, tzinfo=UTC)),
        ("7 juin 2025", datetime(2025, 6, 7, tzinfo=UTC)),
        ("dom, 02 ott 2022 18:55:00 GMT", datetime(2022, 10, 2, 18, 55, tzinfo=UTC)),
        ("Di, 02 Dez 2025 10:00:00 +0100", datetime(2025, 12, 2, 9, tzinfo=UTC)),
        ("2025-03-05T10:00:00Z", TEN),
        ("2025-03-05T10:00:00.123456789Z", TEN.replace(microsecond=123456)),
        ("2025-03-05 10:00:00 UTC", TEN),
        ("2025-03-05 10:00", TEN),
        ("20250305T100000Z", TEN),
        ("2025-03-05", DAY),
        ("Mar 5, 2025", DAY),
        ("March 5th, 2025", DAY),
        ("1741168800", TEN),
        ("1741168800000", TEN),
        ("2025-03-05T02:00:00 America/Los_Angeles", TEN),
        ("2025-03-04T24:00:00Z", DAY),
        ("20250305100000", TEN),
        ("20250305 10:00", TEN),
        ("Wed, 5 Mar 2025 10:00:00 PM GMT", TEN.replace(hour=22)),
        ("Mar 5, 2025 10:00 am", TEN),
        ("2025-03-05T10:00:00ZZ", TEN),
        ("2004", datetime(2004, 1, 1, tzinfo=UTC)),
        ("2025년 03월 05일 10:00:00", DAY),
        ("20250305", DAY),
        ("5.3.2025", DAY),
        ("03/15/2025", DAY.replace(day=15)),
        ("05/03/2025", None),
        ("Wed, 05 Mar 2025 19:00:00 +0900 JST", TEN),
        ("2025-03-05T02:00:00-08:00[America/Los_Angeles]", TEN),
        ("Wed, 05 Mar 2025 12:00:00 GMT+2", TEN),
        ("Wed, 05 Mar 2025 04:30:00 UTC-05:30", TEN),
        ("Wed Mar 05 2025 11:00:00 GMT+0100 (Central European Standard Time)", TEN),
        ("2025-03-05T02:00:00\u221208:00", TEN),
        ("2025-W10-3", DAY),
        ("2025-064", DAY),
        ("2025-366", None),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("Wed, 31 Feb 2025 10:00:00 GMT", None),
        ("2024-13-45", None),
        ("yesterday", None),
        ("10:30", None),
        ("Mar 5", None),
        ("", None),
        ("0000-00-00T00:00:00", None),
        ("99999999999999999999", None),
    ],
)
def test_a_date_is_the_moment_meant_or_none(text: str, moment: datetime | None) -> None:
    assert parse_date(text) == moment
