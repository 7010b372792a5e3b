"""A sheet saved in another encoding is told as a fault of the sheet."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.app import Workspace, initialise
from digest.errors import SheetError
from digest.pipeline import sheets


def test_a_sheet_that_is_not_utf8_is_told_with_its_byte_and_cure(tmp_path: Path) -> None:
    initialise(tmp_path)
    with Workspace(tmp_path) as workspace:
        context = workspace.context
        period = context.period("2025-06")
        path = sheets.sheet_path(context, period)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"ab\xff")
        with pytest.raises(SheetError, match="byte 3") as told:
            sheets.on_disk(context, period)
    assert "UTF-8" in told.value.hint
