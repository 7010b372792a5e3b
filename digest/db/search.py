"""Full-text search over items (FTS5): words, "phrases", prefix*."""

from __future__ import annotations

import re

from sqlalchemy import text
from sqlmodel import Session, col, select

from digest.models.items import Item


def update_search_index(session: Session) -> None:
    """Take items that came since the last time into the index; needs a writer's session."""
    connection = session.connection()
    connection.execute(
        text(
            "INSERT INTO item_words(rowid, title, authors, summary) SELECT id, title, authors, summary FROM item "
            "WHERE id > (SELECT upto FROM item_words_state)"
        )
    )
    connection.execute(text("UPDATE item_words_state SET upto = (SELECT coalesce(max(id), 0) FROM item)"))


def is_search_index_complete(session: Session) -> bool:
    """Whether every item is in the index."""
    found = session.connection().execute(
        text("SELECT (SELECT upto FROM item_words_state) >= (SELECT coalesce(max(id), 0) FROM item)")
    )
    return bool(found.scalar_one())


def search_items(session: Session, query: str, limit: int = 20, max_matches: int = 20_000) -> list[Item]:
    """Items that hold all the words, best first; merged ones are left out. Only what `index` took in is found.

    Of more than `most` the last stored are weighed: words that so many share hardly tell one from another.
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
    """FTS5's language without its pitfalls: every word quoted, `*` at a word's end kept as a prefix."""
    parts = []
    for phrase, word in re.findall(r'"([^"]*)"|(\S+)', query):
        bare = re.sub(r"[^\w\s]+", " ", phrase or word).strip()
        if bare:
            parts.append(f'"{bare}"' + ("*" if word.endswith("*") else ""))
    return " ".join(parts)
