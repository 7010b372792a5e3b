"""Delete old candidates that were never picked. Their keys stay, so that they do not come back as new."""

from __future__ import annotations

from datetime import timedelta

from digest.context import Context, record_run
from digest.db.issues import list_unpublished_periods
from digest.db.maintenance import compact_database, delete_items, find_prunable_items
from digest.drafts.storage import parse_draft_file, read_draft_text
from digest.protocols import Report
from digest.text import format_count

_BATCH_SIZE = 1000


def prune_items(context: Context, months: int, *, dry_run: bool = False) -> Report:
    """Delete items older than `months` that were never picked, rejected or merged, a batch at a time.

    Items in drafts of unpublished issues stay. Raises DraftError when such a draft cannot be read.
    """
    needed_keys = _find_open_draft_keys(context)
    with context.db.read() as session:
        ids = find_prunable_items(session, context.now - timedelta(days=months * 30.44), needed_keys)
    if dry_run:
        summary = f"{format_count(len(ids), 'item')} older than {months} months would be deleted"
        return Report("prune", summary, numbers={"items": len(ids)})
    with record_run(context, "prune") as report:
        batches = [ids[start : start + _BATCH_SIZE] for start in range(0, len(ids), _BATCH_SIZE)]
        for batch in context.progress.track(batches, "pruning", len(batches)):
            with context.db.write() as session:
                delete_items(session, batch, context.now)
        freed = compact_database(context.db) if ids else 0
        report.numbers = {"items": len(ids), "bytes": freed}
        report.line = f"{format_count(len(ids), 'item')} older than {months} months deleted, {freed} bytes freed"
    return report


def _find_open_draft_keys(context: Context) -> set[str]:
    """Return the keys of all works that an editor may still pick."""
    keys: set[str] = set()
    with context.db.read() as session:
        for period in map(context.parse_period, list_unpublished_periods(session)):
            if (text := read_draft_text(context, period)) is not None:
                draft = parse_draft_file(context, session, period, text)
                keys |= {pick.key for _, pick in draft.iter_picks()}
                keys |= {line.key for line in (*draft.shortlist, *draft.missed)}
    return keys
