"""Picks are proposed by rank within quotas; states move by one table."""

from __future__ import annotations

import pytest

from digest.drafts.select import SelectionCandidate, select_candidates
from digest.drafts.workflow import STATES, TRANSITIONS, transition_state
from digest.errors import CheckFailedError


def ranked(*categories: str) -> list[SelectionCandidate]:
    return [SelectionCandidate(f"k{n}", category) for n, category in enumerate(categories)]


def test_each_category_takes_its_best_up_to_its_quota_and_the_rest_is_the_shortlist() -> None:
    chosen = select_candidates(ranked("a", "b", "a", "a", "b", "other"), {"a": 2, "b": 1})
    assert chosen.sections == {"a": ["k0", "k2"], "b": ["k1"]}
    assert chosen.shortlist == ["k3", "k4", "k5"]


def test_what_the_editor_chose_is_a_pick_though_its_category_is_full() -> None:
    works = [*ranked("a", "a"), SelectionCandidate("mine", "a", is_chosen=True), SelectionCandidate("x", "a")]
    chosen = select_candidates(works, {"a": 1})
    assert (chosen.sections["a"], chosen.shortlist) == (["k0", "mine"], ["k1", "x"])


def test_the_shortlist_is_cut_to_its_length() -> None:
    chosen = select_candidates(ranked("a", "b", "a", "b", "a"), {"a": 1, "b": 1}, shortlist_length=2)
    assert (chosen.sections, chosen.shortlist) == ({"a": ["k0"], "b": ["k1"]}, ["k2", "k3"])


def test_covered_works_wait_on_the_shortlist_and_those_turned_down_are_not_offered() -> None:
    works = [
        SelectionCandidate("seen", "a", covered_in="2026-03"),
        SelectionCandidate("no", "a", is_rejected=True),
        SelectionCandidate("new", "a"),
    ]
    chosen = select_candidates(works, {"a": 3})
    assert (chosen.sections["a"], chosen.shortlist) == (["new"], ["seen"])


def test_the_shortlist_holds_something_for_every_section_though_one_category_outranks_all() -> None:
    works = ranked(*"aaaaaa", "b", "b", "b", "b", "c")
    chosen = select_candidates(works, {"a": 1, "b": 1, "c": 1}, shortlist_length=5)
    assert chosen.sections == {"a": ["k0"], "b": ["k6"], "c": ["k10"]}
    assert chosen.shortlist == ["k1", "k2", "k3", "k7", "k8"]


def test_a_covered_work_does_not_take_the_place_its_category_has_a_right_to() -> None:
    works = [SelectionCandidate("old", "b", covered_in="2026-03"), *ranked(*"aaaa", "b", "b", "b")]
    assert select_candidates(works, {"a": 0, "b": 1}, shortlist_length=2).shortlist == ["k5", "k6"]


def test_an_issue_goes_from_draft_to_sent_and_an_approval_can_be_taken_back() -> None:
    state = "draft"
    for verb in ("approve", "return", "approve", "publish", "correct", "send"):
        state = transition_state(state, verb)
    assert state == "sent"


def test_commands_can_be_repeated() -> None:
    again = {"approve": "approved", "publish": "published", "send": "sent", "draft": "draft"}
    assert all(transition_state(state, verb) == state for verb, state in again.items())


@pytest.mark.parametrize(("state", "verb"), [("draft", "publish"), ("draft", "send"), ("sent", "draft"), ("x", "send")])
def test_other_moves_are_refused_with_what_can_be_done(state: str, verb: str) -> None:
    with pytest.raises(CheckFailedError) as caught:
        transition_state(state, verb, "2026-10")
    assert caught.value.message.startswith("2026-10 is ")
    assert state in caught.value.message
    assert state == "x" or "`digest " in caught.value.hint


def test_every_state_can_be_left_or_repeated_and_leads_to_a_state() -> None:
    assert set(TRANSITIONS.values()) == set(STATES)
    assert {state for state, _ in TRANSITIONS} == set(STATES)
