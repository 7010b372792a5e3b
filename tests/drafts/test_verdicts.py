"""A verdict is a field of a pick: the editor's is printed in bold, a model's waits to be signed or struck."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from digest.drafts.checks import ReleaseFacts, check_draft
from digest.drafts.edit import move_to_shortlist, sign_all_verdicts, sign_verdict, strike_verdict
from digest.drafts.merge import merge_drafts
from digest.drafts.model import AddedUrl, Draft, DraftCandidate, DraftPick, DraftSection
from digest.drafts.parser import parse_draft
from digest.drafts.writer import render_draft
from digest.markdown.inline import split_verdict

KEY = "arxiv:2610.01234"


def draft_with(**fields: object) -> Draft:
    pick = replace(
        DraftPick(KEY, "Rivers", "https://works.example/1", blurb="It *flows*.", origin="editor"),
        **fields,  # type: ignore[arg-type]
    )
    sections = (DraftSection("agents", "Agents", entries=(pick,)),)
    return Draft("2026-10", "October", datetime(2026, 10, 31, tzinfo=UTC), intro="Hello.", sections=sections)


def only_pick(draft: Draft) -> DraftPick:
    ((_, pick),) = draft.iter_picks()
    return pick


@pytest.mark.parametrize("fields", [{"verdict": "For **all** who row, at last."}, {"proposed_verdict": "For rowers."}])
@pytest.mark.parametrize("origin", ["editor", "model"])
def test_a_verdict_is_written_below_the_text_and_read_back(fields: dict[str, str], origin: str) -> None:
    draft = draft_with(**fields, origin=origin, engine="" if origin == "editor" else "gemini:2.5", blurb="It flows.")
    text = render_draft(draft)
    assert ("(sign or strike)" in text.partition("It flows.")[2]) is ("proposed_verdict" in fields)
    assert parse_draft(text) == draft


def test_deleting_three_words_signs_a_verdict_and_deleting_the_line_strikes_it() -> None:
    text = render_draft(draft_with(proposed_verdict="For rowers."))
    signed = only_pick(parse_draft(text.replace(" (sign or strike): For", ": For")))
    struck = only_pick(parse_draft(text.replace("> Verdict (sign or strike): For rowers.", "")))
    assert (signed.verdict, signed.proposed_verdict) == ("For rowers.", "")
    assert (struck.verdict, struck.proposed_verdict, struck.blurb) == ("", "", "It *flows*.")


@pytest.mark.parametrize(
    ("line", "verdict"),
    [("> verdict: **For rowers.**", "For rowers."), ("> Verdict: For\n> rowers.", "For rowers."), (">Verdict:", "")],
)
def test_a_verdict_is_read_however_it_was_typed(line: str, verdict: str) -> None:
    text = render_draft(draft_with()).replace("It *flows*.", f"{line}\n\nIt *flows*.")
    assert (only_pick(parse_draft(text)).verdict, only_pick(parse_draft(text)).blurb) == (verdict, "It *flows*.")


def test_prose_that_looks_like_a_verdict_stays_prose() -> None:
    draft = draft_with(blurb="A quotation:\n\n> Verdict: it flows.\n\nSo they say.")
    assert parse_draft(render_draft(draft)) == draft


def test_the_functions_sign_and_strike() -> None:
    draft = draft_with(proposed_verdict="For rowers.")
    assert only_pick(sign_verdict(draft, KEY)).verdict == "For rowers."
    assert only_pick(strike_verdict(draft, KEY)) == only_pick(draft_with())
    assert sign_all_verdicts(draft) == sign_verdict(draft, KEY)
    assert sign_verdict(draft_with(verdict="Mine."), KEY) == draft_with(verdict="Mine.")


def test_the_release_waits_for_every_proposed_verdict() -> None:
    problems = [p for p in check_draft(ReleaseFacts(draft_with(proposed_verdict="For rowers."))) if p.rule == "verdict"]
    assert [(p.reason, p.key) for p in problems] == [
        ("1 verdict is proposed by a model and not signed: Rivers", KEY),
    ]
    assert "site/_drafts/2026-10.md" in problems[0].command
    assert [p for p in check_draft(ReleaseFacts(draft_with(verdict="For rowers."))) if p.rule == "verdict"] == []


def test_drafting_again_keeps_the_editors_verdict_and_what_was_struck() -> None:
    base, generated = draft_with(proposed_verdict="For rowers."), draft_with(proposed_verdict="For sailors.")
    merged = only_pick(merge_drafts(base, sign_verdict(base, KEY), generated)[0])
    assert (merged.verdict, merged.proposed_verdict) == ("For rowers.", "")
    assert only_pick(merge_drafts(base, strike_verdict(base, KEY), generated)[0]).proposed_verdict == ""
    assert only_pick(merge_drafts(base, base, generated)[0]).proposed_verdict == "For sailors."


def test_a_verdict_moves_to_the_shortlist_with_the_text() -> None:
    moved = move_to_shortlist(draft_with(verdict="For rowers."), DraftCandidate(KEY, "Rivers"), "-")
    assert moved.shortlist[0].editor_text == "It *flows*.\n\n**For rowers.**"


def test_a_pick_that_lost_its_key_keeps_the_editors_verdict_and_drops_a_models() -> None:
    def lose_key(draft: Draft) -> AddedUrl:
        text = render_draft(draft).replace(f" <!-- key={KEY} from=editor -->", "")
        (entry,) = parse_draft(text).sections[0].entries
        assert isinstance(entry, AddedUrl)
        return entry

    assert lose_key(draft_with(verdict="For rowers.")).text == "It *flows*.\n\n**For rowers.**"
    assert lose_key(draft_with(proposed_verdict="For rowers.")).text == "It *flows*."


@pytest.mark.parametrize(
    ("markdown", "parts"),
    [
        ("It flows. **For those who row**.", ("It flows.", "For those who row.")),
        ("It flows. **For those who row.**", ("It flows.", "For those who row.")),
        ("It is **very deep**.", ("It is **very deep**.", "")),
        ("It flows. **Deep.**", ("It flows. **Deep.**", "")),
        ("**All of it is bold.**", ("**All of it is bold.**", "")),
    ],
)
def test_a_bold_last_sentence_is_the_verdict(markdown: str, parts: tuple[str, str]) -> None:
    assert split_verdict(markdown) == parts
