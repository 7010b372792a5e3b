"""Read from a line of another platform's list whether its reader still gets mail.

Each platform writes it in a column of its own: a state, a date of leaving, or a yes and no. Which headings and words
mean what is in data/lexicon.toml. A cell that none of them explains refuses its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from digest.errors import ConfigError
from digest.resources import load_lexicon

_LEXICON: Mapping[str, Any] = load_lexicon()["subscriber_list"]
_STATE_HEADING, _LEFT_HEADING, _DEAD_HEADING, _READS_HEADING = (
    re.compile(_LEXICON[name]) for name in ("state", "left", "dead", "reads")
)
_STATES = {word: state for state, states in _LEXICON["states"].items() for word in states}
_NO, _YES = frozenset(_LEXICON["no"]), frozenset(_LEXICON["yes"])
# The state that forbids the most wins where two columns disagree.
_STATES_BY_WEIGHT = ("", "active", "pending", "bounced", "unsubscribed")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b.*|\d{10,13}")
_NO_DATE = re.compile(r"0{2,4}-00-00.*|0")


def normalise_heading(text: str) -> str:
    """Return lower-case words divided by single spaces: `subscribed_to_emails` is `subscribed to emails`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return " ".join(re.findall(r"\w+", spaced.replace("_", " ").lower()))


def find_state(cells: Iterable[tuple[str, str]]) -> str:
    """Find the state that a line's (heading, cell) pairs mean: "" when no column says any.

    The result is active, pending, bounced or unsubscribed. Raises ConfigError for a cell that cannot be understood.
    """
    states = (_read_cell(heading, cell.strip()) for heading, cell in cells)
    return max(states, key=_STATES_BY_WEIGHT.index, default="")


def _read_cell(heading: str, cell: str) -> str:
    name, value = normalise_heading(heading), normalise_heading(cell)
    if _LEFT_HEADING.fullmatch(name) and not _STATE_HEADING.fullmatch(name):
        return "" if value in _NO or _NO_DATE.fullmatch(cell) else "unsubscribed"
    if _DEAD_HEADING.fullmatch(name) and not _STATE_HEADING.fullmatch(name):
        return "" if value in _NO or _NO_DATE.fullmatch(cell) else "bounced"
    if _READS_HEADING.fullmatch(name):
        return _read_yes_or_no(heading, cell, value)
    if not _STATE_HEADING.fullmatch(name) or not value:
        return ""
    if value not in _STATES:
        raise ConfigError(
            f"{cell!r} in the column {heading!r} does not say whether the reader left",
            "write active, pending, bounced or unsubscribed, or remove the column if it means something else",
        )
    return str(_STATES[value])


def _read_yes_or_no(heading: str, cell: str, value: str) -> str:
    if value in _YES or value in ("active", "subscribed") or _DATE.fullmatch(cell):
        return "active"
    if value and (value in _NO or _STATES.get(value) == "unsubscribed"):
        return "unsubscribed"
    raise ConfigError(
        f"{cell!r} in the column {heading!r} does not say whether the reader left", "write yes or no in the column"
    )
