"""What a change of the taxonomy, or a new tagger, would move: told before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from digest import tagging
from digest.config import load_config
from digest.pipeline.context import Context
from digest.pipeline.tag import EMBEDDED_ENGINE, build_tag_input, load_corrections
from digest.ports import Report
from digest.store import items as item_store
from digest.store import judgements

_MAX_SHOWN = 30


def preview_taxonomy_change(context: Context, other: Path) -> Report:
    """The differences from another sources.yaml's taxonomy to this one's, and what retagging would move."""
    old, new = load_config(other).taxonomy, context.config.taxonomy
    changes = [change.description for change in tagging.diff_taxonomies(old, new)]
    moved = preview_retag(context, tagging.find_renamed_categories(old, new))
    said = f"{len(changes)} changes" if changes else "the taxonomies are the same"
    return Report("taxonomy", "\n  ".join([said, *changes, moved.line]), numbers=moved.numbers | {"changes": changes})


def preview_retag(context: Context, old_slugs: Mapping[str, str] | None = None) -> Report:
    """Judge every tagged item again with the taxonomy as it is now, and count what would move; nothing is written.

    `renamed` (new slug -> old slug) is no move.
    """
    with context.db.read() as session:
        tagged = judgements.load_engine_categories(session, EMBEDDED_ENGINE)
        items = list(item_store.load_items_by_id(session, tagged).values())
        examples = load_corrections(session)
    tagger = tagging.EmbeddedTagger(context.config.taxonomy, examples)
    verdicts = tagger.tag([build_tag_input(item) for item in items])
    before, after = [tagged[item.id or 0] for item in items], [verdict.category for verdict in verdicts]
    found = tagging.count_retag_moves(before, after, old_slugs)
    said = f"{found.moved_count} of {len(items)} items would move (nothing written)"
    kinds = [f"{old} → {new}: {count}" for old, new, count in found.moves]
    numbers = {"items": len(items), "moved": found.moved_count, "moves": kinds}
    return Report("tag", "\n  ".join([said, *kinds[:_MAX_SHOWN]]), numbers=numbers)
