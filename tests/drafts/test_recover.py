"""What an editor types among the program's words on a line of the shortlist is theirs, and is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from digest.drafts.model import Draft
from digest.drafts.parser import parse_draft
from digest.drafts.recover import recover_typed_text
from digest.drafts.writer import render_draft
from tests.drafts.drafts import example

BASE = example()
FIRST, SECOND = BASE.shortlist
TEXT = render_draft(BASE)
LINE = next(line for line in TEXT.split("\n") if f"key={FIRST.key}" in line)


def edited(line: str) -> Draft:
    return recover_typed_text(parse_draft(TEXT.replace(LINE, line)), [BASE])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (" <!--", " my own words <!--"),
        ("because ", "because my own words "),
        (" <!--", " — my own words <!--"),
    ],
)
@pytest.mark.parametrize("mark", ["[ ]", "[x]", "[-]"])
def test_text_typed_before_the_comment_become_text_on_the_work(old: str, new: str, mark: str) -> None:
    line = edited(LINE.replace(old, new, 1).replace("[ ]", mark, 1)).shortlist[0]
    assert replace(line, mark=" ") == replace(FIRST, editor_text=f"my own words\n\n{FIRST.editor_text}".strip())
    assert line.mark == mark[1]


def test_a_line_moved_up_takes_its_typed_text_along() -> None:
    heading = next(line for line in TEXT.split("\n") if line.startswith("## "))
    moved = TEXT.replace(LINE + "\n", "").replace(
        heading, f"{heading}\n\n{LINE.replace(' <!--', ' my own words <!--')}\n"
    )
    pick = next(
        pick for _, pick in recover_typed_text(parse_draft(moved), [BASE]).iter_picks() if pick.key == FIRST.key
    )
    assert (pick.blurb.split("\n")[0], pick.origin) == ("my own words", "editor")


def test_what_the_program_said_itself_in_an_older_version_is_nobodys_words() -> None:
    newer = replace(BASE, shortlist=(replace(FIRST, reasons=("something new",)), SECOND))
    assert recover_typed_text(BASE, [newer, BASE]) == BASE
    assert recover_typed_text(newer, [newer, BASE]) == newer


def test_text_taken_out_of_the_program_are_no_words() -> None:
    assert (
        recover_typed_text(replace(BASE, shortlist=(replace(FIRST, reasons=()), SECOND)), [BASE])
        .shortlist[0]
        .editor_text
        == FIRST.editor_text
    )
