"""`eval`: measure tagging, ranking, duplicates and grounding on labelled data, and compare with gates and history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from digest.context import Context
from digest.db.key_value import load_value, save_value
from digest.embeddings import load_embeddings
from digest.errors import CheckFailedError, ConfigError
from digest.evaluation.duplicates import score_duplicates
from digest.evaluation.files import choose_curator, find_pools, load_pool, load_public_picks
from digest.evaluation.grounding import GROUNDING_GATES, VERBATIM_TEST, measure_grounding
from digest.evaluation.labels import parse_labelled_papers, read_golden_set
from digest.evaluation.tagging import evaluate_model_tagging, score_tagging
from digest.ingest.add import load_json_objects, read_jsonl_bytes
from digest.protocols import Report
from digest.ranking.training import build_training_months, measure_trained_ranker
from digest.tagging.embedded import EMBEDDED_ENGINE, EmbeddedTagger
from digest.tagging.weights import count_training_papers


def _as_share(test: str, percent: float) -> tuple[str, float]:
    """Return a test of the grounding check as a metric from 0 to 1, higher being better."""
    if test == VERBATIM_TEST:
        return "verbatim_passed", round(1 - percent / 100, 4)
    return test.replace("'", "").replace(" ", "_") + "_caught", round(percent / 100, 4)


METRIC_GATES: Mapping[str, Mapping[str, float]] = {
    "tagging": {"accuracy": 0.88, "macro_f1": 0.87, "acceptable": 0.88, "sure_right": 0.95},
    "ranking": {"auc": 0.93, "recall_100": 0.33, "recall_200": 0.47},
    "duplicates": {"recall": 0.90, "precision": 0.95, "joined_precision": 0.995},
    "grounding": dict(_as_share(test, percent) for test, percent in GROUNDING_GATES.items()),
    "tagging_multi": {"acceptable": 0.88},
    "golden": {"acceptable": 0.75},
}
LEARNED_UNTIL = "2025-08"  # the last training month of a ranker, by default
_MAX_HISTORY = 50
_PAIRS_FORMAT = "each line is {a, b, label}: two records, and same or different"


def evaluate_tagging(
    context: Context, data: Path | None, *, embedded: bool = True, max_usd: float | None = None
) -> dict[str, Any]:
    """Measure a tagger on a labelled file, or on the packaged golden set (titles only).

    `embedded=False` measures the run's language model instead, which may cost `max_usd`.
    """
    papers = parse_labelled_papers(read_jsonl_bytes(data) if data else read_golden_set())
    if not papers:
        raise ConfigError(f"{data} holds no papers", "each line is {arxiv_id, title, abstract, label or acceptable}")
    model = None if embedded else context.make_model()
    if model is not None:
        return evaluate_model_tagging(context, model, papers, max_usd)
    verdicts = EmbeddedTagger(context.config.taxonomy).tag([paper.item for paper in papers])
    taught = count_training_papers(paper.key for paper in papers)
    return score_tagging(papers, verdicts).as_dict() | {"engine": EMBEDDED_ENGINE, "taught": taught}


def evaluate_ranking(pools: Path, picks: Path, until: str, curator: str = "") -> dict[str, Any]:
    """Train on the pools' months up to `until`, measure on those after; `ranker` describes the ranker."""
    candidates = {name: load_pool(path) for name, path in find_pools(pools).items()}
    public_picks = load_public_picks(picks)
    curator = choose_curator(public_picks, curator, picks)
    months = [month for month in build_training_months(candidates, public_picks, curator) if any(month.picked)]
    if len({month.name > until for month in months}) < 2:
        raise ConfigError(f"no picked pools both up to {until} and after it", "give --train-until a month in between")
    metrics, ranker = measure_trained_ranker(months, until)
    return metrics.as_dict() | {"ranker": ranker}


def evaluate_duplicates(data: Path) -> dict[str, Any]:
    """Measure duplicate detection on labelled pairs of records."""
    rows = load_json_objects(data, _PAIRS_FORMAT)
    if not rows or not all(_is_pair(row) for row in rows):
        raise ConfigError(f"{data} does not hold pairs of records alone", _PAIRS_FORMAT)
    score = score_duplicates(rows)
    shares = {name: round(getattr(score, name), 4) for name in ("recall", "precision", "joined_precision")}
    details = {"by_kind": score.by_kind, "missed": list(score.missed), "wrong": list(score.wrong)}
    return {"pairs": score.pairs, **shares, **details}


def _is_pair(row: Mapping[str, Any]) -> bool:
    return row.get("label") in ("same", "different") and all(isinstance(row.get(side), dict) for side in ("a", "b"))


def evaluate_grounding(data: Path | None) -> dict[str, Any]:
    """Measure the grounding check on a file's abstracts or the demo's works, as shares of 1.

    True sentences must pass the check, falsified ones must not. A test for which no text could be changed is left out.
    """
    with resources.as_file(resources.files("digest") / "demo" / "recorded" / "works.jsonl") as packaged:
        rows = load_json_objects(data or packaged, "give lines of {title, abstract}")
    texts = [(str(r.get("title") or ""), str(r.get("abstract") or r.get("summary") or "")) for r in rows]
    texts = [(title, text) for title, text in texts if text][:500]
    if len(texts) < 2:
        raise ConfigError("there are no abstracts to check", "give lines of {title, abstract}")
    outcomes = measure_grounding(texts, load_embeddings())
    return {"texts": len(texts), **dict(_as_share(outcome.test, outcome.flagged_percent) for outcome in outcomes)}


def evaluate_all_parts(context: Context, folder: Path | None) -> dict[str, dict[str, Any]]:
    """Measure each part on the packaged sets, and on the files that a folder holds."""
    numbers = {"golden": evaluate_tagging(context, None), "grounding": evaluate_grounding(None)}
    if folder is None:
        return numbers
    files = {name: _find_data_file(folder, name) for name in ("labels", "labels_multi", "duplicate_pairs", "picks")}
    if not any(files.values()):
        raise ConfigError(
            f"{folder} holds none of the files to measure on",
            "it has labels, labels_multi, duplicate_pairs or picks (.jsonl or .jsonl.gz), and a folder pools",
        )
    for part, name in (("tagging", "labels"), ("tagging_multi", "labels_multi")):
        if path := files[name]:
            numbers[part] = evaluate_tagging(context, path)
    if pairs := files["duplicate_pairs"]:
        numbers["duplicates"] = evaluate_duplicates(pairs)
    if (picks := files["picks"]) and (folder / "pools").is_dir():
        numbers["ranking"] = evaluate_ranking(folder / "pools", picks, LEARNED_UNTIL)
    return numbers


def _find_data_file(folder: Path, name: str) -> Path | None:
    paths = (folder / f"{name}{suffix}" for suffix in (".jsonl.gz", ".jsonl"))
    return next((path for path in paths if path.is_file()), None)


def compare_with_gates(
    context: Context, name: str, numbers: dict[str, Any], root: Path, *, gate: str = "", data: Path | None = None
) -> Report:
    """Compare metrics with the gates and with the last run on this data, and store them; a miss is a problem.

    A metric that the data does not give (no paper with one label, say) is not compared.
    """
    gates = _load_gates(root, gate or name, numbers)
    gates = {key: least for key, least in gates.items() if numbers.get(key) is not None}
    before = _record_history(context, name, numbers, data.name if data else "")
    metrics = [f"{key} {numbers[key]:.4g}{_format_change(before.get(key), numbers[key])}" for key in gates]
    line = ", ".join(metrics) or "no metric has a gate"
    if numbers.get("engine", EMBEDDED_ENGINE) != EMBEDDED_ENGINE:
        line += f"; by {numbers['engine']}, {numbers['calls']} calls, {numbers['usd']:.4f} USD"
    if taught := numbers.get("taught"):
        line += f"; {taught} of the {numbers['papers']} papers taught the tagger, so that they say little of new ones"
    if ranker := numbers.get("ranker"):
        line += f"; {ranker}"
    missed = [key for key, least in gates.items() if numbers[key] < least]
    problems = [f"{name}: {key} {numbers[key]:.4g} is below {gates[key]:g}" for key in missed]
    report = Report(f"eval {name}", line, problems=problems, numbers=numbers)
    if unanswered := numbers.get("unanswered"):
        report.state = "partial"
        report.line += f"; {unanswered} papers without its verdict are left out: {numbers['why_unanswered']}"
    return report


def require_passing_gates(reports: Sequence[Report]) -> None:
    """Raise CheckFailedError with every metric below its gate, once all were measured."""
    if problems := [problem for report in reports for problem in report.problems]:
        message = "\n  ".join([format_reports(reports), *problems])
        raise CheckFailedError(message, "gates can be set in eval.yaml")


def format_reports(reports: Sequence[Report]) -> str:
    """Format one line a part."""
    return "\n  ".join(f"{report.stage}: {report.line}" for report in reports)


def _format_change(before: Any, now: Any) -> str:
    if not isinstance(before, int | float) or not isinstance(now, int | float) or before == now:
        return ""
    return f" ({now - before:+.4f})"


def _record_history(context: Context, name: str, numbers: dict[str, Any], data: str) -> dict[str, Any]:
    """Store the metrics in the workspace; returns those of the last run on the same data."""
    flat = {key: value for key, value in numbers.items() if isinstance(value, int | float | str)}
    with context.db.write() as session:
        runs = load_value(session, f"eval:{name}").get("runs", [])
        row = {"at": context.now.isoformat(timespec="seconds"), "data": data, **flat}
        save_value(session, f"eval:{name}", {"runs": [*runs, row][-_MAX_HISTORY:]}, context.now)
    return next((dict(run) for run in reversed(runs) if run.get("data", "") == data), {})


def _load_gates(root: Path, part: str, numbers: Mapping[str, Any]) -> Mapping[str, float]:
    """Return a part's gates, the workspace's eval.yaml over the defaults; ConfigError for unknown names."""
    path = root / "eval.yaml"
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None
        own = {str(name): {str(key): float(least) for key, least in g.items()} for name, g in (data or {}).items()}
    except (yaml.YAMLError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise ConfigError(f"eval.yaml cannot be read: {error}", "it maps a part to {figure: least}") from error
    if unknown := next((name for name in own if name not in METRIC_GATES), None):
        raise ConfigError(f"eval.yaml: there is no part {unknown!r}", f"there are {', '.join(sorted(METRIC_GATES))}")
    names = {*METRIC_GATES[part], *(key for key, value in numbers.items() if isinstance(value, int | float))}
    if unknown := next((key for key in own.get(part, {}) if key not in names), None):
        raise ConfigError(f"eval.yaml: {part} has no figure {unknown!r}", f"it has {', '.join(sorted(names))}")
    return {**METRIC_GATES[part], **own.get(part, {})}
