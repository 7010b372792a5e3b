"""Full-text search over items (FTS5, or tsvector on PostgreSQL): words, "phrases", prefix*."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, cast

from sqlalchemy import Boolean, ColumnElement, Integer, literal, literal_column, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import Session, col, select

from digest.models.items import Item

_BATCH_SIZE = 2000
_MAX_POSITION, _MAX_WORD_BYTES = 16_383, 2046  # of a tsvector
_SQLITE_STATEMENTS = (
    "INSERT INTO item_words(rowid, title, authors, summary) SELECT id, title, authors, summary FROM item "
    "WHERE id > (SELECT upto FROM item_words_state)",
    "UPDATE item_words_state SET upto = (SELECT coalesce(max(id), 0) FROM item)",
)
# An update of an item's text empties its document.
_OUTDATED = (
    "id > (SELECT coalesce(max(id), 0) FROM item_words) OR id IN (SELECT id FROM item_words WHERE document IS NULL)"
)
_IS_COMPLETE = {
    "sqlite": "SELECT (SELECT upto FROM item_words_state) >= (SELECT coalesce(max(id), 0) FROM item)",
    "postgresql": f"SELECT NOT EXISTS (SELECT 1 FROM item WHERE {_OUTDATED})",  # noqa: S608
}
_SEARCH = {
    # No join: it would read a row, with its long text, for each of perhaps fifty thousand matches.
    "sqlite": "SELECT rowid FROM (SELECT rowid, bm25(item_words, 8.0, 2.0, 1.0) AS place FROM item_words "
    "WHERE item_words MATCH :match AND rowid NOT IN (SELECT id FROM item WHERE merged_into > 0) "
    "ORDER BY rowid DESC LIMIT :most) AS matches ORDER BY place, rowid LIMIT :limit",
    "postgresql": "SELECT id FROM (SELECT id, ts_rank('{0, 0.125, 0.25, 1}', document, CAST(:match AS tsquery), 1) AS place "
    "FROM item_words WHERE document @@ CAST(:match AS tsquery) "
    "AND id NOT IN (SELECT id FROM item WHERE merged_into > 0) "
    "ORDER BY id DESC LIMIT :most) AS matches ORDER BY place DESC, id LIMIT :limit",
}

_PHRASE = {
    "sqlite": "SELECT rowid FROM item_words WHERE item_words MATCH :match AND rowid >= :low AND rowid < :high LIMIT :limit",
    "postgresql": "SELECT id FROM item_words WHERE document @@ CAST(:match AS tsquery) "
    "AND id >= :low AND id < :high LIMIT :limit",
}


def update_search_index(session: Session) -> None:
    """Index the items that came or changed since the last time; needs a session that writes."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":  # whose triggers keep changed items up to date
        for statement in _SQLITE_STATEMENTS:
            connection.execute(text(statement))
        return
    query = text(f"SELECT id, title, authors, summary FROM item WHERE {_OUTDATED} ORDER BY id LIMIT {_BATCH_SIZE}")  # noqa: S608
    insert = text(
        "INSERT INTO item_words VALUES (:id, CAST(:document AS tsvector)) "
        "ON CONFLICT (id) DO UPDATE SET document = excluded.document"
    )
    while rows := connection.execute(query).all():
        connection.execute(insert, [{"id": row.id, "document": _build_document(*row[1:])} for row in rows])


def is_search_index_complete(session: Session) -> bool:
    """Return whether every item is in the index."""
    connection = session.connection()
    return bool(connection.execute(text(_IS_COMPLETE[connection.dialect.name])).scalar_one())


def search_items(session: Session, query: str, limit: int = 20, max_matches: int = 20_000) -> list[Item]:
    """Find indexed items that contain all the words, best first, without merged ones.

    Of more than `max_matches` the last stored are ranked: words that so many share distinguish none.
    """
    connection = session.connection()
    build = build_match_expression if connection.dialect.name == "sqlite" else build_tsquery
    if not (match := build(query)):
        return []
    values = {"match": match, "limit": limit, "most": max_matches}
    ids = [row[0] for row in connection.execute(text(_SEARCH[connection.dialect.name]), values)]
    by_id = {item.id: item for item in session.exec(select(Item).where(col(Item.id).in_(ids)))}
    return [by_id[number] for number in ids]


def find_phrase_ids(session: Session, phrase: str, ids: range, limit: int) -> tuple[list[int], list[int]]:
    """Find the items, of a range of ids, that have a phrase in their title, and anywhere; at most `limit` each."""
    connection = session.connection()
    name = connection.dialect.name
    quoted = '"' + phrase.replace('"', " ") + '"'
    match = build_match_expression(quoted) if name == "sqlite" else build_tsquery(quoted)
    if not match:
        return [], []
    in_title = f"title : {match}" if name == "sqlite" else re.sub(r"'(?= <->|\))", "':A", match)
    values = {"low": ids.start, "high": ids.stop, "limit": limit}
    found_in = [connection.execute(text(_PHRASE[name]), values | {"match": each}) for each in (in_title, match)]
    return [row[0] for row in found_in[0]], [row[0] for row in found_in[1]]


def matches_text(query: str) -> ColumnElement[bool]:
    """Build the condition that the index has all words in an item; false without a word."""
    if not (match := build_match_expression(query)):
        return literal_column("0") == 1
    matches = _Matches(literal(match), literal(build_tsquery(query)))
    return cast(ColumnElement[bool], col(Item.id).op("IN", return_type=Boolean())(matches))


class _Matches(FunctionElement[int]):
    """A subquery of the ids of items that match the first text on SQLite, the second on PostgreSQL."""

    inherit_cache = True
    type = Integer()


@compiles(_Matches, "sqlite")
def _compile_for_sqlite(element: _Matches, compiler: Any, **options: Any) -> str:
    match = compiler.process(next(iter(element.clauses)), **options)
    return f"(SELECT rowid FROM item_words WHERE item_words MATCH {match})"  # noqa: S608


@compiles(_Matches, "postgresql")
def _compile_for_postgresql(element: _Matches, compiler: Any, **options: Any) -> str:
    match = compiler.process([*element.clauses][1], **options)
    return f"(SELECT id FROM item_words WHERE document @@ CAST({match} AS tsquery))"  # noqa: S608


def build_match_expression(query: str) -> str:
    """Quote every word for FTS5, and keep `*` at a word's end as a prefix."""
    return " ".join(f'"{phrase}"' + ("*" if is_prefix else "") for phrase, is_prefix in _split_query(query))


def build_tsquery(query: str) -> str:
    """Write the same query in PostgreSQL's language."""
    parts = []
    for phrase, is_prefix in _split_query(query):
        terms = [f"'{word}'" for word in _split_words(phrase)]
        if terms:
            parts.append("(" + " <-> ".join([*terms[:-1], terms[-1] + (":*" if is_prefix else "")]) + ")")
    return " & ".join(parts)


def _split_query(query: str) -> Iterator[tuple[str, bool]]:
    for phrase, word in re.findall(r'"([^"]*)"|(\S+)', query):
        bare = re.sub(r"[^\w\s]+", " ", phrase or word).strip()
        if bare:
            yield bare, word.endswith("*")


def _split_words(text: str) -> list[str]:
    """Split a text as FTS5's unicode61 does: letters and digits without accents, in lower case."""
    decomposed = unicodedata.normalize("NFKD", text.lower())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return [word for word in re.findall(r"[^\W_]+", plain) if len(word.encode()) <= _MAX_WORD_BYTES]


def _build_document(title: str, authors: list[str] | str, summary: str) -> str:
    """Write an item as a tsvector whose weights A, B and C are title, authors and summary."""
    names = authors if isinstance(authors, str) else json.dumps(authors, ensure_ascii=False)
    places: dict[str, list[str]] = {}
    position = 0
    for weight, field in (("A", title), ("B", names), ("C", summary)):
        for word in _split_words(field):
            position = min(position + 1, _MAX_POSITION)
            places.setdefault(word, []).append(f"{position}{weight}")
        position = min(position + 1, _MAX_POSITION)  # so that no phrase reaches over two fields
    return " ".join(f"'{word}':{','.join(positions[:255])}" for word, positions in places.items())
