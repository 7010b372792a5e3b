"""Issues under the editor's hand: selection, the sheet and its merge, states, gates, recaps, imported archives."""

from digest.issues.choose import Ranked, Selection, select
from digest.issues.read import parse
from digest.issues.states import MOVES, STATES, move, moves_from
from digest.issues.values import (
    AddedUrl,
    Conflict,
    Sheet,
    SheetCandidate,
    SheetNote,
    SheetPick,
    SheetSection,
)
from digest.issues.words import facts_line
from digest.issues.write import render

__all__ = [
    "MOVES",
    "STATES",
    "AddedUrl",
    "Conflict",
    "Ranked",
    "Selection",
    "Sheet",
    "SheetCandidate",
    "SheetNote",
    "SheetPick",
    "SheetSection",
    "facts_line",
    "move",
    "moves_from",
    "parse",
    "render",
    "select",
]
