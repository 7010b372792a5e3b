"""An issue's states and the moves between them, in one table."""

from __future__ import annotations

from digest.errors import CheckFailedError

# (state, verb) -> state. Publishing again what is published changes nothing, so that every command can be repeated.
TRANSITIONS: dict[tuple[str, str], str] = {
    ("draft", "draft"): "draft",
    ("draft", "approve"): "approved",
    ("approved", "approve"): "approved",
    ("approved", "return"): "draft",
    ("approved", "publish"): "published",
    ("published", "approve"): "published",  # of a corrected sheet, which `correct` publishes
    ("published", "publish"): "published",
    ("published", "correct"): "published",
    ("published", "send"): "sent",
    ("sent", "approve"): "sent",
    ("sent", "publish"): "sent",
    ("sent", "correct"): "sent",
    ("sent", "send"): "sent",
}
STATES = ("draft", "approved", "published", "sent")

_HINTS = {
    "draft": "read the sheet, then `digest approve PERIOD`",
    "approved": "`digest draft PERIOD --return` takes the approval back; `digest publish PERIOD` publishes",
    "published": 'edit its sheet, then `digest approve PERIOD` and `digest publish PERIOD --correct "what was wrong"`',
    "sent": 'edit its sheet, then `digest approve PERIOD` and `digest publish PERIOD --correct "what was wrong"`',
}
_STATE_NAMES = {"draft": "still a draft"}
_ACTION_PARTICIPLES = {
    "draft": "drafted again",
    "approve": "approved",
    "return": "returned to a draft",
    "publish": "published",
    "correct": "corrected",
    "send": "sent",
}


def transition_state(state: str, action: str, period: str = "PERIOD") -> str:
    """The state after `verb`. Raises Refused when the table has no such move, with what can be done instead."""
    after = TRANSITIONS.get((state, action))
    if after is None:
        hint = _HINTS.get(state, "").replace("PERIOD", period)
        raise CheckFailedError(
            f"{period} is {_STATE_NAMES.get(state, state)} and cannot be {_ACTION_PARTICIPLES.get(action, action)}",
            hint,
        )
    return after


def list_actions(state: str) -> tuple[str, ...]:
    """The verbs that can be used in a state."""
    return tuple(verb for (before, verb) in TRANSITIONS if before == state)
