"""Duplicates: precision and recall on the labelled pairs, and the time that ten thousand records take."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from time import perf_counter

from digest.evaluation.duplicates import score_duplicates
from digest.ingest.matching import match_records
from digest.ingest.matching.features import build_record_features

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def rows() -> list[tuple[str, str]]:
    """(what, figure) lines; empty where the shared data is absent."""
    path = SHARED / "duplicate_pairs.jsonl.gz"
    if not path.exists():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        pairs = [json.loads(line) for line in lines]
    out = []
    for name, keyless in (("with keys", False), ("names, authors and texts only", True)):
        score = score_duplicates(pairs, withhold_keys=keyless)
        figures = (
            f"precision {score.precision:.3f}, recall {score.recall:.3f}, joined precision {score.joined_precision:.3f}"
        )
        out.append((f"duplicates, {score.pairs} pairs, {name}", figures))
    with gzip.open(SHARED / "pools" / "2026-05.jsonl.gz", "rt", encoding="utf-8") as lines:
        pool = [json.loads(line) for _, line in zip(range(10_000), lines, strict=False)]
    started = perf_counter()
    found = match_records(
        [build_record_features({**row, "text": row["abstract"], "date": row["published"]}) for row in pool]
    )
    seconds = perf_counter() - started
    out.append((f"matching {len(pool):,} records", f"{seconds:.1f} s, {len(found.possible_pairs)} pairs to look at"))
    return out


def main() -> None:
    for what, figure in rows():
        print(f"{what}: {figure}")


if __name__ == "__main__":
    main()
