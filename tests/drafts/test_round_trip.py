"""The draft says everything it was given, whatever the words are."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import example as with_seed
from hypothesis import strategies as st

from digest.drafts.model import Draft
from digest.drafts.parser import parse_draft
from digest.drafts.writer import render_draft
from digest.errors import DraftError
from tests.drafts.drafts import example, sheets


def test_a_plain_draft_is_read_back_as_it_was_written() -> None:
    assert parse_draft(render_draft(example())) == example()


@settings(
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(sheets())
def test_any_draft_is_read_back_as_it_was_written(sheet: Draft) -> None:
    assert parse_draft(render_draft(sheet)) == sheet


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**40))
@with_seed(276)
@with_seed(1533)
def test_a_text_in_disorder_is_read_or_refused_by_its_line(seed: int) -> None:
    dice = Random(seed)
    lines = render_draft(example()).split("\n")
    for _ in range(dice.randint(1, 6)):
        here, there = dice.randrange(len(lines)), dice.randrange(len(lines))
        match dice.randrange(4):
            case 0:
                lines.insert(there, lines[here])
            case 1:
                lines.insert(there, lines.pop(here))
            case 2:
                lines[here] = lines[here][: dice.randint(0, len(lines[here]))]
            case _:
                lines[here] = lines[here] + " " + lines[there]
    sheet = _read("\n".join(lines))
    assert parse_draft(render_draft(sheet)) == sheet if isinstance(sheet, Draft) else 1 <= sheet <= len(lines) + 1


def _read(text: str) -> Draft | int:
    """The draft, or the line that cannot be read."""
    try:
        return parse_draft(text)
    except DraftError as error:
        return error.line


@pytest.mark.parametrize(
    ("period", "anchor", "slug"),
    [
        ("2025", "m2025-01", "jan"),
        ("2024-12..2025-12", "m2025-12", "dec-2025"),
        ("2025", "m2024-01", "m2024-01"),
        ("2025", "jan", "jan"),
    ],
)
def test_the_former_anchor_of_a_month_is_read_as_its_short_one(period: str, anchor: str, slug: str) -> None:
    head = f'---\ntitle: "Review"\ndate: 2026-01-05\nperiod: "{period}"\nform: both\n---\n\n'
    draft = parse_draft(f"{head}## A month: its title {{#{anchor}}}\n\nMy words.\n")
    assert [(section.slug, section.intro) for section in draft.sections] == [(slug, "My words.")]
    assert f"{{#{slug}}}" in render_draft(draft)
