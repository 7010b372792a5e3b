"""Ranking: how many of the experts' picks of 2025-09 and 2025-10 it finds, and the time one pool and ten take."""

from __future__ import annotations

from time import perf_counter

from digest.ranking import Candidate, Context, rank
from digest.ranking.learning import months_of
from digest.ranking.measure import Measured, measure
from digest.ranking.rank import scores
from digest.vectors import vectors
from tests.bench.train_ranker import CURATOR, SHARED, picks, pools

INTERESTS = "AI agents, reasoning and reinforcement learning for large language models"
# The packaged prior was learned on months up to 2025-08 alone, so that these are held out for it too.
RANKERS = (
    ("learned from public picks to 2025-08", Context()),
    ("one line of interests alone", Context(interests=INTERESTS, use_prior=False)),
    ("one line of interests and the prior", Context(interests=INTERESTS)),
)
POOL = 11_000


def quality(*, same_month: bool = False) -> list[tuple[str, Measured]]:
    """Each ranker's measures on the two months; with `same_month` only picks published in the month of their pool."""
    held_out = pools(SHARED, "2025-09", "2025-10")
    measured = []
    for name, context in RANKERS:
        months = []
        for month, pool in held_out.items():
            made = [pick for pick in picks(SHARED) if not same_month or pick.month == month]
            (found,) = months_of({month: pool}, made, CURATOR)
            months.append((month, scores(pool, context), found.picked))
        measured.append((name, measure(months)))
    return measured


def seconds(times: int) -> tuple[float, float]:
    """Seconds to embed and to rank `times` pools of 11,000 candidates, their vectors being known to the ranking."""
    held_out = [one for pool in pools(SHARED, "2025-09", "2025-10").values() for one in pool][:POOL]
    many = [Candidate(f"{n}:{one.key}", one.title, one.abstract, one.authors) for n in range(times) for one in held_out]
    started = perf_counter()
    embedded = vectors().embed([one.text for one in many])
    between = perf_counter()
    rank(many, Context(interests=INTERESTS), embedded)
    return between - started, perf_counter() - between


def rows() -> list[tuple[str, str]]:
    """(what, figure) lines; empty where the shared data is absent."""
    if not SHARED.is_dir():
        return []
    out = []
    for same_month in (False, True):
        for name, found in quality(same_month=same_month):
            which = "picks made in the pool's own month" if same_month else "all picks in the pools"
            figure = f"AUC {found.auc:.3f}, recall@100 {found.recall_100:.3f}, recall@200 {found.recall_200:.3f}"
            out.append((f"ranking 2025-09 and 2025-10, {name}, {which}", figure))
    for times in (1, 10):
        embedding, ranking = seconds(times)
        figure = f"{ranking:.1f} s, and {embedding:.1f} s to embed them the first time"
        out.append((f"ranking {times * POOL:,} candidates", figure))
    return out


def main() -> None:
    for what, figure in rows():
        print(f"{what}: {figure}", flush=True)


if __name__ == "__main__":
    main()
