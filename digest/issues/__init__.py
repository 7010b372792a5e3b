"""Issues under the editor's hand: selection, the sheet and its merge, states, gates, recaps, imported archives."""

from digest.issues.apart import propose_month_titles
from digest.issues.changes import EditorDecision, diff_drafts
from digest.issues.choose import ALTERNATES_PER_PLACE, Selection, SelectionCandidate, select_candidates
from digest.issues.edits import (
    add_section,
    add_typed_url,
    move_to_shortlist,
    place_pick,
    remove_section,
    remove_typed_url,
    update_pick,
    update_section,
)
from digest.issues.gates import CheckProblem, DeadLink, ReleaseFacts, check_draft
from digest.issues.heard import recover_typed_text
from digest.issues.joined import apply_merges_to_draft, clear_possible_duplicates
from digest.issues.merge import merge_drafts
from digest.issues.past import PastPick, deduplicate_picks
from digest.issues.read import parse_draft
from digest.issues.recap import (
    MonthSummary,
    RecapFigures,
    build_recap_draft,
    compute_figures,
    find_missed_works,
    propose_highlights,
)
from digest.issues.remarks import lint_draft
from digest.issues.settle import apply_marks, fill_missing_blurbs
from digest.issues.states import STATES, TRANSITIONS, list_actions, transition_state
from digest.issues.terms import Keyword, find_distinctive_keywords
from digest.issues.three import MergeConflict
from digest.issues.typed import replace_added_urls
from digest.issues.values import (
    AddedUrl,
    Conflict,
    Draft,
    DraftCandidate,
    DraftPick,
    DraftPrediction,
    DraftSection,
)
from digest.issues.words import format_facts
from digest.issues.write import render_draft

__all__ = [
    "ALTERNATES_PER_PLACE",
    "STATES",
    "TRANSITIONS",
    "AddedUrl",
    "CheckProblem",
    "Conflict",
    "DeadLink",
    "Draft",
    "DraftCandidate",
    "DraftPick",
    "DraftPrediction",
    "DraftSection",
    "EditorDecision",
    "Keyword",
    "MergeConflict",
    "MonthSummary",
    "PastPick",
    "RecapFigures",
    "ReleaseFacts",
    "Selection",
    "SelectionCandidate",
    "add_section",
    "add_typed_url",
    "apply_marks",
    "apply_merges_to_draft",
    "build_recap_draft",
    "check_draft",
    "clear_possible_duplicates",
    "compute_figures",
    "deduplicate_picks",
    "diff_drafts",
    "fill_missing_blurbs",
    "find_distinctive_keywords",
    "find_missed_works",
    "format_facts",
    "lint_draft",
    "list_actions",
    "merge_drafts",
    "move_to_shortlist",
    "parse_draft",
    "place_pick",
    "propose_highlights",
    "propose_month_titles",
    "recover_typed_text",
    "remove_section",
    "remove_typed_url",
    "render_draft",
    "replace_added_urls",
    "select_candidates",
    "transition_state",
    "update_pick",
    "update_section",
]
