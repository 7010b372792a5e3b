"""`digest status` for a person: one screen, whatever the number of sources. What needs a look stands first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from digest.cli.shell import due_line
from digest.pipeline.status import alike
from digest.text import one_line

Row = Mapping[str, Any]
_ISSUES = 5  # issues shown at most: those under way, then the newest
_NEXT = {"draft": "`digest desk {period}`, then `digest approve {period}`", "approved": "`digest publish {period}`"}
_AT_WORK = ("ok", "unmodified", "partial", "skipped")


def screen(facts: Mapping[str, Any], width: int, height: int) -> list[str]:
    """The lines of a screen of that many columns and rows, or fewer: the last row is the prompt's.

    `facts` are what `status` gives. Sources that are well are named only where all of them find room.
    """
    head = [facts["line"], *(f"  {'!' if row['state'] == 'waits' else ' '} {due_line(row)}" for row in facts["due"])]
    head += [_last(row) for row in facts["last"]]
    tail = list(_issues(facts["issues"]))
    room = height - 1 - len(head) - len(tail)
    return [_cut(line, width) for line in [*head, *_sources(facts["sources"], room), *tail]]


def _last(row: Row) -> str:
    of = f" of {row['period']}" if row["period"] else ""
    mark = "!" if row["state"] in ("failed", "refused", "interrupted") else " "
    return f"  {mark} last run: {row['stage']}{of}, {row['state']}, {row['started']} UTC: {row['line']}"


def _sources(rows: Sequence[Row], room: int) -> Iterator[str]:
    if not rows:
        return
    yield _summed(rows)
    needy, quiet = list(_needy(rows)), [f"    {row['id']}: {_work(row)}" for row in rows if _is_well(row)]
    if len(needy) + len(quiet) < room:
        yield from needy + quiet
        return
    shown = needy if len(needy) <= room - 2 else needy[: max(1, room - 2)]
    yield from shown
    left = [f"{len(needy) - len(shown)} more lines"] if len(shown) < len(needy) else []
    left += [f"{len(quiet)} that are well"] if quiet else []
    if left:
        yield f"    and {', '.join(left)}: `digest status --all`"


def _summed(rows: Sequence[Row]) -> str:
    """All sources in one line: how many of each kind, and when one was asked last."""
    on = [row for row in rows if row["enabled"]]
    kinds = {
        "well": sum(map(_is_well, on)),
        "in trouble": sum(bool(row["error"]) for row in on),
        "silent": sum(_is_silent(row) for row in on),
        "with a remark": sum(_has_remark(row) for row in on),
        "never read": sum(_is_new(row) for row in on),
        "off": len(rows) - len(on),
    }
    told = ", ".join(f"{number} {kind}" for kind, number in kinds.items() if number)
    asked = max(row["checked"] for row in rows)
    return f"sources: {told}" + (f"; last asked {asked} UTC" if asked else "; `digest fetch` reads them")


def _needy(rows: Sequence[Row]) -> Iterator[str]:
    """Those in trouble, of one trouble together; then the silent, those with a remark, those never read."""
    on = [row for row in rows if row["enabled"]]
    troubles = {row["id"]: row["error"] for row in on if row["error"]}
    for words, names in alike(troubles).items():
        yield f"  ! {names[0]}: {words}" if len(names) == 1 else f"  ! {len(names)}: {words}: {', '.join(names)}"
    yield from (f"  ! {row['id']}: {row['state']}; {_work(row)}" for row in on if _is_silent(row))
    yield from (f"  ! {row['id']}: {_work(row)}; {row['warning']}" for row in on if _has_remark(row))
    if new := [row["id"] for row in on if _is_new(row)]:
        yield f"  ! never read: {', '.join(new)}"


def _is_silent(row: Row) -> bool:
    return not row["error"] and row["state"].startswith("silent")


def _is_new(row: Row) -> bool:
    return bool(not row["error"] and row["state"] == "never read")


def _has_remark(row: Row) -> bool:
    return bool(row["warning"] and not row["error"] and not _is_silent(row))


def _is_well(row: Row) -> bool:
    return bool(row["enabled"] and not (row["error"] or row["warning"] or _is_silent(row) or _is_new(row)))


def _work(row: Row) -> str:
    """What its last run brought, and when it is asked again."""
    brought = row["counts"] or ("nothing new" if row["state"] in _AT_WORK else row["state"])
    return f"{brought}; next {row['next']}" if row["next"] else brought


def _issues(rows: Sequence[Row]) -> Iterator[str]:
    """The issues under way, each with the next step, then the newest of the others."""
    waiting = [row for row in rows if row["state"] in _NEXT]
    over = [row for row in rows if row["state"] not in _NEXT]
    shown = waiting[-_ISSUES:]
    newest = over[-(_ISSUES - len(shown)) :] if len(shown) < _ISSUES else []
    if rows:
        whole = len(shown) + len(newest) == len(rows)
        yield f"issues: {len(rows)}" if whole else f"issues: {len(rows)}, of which"
    yield from (f"  ! {row['period']}: {row['state']}, {row['picks']} picks; next {_next(row)}" for row in shown)
    yield from (f"    {row['period']}: {row['state']}, {row['picks']} picks: {row['title']}" for row in newest)


def _next(row: Row) -> str:
    return _NEXT[row["state"]].format(period=row["period"])


def _cut(line: str, width: int) -> str:
    """One line that the terminal does not wrap; Chinese characters take two columns."""
    from rich.text import Text

    indent = line[: len(line) - len(line.lstrip())]
    text = Text(indent + one_line(line))
    text.truncate(max(width - 1, 1), overflow="ellipsis")
    return text.plain
