"""States of an issue and the transitions between them."""

from __future__ import annotations

from digest.errors import CheckFailedError

# (state, action) -> state. Repeating an action changes nothing, so that every command can be run again.
TRANSITIONS: dict[tuple[str, str], str] = {
    ("draft", "draft"): "draft",
    ("draft", "approve"): "approved",
    ("approved", "approve"): "approved",
    ("approved", "return"): "draft",
    ("approved", "publish"): "published",
    ("published", "approve"): "published",  # of a corrected draft, which `correct` publishes
    ("published", "publish"): "published",
    ("published", "correct"): "published",
    ("published", "send"): "sent",
    ("sent", "approve"): "sent",
    ("sent", "publish"): "sent",
    ("sent", "correct"): "sent",
    ("sent", "send"): "sent",
}
STATES = ("draft", "approved", "published", "sent")

_CORRECT_HINT = 'edit its draft, then `digest approve PERIOD` and `digest publish PERIOD --correct "what was wrong"`'
_HINTS = {
    "draft": "read the draft, then run `digest approve PERIOD`",
    "approved": "run `digest draft PERIOD --return` to edit it again, or `digest publish PERIOD`",
    "published": _CORRECT_HINT,
    "sent": _CORRECT_HINT,
}
_ACTION_PARTICIPLES = {
    "draft": "drafted again",
    "approve": "approved",
    "return": "returned to a draft",
    "publish": "published",
    "correct": "corrected",
    "send": "sent",
}


def transition_state(state: str, action: str, period: str = "PERIOD") -> str:
    """Return the state after an action; raises CheckFailedError with a hint if the table has no such transition."""
    after = TRANSITIONS.get((state, action))
    if after is None:
        name = "still a draft" if state == "draft" else state
        message = f"{period} is {name} and cannot be {_ACTION_PARTICIPLES.get(action, action)}"
        raise CheckFailedError(message, _HINTS.get(state, "").replace("PERIOD", period))
    return after
