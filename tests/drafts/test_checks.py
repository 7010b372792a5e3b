"""Each gate names what is missing and what mends it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from digest.drafts.checks import DeadLink, ReleaseFacts, check_draft
from digest.drafts.model import Conflict, Draft
from tests.drafts.drafts import example

FINE = ReleaseFacts(example(), categories=("models", "agents"), quotas={"models": 3, "agents": 2})


def with_pick(**changed: object) -> Draft:
    """The example, its first pick changed."""
    sheet = example()
    first, *rest = sheet.sections
    pick = first.picks[0]
    return replace(
        sheet,
        sections=(replace(first, entries=(replace(pick, **changed), *first.entries[1:])), *rest),  # type: ignore[arg-type]
    )


def without_notes(sheet: Draft) -> Draft:
    return replace(sheet, sections=tuple(replace(section, intro="") for section in sheet.sections))


def test_nothing_stands_in_the_way_of_a_whole_issue() -> None:
    assert check_draft(FINE) == []


@pytest.mark.parametrize(
    ("facts", "gate", "said", "mends"),
    [
        (replace(FINE, draft=replace(example(), intro=" ")), "intro", "no introduction", "site/_drafts/2026-10.md"),
        (replace(FINE, draft=replace(example(), sections=())), "picks", "no picks", "[x]"),
        (replace(FINE, draft=with_pick(flags=("90 %",))), "grounding", "“90 %”", "digest approve 2026-10 --sign"),
        (replace(FINE, draft=with_pick(blurb="")), "blurb", "no blurb", "> Also noted"),
        (replace(FINE, draft=with_pick(covered="2026-03")), "covered", "2026-03", "> Update of 2026-03"),
        (replace(FINE, withdrawn={"arxiv:2510.01234": date(2026, 11, 2)}), "withdrawn", "2026-11-02", "remove it"),
        (
            replace(FINE, dead_links=[DeadLink("https://x.org", "404")]),
            "links",
            "https://x.org: 404",
            "remove the link",
        ),
        (
            replace(FINE, dead_links=[DeadLink("https://x.org", moved_to="https://y.org")]),
            "links",
            "moved",
            "https://y.org",
        ),
        (replace(FINE, gaps=["openai: silent for 40 days"]), "ledger", "openai", "digest fetch"),
        (replace(FINE, draft=without_notes(example())), "empty", "'Agents' is empty", "line under the heading"),
        (replace(FINE, categories=("agents",)), "taxonomy", "Models & training", "{#agents}"),
        (replace(FINE, mail_bytes=140_000), "length", "140 kB", "shorten"),
        (replace(FINE, draft=with_pick(conflicts=(Conflict("blurb", "x"),))), "conflict", "1 of your texts", "delete"),
    ],
)
def test_a_problem_is_named_with_what_mends_it(facts: ReleaseFacts, gate: str, said: str, mends: str) -> None:
    found = [problem for problem in check_draft(facts) if problem.rule == gate]
    assert len(found) == 1
    assert said in found[0].reason
    assert mends in found[0].command


def test_text_that_was_signed_or_written_by_hand_is_not_held_against_the_issue() -> None:
    flagged = with_pick(flags=("90 %",))
    assert check_draft(replace(FINE, draft=flagged, signed_keys={"arxiv:2510.01234"})) == []
    assert check_draft(replace(FINE, draft=with_pick(flags=("90 %",), origin="editor"))) == []


def test_a_labelled_update_may_come_back() -> None:
    assert check_draft(replace(FINE, draft=with_pick(covered="2026-03", update_of="2026-03"))) == []


def test_gaps_in_the_ledger_can_be_accepted() -> None:
    assert check_draft(replace(FINE, gaps=["openai: silent"], gaps_accepted=True)) == []
