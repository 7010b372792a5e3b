"""`digest status` for a person: one screen, whatever the number of sources. What needs a look stands first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from digest.cli.shell import format_due_row
from digest.pipeline.status import group_by_error
from digest.text import normalise_line

StatusRow = Mapping[str, Any]
_MAX_ISSUES = 5  # issues shown at most: those under way, then the newest
_NEXT_COMMANDS = {
    "draft": "`digest desk {period}`, then `digest approve {period}`",
    "approved": "`digest publish {period}`",
}
_NORMAL_STATES = ("ok", "unmodified", "partial", "skipped")


def render_status_screen(facts: Mapping[str, Any], width: int, height: int) -> list[str]:
    """The lines of a screen of that many columns and rows, or fewer: the last row is the prompt's.

    `facts` are what `status` gives. Sources that are well are named only where all of them find room.
    """
    head = [
        facts["line"],
        *(f"  {'!' if row['state'] == 'waits' else ' '} {format_due_row(row)}" for row in facts["due"]),
    ]
    head += [_format_last_run(row) for row in facts["last"]]
    tail = list(_format_issues(facts["issues"]))
    room = height - 1 - len(head) - len(tail)
    return [_truncate_line(line, width) for line in [*head, *_format_sources(facts["sources"], room), *tail]]


def _format_last_run(row: StatusRow) -> str:
    of = f" of {row['period']}" if row["period"] else ""
    mark = "!" if row["state"] in ("failed", "refused", "interrupted") else " "
    return f"  {mark} last run: {row['stage']}{of}, {row['state']}, {row['started']} UTC: {row['line']}"


def _format_sources(rows: Sequence[StatusRow], room: int) -> Iterator[str]:
    if not rows:
        return
    yield _summarise_sources(rows)
    needy, quiet = (
        list(_format_problem_sources(rows)),
        [f"    {row['id']}: {_describe_last_fetch(row)}" for row in rows if _is_healthy(row)],
    )
    if len(needy) + len(quiet) < room:
        yield from needy + quiet
        return
    shown = needy if len(needy) <= room - 2 else needy[: max(1, room - 2)]
    yield from shown
    left = [f"{len(needy) - len(shown)} more lines"] if len(shown) < len(needy) else []
    left += [f"{len(quiet)} that are well"] if quiet else []
    if left:
        yield f"    and {', '.join(left)}: `digest status --all`"


def _summarise_sources(rows: Sequence[StatusRow]) -> str:
    """All sources in one line: how many of each kind, and when one was asked last."""
    on = [row for row in rows if row["enabled"]]
    kinds = {
        "well": sum(map(_is_healthy, on)),
        "in trouble": sum(bool(row["error"]) for row in on),
        "silent": sum(_is_stale(row) for row in on),
        "with a remark": sum(_has_warning(row) for row in on),
        "never read": sum(_is_never_fetched(row) for row in on),
        "off": len(rows) - len(on),
    }
    told = ", ".join(f"{number} {kind}" for kind, number in kinds.items() if number)
    asked = max(row["checked"] for row in rows)
    return f"sources: {told}" + (f"; last asked {asked} UTC" if asked else "; `digest fetch` reads them")


def _format_problem_sources(rows: Sequence[StatusRow]) -> Iterator[str]:
    """Those in trouble, of one trouble together; then the silent, those with a remark, those never read."""
    on = [row for row in rows if row["enabled"]]
    troubles = {row["id"]: row["error"] for row in on if row["error"]}
    for words, names in group_by_error(troubles).items():
        yield f"  ! {names[0]}: {words}" if len(names) == 1 else f"  ! {len(names)}: {words}: {', '.join(names)}"
    yield from (f"  ! {row['id']}: {row['state']}; {_describe_last_fetch(row)}" for row in on if _is_stale(row))
    yield from (f"  ! {row['id']}: {_describe_last_fetch(row)}; {row['warning']}" for row in on if _has_warning(row))
    if new := [row["id"] for row in on if _is_never_fetched(row)]:
        yield f"  ! never read: {', '.join(new)}"


def _is_stale(row: StatusRow) -> bool:
    return not row["error"] and row["state"].startswith("silent")


def _is_never_fetched(row: StatusRow) -> bool:
    return bool(not row["error"] and row["state"] == "never read")


def _has_warning(row: StatusRow) -> bool:
    return bool(row["warning"] and not row["error"] and not _is_stale(row))


def _is_healthy(row: StatusRow) -> bool:
    return bool(row["enabled"] and not (row["error"] or row["warning"] or _is_stale(row) or _is_never_fetched(row)))


def _describe_last_fetch(row: StatusRow) -> str:
    """What its last run brought, and when it is asked again."""
    brought = row["counts"] or ("nothing new" if row["state"] in _NORMAL_STATES else row["state"])
    return f"{brought}; next {row['next']}" if row["next"] else brought


def _format_issues(rows: Sequence[StatusRow]) -> Iterator[str]:
    """The issues under way, each with the next step, then the newest of the others."""
    waiting = [row for row in rows if row["state"] in _NEXT_COMMANDS]
    over = [row for row in rows if row["state"] not in _NEXT_COMMANDS]
    shown = waiting[-_MAX_ISSUES:]
    newest = over[-(_MAX_ISSUES - len(shown)) :] if len(shown) < _MAX_ISSUES else []
    if rows:
        whole = len(shown) + len(newest) == len(rows)
        yield f"issues: {len(rows)}" if whole else f"issues: {len(rows)}, of which"
    yield from (
        f"  ! {row['period']}: {row['state']}, {row['picks']} picks; next {_suggest_next_command(row)}" for row in shown
    )
    yield from (f"    {row['period']}: {row['state']}, {row['picks']} picks: {row['title']}" for row in newest)


def _suggest_next_command(row: StatusRow) -> str:
    return _NEXT_COMMANDS[row["state"]].format(period=row["period"])


def _truncate_line(line: str, width: int) -> str:
    """One line that the terminal does not wrap; Chinese characters take two columns."""
    from rich.text import Text

    indent = line[: len(line) - len(line.lstrip())]
    text = Text(indent + normalise_line(line))
    text.truncate(max(width - 1, 1), overflow="ellipsis")
    return text.plain
