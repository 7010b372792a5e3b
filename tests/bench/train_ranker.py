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

from digest.ranking import signals
from digest.ranking.learning import learn_taste, months_of
from digest.ranking.measure import PublicPick, read_picks, read_pool
from digest.ranking.taste import Background, background
from digest.ranking.values import Candidate
from digest.ranking.words import SLOTS, inverse_frequency, word_matrix
from digest.vectors import vectors

HERE = Path(__file__).resolve()
SHARED = HERE.parents[3] / "shared" / "data"
SHIPPED = HERE.parents[2] / "digest" / "data"
CURATOR = "dair-ai"


def pools(data: Path, first: str, last: str) -> dict[str, list[Candidate]]:
    """The candidates of each month from first to last."""
    found = {}
    for path in sorted((data / "pools").glob("*.jsonl.gz")):
        month = path.name.removesuffix(".jsonl.gz")
        if first <= month <= last:
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                found[month] = read_pool(lines)
    return found


def picks(data: Path, last: str = "9999") -> list[PublicPick]:
    """The public picks of months up to `last`."""
    with gzip.open(data / "picks.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [pick for pick in read_picks(lines) if pick.month <= last]


def learn_background(
    candidates: list[Candidate],
) -> tuple[Background, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """The background of these candidates, and their vectors."""
    embedded = vectors().embed([candidate.text for candidate in candidates])
    titles = vectors().embed([candidate.title for candidate in candidates])
    form = signals.signal_matrix(candidates)
    idf = inverse_frequency(word_matrix(candidates, np.ones(SLOTS, dtype=np.float32)))
    spread = np.maximum(form.std(axis=0), 0.05)
    # Rounded as they are stored, so that the prior is learned on what will be read back.
    parts = (embedded.mean(0), titles.mean(0), form.mean(0), spread, idf)
    halves = [part.astype(np.float16).astype(np.float32) for part in parts]
    return Background(*halves), embedded


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
        **{name: getattr(usual, name).astype(np.float16) for name in Background.__dataclass_fields__},
    )
    background.cache_clear()  # what has just been written is what the prior is learned on
    months, at = [], 0
    for month in months_of(found, picks(options.data, options.until), CURATOR):
        months.append(replace(month, embedded=embedded[at : at + len(month.candidates)]))
        at += len(month.candidates)
    taste = learn_taste(months)
    said = f"public {taste.learned_from}".replace("picks", f"picks of {CURATOR}")
    (SHIPPED / "ranking-prior.npz").write_bytes(replace(taste, learned_from=said).to_bytes())
    print(f"learned from {said}")


if __name__ == "__main__":
    main()
