"""A taste is learned from picks, kept as bytes, explained in words, and used only once it has proved itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from digest.errors import StoreError
from digest.ranking.metrics import PublicPick
from digest.ranking.preference import (
    PreferenceModel,
    create_neutral_preferences,
    fit_preferences,
    load_default_preferences,
    load_feature_statistics,
)
from digest.ranking.score import RankingContext, rank_candidates
from digest.ranking.training import (
    TrainingMonth,
    build_training_months,
    measure_trained_ranker,
    prove_preferences,
    sample_month,
    train_and_prove,
    train_preferences,
)
from digest.ranking.types import RankerInput

LIKED = ["protein folding with diffusion", "molecules designed by graphs", "genomes read by transformers"]
OTHERS = ["agents that browse", "quantized weights", "retrieval of passages", "images of traffic", "speech in noise"]


def _month(name: str, liked: list[str] = LIKED, repeat: int = 5) -> TrainingMonth:
    titles = [f"{title} {name} {n}" for title in liked + OTHERS for n in range(repeat)]
    candidates = [RankerInput(f"{name}:{i:03d}", title) for i, title in enumerate(titles)]
    return TrainingMonth(name, candidates, [i < len(liked) * repeat for i in range(len(titles))])


MONTHS = [_month(f"2026-{n:02d}") for n in range(1, 6)]


def test_a_learned_taste_puts_unseen_work_of_the_kind_that_was_picked_first() -> None:
    taste = train_preferences(MONTHS)
    unseen = [RankerInput("a", "Browsing agents that plan"), RankerInput("b", "Diffusion for folding of proteins")]
    first = rank_candidates(unseen, RankingContext(preferences=taste))[0]
    assert first.candidate.key == "b"
    assert any(reason.words.startswith("like what you picked before in words: ") for reason in first.reasons)


def test_the_words_named_stand_in_the_text() -> None:
    (one,) = rank_candidates(
        [RankerInput("b", "Diffusion for folding of proteins")], RankingContext(preferences=train_preferences(MONTHS))
    )
    said = next(reason.words for reason in one.reasons if reason.feature == "taste-words")
    named = [name.removesuffix(" (title)") for name in said.partition(": ")[2].split(", ")]
    assert named
    assert set(named) <= {"diffusion", "for", "folding", "of", "proteins"}


def test_no_sign_is_named_twice_with_other_numbers() -> None:
    many = RankerInput("m", "Agents", "Agents.", [f"Ada {n}" for n in range(60)], ["cs.CL"])
    (one,) = rank_candidates([many], RankingContext())
    said = next(reason.words for reason in one.reasons if reason.feature == "taste-form")
    named = said.partition(": ")[2].split(", ")
    assert len(named) == 3
    assert sum("authors" in name for name in named) <= 1
    assert sum("cs.CL" in name for name in named) <= 1


def test_a_few_decisions_move_the_prior_a_little_and_many_move_it_far() -> None:
    start = load_default_preferences()
    few, many = train_preferences([_month("2026-01", repeat=1)], start), train_preferences(MONTHS, start)
    design = load_feature_statistics().build_design([RankerInput("x", "protein folding with diffusion")])
    assert start.compute_scores(design)[0] < few.compute_scores(design)[0] < many.compute_scores(design)[0]


def test_a_title_says_more_of_what_was_picked_than_the_same_words_in_an_abstract() -> None:
    taste = train_preferences(MONTHS)
    words = "diffusion for folding of proteins", "browsing agents that plan"
    named, mentioned = (RankerInput(title, title, text) for title, text in (words, words[::-1]))
    topical = {
        one.candidate.key: sum(r.part for r in one.reasons if r.feature == "taste-topic")
        for one in rank_candidates([mentioned, named], RankingContext(preferences=taste))
    }
    assert topical[named.key] > topical[mentioned.key]


def test_without_a_single_decision_the_prior_is_all_there_is() -> None:
    start = load_default_preferences()
    again = fit_preferences(load_feature_statistics().build_design([]), [], start)
    assert np.allclose(again.weights, start.weights)


def test_a_taste_survives_its_bytes() -> None:
    taste = train_preferences(MONTHS[:2])
    again = PreferenceModel.from_bytes(taste.to_bytes())
    assert again.learned_from == taste.learned_from == "30 picks among 80 candidates of 2026-01 to 2026-02"
    design = load_feature_statistics().build_design(MONTHS[0].candidates)
    assert np.allclose(again.compute_scores(design), taste.compute_scores(design), atol=0.02)


@pytest.mark.parametrize("data", [b"", b"not a taste", load_default_preferences().to_bytes()[:500]])
def test_bytes_that_are_no_taste_are_refused_with_the_cure(data: bytes) -> None:
    with pytest.raises(StoreError, match="stored taste") as error:
        PreferenceModel.from_bytes(data)
    assert "--learn yes" in error.value.hint


def test_the_picks_a_taste_was_learned_from_and_their_last_month_survive_its_bytes() -> None:
    again = PreferenceModel.from_bytes(train_preferences(MONTHS[:2]).to_bytes())
    assert (len(again.trained_on), again.last_month) == (30, "2026-02")
    assert again.trained_on == MONTHS[0].picked_ids | MONTHS[1].picked_ids


def test_the_packaged_prior_names_the_public_picks_it_was_learned_from() -> None:
    assert load_default_preferences().last_month == "2025-08"
    assert f"public {len(load_default_preferences().trained_on)} picks of " in load_default_preferences().learned_from


def test_a_taste_of_another_version_is_refused() -> None:
    with pytest.raises(StoreError, match="another version"):
        PreferenceModel.from_bytes(PreferenceModel(np.zeros(7, dtype=np.float32)).to_bytes())


def test_indifference_scores_everything_alike() -> None:
    assert (
        not create_neutral_preferences()
        .compute_scores(load_feature_statistics().build_design(MONTHS[0].candidates))
        .any()
    )


def test_the_learned_taste_is_switched_on_when_it_is_better_on_months_held_out() -> None:
    proof = prove_preferences(MONTHS, RankingContext(interests="agents that browse the web"))
    assert proof.is_better
    assert proof.learned_auc is not None
    assert proof.baseline_auc is not None
    assert proof.learned_auc > proof.baseline_auc
    assert proof.sentence.startswith("learned taste on: on 2026-03 to 2026-05, held out, it puts a pick above")


def test_a_taste_that_changed_with_every_month_stays_off() -> None:
    fickle = [*MONTHS[:3], *(TrainingMonth(m.name, m.candidates, [not p for p in m.picked]) for m in MONTHS[3:])]
    proof = prove_preferences(
        fickle, RankingContext(interests="agents that browse, quantized weights, retrieval, traffic, speech")
    )
    assert not proof.is_better
    assert proof.sentence.startswith("learned taste off")


def test_with_too_few_picks_the_proof_says_how_many_are_missing() -> None:
    proof = prove_preferences([_month("2026-01", repeat=1), _month("2026-02", repeat=1)], RankingContext())
    assert (proof.is_better, proof.learned_auc) == (False, None)
    assert proof.sentence == "not learned yet: 3 picks to learn from and 3 to judge by, 10 of each are needed"


def test_with_too_few_picks_to_prove_it_a_taste_is_learned_only_when_asked_for() -> None:
    few = [_month("2026-01", repeat=1), _month("2026-02", repeat=1)]
    assert train_and_prove(few, RankingContext())[1] is None
    proof, taste = train_and_prove(few, RankingContext(), force=True)
    assert taste is not None
    assert proof.sentence.startswith("learned as asked, but not proved: 3 picks to learn from and 3 to judge by")


def test_a_taste_that_does_worse_on_months_held_out_is_not_used_even_when_asked_for() -> None:
    fickle = [*MONTHS[:3], *(TrainingMonth(m.name, m.candidates, [not p for p in m.picked]) for m in MONTHS[3:])]
    context = RankingContext(interests="agents that browse, quantized weights, retrieval, traffic, speech")
    proof, taste = train_and_prove(fickle, context, force=True)
    assert (proof.is_better, taste) == (False, None)


def test_picks_that_the_start_was_learned_from_are_neither_learned_again_nor_judged_by() -> None:
    start = train_preferences(MONTHS)
    proof, taste = train_and_prove(MONTHS[1:], RankingContext(), start, force=True)
    assert (proof.is_better, taste) == (False, None)
    assert proof.sentence == "the public prior was learned from 60 of these picks and is not taught them twice"


def test_the_keys_of_a_workspace_name_the_same_picks_as_a_file() -> None:
    named = [TrainingMonth(m.name, [replace(c, key=f"arxiv:{c.key}") for c in m.candidates], m.picked) for m in MONTHS]
    assert "from 75 of these picks" in train_and_prove(named, RankingContext(), train_preferences(MONTHS))[0].sentence


def test_picks_that_the_public_prior_has_seen_do_not_judge_it() -> None:
    keys = iter(sorted(load_default_preferences().other_picks))
    public = [TrainingMonth(m.name, [replace(c, key=next(keys)) for c in m.candidates], m.picked) for m in MONTHS]
    proof, taste = train_and_prove(public, RankingContext(), load_default_preferences(), force=True)
    assert proof.learned_auc is None
    assert "30 picks to learn from and 0 to judge by besides 45 that the public prior has seen" in proof.sentence
    assert taste is not None  # as asked
    assert train_and_prove(public, RankingContext(use_default_preferences=False), load_default_preferences())[
        0
    ].is_better


def test_what_other_curators_picked_is_remembered_beside_the_picks() -> None:
    picks = [PublicPick("2026-01", "one", MONTHS[0].candidates[n].key) for n in range(3)]
    theirs = [PublicPick("2026-01", "two", MONTHS[0].candidates[n].key) for n in (2, 7)]
    taste = train_preferences(build_training_months({"2026-01": MONTHS[0].candidates}, picks + theirs, "one"))
    assert taste.trained_on == {pick.arxiv_id for pick in picks}
    assert PreferenceModel.from_bytes(taste.to_bytes()).other_picks == {theirs[1].arxiv_id}


def test_new_picks_of_whom_the_start_was_learned_from_move_it_once_they_have_proved_themselves() -> None:
    start = train_preferences(MONTHS)
    proof, taste = train_and_prove([*MONTHS, _month("2026-06"), _month("2026-07")], RankingContext(), start)
    assert proof.is_better
    assert taste is not None
    assert taste.learned_from == "30 picks among 80 candidates of 2026-06 to 2026-07, on top of the public prior"
    few, _ = train_and_prove([*MONTHS, _month("2026-06", repeat=1)], RankingContext(), start)
    assert few.sentence.endswith("is not taught them twice, and 3 new ones are too few to prove more")


def test_an_editor_who_shares_a_few_picks_with_the_public_learns_from_all_of_them() -> None:
    start = replace(load_default_preferences(), trained_on=MONTHS[0].picked_ids)
    proof, taste = train_and_prove(MONTHS, RankingContext(), start)
    assert proof.is_better
    assert taste is not None
    assert taste.learned_from.startswith("75 picks among 200 candidates")


@pytest.mark.parametrize(("year", "used"), [("2024", False), ("2026", True)])
def test_what_is_measured_was_learned_from_no_month_after_the_last_one_named(year: str, used: bool) -> None:
    months = [_month(f"{year}-{n:02d}") for n in range(1, 6)]
    measured, sentence = measure_trained_ranker(months, f"{year}-04")
    assert [month.month for month in measured.months] == [f"{year}-05"]
    assert measured.auc > 0.9
    assert ("the cold ranker 50.0%" not in sentence) == used  # without the prior, which knows 2025, all are alike


def test_no_month_at_all_proves_nothing() -> None:
    assert not prove_preferences([], RankingContext()).is_better


def test_thinning_keeps_every_pick_and_the_same_others_each_time() -> None:
    month = _month("2026-01")
    small = sample_month(month, 6)
    assert sum(small.picked) == sum(month.picked)
    assert len(small.candidates) == sum(month.picked) + 6
    assert small == sample_month(month, 6)


def test_public_picks_of_the_most_active_curator_are_found_in_the_pools() -> None:
    pools = {"2026-02": [RankerInput("b", "B")], "2026-01": [RankerInput("a", "A"), RankerInput("c", "C")]}
    picks = [PublicPick("2026-03", "one", "a"), PublicPick("2026-03", "one", "z"), PublicPick("2026-03", "two", "b")]
    assert [(m.name, m.picked) for m in build_training_months(pools, picks)] == [
        ("2026-01", [True, False]),
        ("2026-02", [False]),
    ]
    assert [m.picked for m in build_training_months(pools, picks, "two")] == [[False, False], [True]]


def test_what_other_curators_picked_is_doubtful_and_a_start_is_made_from_it() -> None:
    (month,) = build_training_months(
        {"2026-01": MONTHS[0].candidates}, [PublicPick("2026-01", "two", MONTHS[0].candidates[-1].key)] * 2, "one"
    )
    assert month.ambiguous_keys == {MONTHS[0].candidates[-1].key}
    shared = TrainingMonth("2026-01", MONTHS[0].candidates, MONTHS[0].picked, ambiguous_keys=month.ambiguous_keys)
    assert train_preferences([shared]).learned_from == "15 picks among 39 candidates of 2026-01 to 2026-01"
