"""A draft in another encoding or with a key nobody knows is told as a fault of the draft, and stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.app import Workspace, initialise
from digest.drafts.storage import get_draft_path, read_draft_text
from digest.errors import DraftError
from tests.small import filled


def test_a_draft_that_is_not_utf8_is_told_with_its_byte_and_cure(tmp_path: Path) -> None:
    initialise(tmp_path)
    with Workspace(tmp_path) as workspace:
        context = workspace.context
        period = context.parse_period("2025-06")
        path = get_draft_path(context, period)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"ab\xff")
        with pytest.raises(DraftError, match="byte 3") as told:
            read_draft_text(context, period)
    assert "UTF-8" in told.value.hint


def test_a_pick_that_the_store_does_not_hold_is_named_by_its_line_and_changes_nothing(tmp_path: Path) -> None:
    with filled(tmp_path) as made:
        made.draft("2025-06")
        path = get_draft_path(made.context, made.context.parse_period("2025-06"))
        before = path.read_text(encoding="utf-8")
        line = next(line for line in before.splitlines() if line.startswith("### "))
        wrong = before.replace("key=arxiv:2506", "key=arxiv:9999", 1)
        path.write_text(wrong, encoding="utf-8")
        for verb in (made.draft, made.check, made.approve):
            with pytest.raises(DraftError, match=rf"line {before.splitlines().index(line) + 1}: the database has no"):
                verb("2025-06")
        assert path.read_text(encoding="utf-8") == wrong


@pytest.mark.parametrize("written", ["2025-07", "2025"])
def test_a_draft_that_names_another_period_than_its_file_is_told_with_its_line(tmp_path: Path, written: str) -> None:
    with filled(tmp_path) as made:
        made.draft("2025-06")
        path = get_draft_path(made.context, made.context.parse_period("2025-06"))
        wrong = path.read_text(encoding="utf-8").replace('period: "2025-06"', f'period: "{written}"')
        path.write_text(wrong, encoding="utf-8")
        for verb in (made.draft, made.check, made.approve):
            with pytest.raises(DraftError, match=r"line 5: period: .* is not this file's") as told:
                verb("2025-06")
            assert 'period: "2025-06"' in told.value.hint
        assert path.read_text(encoding="utf-8") == wrong
