"""An address that an editor typed becomes its work once, and no word on either is lost."""

from __future__ import annotations

from dataclasses import replace

from digest.drafts.edit import apply_marks, fill_missing_blurbs, replace_added_urls
from digest.drafts.model import AddedUrl, Conflict, Draft, DraftCandidate, DraftPick
from digest.drafts.parser import parse_draft
from digest.drafts.writer import render_draft
from tests.drafts.drafts import example

BASE = example()
FIRST, SECOND = BASE.sections[0].picks
WAITING = BASE.shortlist[0]
TYPED = "https://own.org/paper?utm_source=x"


def typed(*added: AddedUrl, sheet: Draft = BASE) -> Draft:
    """The example with addresses in its second section."""
    head, second, *rest = sheet.sections
    return replace(sheet, sections=(head, replace(second, entries=added), *rest))


def found(key: str) -> DraftPick:
    return DraftPick(key, "Its own title", "https://own.org/paper", "Its facts", "quoted words", engine="post")


def test_a_work_that_stands_elsewhere_moves_to_where_it_was_typed() -> None:
    sheet = replace_added_urls(typed(AddedUrl(TYPED, "my words")), {TYPED: found(FIRST.key)})
    assert FIRST.key not in {pick.key for pick in sheet.sections[0].picks}
    (pick,) = sheet.sections[1].picks
    assert (pick.key, pick.title, pick.blurb, pick.origin) == (FIRST.key, FIRST.title, "my words", "editor")
    assert parse_draft(render_draft(sheet)) == sheet


def test_text_of_a_hand_on_both_stand_side_by_side() -> None:
    head, *rest = BASE.sections
    mine = replace(FIRST, blurb="written before", origin="editor", engine="", flags=(), highlight="why")
    sheet = replace(BASE, sections=(replace(head, entries=(mine,)), *rest))
    (pick,) = (
        replace_added_urls(typed(AddedUrl(TYPED, "typed now"), sheet=sheet), {TYPED: found(FIRST.key)})
        .sections[1]
        .picks
    )
    assert (pick.blurb, pick.highlight, pick.conflicts) == ("written before", "why", (Conflict("blurb", "typed now"),))


def test_a_line_of_the_shortlist_becomes_the_pick_that_was_typed() -> None:
    listed = replace(BASE, shortlist=(replace(WAITING, editor_text="from the line"),))
    sheet = replace_added_urls(typed(AddedUrl(TYPED), sheet=listed), {TYPED: found(WAITING.key)})
    assert sheet.shortlist == ()
    assert [pick.blurb for pick in sheet.sections[1].picks] == ["from the line"]


def test_two_spellings_of_one_address_are_one_pick_with_the_text_of_both() -> None:
    one, two = AddedUrl("https://a.org/", "one"), AddedUrl("https://b.org/", "two")
    sheet = replace_added_urls(typed(one, two), {one.url: found("url:new"), two.url: found("url:new")})
    (pick,) = sheet.sections[1].picks
    assert (pick.blurb, pick.conflicts) == ("one", (Conflict("blurb", "two"),))


def test_an_address_that_was_not_found_stays() -> None:
    sheet = typed(AddedUrl(TYPED, "my words"))
    assert replace_added_urls(sheet, {}) == sheet


def test_text_on_a_work_without_any_are_shown_whole() -> None:
    bare = replace(found("url:new"), blurb="", note=True)
    (pick,) = replace_added_urls(typed(AddedUrl(TYPED, "my words")), {TYPED: bare}).sections[1].picks
    assert not pick.note
    (pick,) = replace_added_urls(typed(AddedUrl(TYPED)), {TYPED: bare}).sections[1].picks
    assert pick.note


def test_a_pick_that_lost_its_key_is_the_pick_it_was_with_its_flags() -> None:
    flagged = replace(FIRST, blurb="It gains 987 points.", origin="model", engine="gemini-x", flags=("987",))
    head, *rest = BASE.sections
    sheet = replace(BASE, sections=(replace(head, entries=(flagged, SECOND)), *rest))
    text = render_draft(sheet)
    start, end = text.index(" <!-- key="), text.index("-->\n\n<small>")
    read = parse_draft(text[:start] + text[end + 3 :])
    assert isinstance(read.sections[0].entries[0], AddedUrl)
    stored = replace(flagged, title="Its own title")
    assert replace_added_urls(read, {flagged.url: stored}).sections[0].entries[0] == flagged


def test_a_heading_without_its_anchor_is_known_by_the_categorys_title() -> None:
    section = replace(BASE.sections[0], slug="new-models", title="New models")
    sheet = replace(BASE, sections=(section, *BASE.sections[1:]))
    assert apply_marks(sheet, {"models": "New Models"}).sections[0].slug == "models"
    assert apply_marks(sheet, {"x": "Else"}).sections[0].slug == "new-models"


def test_a_heading_with_an_anchor_of_its_own_keeps_it() -> None:
    section = replace(BASE.sections[0], slug="mine", title="New models")
    sheet = replace(BASE, sections=(section, *BASE.sections[1:]))
    assert apply_marks(sheet, {"models": "New models"}).sections[0].slug == "mine"


def test_a_ticked_work_keeps_what_was_said_of_its_past() -> None:
    line = DraftCandidate("url:new", "Title", covered="2026-06", category="models", mark="x")
    ticked = apply_marks(replace(BASE, shortlist=(line,)), {"models": "M"})
    (pick,) = (
        p for _, p in fill_missing_blurbs(ticked, {"url:new": found("url:new")}).iter_picks() if p.key == "url:new"
    )
    assert (pick.covered, pick.blurb) == ("2026-06", "quoted words")
