"""Issues under the editor's hand: selection, the sheet and its merge, states, gates, recaps, imported archives."""

from digest.issues.apart import titles_of_months
from digest.issues.changes import Change, changes
from digest.issues.choose import ALTERNATIVES, Ranked, Selection, select
from digest.issues.edits import (
    add_address,
    add_section,
    place,
    set_aside,
    with_pick,
    with_section,
    without_address,
    without_section,
)
from digest.issues.gates import DeadLink, GateProblem, IssueFacts, check
from digest.issues.heard import heard
from digest.issues.joined import joined, without_twins
from digest.issues.merge import merge
from digest.issues.past import PastPick, once
from digest.issues.read import parse
from digest.issues.recap import (
    Figures,
    Gist,
    figures,
    highlights,
    missed,
    recap_sheet,
)
from digest.issues.remarks import remarks
from digest.issues.settle import fill, settle
from digest.issues.states import MOVES, STATES, move, moves_from
from digest.issues.terms import Term, distinctive
from digest.issues.three import MergeConflict
from digest.issues.typed import with_works
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
    "ALTERNATIVES",
    "MOVES",
    "STATES",
    "AddedUrl",
    "Change",
    "Conflict",
    "DeadLink",
    "Figures",
    "GateProblem",
    "Gist",
    "IssueFacts",
    "MergeConflict",
    "PastPick",
    "Ranked",
    "Selection",
    "Sheet",
    "SheetCandidate",
    "SheetNote",
    "SheetPick",
    "SheetSection",
    "Term",
    "add_address",
    "add_section",
    "changes",
    "check",
    "distinctive",
    "facts_line",
    "figures",
    "fill",
    "heard",
    "highlights",
    "joined",
    "merge",
    "missed",
    "move",
    "moves_from",
    "once",
    "parse",
    "place",
    "recap_sheet",
    "remarks",
    "render",
    "select",
    "set_aside",
    "settle",
    "titles_of_months",
    "with_pick",
    "with_section",
    "with_works",
    "without_address",
    "without_section",
    "without_twins",
]
