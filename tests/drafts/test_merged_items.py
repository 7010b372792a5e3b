"""Works that became one after the draft named two: one place stays, and every word of the editor's."""

from __future__ import annotations

from dataclasses import replace

from digest.drafts.edit import apply_merges_to_draft, clear_possible_duplicates
from digest.drafts.model import Conflict, Draft, DraftCandidate, DraftPick, DraftSection
from tests.drafts.drafts import WHEN

POST = DraftPick(
    "url:https://lab.example/p", "P", "https://lab.example/p", blurb="quoted", possible_duplicate="arxiv:1 “P”"
)
PAPER = DraftPick(
    "arxiv:1", "P", "https://arxiv.org/abs/1", blurb="abstract", possible_duplicate="url:https://lab.example/p “P”"
)
NAMES = {POST.key: (PAPER.key, PAPER.url)}


def sheet(*entries: DraftPick, lines: tuple[DraftCandidate, ...] = ()) -> Draft:
    return Draft("2026-10", "T", WHEN, sections=(DraftSection("agents", "Agents", entries=entries),), shortlist=lines)


def own(pick: DraftPick, words: str) -> DraftPick:
    return replace(pick, blurb=words, origin="editor")


def test_a_pick_takes_the_name_and_the_address_of_the_work_it_is_part_of() -> None:
    assert apply_merges_to_draft(sheet(POST), NAMES) == sheet(
        replace(POST, key=PAPER.key, url=PAPER.url, possible_duplicate="")
    )


def test_of_two_picks_the_first_stays_with_the_text_a_hand_wrote() -> None:
    (first,) = (pick for _, pick in apply_merges_to_draft(sheet(PAPER, own(POST, "My words.")), NAMES).iter_picks())
    assert (first.key, first.blurb, first.origin) == (PAPER.key, "My words.", "editor")


def test_text_on_both_stand_side_by_side() -> None:
    (first,) = (
        pick for _, pick in apply_merges_to_draft(sheet(own(PAPER, "One."), own(POST, "Two.")), NAMES).iter_picks()
    )
    assert (first.blurb, first.conflicts) == ("One.", (Conflict("blurb", "Two."),))


def test_a_line_of_a_picked_work_leaves_the_shortlist_and_its_text_do_not() -> None:
    line = DraftCandidate(POST.key, "P", POST.url, editor_text="Behind the line.")
    made = apply_merges_to_draft(sheet(PAPER, lines=(line,)), NAMES)
    assert made.shortlist == ()
    assert [pick.blurb for _, pick in made.iter_picks()] == ["Behind the line."]


def test_of_two_lines_one_stays_with_the_mark_and_the_text_of_both() -> None:
    lines = (
        DraftCandidate(PAPER.key, "P", PAPER.url, editor_text="A."),
        DraftCandidate(POST.key, "P", mark="-", editor_text="B."),
    )
    (line,) = apply_merges_to_draft(sheet(lines=lines), NAMES).shortlist
    assert (line.key, line.mark, line.editor_text) == (PAPER.key, "-", "A.\n\nB.")


def test_a_doubt_that_is_settled_is_taken_off_and_others_stay() -> None:
    made = clear_possible_duplicates(sheet(POST, PAPER), {POST.key})
    assert [pick.possible_duplicate for _, pick in made.iter_picks()] == ["", PAPER.possible_duplicate]
