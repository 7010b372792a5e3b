"""Learning a taste from months of picks, and the proof it must give before it is used: better on months held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zlib import crc32

from digest.embeddings import load_embeddings
from digest.ranking.metrics import PublicPick, RankingMetrics, compute_auc, measure_ranking
from digest.ranking.preference import (
    PreferenceModel,
    fit_preferences,
    load_default_preferences,
    load_feature_statistics,
    strip_arxiv_prefix,
)
from digest.ranking.score import RankingContext, score_candidates
from digest.ranking.types import Candidate

if TYPE_CHECKING:
    from digest.embeddings import Matrix

HELD_OUT_MONTHS = 3  # the last so many months judge
MIN_AUC_GAIN = 0.005  # of AUC, by which the learned ranker must be better
# Own picks that weigh as much as the prior: at 30 half of it is left, at 270 a tenth. Of 30, 100, 300 and 1000 this was
# best for ten editors of one subject each and as good as any for a list of mixed ones (fifty picks of 2025-05 and 06,
# measured on 07 and 08); whose taste is the prior's own already is kept from it by the proof.
PRIOR_PICKS = 30
OTHERS_PER_MONTH = (
    1500  # candidates of a month, passed over, that one fit reads; more than these are read by several fits
)
OTHER_CURATORS_SHARE = 0.3  # of other curators' taste is believed beforehand, when there is no other start
MIN_PICKS = 10  # picks in the months before, and in the months held out


@dataclass(frozen=True, slots=True)
class TrainingMonth:
    """What was offered in a month, and what was picked of it; `embedded` are the candidates' vectors if known.

    `doubtful` are the keys of candidates that say nothing unless they are picked, because others picked them: they may
    have been passed over for want of room.
    """

    name: str
    candidates: Sequence[Candidate]
    picked: Sequence[bool]
    embeddings: Matrix | None = None
    ambiguous_keys: frozenset[str] = frozenset()

    @property
    def picked_ids(self) -> frozenset[str]:
        """The bare arXiv ids, or else the keys, of what was picked."""
        return frozenset(strip_arxiv_prefix(c.key) for c, yes in zip(self.candidates, self.picked, strict=True) if yes)


@dataclass(frozen=True, slots=True)
class HeldOutProof:
    """Whether the learned ranker may be used, why in a sentence, and the AUCs on the months held out."""

    is_better: bool
    sentence: str
    learned_auc: float | None = None
    baseline_auc: float | None = None


def build_training_months(
    pools: Mapping[str, Sequence[Candidate]], picks: Sequence[PublicPick], curator: str = ""
) -> list[TrainingMonth]:
    """The pools with what a curator picked of them; by default the one who picked most.

    The months come in order; a pick counts in the pool that holds its paper, whatever month it was made in. What
    other curators picked is doubtful.
    """
    who = curator or find_most_active_curator(picks)
    chosen = {pick.arxiv_id for pick in picks if pick.curator == who}
    doubtful = frozenset(pick.arxiv_id for pick in picks if pick.curator != who)
    return [
        TrainingMonth(name, pool, [c.key in chosen for c in pool], ambiguous_keys=doubtful)
        for name, pool in sorted(pools.items())
    ]


def find_most_active_curator(picks: Sequence[PublicPick]) -> str:
    """The curator with the most picks, the first named among equals."""
    counts: dict[str, int] = {}
    for pick in picks:
        counts[pick.curator] = counts.get(pick.curator, 0) + 1
    return max(counts, key=lambda name: counts[name], default="")


def sample_month(month: TrainingMonth, max_others: int) -> TrainingMonth:
    """All the picks and, evenly by the hash of their keys, others up to `most`: enough to learn from, quick to read."""
    others = [i for i, picked in enumerate(month.picked) if not picked]
    others = sorted(others, key=lambda i: crc32(month.candidates[i].key.encode()))[:max_others]
    return _select_rows(month, sorted([*others, *(i for i, picked in enumerate(month.picked) if picked)]))


def _drop_ambiguous(month: TrainingMonth) -> TrainingMonth:
    """The month without its doubtful candidates."""
    return _select_rows(
        month, [i for i, c in enumerate(month.candidates) if month.picked[i] or c.key not in month.ambiguous_keys]
    )


def _select_rows(month: TrainingMonth, rows: list[int]) -> TrainingMonth:
    return replace(
        month,
        candidates=[month.candidates[i] for i in rows],
        picked=[month.picked[i] for i in rows],
        embeddings=None if month.embeddings is None else month.embeddings[rows],
    )


def exclude_trained_picks(
    months: Sequence[TrainingMonth], start: PreferenceModel | None
) -> tuple[list[TrainingMonth], int]:
    """The months less the picks that `start` was itself learned from, if those are most of them; and how many they are.

    Whose picks made the prior is served best by it as it is: on 2025-04 to 2025-08, each by what was learned from the
    months before, it had .443 of the picks among the first hundred and .609 among two hundred; learned a second time
    on top of a tenth, a half or the whole of it, the same picks gave .427 to .432, and .565 to .581.
    """
    mine = frozenset[str]().union(*(month.picked_ids for month in months))
    known = mine & start.trained_on if start else frozenset()
    if 2 * len(known) <= len(mine):
        return list(months), 0
    return _drop_picks(months, known), len(known)


def _drop_picks(months: Sequence[TrainingMonth], picks: frozenset[str]) -> list[TrainingMonth]:
    """The months less those picks; one without any other is left out."""
    kept = (
        _select_rows(
            m, [i for i, c in enumerate(m.candidates) if not (m.picked[i] and strip_arxiv_prefix(c.key) in picks)]
        )
        for m in months
    )
    return [month for month in kept if any(month.picked)]


def train_and_prove(
    months: Sequence[TrainingMonth],
    context: RankingContext,
    start: PreferenceModel | None = None,
    *,
    force: bool = False,
) -> tuple[HeldOutProof, PreferenceModel | None]:
    """Whether the months' picks give a taste that may be used, in a sentence, and that taste if so.

    It may when it is better than the cold ranker on months held out (see `prove`); when it is `asked` for, also when
    there are too few picks to tell. `start` is left out where other curators' picks are known, which are nearer than
    it. Picks that `start` was learned from prove nothing, since it has seen them: those it has not seen must.
    """
    fresh, known = exclude_trained_picks(months, start)
    if not known and any(month.ambiguous_keys for month in months):
        start = None
    proof = prove_preferences(fresh, context, start, known, force=force)
    usable = proof.is_better or (force and proof.learned_auc is None and not known)
    return proof, train_preferences(fresh, start, known) if usable else None


def train_preferences(
    months: Sequence[TrainingMonth], start: PreferenceModel | None = None, known_picks: int = 0
) -> PreferenceModel:
    """The taste that the months' picks show. `start` weighs as much as FADE picks, and so fades as they grow in number;
    it weighs `known` picks more if it was learned from so many others of the same editor.

    It should see what was passed over too, not rejects alone: these are near to the picks, and say little of the rest.
    Where that is much it is dealt out to several fits, each with all the picks, and their mean is taken: one fit on
    everything holds it against a busy author that most of his papers are not picked.
    """
    import numpy as np

    told = [_drop_ambiguous(month) for month in months]
    picks, rows = sum(sum(month.picked) for month in told), sum(len(month.picked) for month in told)
    hands = max(1, round((rows - picks) / (OTHERS_PER_MONTH * len(told))))
    before = (
        start.scale((PRIOR_PICKS + known_picks) / (PRIOR_PICKS + known_picks + picks))
        if start
        else _train_on_other_curators(months, hands)
    )
    fits = [_fit_months([_take_part(month, hand, hands) for month in told], before) for hand in range(hands)]
    said = f"{picks} picks among {rows} candidates of {told[0].name} to {told[-1].name}"
    said += ", on top of the public prior" if start else ""
    read = frozenset[str]().union(*(month.picked_ids for month in told))
    others = frozenset(
        strip_arxiv_prefix(c.key) for month in months for c in month.candidates if c.key in month.ambiguous_keys
    )
    weights = np.mean([taste.weights for taste in fits], axis=0)
    return PreferenceModel(weights, said, read, others - read, told[-1].name)


def _train_on_other_curators(months: Sequence[TrainingMonth], parts: int) -> PreferenceModel | None:
    """What other curators' picks let one believe beforehand, if there are any."""
    theirs = [replace(month, picked=[c.key in month.ambiguous_keys for c in month.candidates]) for month in months]
    if not any(any(month.picked) for month in theirs):
        return None
    return _fit_months([_take_part(month, 0, parts) for month in theirs], None).scale(OTHER_CURATORS_SHARE)


def _take_part(month: TrainingMonth, part: int, parts: int) -> TrainingMonth:
    """All the picks, and every `hands`-th of the others by the hash of its key."""
    return _select_rows(
        month, [i for i, c in enumerate(month.candidates) if month.picked[i] or crc32(c.key.encode()) % parts == part]
    )


def _fit_months(months: Sequence[TrainingMonth], start: PreferenceModel | None) -> PreferenceModel:
    import numpy as np

    candidates = [candidate for month in months for candidate in month.candidates]
    picked = [picked for month in months for picked in month.picked]
    return fit_preferences(
        load_feature_statistics().build_design(
            candidates, np.concatenate([_month_embeddings(month) for month in months])
        ),
        picked,
        start,
    )


def prove_preferences(
    months: Sequence[TrainingMonth],
    context: RankingContext,
    start: PreferenceModel | None = None,
    known_picks: int = 0,
    *,
    force: bool = False,
) -> HeldOutProof:
    """Learn on all months but the last HELD_OUT, and compare with the cold ranker on those.

    `context` is what the cold ranker knows; the learned one knows the same and the taste. Only months with picks count;
    of what was passed over in those that are learned from, a part is enough here. Picks that the cold ranker's prior
    has seen, whoever made them, do not judge: it would look better than it is on months to come.
    """
    told = [month for month in months if any(month.picked) and not all(month.picked)]
    before, after = told[:-HELD_OUT_MONTHS], told[-HELD_OUT_MONTHS:]
    if len(told) <= HELD_OUT_MONTHS:
        before, after = told[:-1], told[-1:]
    seen = (
        load_default_preferences().trained_on | load_default_preferences().other_picks
        if context.use_default_preferences
        else frozenset[str]()
    )
    all_picks, after = sum(sum(month.picked) for month in after), _drop_picks(after, seen)
    picks, judging = (sum(sum(month.picked) for month in part) for part in (before, after))
    if not before or picks < MIN_PICKS or judging < MIN_PICKS:
        return HeldOutProof(False, _describe_too_few(picks, judging, all_picks - judging, known_picks, force=force))
    taste = train_preferences([sample_month(month, OTHERS_PER_MONTH) for month in before], start, known_picks)
    cold, learned = (_mean_auc(after, one) for one in (context, replace(context, preferences=taste)))
    span = after[0].name if len(after) == 1 else f"{after[0].name} to {after[-1].name}"
    found = f"on {span}, held out, it puts a pick above another candidate {learned:.1%} of the time"
    better = learned >= cold + MIN_AUC_GAIN
    return HeldOutProof(
        better, f"learned taste {'on' if better else 'off'}: {found}, the cold ranker {cold:.1%}", learned, cold
    )


def _describe_too_few(picks: int, judging: int, seen: int, known_picks: int, *, force: bool) -> str:
    if known_picks:
        others = f", and {picks + judging} new ones are too few to prove more" if picks + judging else ""
        return f"the public prior was learned from {known_picks} of these picks and is not taught them twice{others}"
    what = "learned as asked, but not proved" if force else "not learned yet"
    besides = f" besides {seen} that the public prior has seen" if seen else ""
    return f"{what}: {picks} picks to learn from and {judging} to judge by{besides}, {MIN_PICKS} of each are needed"


def measure_trained_ranker(months: Sequence[TrainingMonth], until: str) -> tuple[RankingMetrics, str]:
    """Learn from the months up to `until` (`2025-08`) and from nothing later, and measure on those after.

    What is measured is what ranks a file after learning from these months (see `settle`); a sentence says what that is.
    The packaged prior is left out when it was learned from months after `until`.
    """
    start = load_default_preferences() if load_default_preferences().last_month <= until else None
    read = [replace(month, embeddings=_month_embeddings(month)) for month in months]
    cold = RankingContext(use_default_preferences=start is not None)
    proof, taste = train_and_prove([month for month in read if month.name <= until], cold, start, force=True)
    context = replace(cold, preferences=taste)
    tested = [month for month in read if month.name > until]
    found = measure_ranking(
        (m.name, score_candidates(m.candidates, context, _month_embeddings(m)), m.picked) for m in tested
    )
    return found, proof.sentence


def _month_embeddings(month: TrainingMonth) -> Matrix:
    if month.embeddings is not None:
        return month.embeddings
    return load_embeddings().embed([candidate.text for candidate in month.candidates])


def _mean_auc(months: Sequence[TrainingMonth], context: RankingContext) -> float:
    each = [compute_auc(score_candidates(m.candidates, context, _month_embeddings(m)), m.picked) for m in months]
    return sum(each) / len(each)
