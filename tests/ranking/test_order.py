"""Kinds share the places of a ranking; what a person added comes first and no theme takes over."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from digest.ranking.order import HEAD, order_by_kind
from digest.ranking.score import RankingContext, rank_candidates
from digest.ranking.steering import Steering, find_muted
from digest.ranking.types import RankerInput

DAY = datetime(2026, 5, 12, tzinfo=UTC)


def _pool(count: int, kind: str, categories: str = "abcdef") -> list[RankerInput]:
    return [
        RankerInput(f"{kind}{n:05d}", f"{kind} {n}", kind=kind, category=categories[n % len(categories)])
        for n in range(count)
    ]


def test_posts_have_places_among_thousands_of_papers_that_score_higher() -> None:
    pool = [*_pool(3000, "paper"), *_pool(50, "post"), *_pool(5, "talk")]
    scores = [9.0 if candidate.kind == "paper" else 0.0 for candidate in pool]
    first = Counter(pool[row].kind for row in order_by_kind(pool, scores)[:100])
    assert first["post"] >= 20
    assert first["talk"] == 5
    assert first["paper"] >= 60


def test_of_one_kind_the_better_comes_first() -> None:
    pool = _pool(30, "paper")
    assert order_by_kind(pool, [float(n) for n in range(30)]) == list(range(29, -1, -1))


def test_no_category_takes_more_than_a_third_of_the_first_places_while_there_are_others() -> None:
    pool = [*_pool(100, "paper", "a"), *_pool(60, "post", "bcd")]
    order = order_by_kind(pool, [5.0] * 100 + [0.0] * 60)
    assert max(Counter(pool[row].category for row in order[:HEAD]).values()) == HEAD // 3
    assert sorted(order) == list(range(160))


def test_a_pool_of_one_category_keeps_its_order() -> None:
    pool = _pool(100, "paper", "a")
    assert order_by_kind(pool, [-float(n) for n in range(100)]) == list(range(100))


def test_what_a_person_added_stands_first_and_what_was_covered_last() -> None:
    pool = [
        RankerInput("covered", "A", covered_in="2026-04"),
        RankerInput("paper", "B"),
        RankerInput("added", "C", kind="post", added_on=DAY),
    ]
    ranked = rank_candidates(pool, RankingContext(use_default_preferences=False))
    assert [entry.candidate.key for entry in ranked] == ["added", "paper", "covered"]
    assert ranked[0].reasons[0].words == "added by you on 2026-05-12"


def test_the_taste_for_papers_says_nothing_of_posts() -> None:
    post = RankerInput("p", "Quantized retrieval of agents", kind="post")
    reasons = rank_candidates([post], RankingContext())[0].reasons
    assert not [reason for reason in reasons if reason.feature.startswith("taste")]


def test_what_is_followed_or_boosted_ranks_higher_and_says_so() -> None:
    steering = Steering(
        authors=["Ada Lovelace"], labs=["Ai2"], sources=["import-ai"], terms=["world model"], boost=["speech"]
    )
    pool = [
        RankerInput("a", "Plain work"),
        RankerInput("b", "World models of traffic", authors=["ada lovelace"]),
        RankerInput("c", "OLMo by Ai2", "A model of speech."),
        RankerInput("d", "News", source_id="Import AI", source_key="import-ai"),
    ]
    ranked = rank_candidates(pool, RankingContext(use_default_preferences=False, steering=steering))
    words = {entry.candidate.key: [reason.words for reason in entry.reasons] for entry in ranked}
    assert words["b"] == ["by ada lovelace, whom you follow, about world model, which you follow"]
    assert words["c"] == ["from Ai2, which you follow", "about speech, which you boost"]
    assert words["d"] == ["from import-ai, which you follow"]
    assert ranked[-1].candidate.key == "a"


def test_a_muted_phrase_hides_whole_words_in_any_case() -> None:
    steering = Steering(mute=["crypto", "Product Hunt"])
    assert find_muted(RankerInput("a", "Crypto agents"), steering) == "crypto"
    assert find_muted(RankerInput("b", "A cryptographic proof"), steering) == ""
    assert find_muted(RankerInput("c", "Digest", source_id="Product Hunt"), steering) == "Product Hunt"


def test_each_phrase_of_a_list_of_interests_is_a_subject_as_it_stands() -> None:
    phrases = ["search and rescue", "speech"]
    assert RankingContext(interests=phrases).subjects == phrases
    assert RankingContext(interests="search and speech").subjects == ["search", "speech"]
