"""`tag`: sorts items into the taxonomy's categories with the embedded tagger, and keeps their vectors for ranking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlmodel import Session

from digest import ranking, tagging
from digest.models import Item
from digest.pipeline.context import Context, record_run
from digest.pipeline.duplicates import flag_possible_duplicates
from digest.pipeline.texts import build_embedding_text, get_abstract
from digest.ports import Report, TagInput
from digest.store import issues as issue_store
from digest.store import items as item_store
from digest.store import judgements, search
from digest.vectors import load_embeddings

EMBEDDED_ENGINE = "embedded"
_BATCH_SIZE = 1000


def tag_items(context: Context, *, retag: bool = False) -> Report:
    """Tag what is new or has changed; each batch is committed, so that an interrupted run goes on where it was.

    `again` judges everything anew.
    """
    with record_run(context, "tag") as report:
        if retag:
            with context.db.write() as session:
                judgements.delete_engine_taggings(session, EMBEDDED_ENGINE)
        taxonomy = context.config.taxonomy
        mark = tagging.fingerprint_taxonomy(taxonomy)
        with context.db.read() as session:
            waiting = judgements.load_untagged_items(session, EMBEDDED_ENGINE, mark)
            examples = load_corrections(session)
        tally: Counter[str] = Counter()
        if waiting:
            tagger = tagging.EmbeddedTagger(taxonomy, examples)
            ids = list(waiting)
            batches = [ids[start : start + _BATCH_SIZE] for start in range(0, len(ids), _BATCH_SIZE)]
            for batch in context.progress.track(batches, "tagging", len(batches)):
                tally.update(_tag_batch(context, tagger, batch, mark))
        with context.db.write() as session:
            search.update_search_index(session)  # now, so that the first search need not wait
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


def _tag_batch(context: Context, tagger: tagging.EmbeddedTagger, ids: Sequence[int], fingerprint: str) -> list[str]:
    with context.db.read() as session:
        batch = list(item_store.load_items_by_id(session, ids).values())
    verdicts = tagger.tag([build_tag_input(item) for item in batch])
    packed = ranking.pack_vectors(load_embeddings().embed([build_embedding_text(item) for item in batch]))
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
        judgements.save_taggings(session, rows)
        judgements.save_vectors(session, kept)
    return [verdict.category for verdict in verdicts]


def load_corrections(session: Session) -> list[tuple[TagInput, str]]:
    """What the editor has sorted by hand: items tagged or moved, the newest word on each."""
    newest = {d.item_id: d.category for d in issue_store.load_decisions(session, ("tag", "move")) if d.category}
    found = item_store.load_items_by_id(session, newest)
    return [(build_tag_input(found[item_id]), slug) for item_id, slug in newest.items() if item_id in found]


def build_tag_input(item: Item) -> TagInput:
    """What a tagger reads of an item."""
    return TagInput(title=item.title, abstract=get_abstract(item))
