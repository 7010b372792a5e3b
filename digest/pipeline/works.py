"""What a person does with single works: look at one, merge two, take a merge back, say what one is."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from digest import tagging
from digest.models import Decision, Item
from digest.pipeline.context import Context, record_run
from digest.ports import Report
from digest.store import items as item_store
from digest.store import judgements, merging, parting
from digest.urls import is_http_url, work_key


def describe_item(context: Context, name: str) -> dict[str, Any]:
    """An item, its mentions, its verdicts, and what may be the same work."""
    with context.db.read() as session:
        item = item_store.get_item(session, _resolve_key(name))
        mentions = item_store.load_item_mentions(session, item.id or 0)
        verdicts = judgements.load_taggings(session, [item.id or 0]).get(item.id or 0, {})
        possible = merging.load_possible_duplicates(session, [item.id or 0]).get(item.id or 0, [])
    return {
        "item": item.model_dump(exclude={"content", "title_key", "digest", "rewordings"}),
        "mentions": [
            {"source": m.source_id, "seen": f"{m.first_seen:%Y-%m-%d}", "url": m.url, "key": m.own_key}
            for m in mentions
        ],
        "verdicts": [
            {"engine": v.engine, "category": v.category, "confidence": v.confidence, "reason": v.reason}
            for v in verdicts.values()
        ],
        "possible": [{"key": other.key, "title": other.title, "reason": pair.reason} for pair, other in possible],
    }


def merge_items_by_name(context: Context, name: str, into: str) -> str:
    """Make two items one; returns a line for a person."""
    with context.db.write() as session:
        item, target = item_store.get_item(session, name), item_store.get_item(session, into)
        moved = merging.merge_items(session, item, target, context.now)
    return f"{item.key} is now part of {target.key} ({moved} mentions); `digest items split {item.id}` takes it back"


def order_merge_pair(first: Item, second: Item) -> tuple[Item, Item]:
    """Of two items that may be one work: the one that would go, and the one that would stay, which is arXiv's."""
    return (second, first) if first.key.startswith("arxiv:") else (first, second)


def split_item_by_name(context: Context, name: str, other: str = "") -> str:
    """Take a merge back, a person's or intake's; the item is named by its number or by the key that it had before.

    With another item: keep in mind that the two are different works.
    """
    with context.db.write() as session:
        if other:
            one, two = item_store.get_item(session, name), item_store.get_item(session, other)
            merging.mark_distinct(session, one, two, context.now)
            return f"{one.key} and {two.key} are two works"
        item = _find_merged_item(session, name)
        if item.merged_into is None:
            item, moved = parting.unmerge_mentions(session, item, _resolve_key(name), context.now)
        else:
            moved = merging.undo_merge(session, item)
    return f"{item.key} stands by itself again ({moved} mentions)"


def _find_merged_item(session: Session, name: str) -> Item:
    return item_store.find_item_by_own_key(session, _resolve_key(name)) or item_store.get_item(
        session, _resolve_key(name)
    )


def _resolve_key(name: str) -> str:
    """What a person calls an item as a key: addresses are known by theirs."""
    return work_key(name) if is_http_url(name) else name


def correct_category(context: Context, name: str, category: str) -> Report:
    """Keep the editor's word on what an item is; the tagger learns from it from now on."""
    with record_run(context, "tag") as report:
        slug = tagging.resolve_category(context.config.taxonomy, category)
        with context.db.write() as session:
            item = item_store.get_item(session, name)
            row = {
                "item_id": item.id, "engine": "editor", "category": slug, "secondary": None, "confidence": 1.0,
                "relevance": None, "novelty": None, "reason": "the editor said so", "item_digest": item.digest,
                "taxonomy": tagging.fingerprint_taxonomy(context.config.taxonomy), "at": context.now,
            }  # fmt: skip
            judgements.save_taggings(session, [row])
            session.add(Decision(item_id=item.id or 0, verdict="tag", category=slug, origin="cli", at=context.now))
        report.line = (
            f"{item.key} is {slug}: {item.title}; what is new is sorted with that in mind, and "
            "`digest tag --retag --dry-run` says what else it would move"
        )
    return report
