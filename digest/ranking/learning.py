"""Learning a taste from months of picks, and the proof it must give before it is used: better on months held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zlib import crc32

from digest.ranking.measure import Measured, PublicPick, auc, measure
from digest.ranking.rank import Context, scores
from digest.ranking.taste import Taste, background, fit
from digest.ranking.values import Candidate
from digest.vectors import vectors

if TYPE_CHECKING:
    from digest.ranking.values import Matrix

HELD_OUT = 3  # the last so many months judge
MARGIN = 0.005  # of AUC, by which the learned ranker must be better
FADE = 30  # own picks that weigh as much as the prior: at 30 half of it is left, at 270 a tenth
OTHERS = 1500  # candidates of a month, passed over, that one fit reads; more than these are read by several fits
ENOUGH = 10  # picks in the months before, and in the months held out


@dataclass(frozen=True, slots=True)
class Month:
    """What was offered in a month, and what was picked of it; `embedded` are the candidates' vectors if known.

    `doubtful` are the keys of candidates that say nothing unless they are picked, because others picked them: they may
    have been passed over for want of room.
    """

    name: str
    candidates: Sequence[Candidate]
    picked: Sequence[bool]
    embedded: Matrix | None = None
    doubtful: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether the learned ranker may be used, why in a sentence, and the AUCs on the months held out."""

    better: bool
    sentence: str
    learned: float | None = None
    cold: float | None = None


def months_of(pools: Mapping[str, Sequence[Candidate]], picks: Sequence[PublicPick], curator: str = "") -> list[Month]:
    """The pools with what a curator picked of them; by default the one who picked most.

    The months come in order; a pick counts in the pool that holds its paper, whatever month it was made in. What only
    other curators picked is doubtful.
    """
    who = curator or most_active(picks)
    chosen = {pick.arxiv_id for pick in picks if pick.curator == who}
    doubtful = frozenset(pick.arxiv_id for pick in picks) - chosen
    return [
        Month(name, pool, [c.key in chosen for c in pool], doubtful=doubtful) for name, pool in sorted(pools.items())
    ]


def most_active(picks: Sequence[PublicPick]) -> str:
    """The curator with the most picks, the first named among equals."""
    counts: dict[str, int] = {}
    for pick in picks:
        counts[pick.curator] = counts.get(pick.curator, 0) + 1
    return max(counts, key=lambda name: counts[name], default="")


def thinned(month: Month, most: int) -> Month:
    """All the picks and, evenly by the hash of their keys, others up to `most`: enough to learn from, quick to read."""
    others = [i for i, picked in enumerate(month.picked) if not picked]
    others = sorted(others, key=lambda i: crc32(month.candidates[i].key.encode()))[:most]
    return _kept(month, sorted([*others, *(i for i, picked in enumerate(month.picked) if picked)]))


def _told(month: Month) -> Month:
    """The month without its doubtful candidates."""
    return _kept(month, [i for i, c in enumerate(month.candidates) if month.picked[i] or c.key not in month.doubtful])


def _kept(month: Month, rows: list[int]) -> Month:
    return replace(
        month,
        candidates=[month.candidates[i] for i in rows],
        picked=[month.picked[i] for i in rows],
        embedded=None if month.embedded is None else month.embedded[rows],
    )


def learn_taste(months: Sequence[Month], start: Taste | None = None) -> Taste:
    """The taste that the months' picks show. `start` weighs as much as FADE picks, and so fades as they grow in number.

    It should see what was passed over too, not rejects alone: these are near to the picks, and say little of the rest.
    Where that is much it is dealt out to several fits, each with all the picks, and their mean is taken: one fit on
    everything holds it against a busy author that most of his papers are not picked.
    """
    import numpy as np

    told = [_told(month) for month in months]
    picks, rows = sum(sum(month.picked) for month in told), sum(len(month.picked) for month in told)
    faded = start.scaled(FADE / (FADE + picks)) if start else None
    hands = max(1, round((rows - picks) / (OTHERS * len(told))))
    fits = [_fitted([_dealt(month, hand, hands) for month in told], faded) for hand in range(hands)]
    said = f"{picks} picks among {rows} candidates of {told[0].name} to {told[-1].name}"
    return Taste(np.mean([taste.weights for taste in fits], axis=0), said)


def _dealt(month: Month, hand: int, hands: int) -> Month:
    """All the picks, and every `hands`-th of the others by the hash of its key."""
    return _kept(
        month,
        [i for i, c in enumerate(month.candidates) if month.picked[i] or crc32(c.key.encode()) % hands == hand],
    )


def _fitted(months: Sequence[Month], start: Taste | None) -> Taste:
    import numpy as np

    candidates = [candidate for month in months for candidate in month.candidates]
    picked = [picked for month in months for picked in month.picked]
    return fit(background().design(candidates, np.concatenate([_vectors(month) for month in months])), picked, start)


def prove(months: Sequence[Month], context: Context, start: Taste | None = None) -> Proof:
    """Learn on all months but the last HELD_OUT, and compare with the cold ranker on those.

    `context` is what the cold ranker knows; the learned one knows the same and the taste. Only months with picks count.
    """
    told = [month for month in months if any(month.picked) and not all(month.picked)]
    before, after = told[:-HELD_OUT], told[-HELD_OUT:]
    if len(told) <= HELD_OUT:
        before, after = told[:-1], told[-1:]
    known, judging = (sum(sum(month.picked) for month in part) for part in (before, after))
    if not before or known < ENOUGH or judging < ENOUGH:
        return Proof(
            False,
            f"not learned yet: {known} picks to learn from and {judging} to judge by, {ENOUGH} of each are needed",
        )
    taste = learn_taste(before, start)
    cold, learned = (_mean_auc(after, one) for one in (context, replace(context, taste=taste)))
    span = after[0].name if len(after) == 1 else f"{after[0].name} to {after[-1].name}"
    found = f"on {span}, held out, it puts a pick above another candidate {learned:.1%} of the time"
    better = learned >= cold + MARGIN
    return Proof(
        better, f"learned taste {'on' if better else 'off'}: {found}, the cold ranker {cold:.1%}", learned, cold
    )


def evaluate(months: Sequence[Month], until: str) -> Measured:
    """Learn from the months up to `until` (`2025-08`) and from nothing else, and measure on those after."""
    taste = learn_taste([month for month in months if month.name <= until])
    context = Context(taste=taste)
    tested = [month for month in months if month.name > until]
    return measure((m.name, scores(m.candidates, context, _vectors(m)), m.picked) for m in tested)


def _vectors(month: Month) -> Matrix:
    if month.embedded is not None:
        return month.embedded
    return vectors().embed([candidate.text for candidate in month.candidates])


def _mean_auc(months: Sequence[Month], context: Context) -> float:
    each = [auc(scores(m.candidates, context, _vectors(m)), m.picked) for m in months]
    return sum(each) / len(each)
