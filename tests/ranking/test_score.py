"""The score is a sum of parts that a person can read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.ranking.score import RankingContext, rank_candidates
from digest.ranking.types import RankedCandidate, RankerInput

NOW = datetime(2026, 11, 3, tzinfo=UTC)
AGENT = RankerInput("a", "Web agents that plan", "We study language model agents that plan, use tools and browse.")
CROPS = RankerInput("c", "Wheat yield from satellites", "We estimate the yield of wheat fields from satellite images.")


def _one(candidate: RankerInput, **context: object) -> RankedCandidate:
    return rank_candidates([candidate], RankingContext(**context))[0]  # type: ignore[arg-type]


def _words(ranked: RankedCandidate) -> dict[str, str]:
    return {reason.feature: reason.words for reason in ranked.reasons}


@pytest.mark.parametrize("interests", ["agents that use tools", "satellite images, agriculture"])
def test_what_the_editor_cares_about_comes_first(interests: str) -> None:
    first, second = rank_candidates([AGENT, CROPS], RankingContext(interests=interests, use_default_preferences=False))
    assert first.candidate is (AGENT if "agents" in interests else CROPS)
    assert _words(first)["topic"] in ("topic match 4/5", "topic match 5/5")
    assert (first.position, second.position) == (1, 2)


def test_in_a_large_pool_papers_on_the_subject_that_never_name_it_rise_with_those_that_do() -> None:
    named = [
        RankerInput(f"n{i}", "Web agents that plan", f"We study language model agents. Run {i}.") for i in range(12)
    ]
    kin = RankerInput("kin", "Browsing with tool calls", "We study language models that browse, call tools and plan.")
    crops = [RankerInput(f"c{i}", f"{CROPS.title} {i}", CROPS.abstract) for i in range(1000)]
    context = RankingContext(interests="agents", use_default_preferences=False)
    alone = {one.candidate.key: one for one in rank_candidates([kin, *named, *crops[:900]], context)}
    among = {one.candidate.key: one for one in rank_candidates([kin, *named, *crops], context)}
    assert among["kin"].score > alone["kin"].score
    assert among["kin"].position == alone["kin"].position == 13


def test_without_interests_the_taxonomy_descriptions_stand_in() -> None:
    context = RankingContext(descriptions=("Agents that plan and use tools",), use_default_preferences=False)
    assert rank_candidates([CROPS, AGENT], context)[0].candidate is AGENT


def test_the_packaged_prior_knows_what_experts_pick_when_nothing_else_is_known() -> None:
    first = rank_candidates([CROPS, AGENT], RankingContext())[0]
    assert first.candidate is AGENT
    assert any("what experts pick" in words for words in _words(first).values())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"named_by": ("A", "B", "C")}, "named by A and 2 others"),
        ({"source_weight": 2.0, "source_id": "lab"}, "lab weighs 2"),
        ({"relevance": 5}, "the model finds it relevant 5/5"),
    ],
)
def test_a_good_sign_lifts_the_score_and_says_so(change: dict[str, object], words: str) -> None:
    plain = _one(RankerInput("k", "T"))
    lifted = _one(RankerInput("k", "T", **change))  # type: ignore[arg-type]
    assert lifted.score > plain.score
    assert words in _words(lifted).values()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"covered_in": "2026-03"}, "already covered in 2026-03"),
        ({"source_weight": 0.0, "source_id": "blog"}, "blog weighs 0"),
        ({"relevance": 1}, "the model finds it relevant 1/5"),
        ({"published": NOW - timedelta(days=20)}, "published 20 days ago"),
    ],
)
def test_a_bad_sign_lowers_the_score_and_says_so(change: dict[str, object], words: str) -> None:
    plain = _one(RankerInput("k", "T"), now=NOW)
    lowered = _one(RankerInput("k", "T", **change), now=NOW)  # type: ignore[arg-type]
    assert lowered.score < plain.score
    assert words in _words(lowered).values()


def test_a_future_date_is_no_advantage_over_today() -> None:
    today = _one(RankerInput("k", "T", published=NOW), now=NOW)
    assert _one(RankerInput("k", "T", published=NOW + timedelta(days=400)), now=NOW).score == today.score


def test_equal_scores_stand_in_the_order_of_their_keys_whatever_order_they_came_in() -> None:
    twins = [RankerInput(key, "T") for key in "cab"]
    assert [one.candidate.key for one in rank_candidates(twins, RankingContext())] == ["a", "b", "c"]


def test_nothing_ranked_is_nothing() -> None:
    assert rank_candidates([], RankingContext(interests="agents")) == []


texts = st.text(max_size=40)
candidates = st.builds(
    RankerInput,
    key=texts,
    title=texts,
    abstract=texts,
    authors=st.lists(texts, max_size=3),
    categories=st.lists(st.sampled_from(["cs.AI", "cs.CL", "math.OC", ""]), max_size=3),
    comment=texts,
    source_weight=st.floats(0, 5),
    named_by=st.lists(st.sampled_from(["Import AI", "The Batch", "Latent Space"]), unique=True),
    votes=st.none() | st.integers(0, 500),
    relevance=st.none() | st.integers(1, 5),
    covered_in=st.none() | st.just("2026-03"),
)


@given(st.lists(candidates, max_size=6), texts)
def test_the_parts_add_up_places_are_complete_and_scores_fall(pool: list[RankerInput], interests: str) -> None:
    ranked = rank_candidates(pool, RankingContext(now=NOW, interests=interests))
    assert [one.position for one in ranked] == list(range(1, len(pool) + 1))
    assert sorted(one.candidate.key for one in ranked) == sorted(one.key for one in pool)
    for one in ranked:
        assert one.score == pytest.approx(sum(reason.part for reason in one.reasons), abs=1e-6)
    scores = [(one.candidate.covered_in is None, one.score) for one in ranked]
    assert scores == sorted(scores, reverse=True)


def test_reasons_are_given_for_the_first_places_and_for_those_wanted() -> None:
    pool = [RankerInput(key, "Agents that plan") for key in "abcd"]
    ranked = rank_candidates(pool, RankingContext(), explain_first=1, explain_keys=["d"])
    assert [bool(one.reasons) for one in ranked] == [True, False, False, True]
