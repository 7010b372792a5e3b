"""PostgreSQL under the same tables: the same rows, the same search, the same export, one writer, one lock."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlmodel import SQLModel, select

from digest.db.bulk import in_list, in_pairs, upsert
from digest.db.engine import Database
from digest.db.locks import DatabaseHostLock, hold_lock
from digest.db.owner import OWNER_FILE
from digest.db.search import is_search_index_complete, search_items, update_search_index
from digest.errors import StoreError
from digest.models.items import Item, Mention
from digest.models.runs import KeyValue
from tests.postgres import SCHEMAS, find_programs, running_server

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
WORDS = ["Sparse attention", "Attention in Zürich", "A multi-agent test", "Über die Sprache", "Test-time compute"]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    programs = find_programs()
    if programs is None:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL is not installed (apt-get install postgresql)")
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    with running_server(programs) as url:
        yield url + SCHEMAS


@pytest.fixture
def db(server: str, tmp_path: Path) -> Database:
    return Database(tmp_path / "digest.db", server)


def fill(db: Database) -> None:
    with db.write() as session:
        for number, title in enumerate(WORDS):
            session.add(
                Item(
                    key=f"k{number}",
                    title=title,
                    url="https://e.org",
                    source_id="s",
                    first_seen=NOW,
                    authors=["Ada Lovelace"],
                    summary="on language models" if number % 2 else "",
                )
            )
        update_search_index(session)


def test_the_migrated_schema_is_the_one_the_tables_declare(db: Database) -> None:
    with db.read() as session:
        context = MigrationContext.configure(
            session.connection(), opts={"include_object": lambda _, name, *__: not str(name).startswith("item_words")}
        )
        assert compare_metadata(context, SQLModel.metadata) == []


def test_texts_are_ordered_by_their_bytes_whatever_the_locale_of_the_server(db: Database) -> None:
    with db.write() as session:
        upsert(session, KeyValue, [{"name": name, "value": {}, "at": NOW} for name in ("b", "A", "a", "é", "Z")])
        assert session.exec(select(KeyValue.name).order_by(KeyValue.name)).all() == ["A", "Z", "a", "b", "é"]


def test_rows_come_back_as_they_were_stored(db: Database) -> None:
    with db.write() as session:
        session.add(KeyValue(name="a", value={"z": [1, 2.5, None], "a": "é\u2028"}, at=NOW))
    with db.read() as session:
        row = session.get_one(KeyValue, "a")
    assert (list(row.value.items()), row.at) == ([("z", [1, 2.5, None]), ("a", "é\u2028")], NOW)


def test_conditions_on_lists_and_pairs_find_what_they_name(db: Database) -> None:
    fill(db)
    with db.write() as session:
        first = session.exec(select(Item.id).order_by(Item.id)).first() or 0  # type: ignore[arg-type]
        rows = [
            {"item_id": first, "source_id": "s", "guid": g, "url": "", "title": "", "first_seen": NOW} for g in "ab"
        ]
        upsert(session, Mention, rows, ["source_id", "guid"], ["title"])
        upsert(session, Mention, [{**row, "title": "new"} for row in rows[:1]], ["source_id", "guid"], ["title"])
        assert session.exec(select(Item.key).where(in_list(Item.key, ["k1", "x"]))).all() == ["k1"]
        assert session.exec(select(Item.key).where(in_list(Item.id, [first]))).all() == ["k0"]
        assert session.exec(select(Item.key).where(in_list(Item.id, []))).all() == []
        found = session.exec(select(Mention.title).where(in_pairs(Mention.source_id, Mention.guid, [("s", "a")])))
        assert found.all() == ["new"]


@pytest.mark.parametrize(
    "query",
    [
        "attention",
        "ATTENTION zurich",
        '"multi agent"',
        '"agent multi"',
        "lang*",
        "lovelace uber",
        "test-time",
        "",
        "'",
        "!",
        "a:*",
    ],
)
def test_a_search_finds_what_it_finds_on_sqlite(db: Database, tmp_path: Path, query: str) -> None:
    with closing(Database(tmp_path / "other.db", "")) as sqlite:
        found = []
        for database in (db, sqlite):
            fill(database)
            with database.read() as session:
                found.append({item.key for item in search_items(session, query)})
    assert found[0] == found[1]


def test_the_index_follows_changes_and_deletions(db: Database) -> None:
    fill(db)
    with db.write() as session:
        item = session.exec(select(Item).where(Item.key == "k0")).one()
        item.title = "Dense retrieval"
        session.add(item)
        session.flush()
        assert not is_search_index_complete(session)
        update_search_index(session)
        assert is_search_index_complete(session)
        assert [found.key for found in search_items(session, "dense")] == ["k0"]
        assert [found.key for found in search_items(session, "sparse")] == []
        session.delete(item)
        session.flush()
        assert search_items(session, "dense") == []


def test_one_write_waits_for_another_and_a_reader_keeps_its_snapshot(db: Database, server: str) -> None:
    order: list[str] = []

    def write_second() -> None:
        with closing(Database(db.path, server)) as other, other.write() as session:
            order.append("second")
            session.add(KeyValue(name="second", value={}, at=NOW))

    with db.read() as reader:
        assert reader.get(KeyValue, "second") is None
        with db.write() as session:
            thread = Thread(target=write_second)
            thread.start()
            thread.join(0.5)
            order.append("first")
            session.add(KeyValue(name="first", value={}, at=NOW))
        thread.join(20)
        assert order == ["first", "second"]
        assert reader.exec(select(KeyValue.name)).all() == []


def test_work_has_one_holder_until_its_process_dies(db: Database, server: str) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom digest.db.engine import Database\n"
        "from digest.db.locks import hold_lock\n"
        "with hold_lock(Database(Path(sys.argv[1]), sys.argv[2]), 'fetch') as ours:\n"
        "    print(ours, flush=True)\n    time.sleep(60)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(db.path), server], stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"True\n"
        with hold_lock(db, "fetch") as ours, hold_lock(db, "send") as unrelated:
            assert (ours, unrelated) == (False, True)
    finally:
        child.kill()
        child.communicate()
    for _ in range(50):
        with hold_lock(db, "fetch") as ours:
            if ours:
                return
    pytest.fail("the lock of the killed process stayed")


def test_a_site_has_one_holder_over_all_workspaces_of_the_server(server: str, tmp_path: Path) -> None:
    url = server.replace("s_{hash}", "shared")
    with (
        closing(Database(tmp_path / "a" / "digest.db", url)) as one,
        closing(Database(tmp_path / "b" / "digest.db", url)) as other,
    ):
        first, second = (DatabaseHostLock(each, lambda: NOW) for each in (one, other))
        assert one.schema != other.schema
        assert first.claim("arxiv.org", 60) == 0
        assert second.claim("arxiv.org", 60) > 0
        first.release("arxiv.org", 3)
        assert second.claim("arxiv.org", 60) == 3
        assert DatabaseHostLock(other, lambda: NOW + timedelta(seconds=3)).claim("arxiv.org", 60) == 0


def test_a_backup_of_the_file_is_refused_with_the_command_that_works(db: Database, tmp_path: Path) -> None:
    with pytest.raises(StoreError) as refused:
        db.copy_to(tmp_path / "copy.db")
    assert "digest export" in refused.value.hint
    assert not (tmp_path / "copy.db").exists()


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be reached"):
        Database(tmp_path / "digest.db", "postgresql://nobody@127.0.0.1:1/none")


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense"])
def test_a_url_of_something_else_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(StoreError, match="DIGEST_DATABASE_URL"):
        Database(tmp_path / "digest.db", url)


def test_a_newer_schema_is_refused(db: Database, server: str) -> None:
    with db.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer digest"):
        Database(db.path, server)


def test_the_program_runs_on_it_and_an_export_goes_both_ways_to_the_same_bytes(server: str, tmp_path: Path) -> None:
    """The demo publishes the same bytes on both, and its export is read by either."""
    first = {"DIGEST_DATABASE_URL": server.replace("{hash}", "{name}")}
    sites, exports = [], []
    for name, environment in (("sqlite", {"DIGEST_DATABASE_URL": ""}), ("postgres", first)):
        run("demo", str(tmp_path / name), environment=environment)
        run("export", str(tmp_path / f"{name}-export"), cwd=tmp_path / name, environment=environment)
        site = read_tree(tmp_path / name / "site")
        # Drafts name possible duplicates by the number of their row, which is that of their arrival.
        sites.append({path: re.sub(rb"(merge|split) \d+ \d+", rb"\1", body) for path, body in site.items()})
        exports.append(read_tree(tmp_path / f"{name}-export"))
    assert sites[0].keys() == sites[1].keys()
    assert [path for path, body in sites[0].items() if sites[1][path] != body] == []
    for name, environment in (("sqlite", first), ("postgres", {"DIGEST_DATABASE_URL": ""})):
        other = tmp_path / f"{name}-moved"
        run("init", str(other), environment=environment)
        run("export", "--import", str(tmp_path / f"{name}-export"), cwd=other, environment=environment)
        run("export", str(tmp_path / f"{name}-again"), cwd=other, environment=environment)
        assert read_tree(tmp_path / f"{name}-again") == read_tree(tmp_path / f"{name}-export")


def run(*arguments: str, environment: dict[str, str], cwd: Path | None = None) -> None:
    command = [sys.executable, "-m", "digest", *arguments]
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **paths, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def read_tree(folder: Path) -> dict[str, bytes]:
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    schema = files.get("schema.json")
    assert schema is None or json.loads(schema)
    return files


def test_two_folders_of_one_name_never_share_a_schema(server: str, tmp_path: Path) -> None:
    """The second is refused before it sees a row, and goes on under another name; a checkout has the identity file."""
    plain = server.partition("?")[0]
    name = f"same{tmp_path.name}"
    folders = [tmp_path / place / name for place in ("here", "there", "checkout")]
    for folder in folders:
        folder.mkdir(parents=True)
    with closing(Database(folders[0] / "digest.db", plain)) as first:
        fill(first)
    with pytest.raises(StoreError, match=re.escape(f"belongs to the workspace {socket.gethostname()}:")) as refused:
        Database(folders[1] / "digest.db", plain)
    assert "?schema=NAME" in refused.value.hint
    with closing(Database(folders[1] / "digest.db", f"{plain}?schema=other_{{name}}")) as second:
        assert count_items(second) == 0
    shutil.copy(folders[0] / OWNER_FILE, folders[2])
    (folders[0] / OWNER_FILE).unlink()  # the place alone is proof enough on the same host
    for folder in (folders[0], folders[2]):
        with closing(Database(folder / "digest.db", plain)) as again:
            assert count_items(again) == len(WORDS)
    (folders[0] / OWNER_FILE).write_text("another\n")
    with pytest.raises(StoreError, match="belongs to the workspace"):
        Database(folders[0] / "digest.db", plain)


def count_items(db: Database) -> int:
    with db.read() as session:
        return len(session.exec(select(Item.id)).all())
