"""Ranking: how many of the experts' picks of 2025-09 and 2025-10 it finds by the prior, by a line of interests and by
fifty decisions of an editor's own; and the time one pool and ten take."""

from __future__ import annotations

from statistics import fmean
from time import perf_counter
from zlib import crc32

from digest.embeddings import load_embeddings
from digest.ranking.metrics import RankingMetrics, compute_auc, measure_ranking
from digest.ranking.preference import load_default_preferences, load_feature_statistics
from digest.ranking.score import RankingContext, rank_candidates, score_candidates
from digest.ranking.topic import compute_topic_match, split_interests
from digest.ranking.training import TrainingMonth, build_training_months, train_preferences
from digest.ranking.types import RankerInput
from tests.bench.train_ranker import CURATOR, SHARED, picks, pools

INTERESTS = "AI agents, reasoning and reinforcement learning for large language models"
# The packaged prior was learned on months up to 2025-08 alone, so that these are held out for it too.
RANKERS = (
    ("learned from public picks to 2025-08", RankingContext()),
    ("one line of interests alone", RankingContext(interests=INTERESTS, use_default_preferences=False)),
    ("one line of interests and the prior", RankingContext(interests=INTERESTS)),
)
POOL = 11_000
OTHER_LINES = (
    "large language models", "LLM agents and reasoning", "retrieval-augmented generation and agents",
    "practical techniques for building with LLMs", "new language models, agents, RAG, evaluation and safety",
    "language model reasoning", "generative AI research", "multi-agent systems, tool use, memory",
    "post-training, alignment and RLHF", "AI for software engineering and coding agents", "LLMs",
    "large language models, agents, reasoning", "reasoning models", "agents", "AI agents", "agentic AI",
    "foundation models and applied machine learning", "prompt engineering, context engineering and RAG",
    "efficient training and inference of large models", "evaluation, benchmarks and safety of language models",
    "natural language processing", "machine learning research", "deep learning, transformers, LLMs",
    "what matters for teams that build products with language models", "new models and techniques, agents, RAG",
    "reinforcement learning, test-time compute, reasoning", "long context, memory and retrieval",
    "knowledge graphs, information retrieval and question answering", "code generation, software engineering agents",
    "multimodal models, vision-language models, video generation", "trustworthy AI, alignment, interpretability",
    "artificial intelligence", "scaling laws, mixture of experts, small language models",
    "I lead an AI research team working on LLM agents, retrieval and evaluation",
    "research on LLM post-training and inference efficiency",
)  # fmt: skip
EDITOR = "hf-daily-top50"  # a curator whose picks the prior was not learned from stands in for an editor
OWN = 50


def quality(*, same_month: bool = False) -> list[tuple[str, RankingMetrics]]:
    """Each ranker's measures on the two months; with `same_month` only picks published in the month of their pool."""
    held_out = pools(SHARED, "2025-09", "2025-10")
    measured = []
    for name, context in RANKERS:
        months = []
        for month, pool in held_out.items():
            made = [pick for pick in picks(SHARED) if not same_month or pick.month == month]
            (found,) = build_training_months({month: pool}, made, CURATOR)
            months.append((month, score_candidates(pool, context), found.picked))
        measured.append((name, measure_ranking(months)))
    return measured


def interests() -> list[float]:
    """The AUC of each line of interests alone, the mean of the two months."""
    months = build_training_months(pools(SHARED, "2025-09", "2025-10"), picks(SHARED), CURATOR)
    embedded = [load_embeddings().embed([one.text for one in month.candidates]) for month in months]
    read = [
        load_feature_statistics().build_design(month.candidates, rows)
        for month, rows in zip(months, embedded, strict=True)
    ]
    return [
        fmean(
            compute_auc(compute_topic_match(split_interests(line), rows, papers).tolist(), month.picked)
            for month, rows, papers in zip(months, embedded, read, strict=True)
        )
        for line in (INTERESTS, *OTHER_LINES)
    ]


def own_decisions() -> list[tuple[str, RankingMetrics]]:
    """The prior, and the prior with OWN decisions of July and August 2025 on top, on an editor's two later months."""
    months = build_training_months(pools(SHARED, "2025-07", "2025-10"), picks(SHARED), EDITOR)
    taste = train_preferences([_few(month, OWN // 2) for month in months[:2]], load_default_preferences())
    return [
        (name, measure_ranking((m.name, score_candidates(m.candidates, context), m.picked) for m in months[2:]))
        for name, context in (
            ("the prior", RankingContext()),
            (f"{OWN} own picks on top of it", RankingContext(preferences=taste)),
        )
    ]


def _few(month: TrainingMonth, count: int) -> TrainingMonth:
    """The month with so many of its picks, evenly by the hash of their keys; the other picks were never seen."""
    picked = [one.key for one, yes in zip(month.candidates, month.picked, strict=True) if yes]
    kept = set(sorted(picked, key=lambda key: crc32(key.encode()))[:count])
    rows = [
        (one, one.key in kept)
        for one, yes in zip(month.candidates, month.picked, strict=True)
        if not yes or one.key in kept
    ]
    return TrainingMonth(month.name, [one for one, _ in rows], [yes for _, yes in rows])


def seconds(times: int) -> tuple[float, float]:
    """Seconds to embed and to rank `times` pools of 11,000 candidates, their vectors being known to the ranking."""
    held_out = [one for pool in pools(SHARED, "2025-09", "2025-10").values() for one in pool][:POOL]
    many = [
        RankerInput(f"{n}:{one.key}", one.title, one.abstract, one.authors) for n in range(times) for one in held_out
    ]
    started = perf_counter()
    embedded = load_embeddings().embed([one.text for one in many])
    between = perf_counter()
    rank_candidates(many, RankingContext(interests=INTERESTS), embedded)
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
    lines = interests()
    figure = f"AUC {lines[0]:.3f}; of {len(lines)} lines the mean {fmean(lines):.3f}, the lowest {min(lines):.3f}"
    out.append(("ranking by one line of interests alone", figure))
    out += [(f"ranking for another editor by {name}", f"AUC {found.auc:.3f}") for name, found in own_decisions()]
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
