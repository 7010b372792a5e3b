"""Tag papers, rank a pool and group records of files, without a database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from digest.config.schema import Taxonomy
from digest.errors import ConfigError
from digest.evaluation.labels import tag_jsonl
from digest.files import write_output_file
from digest.ingest.add import parse_json_objects, read_jsonl_bytes
from digest.ingest.matching import match_records
from digest.ingest.matching.features import build_record_features
from digest.protocols import Report
from digest.ranking.metrics import PublicPick, parse_picks, parse_pool
from digest.ranking.namers import has_namers
from digest.ranking.preference import load_default_preferences
from digest.ranking.score import RankingContext, rank_candidates
from digest.ranking.training import (
    TrainingMonth,
    build_training_months,
    find_most_active_curator,
    learn_namer_weights,
    train_and_prove,
)
from digest.ranking.types import RankerInput
from digest.tagging.embedded import EmbeddedTagger
from digest.text import dump_json_lines

_POOL_SUFFIXES = (".jsonl", ".jsonl.gz")
_MAX_SHOWN = 20


def tag_file(taxonomy: Taxonomy, source: Path, target: Path) -> Report:
    """Tag papers {arxiv_id, title, abstract}; writes lines of {arxiv_id, category, secondary, confidence}."""
    _require_distinct(source, target)
    body, problems = tag_jsonl(read_jsonl_bytes(source), EmbeddedTagger(taxonomy).tag)
    write_output_file(target, body)
    count = body.count(b"\n")
    report = Report("tag", f"{count} papers of {source.name} tagged → {target}", numbers={"tagged": count})
    return _mark_partial(report, problems)


def rank_file(
    pool: Path,
    target: Path,
    *,
    learn: Path | None = None,
    picks: Path | None = None,
    curator: str = "",
    interests: str = "",
) -> Report:
    """Rank a pool; writes lines of {arxiv_id, score, reasons}, best first.

    With `learn` and `picks` the ranker learns a curator's preferences (default: of the most active one) from the pools
    in that folder, starting from the picks of the file's other curators, else from the public prior. Without them, or
    where they do worse on held-out months or made the prior, the public prior and the `interests` rank.
    """
    _require_distinct(pool, target)
    candidates = load_pool(pool)
    context = RankingContext(interests=interests)
    ranker, proof_note = "by the public prior" + " and the interests" * bool(interests), ""
    if learn and picks:
        months, curator = _load_months(learn, picks, curator, {candidate.key for candidate in candidates}, pool)
        proof, preferences = train_and_prove(months, context, load_default_preferences(), force=True)
        proof_note = f"; {proof.sentence}"
        if preferences:
            context = replace(context, preferences=preferences)
            source = preferences.learned_from
            ranker = (
                f"by what was learned from {source.replace('picks', f'picks of {curator}', 1) if curator else source}"
            )
        if has_namers(candidates) and (namer_weights := learn_namer_weights(months, context)):
            context = replace(context, namer_weights=namer_weights)
            proof_note += f"; learned weights of namers: {', '.join(namer_weights.list_learned())}"
    ranked = rank_candidates(candidates, context)
    rows = (
        {"arxiv_id": entry.candidate.key, "score": round(entry.score, 5), "reasons": [r.words for r in entry.reasons]}
        for entry in ranked
    )
    write_output_file(target, dump_json_lines(rows))
    line = f"{len(ranked)} papers of {pool.name} ranked {ranker}{proof_note} → {target}"
    return Report("rank", line, numbers={"ranked": len(ranked)})


def _load_months(
    folder: Path, picks: Path, curator: str, excluded_keys: set[str], pool: Path
) -> tuple[list[TrainingMonth], str]:
    """Load the folder's pools with a curator's picks, and the curator; papers of the pool to be ranked are left out."""
    pools = {
        name: [candidate for candidate in load_pool(path) if candidate.key not in excluded_keys]
        for name, path in find_pools(folder).items()
        if path.resolve() != pool.resolve()
    }
    public_picks = load_public_picks(picks)
    curator = choose_curator(public_picks, curator, picks)
    months = build_training_months(pools, public_picks, curator)
    if not any(any(month.picked) for month in months):
        raise ConfigError(
            f"none of the picks of {curator or 'no curator'} in {picks.name} is in the pools under {folder}",
            "the picks' arXiv ids must be in the pools",
        )
    return [replace(month, embeddings=month.vectors) for month in months], curator


def choose_curator(public_picks: Sequence[PublicPick], curator: str, picks: Path) -> str:
    """Return the curator named, else the one with the most picks. ConfigError for one without picks."""
    names = sorted({pick.curator for pick in public_picks})
    if curator and curator not in names:
        raise ConfigError(f"{picks.name} has no picks of {curator}", f"its curators are {', '.join(names)}")
    return curator or find_most_active_curator(public_picks)


def match_file(source: Path, target: Path) -> Report:
    """Group records by work; writes lines of {record_id, key, group, possible}, `possible` being similar groups."""
    _require_distinct(source, target)
    rows, problems = parse_json_objects(read_jsonl_bytes(source))
    records = [build_record_features(row, number) for number, row in enumerate(rows)]
    result = match_records(records)
    possible: defaultdict[int, set[int]] = defaultdict(set)
    for pair in result.possible_pairs:
        possible[pair.left].add(result.groups[pair.right])
        possible[pair.right].add(result.groups[pair.left])
    lines = (
        {"record_id": record.record_id, "key": record.key, "group": group, "possible": sorted(possible[number])}
        for number, (record, group) in enumerate(zip(records, result.groups, strict=True))
    )
    write_output_file(target, dump_json_lines(lines))
    numbers = {"records": len(records), "works": len(set(result.groups)), "possible": len(result.possible_pairs)}
    line = f"{len(records)} records are {numbers['works']} works, {numbers['possible']} possible duplicates → {target}"
    return _mark_partial(Report("match", line, numbers=numbers), problems)


def _mark_partial(report: Report, problems: Sequence[str]) -> Report:
    """Mark a report as partial where lines of the file could not be read."""
    if problems:
        report.state, report.problems = "partial", problems[:_MAX_SHOWN]
    return report


def find_pools(folder: Path) -> dict[str, Path]:
    """Return the pools of a folder by month: YYYY-MM.jsonl or .jsonl.gz."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    pools = {path.name.split(".")[0]: path for path in files if path.name.endswith(_POOL_SUFFIXES)}
    if not pools:
        raise ConfigError(f"there are no pools in {folder}", "they are files YYYY-MM.jsonl or YYYY-MM.jsonl.gz")
    return pools


def load_public_picks(path: Path) -> list[PublicPick]:
    return parse_picks(read_jsonl_bytes(path).decode("utf-8", "replace").split("\n"))


def load_pool(path: Path) -> list[RankerInput]:
    return parse_pool(read_jsonl_bytes(path).decode("utf-8", "replace").split("\n"))


def _require_distinct(source: Path, target: Path) -> None:
    """Raise ConfigError where the output would replace the input."""
    if target.exists() and source.exists() and target.samefile(source):
        raise ConfigError(f"{target} is the file to be read", "name another file with --out: nothing was written")
