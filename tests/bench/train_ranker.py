"""Learns the ranking's packaged background and prior; writes numbers and ids of picks only, into digest/data.

    python -m tests.bench.train_ranker [DATA] [--until 2025-08]

DATA holds pools/YYYY-MM.jsonl.gz, {arxiv_id, title, abstract, authors, categories, published, comment} a line, and
picks.jsonl.gz, {month, curator, arxiv_id} a line. Only pools and picks of months up to `--until` are read, so what
ships can be judged on the months after.
"""

from __future__ import annotations

import argparse
import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np

from digest.embeddings import load_embeddings
from digest.ranking.features import build_form_matrix
from digest.ranking.metrics import PublicPick, parse_picks, parse_pool
from digest.ranking.preference import FeatureStatistics, load_feature_statistics
from digest.ranking.tokens import SLOT_COUNT, build_token_matrix
from digest.ranking.training import build_training_months, train_preferences
from digest.ranking.types import RankerInput
from digest.sparse import SparseMatrix

HERE = Path(__file__).resolve()
SHARED = HERE.parents[3] / "shared" / "data"
SHIPPED = HERE.parents[2] / "digest" / "data"
CURATOR = "dair-ai"


def pools(data: Path, first: str, last: str) -> dict[str, list[RankerInput]]:
    """The candidates of each month from first to last."""
    found = {}
    for path in sorted((data / "pools").glob("*.jsonl.gz")):
        month = path.name.removesuffix(".jsonl.gz")
        if first <= month <= last:
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                found[month] = parse_pool(lines)
    return found


def picks(data: Path, last: str = "9999") -> list[PublicPick]:
    """The public picks of months up to `last`."""
    with gzip.open(data / "picks.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [pick for pick in parse_picks(lines) if pick.month <= last]


def compute_inverse_frequency(matrix: SparseMatrix) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return ln((rows + 1) / (rows with the slot + 1)) + 1 of each slot."""
    rows = len(matrix.starts) - 1
    holding = np.bincount(matrix.columns, minlength=SLOT_COUNT)
    return (np.log((rows + 1) / (holding + 1)) + 1).astype(np.float32)


def learn_background(
    candidates: list[RankerInput],
) -> tuple[FeatureStatistics, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """The background of these candidates, and their vectors."""
    embedded = load_embeddings().embed([candidate.text for candidate in candidates])
    titles = load_embeddings().embed([candidate.title for candidate in candidates])
    form = build_form_matrix(candidates)
    idf = compute_inverse_frequency(build_token_matrix(candidates, np.ones(SLOT_COUNT, dtype=np.float32)))
    spread = np.maximum(form.std(axis=0), 0.05)
    # Rounded as they are stored, so that the prior is learned on what will be read back.
    parts = (embedded.mean(0), titles.mean(0), form.mean(0), spread, idf)
    halves = [part.astype(np.float16).astype(np.float32) for part in parts]
    return FeatureStatistics(*halves), embedded


def main() -> None:
    """Learn and write both files; say what they were learned from."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("data", nargs="?", type=Path, default=SHARED)
    asked.add_argument("--until", default="2025-08")
    options = asked.parse_args()
    found = pools(options.data, "2025-01", options.until)
    candidates = [candidate for pool in found.values() for candidate in pool]
    usual, embedded = learn_background(candidates)
    np.savez_compressed(
        SHIPPED / "ranking-background.npz",
        **{name: getattr(usual, name).astype(np.float16) for name in FeatureStatistics.__dataclass_fields__},
    )
    load_feature_statistics.cache_clear()  # what has just been written is what the prior is learned on
    months, at = [], 0
    for month in build_training_months(found, picks(options.data, options.until), CURATOR):
        months.append(replace(month, embeddings=embedded[at : at + len(month.candidates)]))
        at += len(month.candidates)
    taste = train_preferences(months)
    said = f"public {taste.learned_from}".replace("picks", f"picks of {CURATOR}")
    (SHIPPED / "ranking-prior.npz").write_bytes(replace(taste, learned_from=said).to_bytes())
    print(f"learned from {said}")


if __name__ == "__main__":
    main()
