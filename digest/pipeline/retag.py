"""What a change of the taxonomy, or a new tagger, would move: told before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from digest import tagging
from digest.config import load
from digest.pipeline.context import Context
from digest.pipeline.tag import ENGINE, corrections, tag_input
from digest.ports import Report
from digest.store import items as item_store
from digest.store import judgements

_SHOWN = 30


def taxonomy_diff(context: Context, other: Path) -> Report:
    """The differences from another sources.yaml's taxonomy to this one's, and what retagging would move."""
    old, new = load(other).taxonomy, context.config.taxonomy
    changes = [change.line for change in tagging.diff(old, new)]
    moved = moves(context, tagging.renames(old, new))
    said = f"{len(changes)} changes" if changes else "the taxonomies are the same"
    return Report("taxonomy", "\n  ".join([said, *changes, moved.line]), numbers=moved.numbers | {"changes": changes})


def moves(context: Context, renamed: Mapping[str, str] | None = None) -> Report:
    """Judge every tagged item again with the taxonomy as it is now, and count what would move; nothing is written.

    `renamed` (new slug -> old slug) is no move.
    """
    with context.db.read() as session:
        tagged = judgements.engine_categories(session, ENGINE)
        items = list(item_store.by_ids(session, tagged).values())
        examples = corrections(session)
    tagger = tagging.EmbeddedTagger(context.config.taxonomy, examples)
    verdicts = tagger.tag([tag_input(item) for item in items])
    before, after = [tagged[item.id or 0] for item in items], [verdict.category for verdict in verdicts]
    found = tagging.retag_moves(before, after, renamed)
    said = f"{found.total} of {len(items)} items would move (nothing written)"
    kinds = [f"{old} → {new}: {count}" for old, new, count in found.moved]
    numbers = {"items": len(items), "moved": found.total, "moves": kinds}
    return Report("tag", "\n  ".join([said, *kinds[:_SHOWN]]), numbers=numbers)
