"""Permanent redirects are believed slowly, and only when every hop is permanent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from digest.ingest.source_state import RedirectObservation, find_permanent_target, update_observation

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("start", "hops", "target"),
    [
        ("http://a/", [], None),
        ("http://a/", [(301, "http://b/")], "http://b/"),
        ("http://a/", [(301, "https://a/"), (308, "https://b/")], "https://b/"),
        ("http://a/", [(302, "http://b/")], None),
        ("http://a/", [(301, "http://b/"), (302, "http://c/")], None),
        ("http://a/", [(307, "http://b/"), (301, "http://c/")], None),
        ("http://a/", [(303, "http://b/")], None),
        ("https://a/", [(301, "http://a/")], None),
        ("https://a/", [(301, "http://a/"), (301, "https://b/")], None),
    ],
)
def test_a_chain_is_permanent_when_every_hop_is_and_none_leaves_https(
    start: str, hops: list[tuple[int, str]], target: str | None
) -> None:
    assert find_permanent_target(start, hops) == target


@pytest.mark.parametrize(
    ("days", "believed"),
    [([0, 1, 2], False), ([0, 1, 3], True), ([0, 3], False), ([0, 1, 2, 3], True), ([0, 0, 0], False)],
)
def test_a_move_is_believed_after_three_times_over_three_days(days: list[int], believed: bool) -> None:
    move = RedirectObservation()
    for day in days:
        move = update_observation(move, "http://b/", NOW + day * DAY)
    assert move.is_confirmed is believed


@pytest.mark.parametrize("between", [None, "http://c/"])
def test_another_target_or_none_starts_over(between: str | None) -> None:
    move = RedirectObservation()
    for day, target in enumerate(["http://b/", "http://b/", between, "http://b/", "http://b/"]):
        move = update_observation(move, target, NOW + 2 * day * DAY)
    assert not move.is_confirmed
    assert move.count == 2
