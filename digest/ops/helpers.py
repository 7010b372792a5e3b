"""Stages whose batches other workers of the database take, by the name that a call for help has."""

from __future__ import annotations

from collections.abc import Callable

from digest.context import Context
from digest.ingest.backfill import BACKFILL_STAGE, help_backfill
from digest.protocols import Report
from digest.publishing.links import LINK_STAGE, help_check_links
from digest.tagging.stage import TAG_STAGE, help_tag

_HELPERS: dict[str, Callable[[Context, str], Report]] = {
    TAG_STAGE: help_tag,
    BACKFILL_STAGE: help_backfill,
    LINK_STAGE: help_check_links,
}


def help_stage(context: Context, stage: str, argument: str) -> Report:
    """Take the free batches of a stage that another worker runs; none when it has ended, or is of a newer program."""
    run = _HELPERS.get(stage)
    return run(context, argument) if run else Report(stage, "this worker does not know the stage")
