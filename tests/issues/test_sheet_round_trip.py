"""The sheet says everything it was given, whatever the words are."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings

from digest.issues import Sheet, parse, render
from tests.issues.sheets import example, sheets


def test_a_plain_sheet_is_read_back_as_it_was_written() -> None:
    assert parse(render(example())) == example()


@settings(
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(sheets())
def test_any_sheet_is_read_back_as_it_was_written(sheet: Sheet) -> None:
    assert parse(render(sheet)) == sheet
