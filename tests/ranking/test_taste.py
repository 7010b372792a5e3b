"""A taste is learned from picks, kept as bytes, explained in words, and used only once it has proved itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from digest.errors import StoreError
from digest.ranking import Candidate, Context, Taste, prior, rank
from digest.ranking.learning import Month, evaluate, learn_taste, months_of, prove, settle, thinned
from digest.ranking.measure import PublicPick
from digest.ranking.taste import background, fit, no_taste

LIKED = ["protein folding with diffusion", "molecules designed by graphs", "genomes read by transformers"]
OTHERS = ["agents that browse", "quantized weights", "retrieval of passages", "images of traffic", "speech in noise"]


def _month(name: str, liked: list[str] = LIKED, repeat: int = 5) -> Month:
    titles = [f"{title} {name} {n}" for title in liked + OTHERS for n in range(repeat)]
    candidates = [Candidate(f"{name}:{i:03d}", title) for i, title in enumerate(titles)]
    return Month(name, candidates, [i < len(liked) * repeat for i in range(len(titles))])


MONTHS = [_month(f"2026-{n:02d}") for n in range(1, 6)]


def test_a_learned_taste_puts_unseen_work_of_the_kind_that_was_picked_first() -> None:
    taste = learn_taste(MONTHS)
    unseen = [Candidate("a", "Browsing agents that plan"), Candidate("b", "Diffusion for folding of proteins")]
    first = rank(unseen, Context(taste=taste))[0]
    assert first.candidate.key == "b"
    assert any(reason.words.startswith("like what you picked before in words: ") for reason in first.reasons)


def test_the_words_named_stand_in_the_text() -> None:
    (one,) = rank([Candidate("b", "Diffusion for folding of proteins")], Context(taste=learn_taste(MONTHS)))
    said = next(reason.words for reason in one.reasons if reason.feature == "taste-words")
    named = [name.removesuffix(" (title)") for name in said.partition(": ")[2].split(", ")]
    assert named
    assert set(named) <= {"diffusion", "for", "folding", "of", "proteins"}


def test_no_sign_is_named_twice_with_other_numbers() -> None:
    many = Candidate("m", "Agents", "Agents.", [f"Ada {n}" for n in range(60)], ["cs.CL"])
    (one,) = rank([many], Context())
    said = next(reason.words for reason in one.reasons if reason.feature == "taste-form")
    named = said.partition(": ")[2].split(", ")
    assert len(named) == 3
    assert sum("authors" in name for name in named) <= 1
    assert sum("cs.CL" in name for name in named) <= 1


def test_a_few_decisions_move_the_prior_a_little_and_many_move_it_far() -> None:
    start = prior()
    few, many = learn_taste([_month("2026-01", repeat=1)], start), learn_taste(MONTHS, start)
    design = background().design([Candidate("x", "protein folding with diffusion")])
    assert start.scores(design)[0] < few.scores(design)[0] < many.scores(design)[0]


def test_a_title_says_more_of_what_was_picked_than_the_same_words_in_an_abstract() -> None:
    taste = learn_taste(MONTHS)
    words = "diffusion for folding of proteins", "browsing agents that plan"
    named, mentioned = (Candidate(title, title, text) for title, text in (words, words[::-1]))
    topical = {
        one.candidate.key: sum(r.part for r in one.reasons if r.feature == "taste-topic")
        for one in rank([mentioned, named], Context(taste=taste))
    }
    assert topical[named.key] > topical[mentioned.key]


def test_without_a_single_decision_the_prior_is_all_there_is() -> None:
    start = prior()
    again = fit(background().design([]), [], start)
    assert np.allclose(again.weights, start.weights)


def test_a_taste_survives_its_bytes() -> None:
    taste = learn_taste(MONTHS[:2])
    again = Taste.from_bytes(taste.to_bytes())
    assert again.learned_from == taste.learned_from == "30 picks among 80 candidates of 2026-01 to 2026-02"
    design = background().design(MONTHS[0].candidates)
    assert np.allclose(again.scores(design), taste.scores(design), atol=0.02)


@pytest.mark.parametrize("data", [b"", b"not a taste", prior().to_bytes()[:500]])
def test_bytes_that_are_no_taste_are_refused_with_the_cure(data: bytes) -> None:
    with pytest.raises(StoreError, match="stored taste") as error:
        Taste.from_bytes(data)
    assert "learn it again" in error.value.hint


def test_the_picks_a_taste_was_learned_from_and_their_last_month_survive_its_bytes() -> None:
    again = Taste.from_bytes(learn_taste(MONTHS[:2]).to_bytes())
    assert (len(again.read), again.until) == (30, "2026-02")
    assert again.read == MONTHS[0].picks | MONTHS[1].picks


def test_the_packaged_prior_names_the_public_picks_it_was_learned_from() -> None:
    assert prior().until == "2025-08"
    assert f"public {len(prior().read)} picks of " in prior().learned_from


def test_a_taste_of_another_version_is_refused() -> None:
    with pytest.raises(StoreError, match="another version"):
        Taste.from_bytes(Taste(np.zeros(7, dtype=np.float32)).to_bytes())


def test_indifference_scores_everything_alike() -> None:
    assert not no_taste().scores(background().design(MONTHS[0].candidates)).any()


def test_the_learned_taste_is_switched_on_when_it_is_better_on_months_held_out() -> None:
    proof = prove(MONTHS, Context(interests="agents that browse the web"))
    assert proof.better
    assert proof.learned is not None
    assert proof.cold is not None
    assert proof.learned > proof.cold
    assert proof.sentence.startswith("learned taste on: on 2026-03 to 2026-05, held out, it puts a pick above")


def test_a_taste_that_changed_with_every_month_stays_off() -> None:
    fickle = [*MONTHS[:3], *(Month(m.name, m.candidates, [not p for p in m.picked]) for m in MONTHS[3:])]
    proof = prove(fickle, Context(interests="agents that browse, quantized weights, retrieval, traffic, speech"))
    assert not proof.better
    assert proof.sentence.startswith("learned taste off")


def test_with_too_few_picks_the_proof_says_how_many_are_missing() -> None:
    proof = prove([_month("2026-01", repeat=1), _month("2026-02", repeat=1)], Context())
    assert (proof.better, proof.learned) == (False, None)
    assert proof.sentence == "not learned yet: 3 picks to learn from and 3 to judge by, 10 of each are needed"


def test_with_too_few_picks_to_prove_it_a_taste_is_learned_only_when_asked_for() -> None:
    few = [_month("2026-01", repeat=1), _month("2026-02", repeat=1)]
    assert settle(few, Context())[1] is None
    proof, taste = settle(few, Context(), asked=True)
    assert taste is not None
    assert proof.sentence.startswith("learned as asked, but not proved: 3 picks to learn from and 3 to judge by")


def test_a_taste_that_does_worse_on_months_held_out_is_not_used_even_when_asked_for() -> None:
    fickle = [*MONTHS[:3], *(Month(m.name, m.candidates, [not p for p in m.picked]) for m in MONTHS[3:])]
    context = Context(interests="agents that browse, quantized weights, retrieval, traffic, speech")
    proof, taste = settle(fickle, context, asked=True)
    assert (proof.better, taste) == (False, None)


def test_picks_that_the_start_was_learned_from_are_neither_learned_again_nor_judged_by() -> None:
    start = learn_taste(MONTHS)
    proof, taste = settle(MONTHS[1:], Context(), start, asked=True)
    assert (proof.better, taste) == (False, None)
    assert proof.sentence == "the public prior was learned from 60 of these picks and is not taught them twice"


def test_the_keys_of_a_workspace_name_the_same_picks_as_a_file() -> None:
    named = [Month(m.name, [replace(c, key=f"arxiv:{c.key}") for c in m.candidates], m.picked) for m in MONTHS]
    assert "from 75 of these picks" in settle(named, Context(), learn_taste(MONTHS))[0].sentence


def test_picks_that_the_public_prior_has_seen_do_not_judge_it() -> None:
    keys = iter(sorted(prior().beside))
    public = [Month(m.name, [replace(c, key=next(keys)) for c in m.candidates], m.picked) for m in MONTHS]
    proof, taste = settle(public, Context(), prior(), asked=True)
    assert proof.learned is None
    assert "30 picks to learn from and 0 to judge by besides 45 that the public prior has seen" in proof.sentence
    assert taste is not None  # as asked
    assert settle(public, Context(use_prior=False), prior())[0].better


def test_what_other_curators_picked_is_remembered_beside_the_picks() -> None:
    picks = [PublicPick("2026-01", "one", MONTHS[0].candidates[n].key) for n in range(3)]
    theirs = [PublicPick("2026-01", "two", MONTHS[0].candidates[n].key) for n in (2, 7)]
    taste = learn_taste(months_of({"2026-01": MONTHS[0].candidates}, picks + theirs, "one"))
    assert taste.read == {pick.arxiv_id for pick in picks}
    assert Taste.from_bytes(taste.to_bytes()).beside == {theirs[1].arxiv_id}


def test_new_picks_of_whom_the_start_was_learned_from_move_it_once_they_have_proved_themselves() -> None:
    start = learn_taste(MONTHS)
    proof, taste = settle([*MONTHS, _month("2026-06"), _month("2026-07")], Context(), start)
    assert proof.better
    assert taste is not None
    assert taste.learned_from == "30 picks among 80 candidates of 2026-06 to 2026-07, on top of the public prior"
    few, _ = settle([*MONTHS, _month("2026-06", repeat=1)], Context(), start)
    assert few.sentence.endswith("is not taught them twice, and 3 new ones are too few to prove more")


def test_an_editor_who_shares_a_few_picks_with_the_public_learns_from_all_of_them() -> None:
    start = replace(prior(), read=MONTHS[0].picks)
    proof, taste = settle(MONTHS, Context(), start)
    assert proof.better
    assert taste is not None
    assert taste.learned_from.startswith("75 picks among 200 candidates")


@pytest.mark.parametrize(("year", "used"), [("2024", False), ("2026", True)])
def test_what_is_measured_was_learned_from_no_month_after_the_last_one_named(year: str, used: bool) -> None:
    months = [_month(f"{year}-{n:02d}") for n in range(1, 6)]
    measured, sentence = evaluate(months, f"{year}-04")
    assert [month.month for month in measured.months] == [f"{year}-05"]
    assert measured.auc > 0.9
    assert ("the cold ranker 50.0%" not in sentence) == used  # without the prior, which knows 2025, all are alike


def test_no_month_at_all_proves_nothing() -> None:
    assert not prove([], Context()).better


def test_thinning_keeps_every_pick_and_the_same_others_each_time() -> None:
    month = _month("2026-01")
    small = thinned(month, 6)
    assert sum(small.picked) == sum(month.picked)
    assert len(small.candidates) == sum(month.picked) + 6
    assert small == thinned(month, 6)


def test_public_picks_of_the_most_active_curator_are_found_in_the_pools() -> None:
    pools = {"2026-02": [Candidate("b", "B")], "2026-01": [Candidate("a", "A"), Candidate("c", "C")]}
    picks = [PublicPick("2026-03", "one", "a"), PublicPick("2026-03", "one", "z"), PublicPick("2026-03", "two", "b")]
    assert [(m.name, m.picked) for m in months_of(pools, picks)] == [("2026-01", [True, False]), ("2026-02", [False])]
    assert [m.picked for m in months_of(pools, picks, "two")] == [[False, False], [True]]


def test_what_other_curators_picked_is_doubtful_and_a_start_is_made_from_it() -> None:
    (month,) = months_of(
        {"2026-01": MONTHS[0].candidates}, [PublicPick("2026-01", "two", MONTHS[0].candidates[-1].key)] * 2, "one"
    )
    assert month.doubtful == {MONTHS[0].candidates[-1].key}
    shared = Month("2026-01", MONTHS[0].candidates, MONTHS[0].picked, doubtful=month.doubtful)
    assert learn_taste([shared]).learned_from == "15 picks among 39 candidates of 2026-01 to 2026-01"
