"""The front matter of a sheet: few keys, each named when it is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches

import yaml

from digest.errors import DraftError
from digest.issues.states import STATES
from digest.issues.values import Draft
from digest.text import normalise_line

_FRONT_MATTER_KEYS = ("layout", "title", "date", "period", "form", "state")
_FRONT_MATTER_CHOICES = {"form": ("category", "month", "both"), "state": STATES}


def parse_front_matter(lines: Sequence[str]) -> tuple[Draft, int]:
    """The sheet with its head filled in, and the index of the first line after the front matter."""
    if not lines or lines[0].rstrip() != "---":
        raise DraftError("the sheet does not begin with front matter", "let the first line be ---", line=1)
    end = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), None)
    if end is None:
        raise DraftError("the front matter never ends", "close it with a line ---", line=1)
    remark = next((n for n, line in enumerate(lines[:end], 1) if line.lstrip().startswith("#")), None)
    if remark is not None:
        raise DraftError(
            "a remark in the front matter has no place", "write it below the line, or delete it", line=remark
        )
    values = _parse_front_matter_values("\n".join(line.rstrip() for line in lines[1:end]))
    for name in ("title", "date", "period"):
        if name not in values:
            raise DraftError(f"the front matter has no '{name}'", f"add a line '{name}: …'", line=end + 1)
    for name, allowed in _FRONT_MATTER_CHOICES.items():
        if name in values and values[name][0] not in allowed:
            value, line = values[name]
            raise DraftError(f"{name}: {value!r} is unknown", f"write one of {', '.join(allowed)}", line=line)
    texts = {name: value for name, (value, _) in values.items()}
    texts["title"] = normalise_line(texts["title"])
    return Draft(date=_parse_date(*values["date"]), **{k: v for k, v in texts.items() if k != "date"}), end + 1  # type: ignore[arg-type]


def _parse_front_matter_values(text: str) -> dict[str, tuple[str, int]]:
    """Each key's scalar as written, with its line in the sheet."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 2
        raise DraftError(
            "the front matter is not YAML", 'put the title in double quotes: title: "…"', line=line
        ) from error
    if not isinstance(root, yaml.MappingNode):
        raise DraftError("the front matter holds no keys", "write 'title: …', 'date: …', 'period: …'", line=2)
    values: dict[str, tuple[str, int]] = {}
    for key, value in root.value:
        line = key.start_mark.line + 2
        if key.value not in _FRONT_MATTER_KEYS:
            near = get_close_matches(str(key.value), _FRONT_MATTER_KEYS, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(_FRONT_MATTER_KEYS)}"
            raise DraftError(f"{key.value!r} is not a key of a sheet", hint, line=line)
        if not isinstance(value, yaml.ScalarNode):
            raise DraftError(f"'{key.value}' must be a plain value", "put it in double quotes", line=line)
        if key.value in values:
            raise DraftError(f"'{key.value}' stands twice", "delete one of the lines", line=line)
        values[key.value] = (value.value, line)
    return values


def _parse_date(text: str, line: int) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip().replace(" +", "+").replace(" -", "-"))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise DraftError(f"date: {text!r} is not a date", "write it as 2026-10-31", line=line) from None
