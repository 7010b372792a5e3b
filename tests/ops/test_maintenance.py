"""Backups are whole and restore, exports come back to the same bytes, pruning forgets only what nobody chose."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from sqlmodel import col, select

from digest.db.engine import uses_postgres
from digest.errors import CheckFailedError, DigestError, StoreError
from digest.models.issues import Pick
from digest.models.items import Item, Tombstone
from digest.ops.backup import create_backup, restore_backup, write_backup
from digest.ops.doctor import diagnose_workspace
from digest.ops.export import export_workspace, import_workspace
from digest.ops.metrics import write_metrics
from digest.ops.prune import prune_items
from tests.ops.workspace import MONTH, NOW, edit, made, opened, rows, waiting


def restore(folder: Path, source: Path) -> str:
    with opened(folder) as workspace:
        return restore_backup(folder, NOW, source, lambda target: write_backup(workspace.context, target)).line


def titles(folder: Path) -> set[str]:
    with opened(folder) as workspace, workspace.db.read() as session:
        return set(session.exec(select(Item.title)))


def exported(folder: Path, target: Path) -> dict[str, bytes]:
    with opened(folder) as workspace:
        export_workspace(workspace.context, target)
    return {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()}


@pytest.mark.sqlite
def test_a_backup_brings_back_rows_and_sheets_and_keeps_what_was_there(folder: Path, tmp_path: Path) -> None:
    sheet = folder / "site" / "_drafts" / f"{MONTH}.md"
    words, before = sheet.read_text(), titles(folder)
    with opened(folder) as workspace:
        create_backup(workspace.context, tmp_path / "kept.zip")
        (folder / "more.jsonl").write_text(rows("2025-12"))
        workspace.add_jsonl(folder / "more.jsonl")
    sheet.write_text("spoilt")
    after = titles(folder)
    assert "restored from" in restore(folder, tmp_path / "kept.zip")
    assert titles(folder) == before < after
    assert sheet.read_text() == words
    restore(folder, next((folder / "backups").glob("before-restore-*.zip")))
    assert titles(folder) == after
    assert sheet.read_text() == "spoilt"


@pytest.mark.sqlite
def test_a_damaged_database_is_moved_aside_by_a_restore(folder: Path, tmp_path: Path) -> None:
    before = titles(folder)
    with opened(folder) as workspace:
        create_backup(workspace.context, tmp_path / "kept.zip")
    (folder / "digest.db").write_bytes(b"no database" * 1000)
    restore(folder, tmp_path / "kept.zip")
    assert titles(folder) == before
    assert (folder / "digest.db.damaged").read_bytes().startswith(b"no database")


@pytest.mark.sqlite
def test_a_backup_that_was_altered_touches_nothing(folder: Path, tmp_path: Path) -> None:
    with opened(folder) as workspace:
        create_backup(workspace.context, tmp_path / "kept.zip")
    with zipfile.ZipFile(tmp_path / "kept.zip") as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    for change in ({"sources.yaml": b"newsletter: {}"}, {"manifest.json": b"{}"}, {"digest.db": b""}):
        with zipfile.ZipFile(tmp_path / "bad.zip", "w") as packed:
            for name, body in (parts | change).items():
                packed.writestr(name, body)
        before = (folder / "sources.yaml").read_bytes()
        with pytest.raises(StoreError):
            restore(folder, tmp_path / "bad.zip")
        assert (folder / "sources.yaml").read_bytes() == before
    assert not list(folder.glob("backups/*"))


def altered(folder: Path, target: Path, more: dict[str, bytes]) -> Path:
    """A backup of the workspace, into which somebody put more files, with their right sums."""
    with opened(folder) as workspace:
        create_backup(workspace.context, target.with_name("kept.zip"))
    with zipfile.ZipFile(target.with_name("kept.zip")) as packed:
        files = {"digest.db": packed.read("digest.db"), **more}
    with zipfile.ZipFile(target, "w") as packed:
        for name, body in files.items():
            packed.writestr(name, body)
        packed.writestr("manifest.json", json.dumps({"sha256": {n: sha256(b).hexdigest() for n, b in files.items()}}))
    return target


@pytest.mark.sqlite
def test_a_backup_never_writes_outside_the_workspace(folder: Path, tmp_path: Path) -> None:
    evil = altered(folder, tmp_path / "evil.zip", {"site/../../escaped.md": b"x"})
    before = titles(folder)
    with opened(folder) as workspace:
        (folder / "more.jsonl").write_text(rows("2025-12"))
        workspace.add_jsonl(folder / "more.jsonl")
    with pytest.raises(DigestError, match="not a path inside"):
        restore(folder, evil)
    assert not list(tmp_path.rglob("escaped*"))
    assert titles(folder) > before  # nothing was touched, the database neither


@pytest.mark.sqlite
def test_of_a_backup_only_what_a_backup_holds_is_brought_back(folder: Path, tmp_path: Path) -> None:
    evil = altered(folder, tmp_path / "evil.zip", {".env": b"A=1", "bin/run": b"x", "site/about.md": b"mine"})
    restore(folder, evil)
    assert (folder / "site" / "about.md").read_bytes() == b"mine"
    assert not (folder / ".env").exists()
    assert not (folder / "bin").exists()


@pytest.mark.sqlite
def test_a_database_cut_to_nothing_is_brought_back(folder: Path, tmp_path: Path) -> None:
    before = titles(folder)
    with opened(folder) as workspace:
        create_backup(workspace.context, tmp_path / "kept.zip")
    (folder / "digest.db").write_bytes(b"")
    restore(folder, tmp_path / "kept.zip")
    assert titles(folder) == before


@pytest.mark.sqlite
@pytest.mark.parametrize("name", ["50% off #1", "what?", "a%41b", "d'or & ü"])
def test_a_workspace_may_lie_in_a_folder_of_any_name_and_writes_nothing_beside_it(tmp_path: Path, name: str) -> None:
    folder = made(tmp_path / name)
    with opened(folder) as workspace:
        workspace.add_jsonl(folder / "month.jsonl")
        create_backup(workspace.context)
        assert diagnose_workspace(folder, {}, NOW, lambda: workspace.context)
    restore(folder, next((folder / "backups").glob("digest-*.zip")))
    assert len(titles(folder)) == 16
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_export_read_back_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    first = exported(folder, tmp_path / "one")
    assert {"tables/item.jsonl", "tables/pick.jsonl", f"sheets/{MONTH}.md", "schema.json"} <= set(first)
    other = made(tmp_path / "other")
    with opened(other) as workspace:
        import_workspace(workspace.context, tmp_path / "one")
        assert workspace.db.check_integrity() == []
        assert workspace.search("sparse attention")
        assert workspace.publish(MONTH).numbers["files"] > 3
        with pytest.raises(CheckFailedError, match="holds items"):
            import_workspace(workspace.context, tmp_path / "one")
    again = made(tmp_path / "again")
    with opened(again) as workspace:
        import_workspace(workspace.context, tmp_path / "one")
    assert exported(again, tmp_path / "two") == first


def test_half_an_export_leaves_the_workspace_empty(folder: Path, tmp_path: Path) -> None:
    exported(folder, tmp_path / "one")
    table = tmp_path / "one" / "tables" / "pick.jsonl"
    table.write_bytes(table.read_bytes()[:-20])
    with opened(made(tmp_path / "other")) as workspace:
        with pytest.raises(StoreError, match=r"pick\.jsonl, line"):
            import_workspace(workspace.context, tmp_path / "one")
        assert workspace.status().totals["items"] == 0


def _changed(table: str, **values: object) -> Callable[[Path], None]:
    """The first row of a table with these values; ... takes a column out."""

    def change(folder: Path) -> None:
        path = folder / "tables" / f"{table}.jsonl"
        first, *others = path.read_text().splitlines()
        row = {name: value for name, value in (json.loads(first) | values).items() if value is not ...}
        path.write_text("\n".join([json.dumps(row), *others]) + "\n")

    return change


def _added(table: str, line: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "tables" / f"{table}.jsonl"
        path.write_text(path.read_text() + (line or path.read_text().splitlines()[0]) + "\n")

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_changed("item", nosuch=1), "item.jsonl, line 1: has an unknown column 'nosuch'"),
        (_changed("mention", url=...), "mention.jsonl, line 1: lacks the column 'url'"),
        (_changed("item", first_seen=5), "item.jsonl, line 1: "),
        (_changed("item", title={"a": 1}), "item.jsonl, line 16 or before: "),
        (_changed("mention", item_id=9999), "mention.jsonl: row 1 points to nothing in item.jsonl"),
        (_added("item", "[1]"), "item.jsonl, line 17: is not a JSON object"),
        (_added("item", ""), "item.jsonl, line 17 or before: UNIQUE"),
        (lambda folder: (folder / "tables" / "pick.jsonl").unlink(), "pick.jsonl cannot be read: no such file"),
    ],
)
def test_an_export_that_was_altered_is_refused_by_file_and_line(
    folder: Path, tmp_path: Path, change: Callable[[Path], None], told: str
) -> None:
    exported(folder, tmp_path / "one")
    change(tmp_path / "one")
    with opened(made(tmp_path / "other")) as workspace:
        # The last words are SQLite's own.
        pattern = re.escape(told.partition(":")[0] if uses_postgres() else told)
        with pytest.raises(StoreError, match=pattern):
            import_workspace(workspace.context, tmp_path / "one")
        assert workspace.status().totals["items"] == 0


def test_pruning_keeps_what_was_chosen_and_what_it_forgot_does_not_return(folder: Path) -> None:
    (folder / "bulk.jsonl").write_text(rows("2025-11") + rows("2025-12"))  # more lines than a person adds
    with opened(folder, NOW) as workspace:
        workspace.add_jsonl(folder / "bulk.jsonl")
    with opened(folder, NOW + timedelta(days=900)) as workspace:
        with workspace.db.read() as session:
            picked = set(session.exec(select(Item.title).where(col(Item.id).in_(select(Pick.item_id)))))
        before = titles(folder)
        would = prune_items(workspace.context, 24, dry_run=True).numbers["items"]
        assert titles(folder) == before
        assert prune_items(workspace.context, 24).numbers["items"] == would > 0
        left = titles(folder)
        assert picked <= left
        assert len(left) == len(before) - would
        assert workspace.db.check_integrity() == []
        workspace.add_jsonl(folder / "bulk.jsonl")
        assert titles(folder) == left
        (folder / "new.jsonl").write_text(rows("2028-06"))
        workspace.add_jsonl(folder / "new.jsonl")
        assert len(workspace.search("sparse attention", 50)) == sum("sparse attention" in t for t in titles(folder))
        with workspace.db.read() as session:
            assert len(list(session.exec(select(Tombstone)))) >= would
        assert workspace.publish(MONTH).numbers["changed"] == 0


def test_what_stands_on_the_sheet_of_an_open_issue_is_not_pruned(tmp_path: Path) -> None:
    folder = waiting(tmp_path / "w")
    sheet = folder / "site" / "_drafts" / f"{MONTH}.md"
    sheet.write_text(sheet.read_text().replace("- [ ]", "- [x]"))
    with opened(folder, NOW + timedelta(days=900)) as workspace:
        assert prune_items(workspace.context, 24).numbers["items"] == 0
        workspace.draft(MONTH)
        edit(folder)
        assert workspace.approve(MONTH, by="Ada", accept_gaps=True).numbers["picks"] == 16


def test_young_candidates_are_not_pruned(folder: Path) -> None:
    with opened(folder, NOW + timedelta(days=300)) as workspace:
        assert prune_items(workspace.context, 12).numbers["items"] == 0


def test_metrics_are_prometheus_text_without_addresses(folder: Path, tmp_path: Path) -> None:
    with opened(folder) as workspace:
        write_metrics(workspace.context, tmp_path / "digest.prom")
    text = (tmp_path / "digest.prom").read_text()
    assert "digest_items 16\n" in text
    assert 'digest_issues{state="published"} 1\n' in text
    assert 'digest_run_ok{stage="publish"} 1\n' in text
    assert "example.org" not in text
    for line in text.splitlines():
        assert line.startswith("# ") or len(line.rsplit(" ", 1)) == 2


@pytest.mark.sqlite
def test_a_backup_while_another_writes_is_of_one_moment(folder: Path, tmp_path: Path) -> None:
    with opened(folder) as writer, opened(folder) as copier, writer.db.write() as session:
        session.add(Tombstone(key="halfway", at=NOW))
        session.flush()
        write_backup(copier.context, tmp_path / "live.zip")
    restore(folder, tmp_path / "live.zip")
    with opened(folder) as workspace, workspace.db.read() as session:
        assert session.get(Tombstone, "halfway") is None
