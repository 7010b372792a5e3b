"""Stage `tag`: sort items into categories with the embedded tagger; preview what retagging would move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from sqlmodel import Session

from digest.config.loader import load_config
from digest.context import Context, record_run
from digest.db.issues import load_decisions
from digest.db.items import load_items_by_id
from digest.db.locks import take_batches
from digest.db.predictions import (
    count_categories,
    delete_engine_taggings,
    load_engine_categories,
    load_uncompared_items,
    load_untagged_items,
    save_taggings,
    save_vectors,
)
from digest.db.search import update_search_index
from digest.embeddings import pack_vectors
from digest.models.items import Item, get_abstract
from digest.protocols import Report, TagInput
from digest.tagging.embedded import EMBEDDED_ENGINE, EmbeddedTagger
from digest.tagging.items import flag_possible_duplicates
from digest.tagging.post_scores import describe_post_source
from digest.tagging.taxonomy import count_retag_moves, diff_taxonomies, find_renamed_categories, fingerprint_taxonomy
from digest.text import format_count

TAG_STAGE = "tag"
_BATCH_SIZE = 1000
_MAX_SHOWN = 30


def tag_items(context: Context, *, retag: bool = False) -> Report:
    """Tag items that are new or have changed, and store their vectors for ranking; `retag` tags all items again.

    Each batch is committed, so that an interrupted run continues where it stopped. On PostgreSQL other workers take
    batches too; their rows are the same, because a batch depends on nothing but its items and the corrections.
    """
    with record_run(context, "tag") as report:
        if retag:
            with context.db.write() as session:
                delete_engine_taggings(session, EMBEDDED_ENGINE)
        taxonomy = context.config.taxonomy
        fingerprint = fingerprint_taxonomy(taxonomy)
        with context.db.read() as session:
            untagged = load_untagged_items(session, EMBEDDED_ENGINE, fingerprint)
            examples = load_corrections(session)
        tally: Counter[str] = Counter()
        if untagged:
            tagger = EmbeddedTagger(taxonomy, examples)
            batches = _split_into_batches(untagged)
            if len(batches) > 1:
                context.call_helpers(TAG_STAGE, "")
            names = context.progress.track(take_batches(context.db, TAG_STAGE, list(batches)), "tagging", len(batches))
            for name in names:
                tally.update(_tag_batch(context, tagger, batches[name], fingerprint))
        with context.db.write() as session:
            update_search_index(session)  # now: possible duplicates and the first search use it
        with context.db.read() as session:
            uncompared = load_uncompared_items(session)
        report.numbers = {
            "tagged": len(untagged),
            "corrections": len(examples),
            "by_category": dict(tally.most_common()),
            "possible_duplicates": flag_possible_duplicates(context, uncompared),
        }
        report.line = "nothing new to tag"
        if untagged:
            counts = ", ".join(f"{slug} {count}" for slug, count in tally.most_common())
            taught = f", taught by {len(examples)} correction{'s' * (len(examples) > 1)} of yours" if examples else ""
            report.line = f"{format_count(len(untagged), 'item')} by the embedded tagger{taught}: {counts}"
    return report


def help_tag(context: Context, argument: str = "") -> Report:
    """Tag the batches that no other worker has, for the one that runs the stage."""
    fingerprint = fingerprint_taxonomy(context.config.taxonomy)
    with context.db.read() as session:
        batches = _split_into_batches(load_untagged_items(session, EMBEDDED_ENGINE, fingerprint))
        examples = load_corrections(session)
    tagger = EmbeddedTagger(context.config.taxonomy, examples)
    tally: Counter[str] = Counter()
    for name in take_batches(context.db, TAG_STAGE, list(batches), should_wait=False):
        tally.update(_tag_batch(context, tagger, batches[name], fingerprint))
    return Report(TAG_STAGE, f"helped with {tally.total()} items", numbers={"tagged": tally.total()})


def _split_into_batches(ids: Iterable[int]) -> dict[str, list[int]]:
    """Split items by their numbers, so that every process names the same batch alike."""
    batches: dict[str, list[int]] = {}
    for item_id in ids:
        batches.setdefault(str(item_id // _BATCH_SIZE), []).append(item_id)
    return batches


def _tag_batch(context: Context, tagger: EmbeddedTagger, ids: Sequence[int], fingerprint: str) -> Counter[str]:
    """Tag the items of a batch that are still untagged; return the number of items by category."""
    with context.db.read() as session:
        remaining = load_untagged_items(session, EMBEDDED_ENGINE, fingerprint, ids) if context.db.schema else ids
        items = list(load_items_by_id(session, remaining).values())
        others = sorted({*ids} - {*remaining})
        tally = Counter(count_categories(session, EMBEDDED_ENGINE, others) if others else {})
    if not items:
        return tally
    classifications, embeddings = tagger.tag_and_embed([build_tag_input(item) for item in items])
    packed = pack_vectors(embeddings)
    taggings = [
        {
            "item_id": item.id,
            "engine": EMBEDDED_ENGINE,
            **asdict(classification),
            "taxonomy": fingerprint,
            "item_digest": item.digest,
            "at": context.now,
        }
        for item, classification in zip(items, classifications, strict=True)
    ]
    vectors = [
        {"item_id": item.id, "item_digest": item.digest, "vector": vector}
        for item, vector in zip(items, packed, strict=True)
    ]
    with context.db.write() as session:
        save_taggings(session, taggings)
        save_vectors(session, vectors)
    tally.update(classification.category for classification in classifications)
    return tally


def load_corrections(session: Session) -> list[tuple[TagInput, str]]:
    """Load the items that the editor tagged or moved, with the newest category of each."""
    newest = {d.item_id: d.category for d in load_decisions(session, ("tag", "move")) if d.category}
    items = load_items_by_id(session, newest)
    return [(build_tag_input(items[item_id]), slug) for item_id, slug in newest.items() if item_id in items]


def build_tag_input(item: Item) -> TagInput:
    source = "" if item.kind == "paper" else describe_post_source(item.url, item.source_id)
    return TagInput(title=item.title, abstract=get_abstract(item), source=source)


def preview_taxonomy_change(context: Context, other: Path) -> Report:
    """Compare another sources.yaml's taxonomy with this one, and count what retagging would move."""
    old, new = load_config(other).taxonomy, context.config.taxonomy
    changes = [change.description for change in diff_taxonomies(old, new)]
    moved = preview_retag(context, find_renamed_categories(old, new))
    head = f"{len(changes)} changes" if changes else "the taxonomies are the same"
    return Report("taxonomy", "\n  ".join([head, *changes, moved.line]), numbers=moved.numbers | {"changes": changes})


def preview_retag(context: Context, old_slugs: Mapping[str, str] | None = None) -> Report:
    """Tag every tagged item again with the present taxonomy, and count the moves; nothing is written.

    A rename in `old_slugs` (new slug -> old slug) is no move.
    """
    with context.db.read() as session:
        tagged = load_engine_categories(session, EMBEDDED_ENGINE)
        items = list(load_items_by_id(session, tagged).values())
        examples = load_corrections(session)
    classifications = EmbeddedTagger(context.config.taxonomy, examples).tag([build_tag_input(item) for item in items])
    result = count_retag_moves([tagged[item.id] for item in items], [c.category for c in classifications], old_slugs)
    head = f"{result.moved_count} of {len(items)} items would move (nothing written)"
    moves = [f"{old} → {new}: {count}" for old, new, count in result.moves]
    numbers = {"items": len(items), "moved": result.moved_count, "moves": moves}
    return Report("tag", "\n  ".join([head, *moves[:_MAX_SHOWN]]), numbers=numbers)
