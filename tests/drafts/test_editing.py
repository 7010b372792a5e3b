"""What editors do to a draft, and what their programs do to its text, is understood."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import replace

import pytest

from digest.drafts.diff import diff_drafts
from digest.drafts.edit import apply_marks
from digest.drafts.model import AddedUrl, Draft, DraftPick
from digest.drafts.parser import parse_draft
from digest.drafts.writer import render_draft
from digest.errors import DraftError
from tests.drafts.drafts import example

TEXT = render_draft(example())
TITLES = {"models": "Models & training", "agents": "Agents"}
PICK = "arxiv:2510.01234"


def edited(*pairs: tuple[str, str]) -> Draft:
    """The example's text with strings replaced, read."""
    text = TEXT
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    return parse_draft(text)


def wrapped(text: str) -> str:
    """Every line but the front matter folded at 60 columns, as an editor with hard wraps would."""
    head, body = text.split("\n---\n", 1)
    lines = [textwrap.fill(line, 60, break_long_words=False, break_on_hyphens=False) for line in body.split("\n")]
    return head + "\n---\n" + "\n".join(lines)


DEFORMATIONS: dict[str, Callable[[str], str]] = {
    "Windows line ends": lambda text: text.replace("\n", "\r\n"),
    "a byte order mark": lambda text: "\ufeff" + text,
    "trailing blanks": lambda text: text.replace("\n", "  \n"),
    "trailing tabs": lambda text: text.replace("\n", "\t\n"),
    "more blank lines": lambda text: text.replace("\n\n", "\n\n\n\n"),
    "folded lines": wrapped,
    "other bullets": lambda text: text.replace("\n- [ ]", "\n* [ ]"),
    "escaped boxes": lambda text: text.replace("\n- [ ]", "\n- \\[ ]"),
    "other emphasis": lambda text: text.replace("*From the abstract:*", "_From the abstract:_"),
    "stars for the line": lambda text: text.replace("\n---\n\n## Shortlist", "\n* * *\n\n## Shortlist"),
    "characters for entities": lambda text: text.replace("&#124;", "\\|").replace("&#123;", "{"),
    "no line above the shortlist": lambda text: text.replace("\n---\n\n## Shortlist", "\n## Shortlist"),
    "no last line end": str.rstrip,
}


@pytest.mark.parametrize("name", DEFORMATIONS)
def test_what_programs_do_to_a_text_changes_nothing(name: str) -> None:
    deformed = DEFORMATIONS[name](TEXT)
    assert deformed != TEXT
    assert parse_draft(deformed) == example()


def test_a_rewritten_blurb_is_the_editors_markdown() -> None:
    sheet = edited(("We show that a sparse model costs half.", "A **sparse** model [costs half](https://x.org)."))
    pick = {pick.key: pick for _, pick in sheet.iter_picks()}[PICK]
    assert (pick.origin, pick.engine) == ("editor", "")
    assert pick.blurb == "A **sparse** model [costs half](https://x.org). It holds at every size we tried."


def test_a_blurb_that_was_deleted_is_not_written_again() -> None:
    sheet = edited(
        ("*From the abstract:* We show that a sparse model costs half. It holds at every size we tried.", "")
    )
    assert (sheet.sections[0].picks[0].origin, sheet.sections[0].picks[0].blurb) == ("editor", "")


def test_a_ticked_line_becomes_a_pick_of_its_category() -> None:
    sheet = apply_marks(edited(("- [ ] [Agents", "- [x] [Agents")), TITLES)
    assert [pick.key for pick in sheet.sections[1].picks] == ["arxiv:2510.09999"]
    assert [line.key for line in sheet.shortlist] == ["arxiv:2510.08888"]


def test_a_line_moved_up_becomes_a_pick_where_it_stands_with_the_text_behind_it() -> None:
    line = next(line for line in TEXT.split("\n") if line.startswith("- [ ] [Agents"))
    moved = TEXT.replace(line + "\n", "").replace(
        "Nothing to pick", f"{line} Mine.\n\nMore of mine.\n\nNothing to pick"
    )
    pick = parse_draft(moved).sections[1].picks[0]
    assert (pick.key, pick.covered, pick.origin) == ("arxiv:2510.09999", "2026-03", "editor")
    assert pick.blurb.startswith("Mine.\n\nMore of mine.")


def test_a_line_copied_up_leaves_the_shortlist() -> None:
    line = next(line for line in TEXT.split("\n") if line.startswith("- [ ] [Agents"))
    sheet = apply_marks(parse_draft(TEXT.replace("Nothing to pick", f"{line}\n\nNothing to pick")), TITLES)
    assert [line.key for line in sheet.shortlist] == ["arxiv:2510.08888"]


def test_a_ticked_line_opens_the_section_that_was_deleted_in_its_place() -> None:
    sheet = edited(("## Agents {#agents}\n\nNothing to pick this month.\n\n", ""), ("- [ ] [Agents", "- [X] [Agents"))
    assert [section.slug for section in apply_marks(sheet, {"agents": "Agents", **TITLES}).sections] == [
        "agents",
        "models",
    ]


@pytest.mark.parametrize(
    "line", ["- <https://own.org/a> my words", "* https://own.org/a my words", "+ <https://own.org/a>  my words"]
)
def test_an_address_with_text_is_a_work_to_be_fetched(line: str) -> None:
    sheet = edited(("Nothing to pick this month.", line))
    assert sheet.sections[1].entries == (AddedUrl("https://own.org/a", "my words"),)


def test_a_heading_with_a_link_but_no_key_is_a_work_to_be_fetched_with_its_title() -> None:
    sheet = edited(("Nothing to pick this month.", "### [My find](https://own.org/a)\n\nmy words"))
    assert sheet.sections[1].entries == (AddedUrl("https://own.org/a", "my words", "My find"),)


def test_an_address_in_the_introduction_is_prose() -> None:
    sheet = edited(("A quiet month.", "Read also:\n\n- <https://own.org/a> my talk"))
    assert sheet.intro.startswith("Read also:\n\n- <https://own.org/a> my talk")
    assert parse_draft(render_draft(sheet)) == sheet


@pytest.mark.parametrize(
    ("place", "typed"),
    [
        ("how to work on this draft", "how to work on this draft\n\n  My own words on the month."),
        ("as you like.", "as you like. My own words on the month."),
        ("below this comment.", "My own words on the month."),
        (" -->", "\nMy own words on the month. -->"),
    ],
)
def test_text_typed_into_the_help_become_the_introduction(place: str, typed: str) -> None:
    text = render_draft(replace(example(), intro="And more."))
    assert text.count(place) >= 1
    sheet = parse_draft(text.replace(place, typed, 1))
    assert sheet.intro.replace("\n\n", " ") == "My own words on the month. And more."
    assert parse_draft(render_draft(sheet)) == sheet


@pytest.mark.parametrize("period", ["2025", "2025-Q3", "2025-11..2026-02", "2026-06..2026-10"])
def test_the_help_of_a_review_holds_no_text_of_the_editor(period: str) -> None:
    sheet = replace(example(), period=period)
    assert parse_draft(render_draft(sheet)) == sheet


def test_own_sections_and_prose_are_kept() -> None:
    sheet = edited(("## Agents {#agents}", "## What I read on the train\n\nOnly novels.\n\n## Agents {#agents}"))
    own = sheet.sections[1]
    assert (own.slug, own.title, own.intro) == ("what-i-read-on-the-train", "What I read on the train", "Only novels.")


def test_a_subheading_a_rule_and_a_list_inside_a_blurb_are_prose() -> None:
    prose = "Weights.\n\n### Why\n\n- one\n- [two](https://x.org)\n\n---\n\nend"
    sheet = edited(("Weights under a *free* licence.\n\nWorth an afternoon.", prose))
    assert sheet.sections[0].picks[1].blurb == prose


def test_a_heading_inside_fenced_code_is_code_and_stays_as_it_was_typed() -> None:
    code = "Run it:\n\n```sh\n## not a section\n- [ ] not a candidate\n```\n\nThen read."
    sheet = edited(("Weights under a *free* licence.\n\nWorth an afternoon.", code))
    assert sheet.sections[0].picks[1].blurb == code
    assert code in render_draft(sheet)


def test_a_fence_that_was_never_closed_swallows_no_pick() -> None:
    sheet = edited(("A quiet month.", "```\nA quiet month."), ("Worth an afternoon.", "```"))
    assert [pick.key for _, pick in sheet.iter_picks()] == [PICK, "url:https://lab.example/launch"]


def test_labels_under_a_title_are_read_in_any_order_and_case() -> None:
    sheet = edited(
        ("> Highlight: the first of its size", "> also noted\n> update of 2026-03\n>\n> HIGHLIGHT: why\n> so")
    )
    pick = sheet.sections[0].picks[1]
    assert (pick.note, pick.update_of, pick.highlight) == (True, "2026-03", "why so")


def test_a_pick_whose_heading_was_rewritten_keeps_its_key() -> None:
    sheet = edited(("### [A lab opens its weights](https://lab.example/launch)", "### Weights for all"))
    pick = sheet.sections[0].picks[1]
    assert (pick.key, pick.title, pick.url) == ("url:https://lab.example/launch", "Weights for all", "")


def test_notes_below_the_line_stay_there() -> None:
    assert (
        edited(("{#digest:shortlist}", "{#digest:shortlist}\n\nask Ada about these")).scratch == "ask Ada about these"
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("---\nlayout", "layout", "line 1: the draft does not begin with front matter"),
        ("state: draft", "state: finished", "line 7: state: 'finished' is unknown"),
        ("form: category", "frm: category", "line 6: 'frm' is not a key of a draft"),
        ("form: category", "# mine\nform: category", "line 6: the front matter cannot hold a comment"),
        ('"AI research', "AI: research", "line 3: the front matter is not YAML"),
        ("date: 2026-10-31 00:00:00 +0000", "date: October", "line 4: date: 'October' is not a date"),
        ('period: "2026-10"\n', "", "line 7: the front matter has no 'period'"),
        ('period: "2026-10"', "period:", "line 5: period: '' is not a period"),
        ("2026-10`. -->", "2026-10`.", "line 10: this comment is not closed"),
        ("from=source", "form=source", "line 26: unknown name 'form' in a mark"),
        ("from=source", "from=sauce", "line 26: unknown origin from=sauce in a mark"),
        ("{#agents}", "{#models}", "line 42: section 'models' appears twice (first on line 24)"),
        ("key=url:https://lab.example/launch", f"key={PICK}", f"line 32: {PICK} appears twice (first on line 26)"),
        ("<!-- key=arxiv:2510.08888 -->", "", "line 51: this line of the shortlist has lost its key"),
        (" -->\n\n<small>", "\n\n<small>", "line 26: the comment with the key is not closed"),
        ("A quiet month.", "- [ ] x <!-- key=arxiv:1 -->", "line 20: this pick is in no section"),
        ("## Agents {#agents}", "## {#agents}", "line 42: this section has no title"),
    ],
)
def test_what_cannot_be_read_names_its_line(old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(DraftError) as caught:
        parse_draft(TEXT.replace(old, new, 1))
    assert caught.value.message.startswith(said)
    assert caught.value.hint


def test_near_names_are_suggested() -> None:
    with pytest.raises(DraftError) as caught:
        parse_draft(TEXT.replace("title:", "titel:", 1))
    assert caught.value.hint == "did you mean 'title'?"


def test_decisions_are_read_off_the_two_drafts() -> None:
    sheet = edited(
        ("- [ ] [Agents", "- [x] [Agents"),
        ("We show that a sparse model", "A sparse model"),
        ("- [ ] [Another", "- [-] [Another"),
    )
    made = diff_drafts(example(), apply_marks(sheet, TITLES))
    told = {(change.key, change.verdict, change.category) for change in made}
    assert told == {
        (PICK, "pick", "models"),
        (PICK, "rewrite", "models"),
        ("url:https://lab.example/launch", "pick", "models"),
        ("arxiv:2510.09999", "pick", "agents"),
        ("arxiv:2510.08888", "reject", "agents"),
    }


def test_moves_removals_and_works_passed_over_are_decisions() -> None:
    base = example()
    first, second = base.sections[0].picks
    mine = replace(base, sections=(replace(base.sections[0], entries=()), replace(base.sections[1], entries=(second,))))
    told = {(change.key, change.verdict, change.category) for change in diff_drafts(base, mine)}
    assert {
        (second.key, "move", "agents"),
        (first.key, "reject", "models"),
        ("arxiv:2510.09999", "pass", "agents"),
    } <= told
    assert isinstance(first, DraftPick)
