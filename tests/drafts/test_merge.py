"""Drafting again over an edited draft: what is refreshed, what stays, what is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from digest.drafts.edit import apply_marks, fill_missing_blurbs, replace_added_urls
from digest.drafts.merge import merge_drafts
from digest.drafts.model import AddedUrl, Conflict, Draft, DraftCandidate, DraftPick, DraftSection
from digest.drafts.parser import parse_draft
from digest.drafts.writer import render_draft
from tests.drafts.drafts import example

BASE = example()
FIRST, SECOND = BASE.sections[0].picks
WAITING, OTHER = BASE.shortlist


def with_first(sheet: Draft = BASE, **changed: Any) -> Draft:
    head, *rest = sheet.sections
    return replace(sheet, sections=(replace(head, entries=(replace(FIRST, **changed), *head.entries[1:])), *rest))


def first_of(sheet: Draft) -> DraftPick:
    return sheet.sections[0].picks[0]


def test_a_blurb_nobody_touched_is_refreshed() -> None:
    new = with_first(blurb="newer words", origin="model", engine="gemini")
    merged, told = merge_drafts(BASE, replace(BASE, intro="mine"), new)
    assert (first_of(merged), merged.intro, told) == (first_of(new), "mine", [])


def test_a_blurb_both_sides_changed_is_the_editors_with_the_other_shown_beside_it() -> None:
    mine = with_first(blurb="my words", origin="editor", engine="")
    merged, (told,) = merge_drafts(BASE, mine, with_first(blurb="newer words"))
    assert (first_of(merged).blurb, first_of(merged).conflicts) == ("my words", (Conflict("blurb", "newer words"),))
    assert (told.location, told.field, told.edited, told.generated) == (FIRST.key, "blurb", "my words", "newer words")
    assert "<!-- conflict blurb" in render_draft(merged)
    assert parse_draft(render_draft(merged)) == merged


def test_a_conflict_stays_until_the_editor_deletes_it() -> None:
    mine = with_first(blurb="my words", origin="editor", engine="")
    new = with_first(blurb="newer words")
    merged, _ = merge_drafts(BASE, mine, new)
    again, told = merge_drafts(new, merged, new)
    assert (first_of(again).conflicts, told) == (first_of(merged).conflicts, [])
    settled, _ = merge_drafts(new, with_first(merged, blurb="my words", origin="editor", engine=""), new)
    assert first_of(settled).conflicts == ()


def test_facts_of_a_touched_pick_are_refreshed() -> None:
    mine = with_first(blurb="my words", origin="editor", engine="")
    merged, told = merge_drafts(BASE, mine, with_first(facts="Ada · ICML 2026", covered="2026-01"))
    assert (first_of(merged).facts, first_of(merged).covered, told) == (
        "Ada · ICML 2026",
        "2026-01",
        [],
    )


def test_a_pick_the_program_dropped_goes_unless_a_hand_touched_it() -> None:
    emptied = replace(BASE, sections=(replace(BASE.sections[0], entries=()), BASE.sections[1]))
    assert [pick for _, pick in merge_drafts(BASE, BASE, emptied)[0].iter_picks()] == []
    merged, _ = merge_drafts(BASE, with_first(note=True), emptied)
    assert [pick.key for _, pick in merged.iter_picks()] == [FIRST.key]


def test_picks_a_hand_reordered_stay() -> None:
    turned = replace(BASE, sections=(replace(BASE.sections[0], entries=(SECOND, FIRST)), BASE.sections[1]))
    emptied = replace(BASE, sections=(replace(BASE.sections[0], entries=()), BASE.sections[1]))
    assert [pick.key for _, pick in merge_drafts(BASE, turned, emptied)[0].iter_picks()] == [SECOND.key, FIRST.key]


def test_a_new_pick_takes_its_place_among_reordered_ones() -> None:
    third = DraftPick("arxiv:2510.55555", "Third")
    turned = replace(BASE, sections=(replace(BASE.sections[0], entries=(SECOND, FIRST)), BASE.sections[1]))
    new = replace(BASE, sections=(replace(BASE.sections[0], entries=(FIRST, third, SECOND)), BASE.sections[1]))
    merged, _ = merge_drafts(BASE, turned, new)
    assert [pick.key for _, pick in merged.iter_picks()] == [SECOND.key, FIRST.key, third.key]


def test_new_candidates_appear_and_those_turned_down_keep_their_mark() -> None:
    mine = replace(BASE, shortlist=(replace(WAITING, mark="-", editor_text="weak"), OTHER))
    fresh = replace(WAITING, key="arxiv:2510.77777")
    new = replace(BASE, shortlist=(fresh, replace(WAITING, score=0.1)))
    merged, _ = merge_drafts(BASE, mine, new)
    assert [(line.key, line.mark, line.editor_text, line.score) for line in merged.shortlist] == [
        (fresh.key, " ", "", 0.871),
        (WAITING.key, "-", "weak", 0.1),
    ]


def test_a_title_and_a_link_written_anew_on_a_line_of_the_shortlist_stay() -> None:
    mine = replace(BASE, shortlist=(replace(WAITING, title="Mine", url="https://mine.example/"), OTHER))
    new = replace(BASE, shortlist=(replace(WAITING, title="Title (v2)"), replace(OTHER, title="Newer")))
    merged, _ = merge_drafts(BASE, mine, new)
    assert [(line.title, line.url) for line in merged.shortlist] == [
        ("Mine", "https://mine.example/"),
        ("Newer", OTHER.url),
    ]


def test_a_pick_proposed_for_a_section_the_editor_closed_waits_on_the_shortlist() -> None:
    mine = replace(BASE, sections=BASE.sections[:1])
    third = DraftPick("arxiv:2510.55555", "Third")
    new = replace(BASE, sections=(BASE.sections[0], replace(BASE.sections[1], entries=(third,))))
    merged, _ = merge_drafts(BASE, mine, new)
    assert [section.slug for section in merged.sections] == ["models"]
    assert third.key in [line.key for line in merged.shortlist]


def test_an_introduction_both_sides_wrote_is_the_editors_and_the_other_is_shown() -> None:
    merged, (told,) = merge_drafts(BASE, replace(BASE, intro="mine"), replace(BASE, intro="the program's"))
    assert (merged.intro, merged.conflicts) == ("mine", (Conflict("intro", "the program's"),))
    assert told.location == "draft"


@pytest.mark.parametrize("words", ["", "my words"])
def test_an_added_address_becomes_the_work_that_was_fetched_with_the_editors_words(words: str) -> None:
    found = DraftPick("url:https://own.org/a", "Found", "https://own.org/a", "Own", "quoted", engine="post")
    section = DraftSection("models", "Models", entries=(AddedUrl("https://own.org/a", words),))
    (pick,) = replace_added_urls(replace(BASE, sections=(section,)), {"https://own.org/a": found}).sections[0].picks
    assert (pick.key, pick.title) == (found.key, "Found")
    assert (pick.blurb, pick.origin) == (("my words", "editor") if words else ("quoted", "source"))


def test_a_pick_without_text_is_filled_and_others_get_their_facts_alone() -> None:
    lifted = apply_marks(
        replace(BASE, shortlist=(replace(WAITING, mark="x"),)), {"models": "Models", "agents": "Agents"}
    )
    stored = {
        key: DraftPick(key, "Stored", "https://s.org/", "Stored facts", "stored words", engine="post")
        for key in (WAITING.key, SECOND.key)
    }
    picks = {pick.key: pick for _, pick in fill_missing_blurbs(lifted, stored).iter_picks()}
    assert (picks[WAITING.key].blurb, picks[WAITING.key].engine) == ("stored words", "post")
    assert (picks[SECOND.key].blurb, picks[SECOND.key].facts) == (SECOND.blurb, "Stored facts")


def test_what_was_missed_is_merged_line_by_line() -> None:
    one, two, three = (DraftCandidate(f"arxiv:2510.0000{n}", f"Work {n}", mark="x", mentions=3) for n in (1, 2, 3))
    base = replace(example(), missed=(one, two))
    mine = replace(base, missed=(replace(two, editor_text="I *slept*."),))
    new = replace(base, missed=(replace(one, mentions=4), replace(two, mentions=5), three))
    merged, told = merge_drafts(base, mine, new)
    assert merged.missed == (replace(two, editor_text="I *slept*.", mentions=5), three)
    assert told == []
    assert merge_drafts(base, base, new)[0].missed == new.missed
