"""The gates before approval and publication: what is missing, and the command that mends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from digest.issues import Sheet
from digest.periods import Period
from digest.pipeline.context import Context
from digest.store import items as item_store


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an issue may not go out, and what to do."""

    reason: str
    command: str


def problems(context: Context, period: Period, sheet: Sheet, *, sign: bool) -> list[Problem]:
    """Everything that stands in the way; empty when the issue may go out."""
    return list(_problems(context, period, sheet, sign))


def _problems(context: Context, period: Period, sheet: Sheet, sign: bool) -> Iterator[Problem]:
    where = f"write it in site/_drafts/{period}.md"
    picks = [pick for _, pick in sheet.picks()]
    if not picks and not list(sheet.added()):
        yield Problem("there are no picks", "tick candidates in the shortlist with [x]")
    if not sheet.intro.strip():
        yield Problem("there is no introduction", where)
    for pick in picks:
        if pick.flags and pick.origin == "model" and not sign:
            yield Problem(
                f"{pick.title}: not in the source: {', '.join(pick.flags)}",
                f"rewrite it, or `digest approve {period} --sign`",
            )
        if pick.covered and pick.update_of is None:
            yield Problem(
                f"{pick.title}: already covered in {pick.covered}",
                f"write `> Update of: {pick.covered}` under it, or remove it",
            )
    with context.db.read() as session:
        stored = item_store.by_keys(session, [pick.key for pick in picks])
    for item in stored.values():
        if item.withdrawn:
            yield Problem(f"{item.title}: withdrawn on {item.withdrawn:%Y-%m-%d}", "remove it from the sheet")
