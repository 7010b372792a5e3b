"""Nobody is locked in by an upgrade: what an earlier version exported is read by this one, a later one's is refused."""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from digest.db.migrations import list_revisions, upgrade_schema
from digest.errors import StoreError
from digest.ops.export import export_workspace, import_workspace
from tests.ops.workspace import MONTH, made, opened

EARLIER = list_revisions()[1:]
NAMES = importlib.import_module("digest.db.migrations.versions.0003_names")
OLD_TABLES = {new: old for old, new in NAMES.TABLES.items()}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def columns(revision: str) -> dict[str, set[str]]:
    """What each table had at a schema, told by a database that the migrations made."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        upgrade_schema(connection, revision)
        found = inspect(connection)
        told = {name: {column["name"] for column in found.get_columns(name)} for name in found.get_table_names()}
    engine.dispose()
    return told


@pytest.fixture(params=EARLIER)
def earlier(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> Path:
    """An export as the program wrote it at an earlier schema: its tables, its columns, its number."""
    with opened(folder) as workspace:
        export_workspace(workspace.context, tmp_path / "now")
    target = Path(shutil.copytree(tmp_path / "now", tmp_path / "earlier"))
    had = columns(request.param)
    for path in [*(target / "tables").iterdir()]:
        was_renamed = request.param < NAMES.revision
        path = path.rename(path.with_stem(OLD_TABLES.get(path.stem, path.stem))) if was_renamed else path
        if path.stem not in had:
            path.unlink()
            continue
        old_names = {new: old for old, new in NAMES.COLUMNS.get(path.stem, {}).items() if was_renamed}
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        # A later column may have the old name of another.
        renamed = [
            {old_names.get(name, name): row[name] for name in row if name not in old_names.values()} for row in rows
        ]
        kept = [{name: value for name, value in row.items() if name in had[path.stem]} for row in renamed]
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in kept)
        path.write_text("".join(lines), encoding="utf-8")
    (target / "schema.json").write_text(json.dumps({"schema": request.param}) + "\n", encoding="utf-8")
    return target


def test_an_export_of_an_earlier_schema_is_brought_forward_and_nothing_of_it_is_lost(
    earlier: Path, tmp_path: Path
) -> None:
    assert contents(earlier) != contents(tmp_path / "now")
    other = made(tmp_path / "other")
    with opened(other) as workspace:
        assert f"brought from schema {json.loads((earlier / 'schema.json').read_text())['schema']}" in (
            import_workspace(workspace.context, earlier).line
        )
        assert workspace.db.check_integrity() == []
        assert workspace.search("sparse attention")
        export_workspace(workspace.context, tmp_path / "again")
        assert contents(tmp_path / "again") == contents(tmp_path / "now")
        assert workspace.publish(MONTH).numbers["files"] > 3
    assert not [path for path in other.rglob("*") if path.name.endswith(".partial") or ".before-" in path.name]


def test_a_damaged_export_of_an_earlier_schema_is_refused_by_file_and_line_and_leaves_nothing(
    earlier: Path, tmp_path: Path
) -> None:
    table = earlier / "tables" / "pick.jsonl"
    table.write_bytes(table.read_bytes()[:-20])
    other = made(tmp_path / "other")
    with opened(other) as workspace:
        with pytest.raises(StoreError, match=r"pick\.jsonl, line"):
            import_workspace(workspace.context, earlier)
        assert workspace.status().totals["items"] == 0
    assert not [path for path in other.rglob("*") if path.name.endswith(".partial")]


def test_a_column_that_came_later_does_not_belong_into_an_earlier_export(earlier: Path, tmp_path: Path) -> None:
    shutil.copyfile(tmp_path / "now" / "tables" / "issue.jsonl", earlier / "tables" / "issue.jsonl")
    with (
        opened(made(tmp_path / "other")) as workspace,
        pytest.raises(StoreError, match=r"issue\.jsonl, line 1: has an unknown column"),
    ):
        import_workspace(workspace.context, earlier)


@pytest.mark.parametrize("schema", ["9999", "", 3, None, "../0001"])
def test_an_export_of_a_schema_that_came_later_is_refused_with_the_cure(
    folder: Path, tmp_path: Path, schema: object
) -> None:
    with opened(folder) as workspace:
        export_workspace(workspace.context, tmp_path / "later")
    (tmp_path / "later" / "schema.json").write_text(json.dumps({"schema": schema}))
    with opened(made(tmp_path / "other")) as workspace:
        with pytest.raises(StoreError, match="has the unknown schema") as refused:
            import_workspace(workspace.context, tmp_path / "later")
        assert refused.value.hint == "install the version that wrote it, or a newer one"
        assert workspace.status().totals["items"] == 0
