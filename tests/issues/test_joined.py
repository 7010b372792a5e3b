"""Works that became one after the sheet named two: one place stays, and every word of the editor's."""

from __future__ import annotations

from dataclasses import replace

from digest.issues import Conflict, Sheet, SheetCandidate, SheetPick, SheetSection, joined, without_twins
from tests.issues.sheets import WHEN

POST = SheetPick("url:https://lab.example/p", "P", "https://lab.example/p", blurb="quoted", twin="arxiv:1 “P”")
PAPER = SheetPick("arxiv:1", "P", "https://arxiv.org/abs/1", blurb="abstract", twin="url:https://lab.example/p “P”")
NAMES = {POST.key: (PAPER.key, PAPER.url)}


def sheet(*entries: SheetPick, lines: tuple[SheetCandidate, ...] = ()) -> Sheet:
    return Sheet("2026-10", "T", WHEN, sections=(SheetSection("agents", "Agents", entries=entries),), shortlist=lines)


def own(pick: SheetPick, words: str) -> SheetPick:
    return replace(pick, blurb=words, origin="editor")


def test_a_pick_takes_the_name_and_the_address_of_the_work_it_is_part_of() -> None:
    assert joined(sheet(POST), NAMES) == sheet(replace(POST, key=PAPER.key, url=PAPER.url, twin=""))


def test_of_two_picks_the_first_stays_with_the_words_a_hand_wrote() -> None:
    (first,) = (pick for _, pick in joined(sheet(PAPER, own(POST, "My words.")), NAMES).picks())
    assert (first.key, first.blurb, first.origin) == (PAPER.key, "My words.", "editor")


def test_words_on_both_stand_side_by_side() -> None:
    (first,) = (pick for _, pick in joined(sheet(own(PAPER, "One."), own(POST, "Two.")), NAMES).picks())
    assert (first.blurb, first.conflicts) == ("One.", (Conflict("blurb", "Two."),))


def test_a_line_of_a_picked_work_leaves_the_shortlist_and_its_words_do_not() -> None:
    line = SheetCandidate(POST.key, "P", POST.url, words="Behind the line.")
    made = joined(sheet(PAPER, lines=(line,)), NAMES)
    assert made.shortlist == ()
    assert [pick.blurb for _, pick in made.picks()] == ["Behind the line."]


def test_of_two_lines_one_stays_with_the_mark_and_the_words_of_both() -> None:
    lines = (SheetCandidate(PAPER.key, "P", PAPER.url, words="A."), SheetCandidate(POST.key, "P", mark="-", words="B."))
    (line,) = joined(sheet(lines=lines), NAMES).shortlist
    assert (line.key, line.mark, line.words) == (PAPER.key, "-", "A.\n\nB.")


def test_a_doubt_that_is_settled_is_taken_off_and_others_stay() -> None:
    made = without_twins(sheet(POST, PAPER), {POST.key})
    assert [pick.twin for _, pick in made.picks()] == ["", PAPER.twin]
