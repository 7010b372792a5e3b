"""`tag`: sorts items into the taxonomy's categories with the embedded tagger, and keeps their vectors for ranking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlmodel import Session

from digest import ranking, tagging
from digest.models import Item
from digest.pipeline.context import Context, recorded
from digest.pipeline.duplicates import flag_possible
from digest.pipeline.texts import abstract, embedded_text
from digest.ports import Report, TagInput
from digest.store import issues as issue_store
from digest.store import items as item_store
from digest.store import judgements, search
from digest.vectors import vectors

ENGINE = "embedded"
_BATCH = 1000


def tag(context: Context, *, again: bool = False) -> Report:
    """Tag what is new or has changed; each batch is committed, so that an interrupted run goes on where it was.

    `again` judges everything anew.
    """
    with recorded(context, "tag") as report:
        if again:
            with context.db.write() as session:
                judgements.forget_engine(session, ENGINE)
        taxonomy = context.config.taxonomy
        mark = tagging.fingerprint(taxonomy)
        with context.db.read() as session:
            waiting = judgements.untagged(session, ENGINE, mark)
            examples = corrections(session)
        tally: Counter[str] = Counter()
        if waiting:
            tagger = tagging.EmbeddedTagger(taxonomy, examples)
            ids = list(waiting)
            batches = [ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH)]
            for batch in context.progress.track(batches, "tagging", len(batches)):
                tally.update(_tag_batch(context, tagger, batch, mark))
        with context.db.write() as session:
            search.index(session)  # now, so that the first search need not wait
        possible = flag_possible(context, waiting)
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


def _tag_batch(context: Context, tagger: tagging.EmbeddedTagger, ids: Sequence[int], mark: str) -> list[str]:
    with context.db.read() as session:
        batch = list(item_store.by_ids(session, ids).values())
    verdicts = tagger.tag([tag_input(item) for item in batch])
    packed = ranking.pack(vectors().embed([embedded_text(item) for item in batch]))
    rows = [
        {
            "item_id": item.id,
            "engine": ENGINE,
            "category": verdict.category,
            "secondary": verdict.secondary,
            "confidence": verdict.confidence,
            "relevance": None,
            "novelty": None,
            "reason": verdict.reason,
            "taxonomy": mark,
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


def corrections(session: Session) -> list[tuple[TagInput, str]]:
    """What the editor has sorted by hand: items tagged or moved, the newest word on each."""
    newest = {d.item_id: d.category for d in issue_store.decisions(session, ("tag", "move")) if d.category}
    found = item_store.by_ids(session, newest)
    return [(tag_input(found[item_id]), slug) for item_id, slug in newest.items() if item_id in found]


def tag_input(item: Item) -> TagInput:
    """What a tagger reads of an item."""
    return TagInput(title=item.title, abstract=abstract(item))
