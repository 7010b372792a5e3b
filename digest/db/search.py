"""Full-text search over items (FTS5): words, "phrases", prefix*."""

from __future__ import annotations

import re

from sqlalchemy import text
from sqlmodel import Session, col, select

from digest.models.items import Item


def update_search_index(session: Session) -> None:
    """Add items to the index that came since the last time; needs a session that writes."""
    connection = session.connection()
    connection.execute(
        text(
            "INSERT INTO item_words(rowid, title, authors, summary) SELECT id, title, authors, summary FROM item "
            "WHERE id > (SELECT upto FROM item_words_state)"
        )
    )
    connection.execute(text("UPDATE item_words_state SET upto = (SELECT coalesce(max(id), 0) FROM item)"))


def is_search_index_complete(session: Session) -> bool:
    """Return whether every item is in the index."""
    query = "SELECT (SELECT upto FROM item_words_state) >= (SELECT coalesce(max(id), 0) FROM item)"
    return bool(session.connection().execute(text(query)).scalar_one())


def search_items(session: Session, query: str, limit: int = 20, max_matches: int = 20_000) -> list[Item]:
    """Find indexed items that contain all the words, best first, without merged ones.

    Of more than `max_matches` the last stored are ranked: words that so many share distinguish none.
    """
    match = build_match_expression(query)
    if not match:
        return []
    rows = session.connection().execute(
        text(
            # No join: it would read a row, with its long text, for each of perhaps fifty thousand matches.
            "SELECT rowid FROM (SELECT rowid, bm25(item_words, 8.0, 2.0, 1.0) AS place FROM item_words "
            "WHERE item_words MATCH :match AND rowid NOT IN (SELECT id FROM item WHERE merged_into > 0) "
            "ORDER BY rowid DESC LIMIT :most) ORDER BY place, rowid LIMIT :limit"
        ),
        {"match": match, "limit": limit, "most": max_matches},
    )
    ids = [row[0] for row in rows]
    by_id = {item.id: item for item in session.exec(select(Item).where(col(Item.id).in_(ids)))}
    return [by_id[number] for number in ids]


def build_match_expression(query: str) -> str:
    """Quote every word for FTS5, and keep `*` at a word's end as a prefix."""
    parts = []
    for phrase, word in re.findall(r'"([^"]*)"|(\S+)', query):
        bare = re.sub(r"[^\w\s]+", " ", phrase or word).strip()
        if bare:
            parts.append(f'"{bare}"' + ("*" if word.endswith("*") else ""))
    return " ".join(parts)
