"""Train a preference model on months of picks, and prove it better on held-out months before it is used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zlib import crc32

from digest.embeddings import load_embeddings
from digest.ranking.metrics import PublicPick, RankingMetrics, compute_auc, measure_ranking
from digest.ranking.namers import NamerWeights, fit_namer_weights, has_namers
from digest.ranking.preference import (
    PreferenceModel,
    fit_preferences,
    load_default_preferences,
    load_feature_statistics,
    strip_arxiv_prefix,
)
from digest.ranking.score import RankingContext, score_candidates
from digest.ranking.types import RankerInput

if TYPE_CHECKING:
    from digest.embeddings import Matrix

HELD_OUT_MONTHS = 3  # the last months, which test the model
MIN_AUC_GAIN = 0.005  # by which the learned ranker must be better
# Own picks that weigh as much as the prior: at 30 half of it is left, at 270 a tenth. Of 30, 100, 300 and 1000 this was
# best for ten editors of one subject each and as good as any for a list of mixed ones (fifty picks of 2025-05 and 06,
# measured on 07 and 08). An editor whose picks made the prior keeps it as it is: the proof sees to that.
PRIOR_PICKS = 30
OTHERS_PER_MONTH = 1500  # unpicked candidates of a month that one fit reads; more are dealt to several fits
OTHER_CURATORS_SHARE = 0.3  # of other curators' preferences, as a start where there is no other
MIN_PICKS = 10  # in the training months, and in the held-out months


@dataclass(frozen=True, slots=True)
class TrainingMonth:
    """The candidates of a month with the picks among them; `embeddings` are their vectors if known.

    `ambiguous_keys` are candidates that other curators picked: unless they are picked here too they say nothing,
    because there may have been no room for them.
    """

    name: str
    candidates: Sequence[RankerInput]
    picked: Sequence[bool]
    embeddings: Matrix | None = None
    ambiguous_keys: frozenset[str] = frozenset()

    @property
    def picked_ids(self) -> frozenset[str]:
        """The bare arXiv ids, or else the keys, of the picks."""
        return frozenset(strip_arxiv_prefix(c.key) for c, yes in zip(self.candidates, self.picked, strict=True) if yes)

    @property
    def vectors(self) -> Matrix:
        """The candidates' vectors, computed where they are not known."""
        if self.embeddings is not None:
            return self.embeddings
        return load_embeddings().embed([candidate.text for candidate in self.candidates])

    def select(self, condition: Callable[[RankerInput, bool], bool]) -> TrainingMonth:
        """Return the month with the candidates for which `condition(candidate, is_picked)` holds."""
        pairs = enumerate(zip(self.candidates, self.picked, strict=True))
        rows = [row for row, (candidate, is_picked) in pairs if condition(candidate, is_picked)]
        return replace(
            self,
            candidates=[self.candidates[row] for row in rows],
            picked=[self.picked[row] for row in rows],
            embeddings=None if self.embeddings is None else self.embeddings[rows],
        )

    def drop_ambiguous(self) -> TrainingMonth:
        """Return the month without its ambiguous candidates that are not picked."""
        return self.select(lambda candidate, is_picked: is_picked or candidate.key not in self.ambiguous_keys)


@dataclass(frozen=True, slots=True)
class HeldOutProof:
    """Whether the learned ranker may be used, a sentence that says why, and the AUCs on the held-out months."""

    is_better: bool
    sentence: str
    learned_auc: float | None = None
    baseline_auc: float | None = None


def build_training_months(
    pools: Mapping[str, Sequence[RankerInput]], picks: Sequence[PublicPick], curator: str = ""
) -> list[TrainingMonth]:
    """Combine pools with a curator's picks, by default of the most active one; months come in order.

    A pick counts in the pool that holds its paper, whatever month it was made in. Other curators' picks are ambiguous,
    and named by them.
    """
    curator = curator or find_most_active_curator(picks)
    own = {pick.arxiv_id for pick in picks if pick.curator == curator}
    named_by: dict[str, set[str]] = {}
    for pick in picks:
        if pick.curator != curator:
            named_by.setdefault(pick.arxiv_id, set()).add(pick.curator)
    return [
        TrainingMonth(
            name,
            [_add_namers(candidate, named_by.get(candidate.key, ())) for candidate in pool],
            [candidate.key in own for candidate in pool],
            ambiguous_keys=frozenset(named_by),
        )
        for name, pool in sorted(pools.items())
    ]


def _add_namers(candidate: RankerInput, curators: Collection[str]) -> RankerInput:
    """Count other curators as namers of what they picked."""
    if not curators:
        return candidate
    return replace(candidate, named_by=tuple(dict.fromkeys([*candidate.named_by, *sorted(curators)])))


def find_most_active_curator(picks: Sequence[PublicPick]) -> str:
    """Return the curator with the most picks, the first named among equals."""
    counts = Counter(pick.curator for pick in picks)
    return max(counts, key=lambda name: counts[name], default="")


def sample_month(month: TrainingMonth, max_others: int) -> TrainingMonth:
    """Return a month with all its picks and, evenly by the hash of their keys, up to `max_others` other candidates."""
    others = [c.key for c, is_picked in zip(month.candidates, month.picked, strict=True) if not is_picked]
    sample = set(sorted(others, key=_hash_key)[:max_others])
    return month.select(lambda candidate, is_picked: is_picked or candidate.key in sample)


def _hash_key(key: str) -> int:
    return crc32(key.encode())


def exclude_trained_picks(
    months: Sequence[TrainingMonth], start: PreferenceModel | None
) -> tuple[list[TrainingMonth], int]:
    """Remove the picks that `start` was trained on, if those are most of them; returns the months and their number.

    An editor whose picks made the prior is served best by it as it is: on 2025-04 to 2025-08, each by what was learned
    from the months before, it had .443 of the picks among the first hundred and .609 among two hundred; trained a
    second time on top of a tenth, a half or the whole of it, the same picks gave .427 to .432, and .565 to .581.
    """
    picks = frozenset[str]().union(*(month.picked_ids for month in months))
    trained = picks & start.trained_on if start else frozenset()
    if 2 * len(trained) <= len(picks):
        return list(months), 0
    return _drop_picks(months, trained), len(trained)


def _drop_picks(months: Sequence[TrainingMonth], picks: frozenset[str]) -> list[TrainingMonth]:
    """Remove the given picks, and the months without any other."""
    reduced = [
        month.select(lambda candidate, is_picked: not (is_picked and strip_arxiv_prefix(candidate.key) in picks))
        for month in months
    ]
    return [month for month in reduced if any(month.picked)]


def train_and_prove(
    months: Sequence[TrainingMonth],
    context: RankingContext,
    start: PreferenceModel | None = None,
    *,
    force: bool = False,
) -> tuple[HeldOutProof, PreferenceModel | None]:
    """Train a model on the months' picks; returns the proof, and the model if it may be used.

    It may be used when it is better than the baseline on held-out months (see `prove_preferences`), and with `force`
    also when there are too few picks to decide. `start` is left out where other curators' picks are known, which are
    nearer than it. Picks that `start` was trained on prove nothing: the other ones must.
    """
    months_left, known_picks = exclude_trained_picks(months, start)
    if not known_picks and any(month.ambiguous_keys for month in months):
        start = None
    proof = prove_preferences(months_left, context, start, known_picks, force=force)
    is_usable = proof.is_better or (force and proof.learned_auc is None and not known_picks)
    return proof, train_preferences(months_left, start, known_picks) if is_usable else None


def train_preferences(
    months: Sequence[TrainingMonth], start: PreferenceModel | None = None, known_picks: int = 0
) -> PreferenceModel:
    """Train on the months' picks. `start` weighs as much as PRIOR_PICKS picks, and so fades as picks grow in number.

    It weighs `known_picks` more if it was trained on so many others of the same editor. The model needs the candidates
    that were passed over, not rejects alone: rejects are near to the picks, and say little of the rest. Many of them
    are dealt to several fits, each with all the picks, whose mean is taken: one fit on everything holds it against a
    busy author that most of his papers are not picked.
    """
    import numpy as np

    clear = [month.drop_ambiguous() for month in months]
    picks, rows = sum(sum(month.picked) for month in clear), sum(len(month.picked) for month in clear)
    parts = max(1, round((rows - picks) / (OTHERS_PER_MONTH * len(clear))))
    share = (PRIOR_PICKS + known_picks) / (PRIOR_PICKS + known_picks + picks)
    base = start.scale(share) if start else _train_on_other_curators(months, parts)
    fits = [_fit_part(clear, part, parts, base) for part in range(parts)]
    learned_from = f"{picks} picks among {rows} candidates of {clear[0].name} to {clear[-1].name}"
    learned_from += ", on top of the public prior" if start else ""
    trained_on = frozenset[str]().union(*(month.picked_ids for month in clear))
    ambiguous = [c.key for month in months for c in month.candidates if c.key in month.ambiguous_keys]
    others = frozenset(map(strip_arxiv_prefix, ambiguous)) - trained_on
    weights = np.mean([model.weights for model in fits], axis=0)
    return PreferenceModel(weights, learned_from, trained_on, others, clear[-1].name)


def _train_on_other_curators(months: Sequence[TrainingMonth], parts: int) -> PreferenceModel | None:
    """Train a weak start on other curators' picks, if there are any."""
    others = [replace(month, picked=[c.key in month.ambiguous_keys for c in month.candidates]) for month in months]
    if not any(any(month.picked) for month in others):
        return None
    return _fit_part(others, 0, parts, None).scale(OTHER_CURATORS_SHARE)


def _fit_part(months: Sequence[TrainingMonth], part: int, parts: int, start: PreferenceModel | None) -> PreferenceModel:
    """Fit a model on all the picks and one of `parts` parts of the others, dealt by the hash of their keys."""
    import numpy as np

    dealt = [m.select(lambda c, is_picked: is_picked or _hash_key(c.key) % parts == part) for m in months]
    candidates = [candidate for month in dealt for candidate in month.candidates]
    picked = [is_picked for month in dealt for is_picked in month.picked]
    vectors = np.concatenate([month.vectors for month in dealt])
    return fit_preferences(load_feature_statistics().build_design(candidates, vectors), picked, start)


def prove_preferences(
    months: Sequence[TrainingMonth],
    context: RankingContext,
    start: PreferenceModel | None = None,
    known_picks: int = 0,
    *,
    force: bool = False,
) -> HeldOutProof:
    """Train on all months but the last HELD_OUT_MONTHS, and compare with the baseline ranker on those.

    Both rankers use `context`; the learned one adds the trained model. Only months with picks count, and a sample of
    what was passed over is enough to train on here. Picks, of any curator, that made the public prior do
    not test: the baseline would look better than it is on months to come.
    """
    months = [month for month in months if any(month.picked) and not all(month.picked)]
    held_out = HELD_OUT_MONTHS if len(months) > HELD_OUT_MONTHS else 1
    training, testing = months[:-held_out], months[-held_out:]
    prior = load_default_preferences()
    used = prior.trained_on | prior.other_picks if context.use_default_preferences else frozenset[str]()
    all_picks, testing = _count_picks(testing), _drop_picks(testing, used)
    picks, test_picks = _count_picks(training), _count_picks(testing)
    if not training or picks < MIN_PICKS or test_picks < MIN_PICKS:
        sentence = _describe_too_few(picks, test_picks, all_picks - test_picks, known_picks, force=force)
        return HeldOutProof(False, sentence)
    model = train_preferences([sample_month(month, OTHERS_PER_MONTH) for month in training], start, known_picks)
    baseline, learned = (_mean_auc(testing, each) for each in (context, replace(context, preferences=model)))
    span = testing[0].name if len(testing) == 1 else f"{testing[0].name} to {testing[-1].name}"
    is_better = learned >= baseline + MIN_AUC_GAIN
    sentence = (
        f"learned taste {'on' if is_better else 'off'}: on {span}, held out, it puts a pick above another candidate "
        f"{learned:.1%} of the time, the cold ranker {baseline:.1%}"
    )
    return HeldOutProof(is_better, sentence, learned, baseline)


def learn_namer_weights(months: Sequence[TrainingMonth], context: RankingContext) -> NamerWeights | None:
    """Learn what it says for a work that a source names it, or that it has votes; None without enough to learn from.

    A taste is trained on all months but the last HELD_OUT_MONTHS, and the weights are fitted beside its scores of
    those: beside scores of the months it was trained on, namers would look useless.
    """
    months = [month for month in months if any(month.picked) and not all(month.picked)]
    held_out = HELD_OUT_MONTHS if len(months) > HELD_OUT_MONTHS else 1
    training, testing = months[:-held_out], months[-held_out:]
    candidates = [candidate for month in testing for candidate in month.candidates]
    if not training or not has_namers(candidates) or min(_count_picks(training), _count_picks(testing)) < MIN_PICKS:
        return None
    model = train_preferences([sample_month(month, OTHERS_PER_MONTH) for month in training])
    bare = replace(context, preferences=model, namer_weights=NamerWeights(default=0.0, votes=0.0))
    scores = [score for m in testing for score in score_candidates(m.candidates, bare, m.vectors)]
    return fit_namer_weights(scores, candidates, [is_picked for month in testing for is_picked in month.picked])


def _count_picks(months: Sequence[TrainingMonth]) -> int:
    return sum(sum(month.picked) for month in months)


def _describe_too_few(picks: int, test_picks: int, used: int, known_picks: int, *, force: bool) -> str:
    if known_picks:
        new = picks + test_picks
        others = f", and {new} new ones are too few to prove more" if new else ""
        return f"the public prior was learned from {known_picks} of these picks and is not taught them twice{others}"
    outcome = "learned as asked, but not proved" if force else "not learned yet"
    besides = f" besides {used} that the public prior has seen" if used else ""
    needs = f"{MIN_PICKS} of each are needed"
    return f"{outcome}: {picks} picks to learn from and {test_picks} to judge by{besides}, {needs}"


def measure_trained_ranker(months: Sequence[TrainingMonth], until: str) -> tuple[RankingMetrics, str]:
    """Train on the months up to `until` (`2025-08`) and on nothing later, and measure on those after.

    The ranker measured is the one that ranks a file after training on these months (see `train_and_prove`); the
    sentence describes it. The public prior is left out when it was trained on months after `until`.
    """
    prior = load_default_preferences()
    start = prior if prior.last_month <= until else None
    embedded = [replace(month, embeddings=month.vectors) for month in months]
    baseline = RankingContext(use_default_preferences=start is not None)
    proof, model = train_and_prove([month for month in embedded if month.name <= until], baseline, start, force=True)
    context = replace(baseline, preferences=model)
    testing = [month for month in embedded if month.name > until]
    metrics = measure_ranking((m.name, score_candidates(m.candidates, context, m.vectors), m.picked) for m in testing)
    return metrics, proof.sentence


def _mean_auc(months: Sequence[TrainingMonth], context: RankingContext) -> float:
    aucs = [compute_auc(score_candidates(m.candidates, context, m.vectors), m.picked) for m in months]
    return sum(aucs) / len(aucs)
