"""Remarks on the editor's prose carry the lines of the draft it stands on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from digest.drafts.lint import lint_draft
from digest.drafts.model import DraftPick, DraftSection
from digest.drafts.parser import parse_draft
from digest.drafts.writer import render_draft

WRITTEN = DraftSection(
    "models",
    "Models",
    intro="A month | of [models](/2026/10/digest/#a).",
    engine="gemini",
    entries=(DraftPick("arxiv:2610.00002", "Two", blurb="Made by a | machine", origin="model", engine="gemini"),),
)
SHEET = """---
layout: post
title: "October"
date: 2026-10-31 00:00:00 +0000
period: "2026-10"
form: category
state: draft
---

<!-- digest: how this file is read,
over two lines -->

An introduction.

| a | table |

## Models {#models}

> Closing: *[HTML]: Hyper

Words on models.

1. numbered

### [One](https://example.org/1) <!-- key=arxiv:2610.00001 from=editor -->

<small>A. Author · 2026-10-01</small>

> Highlight: for ~~everyone~~ someone

Fine words.

Fine words.
- but <b>bold</b>

### [Two](https://example.org/2) <!-- key=arxiv:2610.00002 from=source by=abstract sum=00000000 -->

*From the abstract:* rewritten | by hand

- <https://example.org/3> my $$x$$

## Closing words {#digest:closing}

Good bye,
[mail](mailto:a@b.example)

---

## Shortlist {#digest:shortlist}

my own | notes

- [ ] [Four](https://example.org/4) <!-- key=arxiv:2610.00004 --> words | for nobody
- [x] [Five](https://example.org/5) <!-- key=arxiv:2610.00005 --> words | for readers
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_each_remark_names_the_drafts_own_line(end: str) -> None:
    text = SHEET.replace("\n", end)
    lines = SHEET.split("\n")
    told = [(lines[remark.line - 1], remark.message.split(",")[0].split(";")[0]) for remark in lint_draft(text)]
    assert told == [
        ("| a | table |", "a |"),
        ("> Closing: *[HTML]: Hyper", "an abbreviation"),
        ("1. numbered", "a numbered list is outside the allowed subset"),
        ("> Highlight: for ~~everyone~~ someone", "~~ for deleted text"),
        ("- but <b>bold</b>", "HTML"),
        ("*From the abstract:* rewritten | by hand", "a |"),
        ("- <https://example.org/3> my $$x$$", "a formula"),
        ("[mail](mailto:a@b.example)", "a link that is neither http nor https"),
        ("- [x] [Five](https://example.org/5) <!-- key=arxiv:2610.00005 --> words | for readers", "a |"),
    ]


def test_a_machines_own_text_are_no_prose_of_the_editors() -> None:
    machines = render_draft(
        replace(parse_draft(SHEET), sections=(WRITTEN,), intro="", outro="", shortlist=(), scratch="a | b")
    )
    assert lint_draft(machines) == []
    assert "formula" in lint_draft(machines.replace("Made by", "Made $$by$$"))[0].message


@pytest.mark.parametrize(("name", "limit"), [("subject", 90), ("preheader", 140)])
def test_a_line_of_the_mail_that_programs_cut_is_named_with_its_line(name: str, limit: int) -> None:
    fitting = SHEET.replace("date:", f'{name}: "{"x" * limit}"\ndate:', 1)
    assert [w for w in lint_draft(fitting) if name in w.message] == []
    long = fitting.replace("x" * limit, "x" * (limit + 1))
    (warning,) = (w for w in lint_draft(long) if name in w.message)
    assert (warning.line, f"has {limit + 1} characters" in warning.message) == (4, True)
