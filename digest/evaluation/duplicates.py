"""Measure duplicate detection: precision and recall over labelled pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from digest.ingest.matching import match_records
from digest.ingest.matching.features import build_record_features

_WITHOUT_KEYS = {"arxiv_id": None, "url": ""}


@dataclass(frozen=True, slots=True)
class DuplicateScore:
    """Results over pairs: "flagged" are joined or shown to the editor, "joined" are merged without asking.

    `missed` and `wrong` hold one line of text per pair.
    """

    pairs: int
    same: int
    flagged_right: int
    flagged_wrong: int
    joined_right: int
    joined_wrong: int
    by_kind: dict[str, str] = field(default_factory=dict)
    missed: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()

    @property
    def recall(self) -> float:
        """The share of pairs of one work that is flagged."""
        return self.flagged_right / self.same if self.same else 1.0

    @property
    def precision(self) -> float:
        """The share of flagged pairs that are one work."""
        return _precision(self.flagged_right, self.flagged_wrong)

    @property
    def joined_precision(self) -> float:
        """The share of joined pairs that are one work."""
        return _precision(self.joined_right, self.joined_wrong)


def score_duplicates(rows: Iterable[Mapping[str, Any]], *, withhold_keys: bool = False) -> DuplicateScore:
    """Score pairs `{"a": record, "b": record, "label": "same" | "different", "kind": ...}`.

    With `withhold_keys`, ids and links are removed, so that only titles, authors and texts decide.
    """
    outcomes: Counter[tuple[bool, str]] = Counter()
    kinds: Counter[tuple[str, bool]] = Counter()
    faults: dict[bool, list[str]] = {True: [], False: []}
    for row in rows:
        same = row["label"] == "same"
        pair = [build_record_features({**row[side], **(_WITHOUT_KEYS if withhold_keys else {})}) for side in ("a", "b")]
        result = match_records(pair)
        outcome = "joined" if len(set(result.groups)) == 1 else "flagged" if result.possible_pairs else "apart"
        right = same == (outcome != "apart")
        outcomes[same, outcome] += 1
        kinds[str(row.get("kind", "")), right] += 1
        if not right:
            faults[same].append(f"{pair[0].title} | {pair[1].title}")
    flagged = {same: outcomes[same, "joined"] + outcomes[same, "flagged"] for same in (True, False)}
    totals = {kind: kinds[kind, True] + kinds[kind, False] for kind, _ in kinds}
    return DuplicateScore(
        pairs=sum(outcomes.values()),
        same=sum(count for (same, _), count in outcomes.items() if same),
        flagged_right=flagged[True],
        flagged_wrong=flagged[False],
        joined_right=outcomes[True, "joined"],
        joined_wrong=outcomes[False, "joined"],
        by_kind={kind: f"{kinds[kind, True]}/{total}" for kind, total in sorted(totals.items())},
        missed=tuple(faults[True]),
        wrong=tuple(faults[False]),
    )


def _precision(right: int, wrong: int) -> float:
    return right / (right + wrong) if right + wrong else 1.0
