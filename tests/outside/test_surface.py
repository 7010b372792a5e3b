"""What users and their scripts hold on to changes only on purpose: `make golden`, and a line in the changelog."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.outside.surface import command_help, json_shapes, table_ddl, template_names

GOLDEN = Path(__file__).with_name("golden")
ROOT = Path(__file__).resolve().parents[2]


def compare(name: str, text: str, rewrite: bool) -> None:
    """Compare a text with its golden file, or rewrite the file."""
    path = GOLDEN / name
    if rewrite:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def test_help_arguments_and_options_are_as_before(golden: bool) -> None:
    compare("help.txt", command_help(), golden)


def test_templates_read_the_names_they_read_before(golden: bool) -> None:
    compare("templates.txt", template_names(ROOT / "templates"), golden)


@pytest.mark.slow
def test_json_output_and_tables_have_the_shape_they_had(workspace_folder: Path, golden: bool) -> None:
    compare("tables.sql", table_ddl(workspace_folder / "digest.db"), golden)
    compare("json.txt", json_shapes(workspace_folder), golden)
