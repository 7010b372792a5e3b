"""`prune`: forgets old candidates that were never picked; their keys stay, so that they do not come back as new."""

from __future__ import annotations

from datetime import timedelta

from digest.pipeline.context import Context, recorded
from digest.ports import Report
from digest.store import backup, pruning

_BATCH = 1000


def prune(context: Context, months: int, *, dry_run: bool = False) -> Report:
    """Delete what is older than `months` and was never picked, turned down or merged; a batch is one transaction.

    What the editor decided upon stays: rankers learn from it.
    """
    with context.db.read() as session:
        ids = pruning.forgettable(session, context.now - timedelta(days=months * 30.44))
    if dry_run:
        return Report("prune", f"{len(ids)} items older than {months} months would go", numbers={"items": len(ids)})
    with recorded(context, "prune") as report:
        batches = [ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH)]
        for batch in context.progress.track(batches, "pruning", len(batches)):
            with context.db.write() as session:
                pruning.forget(session, batch, context.now)
        freed = backup.compact(context.db.path) if ids else 0
        report.numbers = {"items": len(ids), "bytes": freed}
        report.line = f"{len(ids)} items older than {months} months forgotten, {freed} bytes given back"
    return report
