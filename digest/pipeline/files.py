"""The judging stages on files instead of the store: tag papers, rank a pool, group records. Nothing is remembered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from digest import intake, ranking, tagging
from digest.config import Taxonomy
from digest.errors import ConfigError, unread
from digest.pipeline.lines import objects, read
from digest.ports import Report
from digest.ranking import Candidate, Month, PublicPick, Taste
from digest.text import json_lines
from digest.vectors import vectors

_SUFFIXES = (".jsonl", ".jsonl.gz")
_MOST_SHOWN = 20


def tag_file(taxonomy: Taxonomy, source: Path, target: Path) -> Report:
    """Papers {arxiv_id, title, abstract} to lines of {arxiv_id, category, secondary, confidence}."""
    _apart(source, target)
    body, problems = tagging.tag_jsonl(read(source), tagging.EmbeddedTagger(taxonomy))
    write(target, body)
    count = body.count(b"\n")
    report = Report("tag", f"{count} papers of {source.name} tagged → {target}", numbers={"tagged": count})
    return _left_out(report, problems)


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
    _apart(pool, target)
    candidates = _pool(pool)
    cold = ranking.Context(interests=interests)
    told, who, taste = "", "", None
    if learn and picks:
        months, who = _months(learn, picks, curator, {one.key for one in candidates}, pool)
        proof, taste = ranking.settle(months, cold, ranking.prior(), asked=True)
        told = f"; {proof.sentence}"
    ranked = ranking.rank(candidates, replace(cold, taste=taste))
    rows = (
        {"arxiv_id": one.candidate.key, "score": round(one.score, 5), "reasons": [r.words for r in one.reasons]}
        for one in ranked
    )
    write(target, json_lines(rows))
    how = _learned(taste, who) if taste else "by the public prior" + " and the interests" * bool(interests)
    return Report(
        "rank", f"{len(ranked)} papers of {pool.name} ranked {how}{told} → {target}", numbers={"ranked": len(ranked)}
    )


def _months(folder: Path, picks: Path, curator: str, tested: set[str], pool: Path) -> tuple[list[Month], str]:
    """The folder's pools with a curator's picks, and who that is; papers of the pool to be ranked are kept out."""
    pools = {
        name: [one for one in _pool(path) if one.key not in tested]
        for name, path in pool_files(folder).items()
        if path.resolve() != pool.resolve()
    }
    made = read_picks(picks)
    who = whose(made, curator, picks)
    months = ranking.months_of(pools, made, who)
    if not any(any(month.picked) for month in months):
        raise ConfigError(
            f"none of the picks of {who or 'no curator'} in {picks.name} is in the pools under {folder}",
            "the picks' arXiv ids must be in the pools",
        )
    return [replace(month, embedded=vectors().embed([c.text for c in month.candidates])) for month in months], who


def _learned(taste: Taste, who: str) -> str:
    said = taste.learned_from.replace("picks", f"picks of {who}", 1) if who else taste.learned_from
    return f"by what was learned from {said}"


def whose(made: Sequence[PublicPick], curator: str, picks: Path) -> str:
    """The curator to learn from: the one named, else the one who picked most. ConfigError for one without picks."""
    if curator and curator not in (known := sorted({pick.curator for pick in made})):
        raise ConfigError(f"{picks.name} has no picks of {curator}", f"its curators are {', '.join(known)}")
    return curator or ranking.most_active(made)


def match_file(source: Path, target: Path) -> Report:
    """Records to lines of {record_id, key, group, possible}: one group is one work, `possible` the groups it may be."""
    _apart(source, target)
    rows, problems = objects(read(source))
    records = [intake.record(row, number) for number, row in enumerate(rows)]
    found = intake.match(records)
    possible: defaultdict[int, set[int]] = defaultdict(set)
    for pair in found.possible:
        possible[pair.one].add(found.groups[pair.other])
        possible[pair.other].add(found.groups[pair.one])
    lines = (
        {"record_id": one.record_id, "key": one.key, "group": group, "possible": sorted(possible[number])}
        for number, (one, group) in enumerate(zip(records, found.groups, strict=True))
    )
    write(target, json_lines(lines))
    numbers = {"records": len(records), "works": len(set(found.groups)), "possible": len(found.possible)}
    line = f"{len(records)} records are {numbers['works']} works, {len(found.possible)} possible duplicates → {target}"
    return _left_out(Report("match", line, numbers=numbers), problems)


def _left_out(report: Report, problems: Sequence[str]) -> Report:
    """The report, partial where lines of the file could not be read."""
    if problems:
        report.state, report.problems = "partial", problems[:_MOST_SHOWN]
    return report


def pool_files(folder: Path) -> dict[str, Path]:
    """The pools of a folder by month: YYYY-MM.jsonl or .jsonl.gz."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    found = {path.name.split(".")[0]: path for path in files if path.name.endswith(_SUFFIXES)}
    if not found:
        raise ConfigError(f"there are no pools in {folder}", "they are files YYYY-MM.jsonl or YYYY-MM.jsonl.gz")
    return found


def read_picks(path: Path) -> list[PublicPick]:
    """The picks of a file."""
    return ranking.read_picks(read(path).decode("utf-8").splitlines())


def _pool(path: Path) -> list[Candidate]:
    return ranking.read_pool(read(path).decode("utf-8").splitlines())


def _apart(source: Path, target: Path) -> None:
    """Raise ConfigError where the answer would be written over the question."""
    if target.exists() and source.exists() and target.samefile(source):
        raise ConfigError(f"{target} is the file to be read", "name another file with --out: nothing was written")


def write(path: Path, body: bytes) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(body)
        partial.replace(path)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {unread(error)}", "name a file in a folder that exists"
        ) from error
