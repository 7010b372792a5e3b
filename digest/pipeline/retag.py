"""What a change of the taxonomy, or a new tagger, would move: told before anything is written."""

from __future__ import annotations

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
    changes = tagging.diff(load(other).taxonomy, context.config.taxonomy)
    moved = moves(context)
    report = Report("taxonomy", moved.line, numbers=moved.numbers | {"changes": [change.line for change in changes]})
    report.problems = [change.line for change in changes] or ["the taxonomies are the same"]
    report.problems += list(moved.problems)
    return report


def moves(context: Context) -> Report:
    """Judge every tagged item again with the taxonomy as it is now, and count what would move; nothing is written."""
    with context.db.read() as session:
        tagged = judgements.engine_categories(session, ENGINE)
        items = list(item_store.by_ids(session, tagged).values())
        examples = corrections(session)
    tagger = tagging.EmbeddedTagger(context.config.taxonomy, examples)
    verdicts = tagger.tag([tag_input(item) for item in items])
    found = tagging.retag_moves([tagged[item.id or 0] for item in items], [verdict.category for verdict in verdicts])
    report = Report("tag", f"{found.total} of {len(items)} items would move (nothing written)")
    report.numbers = {"items": len(items), "moved": found.total}
    report.problems = [f"{old} → {new}: {count}" for old, new, count in found.moved][:_SHOWN]
    return report
