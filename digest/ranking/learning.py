"""Learning a taste from months of picks, and the proof it must give before it is used: better on months held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zlib import crc32

from digest.ranking.measure import Measured, PublicPick, auc, measure
from digest.ranking.rank import Context, scores
from digest.ranking.taste import Taste, background, bare, fit, prior
from digest.ranking.values import Candidate
from digest.vectors import vectors

if TYPE_CHECKING:
    from digest.ranking.values import Matrix

HELD_OUT = 3  # the last so many months judge
MARGIN = 0.005  # of AUC, by which the learned ranker must be better
# Own picks that weigh as much as the prior: at 30 half of it is left, at 270 a tenth. Of 30, 100, 300 and 1000 this was
# best for ten editors of one subject each and as good as any for a list of mixed ones (fifty picks of 2025-05 and 06,
# measured on 07 and 08); whose taste is the prior's own already is kept from it by the proof.
FADE = 30
OTHERS = 1500  # candidates of a month, passed over, that one fit reads; more than these are read by several fits
SHARED = 0.3  # of other curators' taste is believed beforehand, when there is no other start
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

    @property
    def picks(self) -> frozenset[str]:
        """The bare arXiv ids, or else the keys, of what was picked."""
        return frozenset(bare(c.key) for c, yes in zip(self.candidates, self.picked, strict=True) if yes)


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether the learned ranker may be used, why in a sentence, and the AUCs on the months held out."""

    better: bool
    sentence: str
    learned: float | None = None
    cold: float | None = None


def months_of(pools: Mapping[str, Sequence[Candidate]], picks: Sequence[PublicPick], curator: str = "") -> list[Month]:
    """The pools with what a curator picked of them; by default the one who picked most.

    The months come in order; a pick counts in the pool that holds its paper, whatever month it was made in. What
    other curators picked is doubtful.
    """
    who = curator or most_active(picks)
    chosen = {pick.arxiv_id for pick in picks if pick.curator == who}
    doubtful = frozenset(pick.arxiv_id for pick in picks if pick.curator != who)
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


def unread(months: Sequence[Month], start: Taste | None) -> tuple[list[Month], int]:
    """The months less the picks that `start` was itself learned from, if those are most of them; and how many they are.

    Whose picks made the prior is served best by it as it is: on 2025-04 to 2025-08, each by what was learned from the
    months before, it had .443 of the picks among the first hundred and .609 among two hundred; learned a second time
    on top of a tenth, a half or the whole of it, the same picks gave .427 to .432, and .565 to .581.
    """
    mine = frozenset[str]().union(*(month.picks for month in months))
    known = mine & start.read if start else frozenset()
    if 2 * len(known) <= len(mine):
        return list(months), 0
    return _without(months, known), len(known)


def _without(months: Sequence[Month], picks: frozenset[str]) -> list[Month]:
    """The months less those picks; one without any other is left out."""
    kept = (
        _kept(m, [i for i, c in enumerate(m.candidates) if not (m.picked[i] and bare(c.key) in picks)]) for m in months
    )
    return [month for month in kept if any(month.picked)]


def settle(
    months: Sequence[Month], context: Context, start: Taste | None = None, *, asked: bool = False
) -> tuple[Proof, Taste | None]:
    """Whether the months' picks give a taste that may be used, in a sentence, and that taste if so.

    It may when it is better than the cold ranker on months held out (see `prove`); when it is `asked` for, also when
    there are too few picks to tell. `start` is left out where other curators' picks are known, which are nearer than
    it. Picks that `start` was learned from prove nothing, since it has seen them: those it has not seen must.
    """
    fresh, known = unread(months, start)
    if not known and any(month.doubtful for month in months):
        start = None
    proof = prove(fresh, context, start, known, asked=asked)
    usable = proof.better or (asked and proof.learned is None and not known)
    return proof, learn_taste(fresh, start, known) if usable else None


def learn_taste(months: Sequence[Month], start: Taste | None = None, known: int = 0) -> Taste:
    """The taste that the months' picks show. `start` weighs as much as FADE picks, and so fades as they grow in number;
    it weighs `known` picks more if it was learned from so many others of the same editor.

    It should see what was passed over too, not rejects alone: these are near to the picks, and say little of the rest.
    Where that is much it is dealt out to several fits, each with all the picks, and their mean is taken: one fit on
    everything holds it against a busy author that most of his papers are not picked.
    """
    import numpy as np

    told = [_told(month) for month in months]
    picks, rows = sum(sum(month.picked) for month in told), sum(len(month.picked) for month in told)
    hands = max(1, round((rows - picks) / (OTHERS * len(told))))
    before = start.scaled((FADE + known) / (FADE + known + picks)) if start else _shared(months, hands)
    fits = [_fitted([_dealt(month, hand, hands) for month in told], before) for hand in range(hands)]
    said = f"{picks} picks among {rows} candidates of {told[0].name} to {told[-1].name}"
    said += ", on top of the public prior" if start else ""
    read = frozenset[str]().union(*(month.picks for month in told))
    others = frozenset(bare(c.key) for month in months for c in month.candidates if c.key in month.doubtful)
    weights = np.mean([taste.weights for taste in fits], axis=0)
    return Taste(weights, said, read, others - read, told[-1].name)


def _shared(months: Sequence[Month], hands: int) -> Taste | None:
    """What other curators' picks let one believe beforehand, if there are any."""
    theirs = [replace(month, picked=[c.key in month.doubtful for c in month.candidates]) for month in months]
    if not any(any(month.picked) for month in theirs):
        return None
    return _fitted([_dealt(month, 0, hands) for month in theirs], None).scaled(SHARED)


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


def prove(
    months: Sequence[Month], context: Context, start: Taste | None = None, known: int = 0, *, asked: bool = False
) -> Proof:
    """Learn on all months but the last HELD_OUT, and compare with the cold ranker on those.

    `context` is what the cold ranker knows; the learned one knows the same and the taste. Only months with picks count;
    of what was passed over in those that are learned from, a part is enough here. Picks that the cold ranker's prior
    has seen, whoever made them, do not judge: it would look better than it is on months to come.
    """
    told = [month for month in months if any(month.picked) and not all(month.picked)]
    before, after = told[:-HELD_OUT], told[-HELD_OUT:]
    if len(told) <= HELD_OUT:
        before, after = told[:-1], told[-1:]
    seen = prior().read | prior().beside if context.use_prior else frozenset[str]()
    all_picks, after = sum(sum(month.picked) for month in after), _without(after, seen)
    picks, judging = (sum(sum(month.picked) for month in part) for part in (before, after))
    if not before or picks < ENOUGH or judging < ENOUGH:
        return Proof(False, _too_few(picks, judging, all_picks - judging, known, asked=asked))
    taste = learn_taste([thinned(month, OTHERS) for month in before], start, known)
    cold, learned = (_mean_auc(after, one) for one in (context, replace(context, taste=taste)))
    span = after[0].name if len(after) == 1 else f"{after[0].name} to {after[-1].name}"
    found = f"on {span}, held out, it puts a pick above another candidate {learned:.1%} of the time"
    better = learned >= cold + MARGIN
    return Proof(
        better, f"learned taste {'on' if better else 'off'}: {found}, the cold ranker {cold:.1%}", learned, cold
    )


def _too_few(picks: int, judging: int, seen: int, known: int, *, asked: bool) -> str:
    if known:
        others = f", and {picks + judging} new ones are too few to prove more" if picks + judging else ""
        return f"the public prior was learned from {known} of these picks and is not taught them twice{others}"
    what = "learned as asked, but not proved" if asked else "not learned yet"
    besides = f" besides {seen} that the public prior has seen" if seen else ""
    return f"{what}: {picks} picks to learn from and {judging} to judge by{besides}, {ENOUGH} of each are needed"


def evaluate(months: Sequence[Month], until: str) -> tuple[Measured, str]:
    """Learn from the months up to `until` (`2025-08`) and from nothing later, and measure on those after.

    What is measured is what ranks a file after learning from these months (see `settle`); a sentence says what that is.
    The packaged prior is left out when it was learned from months after `until`.
    """
    start = prior() if prior().until <= until else None
    read = [replace(month, embedded=_vectors(month)) for month in months]
    cold = Context(use_prior=start is not None)
    proof, taste = settle([month for month in read if month.name <= until], cold, start, asked=True)
    context = replace(cold, taste=taste)
    tested = [month for month in read if month.name > until]
    found = measure((m.name, scores(m.candidates, context, _vectors(m)), m.picked) for m in tested)
    return found, proof.sentence


def _vectors(month: Month) -> Matrix:
    if month.embedded is not None:
        return month.embedded
    return vectors().embed([candidate.text for candidate in month.candidates])


def _mean_auc(months: Sequence[Month], context: Context) -> float:
    each = [auc(scores(m.candidates, context, _vectors(m)), m.picked) for m in months]
    return sum(each) / len(each)
