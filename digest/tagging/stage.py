"""Stage `tag`; retag preview.

`tag`: sorts items into the taxonomy's categories with the embedded tagger, and keeps their vectors for ranking.

What a change of the taxonomy, or a new tagger, would move: told before anything is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlmodel import Session

from digest.config.loader import load_config
from digest.context import Context, record_run
from digest.db.issues import load_decisions
from digest.db.items import load_items_by_id
from digest.db.predictions import (
    delete_engine_taggings,
    load_engine_categories,
    load_untagged_items,
    save_taggings,
    save_vectors,
)
from digest.db.search import update_search_index
from digest.embeddings import load_embeddings, pack_vectors
from digest.models.items import Item, build_embedding_text, get_abstract
from digest.protocols import Report, TagInput
from digest.tagging.embedded import EmbeddedTagger
from digest.tagging.items import flag_possible_duplicates
from digest.tagging.taxonomy import count_retag_moves, diff_taxonomies, find_renamed_categories, fingerprint_taxonomy

EMBEDDED_ENGINE = "embedded"
_BATCH_SIZE = 1000


def tag_items(context: Context, *, retag: bool = False) -> Report:
    """Tag what is new or has changed; each batch is committed, so that an interrupted run goes on where it was.

    `again` judges everything anew.
    """
    with record_run(context, "tag") as report:
        if retag:
            with context.db.write() as session:
                delete_engine_taggings(session, EMBEDDED_ENGINE)
        taxonomy = context.config.taxonomy
        mark = fingerprint_taxonomy(taxonomy)
        with context.db.read() as session:
            waiting = load_untagged_items(session, EMBEDDED_ENGINE, mark)
            examples = load_corrections(session)
        tally: Counter[str] = Counter()
        if waiting:
            tagger = EmbeddedTagger(taxonomy, examples)
            ids = list(waiting)
            batches = [ids[start : start + _BATCH_SIZE] for start in range(0, len(ids), _BATCH_SIZE)]
            for batch in context.progress.track(batches, "tagging", len(batches)):
                tally.update(_tag_batch(context, tagger, batch, mark))
        with context.db.write() as session:
            update_search_index(session)  # now, so that the first search need not wait
        possible = flag_possible_duplicates(context, waiting)
        report.numbers = {
            "tagged": len(waiting),
            "corrections": len(examples),
            "by_category": dict(tally.most_common()),
            "possible_duplicates": possible,
        }
        kinds = ", ".join(f"{slug} {count}" for slug, count in tally.most_common())
        taught = f", taught by {len(examples)} correction{'s' * (len(examples) > 1)} of yours" if examples else ""
        told = f"{len(waiting)} items by the embedded tagger{taught}: {kinds}"
        report.line = told if waiting else "nothing new to tag"
    return report


def _tag_batch(context: Context, tagger: EmbeddedTagger, ids: Sequence[int], fingerprint: str) -> list[str]:
    with context.db.read() as session:
        batch = list(load_items_by_id(session, ids).values())
    verdicts = tagger.tag([build_tag_input(item) for item in batch])
    packed = pack_vectors(load_embeddings().embed([build_embedding_text(item) for item in batch]))
    rows = [
        {
            "item_id": item.id,
            "engine": EMBEDDED_ENGINE,
            "category": verdict.category,
            "secondary": verdict.secondary,
            "confidence": verdict.confidence,
            "relevance": None,
            "novelty": None,
            "reason": verdict.reason,
            "taxonomy": fingerprint,
            "item_digest": item.digest,
            "at": context.now,
        }
        for item, verdict in zip(batch, verdicts, strict=True)
    ]
    kept = [
        {"item_id": item.id, "item_digest": item.digest, "vector": vector}
        for item, vector in zip(batch, packed, strict=True)
    ]
    with context.db.write() as session:
        save_taggings(session, rows)
        save_vectors(session, kept)
    return [verdict.category for verdict in verdicts]


def load_corrections(session: Session) -> list[tuple[TagInput, str]]:
    """What the editor has sorted by hand: items tagged or moved, the newest word on each."""
    newest = {d.item_id: d.category for d in load_decisions(session, ("tag", "move")) if d.category}
    found = load_items_by_id(session, newest)
    return [(build_tag_input(found[item_id]), slug) for item_id, slug in newest.items() if item_id in found]


def build_tag_input(item: Item) -> TagInput:
    """What a tagger reads of an item."""
    return TagInput(title=item.title, abstract=get_abstract(item))


_MAX_SHOWN = 30


def preview_taxonomy_change(context: Context, other: Path) -> Report:
    """The differences from another sources.yaml's taxonomy to this one's, and what retagging would move."""
    old, new = load_config(other).taxonomy, context.config.taxonomy
    changes = [change.description for change in diff_taxonomies(old, new)]
    moved = preview_retag(context, find_renamed_categories(old, new))
    said = f"{len(changes)} changes" if changes else "the taxonomies are the same"
    return Report("taxonomy", "\n  ".join([said, *changes, moved.line]), numbers=moved.numbers | {"changes": changes})


def preview_retag(context: Context, old_slugs: Mapping[str, str] | None = None) -> Report:
    """Judge every tagged item again with the taxonomy as it is now, and count what would move; nothing is written.

    `renamed` (new slug -> old slug) is no move.
    """
    with context.db.read() as session:
        tagged = load_engine_categories(session, EMBEDDED_ENGINE)
        items = list(load_items_by_id(session, tagged).values())
        examples = load_corrections(session)
    tagger = EmbeddedTagger(context.config.taxonomy, examples)
    verdicts = tagger.tag([build_tag_input(item) for item in items])
    before, after = [tagged[item.id] for item in items], [verdict.category for verdict in verdicts]
    found = count_retag_moves(before, after, old_slugs)
    said = f"{found.moved_count} of {len(items)} items would move (nothing written)"
    kinds = [f"{old} → {new}: {count}" for old, new, count in found.moves]
    numbers = {"items": len(items), "moved": found.moved_count, "moves": kinds}
    return Report("tag", "\n  ".join([said, *kinds[:_MAX_SHOWN]]), numbers=numbers)
