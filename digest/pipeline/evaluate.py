"""`eval`: the release gates, from labelled data: tagging, ranking, duplicates, grounding; with a history to compare."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from digest import intake, ranking, tagging
from digest.config import Taxonomy
from digest.errors import ConfigError, Refused
from digest.grounding import evaluate as made_untrue
from digest.pipeline.context import Context
from digest.pipeline.files import pool_files, read, read_picks, read_rows
from digest.ports import Report
from digest.store import settings
from digest.vectors import vectors


def _share(test: str, percent: float) -> tuple[str, float]:
    """A test of the grounding check as a figure that is better the higher it is, 0 to 1."""
    if test == made_untrue.TRUE:
        return "verbatim_passed", round(1 - percent / 100, 4)
    return test.replace("'", "").replace(" ", "_") + "_caught", round(percent / 100, 4)


GATES: Mapping[str, Mapping[str, float]] = {
    "tagging": {"accuracy": 0.88, "macro_f1": 0.87, "acceptable": 0.88, "sure_right": 0.95},
    "ranking": {"auc": 0.93, "recall_100": 0.33, "recall_200": 0.47},
    "duplicates": {"recall": 0.90, "precision": 0.95, "joined_precision": 0.995},
    "grounding": dict(_share(test, percent) for test, percent in made_untrue.GATES.items()),
    "golden": {"acceptable": 0.75},
}
_HISTORY = 50


def tagging_numbers(taxonomy: Taxonomy, data: Path | None) -> dict[str, Any]:
    """The embedded tagger's figures on a labelled file, or on the packaged golden set (titles only)."""
    body = read(data) if data else (resources.files("digest") / "data" / "golden_tagging.jsonl").read_bytes()
    papers = tagging.read_labels(body)
    verdicts = tagging.EmbeddedTagger(taxonomy).tag([paper.item for paper in papers])
    return tagging.score(papers, verdicts).numbers()


def ranking_numbers(pools: Path, picks: Path, until: str) -> dict[str, Any]:
    """Learn from the pools' months up to `until`, measure on those after."""
    candidates = {
        name: ranking.read_pool(read(path).decode("utf-8").splitlines()) for name, path in pool_files(pools).items()
    }
    months = [month for month in ranking.months_of(candidates, read_picks(picks)) if any(month.picked)]
    if not any(month.name > until for month in months) or not any(month.name <= until for month in months):
        raise ConfigError(f"no picked pools both up to {until} and after it", "give --train-until a month in between")
    return ranking.evaluate(months, until).as_dict()


def duplicates_numbers(data: Path) -> dict[str, Any]:
    """How well pairs of records are told to be one work or two."""
    score = intake.score_pairs(read_rows(data))
    return {
        "pairs": score.pairs,
        "recall": round(score.recall, 4),
        "precision": round(score.precision, 4),
        "joined_precision": round(score.joined_precision, 4),
        "by_kind": score.by_kind,
        "missed": list(score.missed),
        "wrong": list(score.wrong),
    }


def grounding_numbers(data: Path | None) -> dict[str, Any]:
    """True sentences must pass the check, those made untrue must not; on a file's abstracts or the demo's works.

    Shares of 1; a test for which no text could be changed is left out.
    """
    packaged = resources.files("digest") / "demo" / "recorded" / "works.jsonl"
    rows = read_rows(data) if data else [json.loads(line) for line in packaged.read_bytes().splitlines()]
    texts = [(str(r.get("title") or ""), str(r.get("abstract") or r.get("summary") or "")) for r in rows]
    texts = [(title, text) for title, text in texts if text][:500]
    if len(texts) < 2:
        raise ConfigError("there are no abstracts to check", "give lines of {title, abstract}")
    shares = (_share(one.test, one.flagged) for one in made_untrue.evaluate(texts, vectors()))
    return {"texts": len(texts), **dict(shares)}


def folder_numbers(taxonomy: Taxonomy, folder: Path) -> dict[str, dict[str, Any]]:
    """The figures of each part whose file the folder holds. Raises ConfigError when it holds none."""
    labels, pairs = folder / "labels.jsonl.gz", folder / "duplicate_pairs.jsonl.gz"
    pools, picks = folder / "pools", folder / "picks.jsonl.gz"
    parts: dict[str, tuple[Path, Callable[[], dict[str, Any]]]] = {
        "tagging": (labels, lambda: tagging_numbers(taxonomy, labels)),
        "duplicates": (pairs, lambda: duplicates_numbers(pairs)),
        "ranking": (picks, lambda: ranking_numbers(pools, picks, "2025-08")),
    }
    found = {name: measure() for name, (file, measure) in parts.items() if file.is_file()}
    if not found:
        needed = ", ".join(file.name for file, _ in parts.values())
        raise ConfigError(f"{folder} holds no labelled data", f"put there one of {needed}")
    return found


def judged(context: Context, name: str, numbers: dict[str, Any], root: Path, *, gate: str = "") -> Report:
    """Compare figures with the gates and with the last run, and keep them; a gate fallen short of is a problem.

    A figure that the data does not give (no paper with one label, say) is not judged.
    """
    gates = _gates(root).get(gate or name, {})
    gates = {key: least for key, least in gates.items() if numbers.get(key) is not None}
    before = _remember(context, name, numbers)
    told = [f"{key} {numbers[key]:.4g}{_moved(before.get(key), numbers[key])}" for key in gates]
    short = [
        f"{name}: {key} {numbers[key]:.4g} is below {least:g}" for key, least in gates.items() if numbers[key] < least
    ]
    return Report(f"eval {name}", ", ".join(told) or "no figure has a gate", problems=short, numbers=numbers)


def refuse_short(reports: Sequence[Report]) -> None:
    """Raise Refused, naming every figure below its gate, once all were measured."""
    short = [problem for report in reports for problem in report.problems]
    if short:
        raise Refused(f"{table(reports)}\n  " + "\n  ".join(short), "the gates stand in eval.yaml, else in the program")


def table(reports: Sequence[Report]) -> str:
    """A line a part."""
    return "\n  ".join(f"{report.stage}: {report.line}" for report in reports)


def _moved(before: Any, now: Any) -> str:
    if not isinstance(before, int | float) or not isinstance(now, int | float) or before == now:
        return ""
    return f" ({now - before:+.4f})"


def _remember(context: Context, name: str, numbers: dict[str, Any]) -> dict[str, Any]:
    """Keep the figures in the workspace; returns those of the last run."""
    flat = {key: value for key, value in numbers.items() if isinstance(value, int | float | str)}
    with context.db.write() as session:
        kept = settings.read(session, f"eval:{name}").get("runs", [])
        row = {"at": context.now.isoformat(timespec="seconds"), **flat}
        settings.write(session, f"eval:{name}", {"runs": [*kept, row][-_HISTORY:]}, context.now)
    return dict(kept[-1]) if kept else {}


def _gates(root: Path) -> Mapping[str, Mapping[str, float]]:
    """The workspace's eval.yaml over the program's own gates."""
    path = root / "eval.yaml"
    if not path.is_file():
        return GATES
    try:
        own = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return {name: {**GATES.get(name, {}), **own.get(name, {})} for name in {*GATES, *own}}
    except (yaml.YAMLError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise ConfigError(f"eval.yaml cannot be read: {error}", "it maps a part to {figure: least}") from error
