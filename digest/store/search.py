"""Full-text search over items (FTS5): words, "phrases", prefix*."""

from __future__ import annotations

import re

from sqlalchemy import text
from sqlmodel import Session, col, select

from digest.models import Item


def search(session: Session, words: str, limit: int = 20) -> list[Item]:
    """Items that hold all the words, best first; merged ones are left out."""
    match = _expression(words)
    if not match:
        return []
    rows = session.connection().execute(
        text(
            "SELECT item.id FROM item_words JOIN item ON item.id = item_words.rowid "
            "WHERE item_words MATCH :match AND item.merged_into IS NULL "
            "ORDER BY bm25(item_words, 8.0, 2.0, 1.0), item.id LIMIT :limit"
        ),
        {"match": match, "limit": limit},
    )
    ids = [row[0] for row in rows]
    by_id = {item.id: item for item in session.exec(select(Item).where(col(Item.id).in_(ids)))}
    return [by_id[number] for number in ids]


def _expression(words: str) -> str:
    """FTS5's language without its pitfalls: every word quoted, `*` at a word's end kept as a prefix."""
    parts = []
    for phrase, word in re.findall(r'"([^"]*)"|(\S+)', words):
        bare = re.sub(r"[^\w\s]+", " ", phrase or word).strip()
        if bare:
            parts.append(f'"{bare}"' + ("*" if word.endswith("*") else ""))
    return " ".join(parts)
