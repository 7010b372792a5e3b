"""The judging stages on files instead of the store: tag papers, rank a pool, group records. Nothing is remembered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from digest.config.schema import Taxonomy
from digest.embeddings import load_embeddings
from digest.errors import ConfigError
from digest.evaluation.labels import tag_jsonl
from digest.files import write_output_file
from digest.ingest.add import parse_json_objects, read_jsonl_bytes
from digest.ingest.matching import match_records
from digest.ingest.matching.features import build_record_features
from digest.protocols import Report
from digest.ranking.metrics import PublicPick, parse_picks, parse_pool
from digest.ranking.preference import PreferenceModel, load_default_preferences
from digest.ranking.score import RankingContext, rank_candidates
from digest.ranking.training import TrainingMonth, build_training_months, find_most_active_curator, train_and_prove
from digest.ranking.types import RankerInput
from digest.tagging.embedded import EmbeddedTagger
from digest.text import dump_json_lines

_POOL_SUFFIXES = (".jsonl", ".jsonl.gz")
_MAX_SHOWN = 20


def tag_file(taxonomy: Taxonomy, source: Path, target: Path) -> Report:
    """Papers {arxiv_id, title, abstract} to lines of {arxiv_id, category, secondary, confidence}."""
    _require_distinct(source, target)
    body, problems = tag_jsonl(read_jsonl_bytes(source), EmbeddedTagger(taxonomy))
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
    """A pool to lines of {arxiv_id, score, reasons}, best first.

    With `learn` and `picks` the taste of a curator's picks ranks (default: of who picked most), learned from the pools
    in that folder; else the cold ranker does, on the interests if they are given. That taste starts from what the
    file's other curators picked; where there are none from the public prior, as an editor's own does. The cold ranker
    ranks also where that taste does worse on months held out, and where the prior was learned from those very picks.
    """
    _require_distinct(pool, target)
    candidates = _load_pool(pool)
    cold = RankingContext(interests=interests)
    told, who, taste = "", "", None
    if learn and picks:
        months, who = _load_months(learn, picks, curator, {one.key for one in candidates}, pool)
        proof, taste = train_and_prove(months, cold, load_default_preferences(), force=True)
        told = f"; {proof.sentence}"
    ranked = rank_candidates(candidates, replace(cold, preferences=taste))
    rows = (
        {"arxiv_id": one.candidate.key, "score": round(one.score, 5), "reasons": [r.words for r in one.reasons]}
        for one in ranked
    )
    write_output_file(target, dump_json_lines(rows))
    how = _describe_learned(taste, who) if taste else "by the public prior" + " and the interests" * bool(interests)
    return Report(
        "rank", f"{len(ranked)} papers of {pool.name} ranked {how}{told} → {target}", numbers={"ranked": len(ranked)}
    )


def _load_months(
    folder: Path, picks: Path, curator: str, excluded_keys: set[str], pool: Path
) -> tuple[list[TrainingMonth], str]:
    """The folder's pools with a curator's picks, and who that is; papers of the pool to be ranked are kept out."""
    pools = {
        name: [one for one in _load_pool(path) if one.key not in excluded_keys]
        for name, path in find_pools(folder).items()
        if path.resolve() != pool.resolve()
    }
    made = load_public_picks(picks)
    who = choose_curator(made, curator, picks)
    months = build_training_months(pools, made, who)
    if not any(any(month.picked) for month in months):
        raise ConfigError(
            f"none of the picks of {who or 'no curator'} in {picks.name} is in the pools under {folder}",
            "the picks' arXiv ids must be in the pools",
        )
    return [
        replace(month, embeddings=load_embeddings().embed([c.text for c in month.candidates])) for month in months
    ], who


def _describe_learned(taste: PreferenceModel, curator: str) -> str:
    said = taste.learned_from.replace("picks", f"picks of {curator}", 1) if curator else taste.learned_from
    return f"by what was learned from {said}"


def choose_curator(public_picks: Sequence[PublicPick], curator: str, picks: Path) -> str:
    """The curator to learn from: the one named, else the one who picked most. ConfigError for one without picks."""
    if curator and curator not in (known := sorted({pick.curator for pick in public_picks})):
        raise ConfigError(f"{picks.name} has no picks of {curator}", f"its curators are {', '.join(known)}")
    return curator or find_most_active_curator(public_picks)


def match_file(source: Path, target: Path) -> Report:
    """Records to lines of {record_id, key, group, possible}: one group is one work, `possible` the groups it may be."""
    _require_distinct(source, target)
    rows, problems = parse_json_objects(read_jsonl_bytes(source))
    records = [build_record_features(row, number) for number, row in enumerate(rows)]
    found = match_records(records)
    possible: defaultdict[int, set[int]] = defaultdict(set)
    for pair in found.possible_pairs:
        possible[pair.left].add(found.groups[pair.right])
        possible[pair.right].add(found.groups[pair.left])
    lines = (
        {"record_id": one.record_id, "key": one.key, "group": group, "possible": sorted(possible[number])}
        for number, (one, group) in enumerate(zip(records, found.groups, strict=True))
    )
    write_output_file(target, dump_json_lines(lines))
    numbers = {"records": len(records), "works": len(set(found.groups)), "possible": len(found.possible_pairs)}
    line = f"{len(records)} records are {numbers['works']} works, {len(found.possible_pairs)} possible duplicates → {target}"
    return _mark_partial(Report("match", line, numbers=numbers), problems)


def _mark_partial(report: Report, problems: Sequence[str]) -> Report:
    """The report, partial where lines of the file could not be read."""
    if problems:
        report.state, report.problems = "partial", problems[:_MAX_SHOWN]
    return report


def find_pools(folder: Path) -> dict[str, Path]:
    """The pools of a folder by month: YYYY-MM.jsonl or .jsonl.gz."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    found = {path.name.split(".")[0]: path for path in files if path.name.endswith(_POOL_SUFFIXES)}
    if not found:
        raise ConfigError(f"there are no pools in {folder}", "they are files YYYY-MM.jsonl or YYYY-MM.jsonl.gz")
    return found


def load_public_picks(path: Path) -> list[PublicPick]:
    """The picks of a file."""
    return parse_picks(read_jsonl_bytes(path).decode("utf-8").splitlines())


def _load_pool(path: Path) -> list[RankerInput]:
    return parse_pool(read_jsonl_bytes(path).decode("utf-8").splitlines())


def _require_distinct(source: Path, target: Path) -> None:
    """Raise ConfigError where the answer would be written over the question."""
    if target.exists() and source.exists() and target.samefile(source):
        raise ConfigError(f"{target} is the file to be read", "name another file with --out: nothing was written")
