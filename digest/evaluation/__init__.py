"""`eval`: the release gates, from labelled data: tagging, ranking, duplicates, grounding; with a history to compare."""

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
from digest.evaluation.files import choose_curator, find_pools, load_public_picks
from digest.evaluation.grounding import GROUNDING_GATES, VERBATIM_TEST, measure_grounding
from digest.evaluation.labels import parse_labelled_papers, read_golden_set
from digest.evaluation.tagging import evaluate_model_tagging, score_tagging
from digest.ingest.add import load_json_objects, read_jsonl_bytes
from digest.protocols import Report
from digest.ranking.metrics import parse_pool
from digest.ranking.training import build_training_months, measure_trained_ranker
from digest.tagging.embedded import EMBEDDED_ENGINE, EmbeddedTagger
from digest.tagging.weights import count_training_papers


def _as_share(test: str, percent: float) -> tuple[str, float]:
    """A test of the grounding check as a figure that is better the higher it is, 0 to 1."""
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
_MAX_HISTORY = 50
LEARNED_UNTIL = "2025-08"  # the last month a ranker may learn from, unless another is said
_PAIRS_FORMAT = "each line is {a, b, label}: two records, and same or different"


def evaluate_tagging(
    context: Context, data: Path | None, *, embedded: bool = True, max_usd: float | None = None
) -> dict[str, Any]:
    """A tagger's figures on a labelled file, or on the packaged golden set (titles only).

    The embedded one, unless not so wanted: then the run's language model, which may cost `max_usd`.
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
    """Learn from the pools' months up to `until`, measure on those after; `ranker` says what was measured."""
    candidates = {
        name: parse_pool(read_jsonl_bytes(path).decode("utf-8", "replace").split("\n"))
        for name, path in find_pools(pools).items()
    }
    made = load_public_picks(picks)
    who = choose_curator(made, curator, picks)
    months = [month for month in build_training_months(candidates, made, who) if any(month.picked)]
    if not any(month.name > until for month in months) or not any(month.name <= until for month in months):
        raise ConfigError(f"no picked pools both up to {until} and after it", "give --train-until a month in between")
    found, ranker = measure_trained_ranker(months, until)
    return found.as_dict() | {"ranker": ranker}


def evaluate_duplicates(data: Path) -> dict[str, Any]:
    """How well pairs of records are told to be one work or two."""
    rows = load_json_objects(data, _PAIRS_FORMAT)
    if not rows or not all(_is_pair(row) for row in rows):
        raise ConfigError(f"{data} does not hold pairs of records alone", _PAIRS_FORMAT)
    score = score_duplicates(rows)
    return {
        "pairs": score.pairs,
        "recall": round(score.recall, 4),
        "precision": round(score.precision, 4),
        "joined_precision": round(score.joined_precision, 4),
        "by_kind": score.by_kind,
        "missed": list(score.missed),
        "wrong": list(score.wrong),
    }


def _is_pair(row: Mapping[str, Any]) -> bool:
    return row.get("label") in ("same", "different") and all(isinstance(row.get(side), dict) for side in ("a", "b"))


def evaluate_grounding(data: Path | None) -> dict[str, Any]:
    """True sentences must pass the check, those made untrue must not; on a file's abstracts or the demo's works.

    Shares of 1; a test for which no text could be changed is left out.
    """
    with resources.as_file(resources.files("digest") / "demo" / "recorded" / "works.jsonl") as packaged:
        rows = load_json_objects(data or packaged, "give lines of {title, abstract}")
    texts = [(str(r.get("title") or ""), str(r.get("abstract") or r.get("summary") or "")) for r in rows]
    texts = [(title, text) for title, text in texts if text][:500]
    if len(texts) < 2:
        raise ConfigError("there are no abstracts to check", "give lines of {title, abstract}")
    shares = (_as_share(one.test, one.flagged_percent) for one in measure_grounding(texts, load_embeddings()))
    return {"texts": len(texts), **dict(shares)}


def evaluate_all_parts(context: Context, folder: Path | None) -> dict[str, dict[str, Any]]:
    """The figures of each part on the packaged sets, and on the files of a folder that are there."""
    numbers = {"golden": evaluate_tagging(context, None), "grounding": evaluate_grounding(None)}
    if folder is None:
        return numbers
    files = {name: _find_data_file(folder, name) for name in ("labels", "labels_multi", "duplicate_pairs", "picks")}
    numbers |= {
        part: evaluate_tagging(context, path)
        for part, path in (("tagging", files["labels"]), ("tagging_multi", files["labels_multi"]))
        if path
    }
    if pairs := files["duplicate_pairs"]:
        numbers["duplicates"] = evaluate_duplicates(pairs)
    if (picks := files["picks"]) and (folder / "pools").is_dir():
        numbers["ranking"] = evaluate_ranking(folder / "pools", picks, LEARNED_UNTIL)
    if not any(files.values()):
        raise ConfigError(
            f"{folder} holds none of the files to measure on",
            "it has labels, labels_multi, duplicate_pairs or picks (.jsonl or .jsonl.gz), and a folder pools",
        )
    return numbers


def _find_data_file(folder: Path, name: str) -> Path | None:
    paths = (folder / f"{name}{suffix}" for suffix in (".jsonl.gz", ".jsonl"))
    return next((path for path in paths if path.is_file()), None)


def compare_with_gates(
    context: Context, name: str, numbers: dict[str, Any], root: Path, *, gate: str = "", data: Path | None = None
) -> Report:
    """Compare figures with the gates and with the last run on this data, and keep them; short of a gate is a problem.

    A figure that the data does not give (no paper with one label, say) is not judged.
    """
    gates = _load_gates(root, gate or name, numbers)
    gates = {key: least for key, least in gates.items() if numbers.get(key) is not None}
    before = _record_history(context, name, numbers, data.name if data else "")
    told = [f"{key} {numbers[key]:.4g}{_format_change(before.get(key), numbers[key])}" for key in gates]
    short = [
        f"{name}: {key} {numbers[key]:.4g} is below {least:g}" for key, least in gates.items() if numbers[key] < least
    ]
    line = ", ".join(told) or "no figure has a gate"
    if numbers.get("engine", EMBEDDED_ENGINE) != EMBEDDED_ENGINE:
        line += f"; by {numbers['engine']}, {numbers['calls']} calls, {numbers['usd']:.4f} USD"
    if taught := numbers.get("taught"):
        line += f"; {taught} of the {numbers['papers']} papers taught the tagger, so that they say little of new ones"
    if ranker := numbers.get("ranker"):
        line += f"; {ranker}"
    report = Report(f"eval {name}", line, problems=short, numbers=numbers)
    if unanswered := numbers.get("unanswered"):
        report.state = "partial"
        report.line += f"; {unanswered} papers without its verdict are left out: {numbers['why_unanswered']}"
    return report


def require_passing_gates(reports: Sequence[Report]) -> None:
    """Raise Refused, naming every figure below its gate, once all were measured."""
    short = [problem for report in reports for problem in report.problems]
    if short:
        raise CheckFailedError(
            f"{format_reports(reports)}\n  " + "\n  ".join(short), "the gates stand in eval.yaml, else in the program"
        )


def format_reports(reports: Sequence[Report]) -> str:
    """A line a part."""
    return "\n  ".join(f"{report.stage}: {report.line}" for report in reports)


def _format_change(before: Any, now: Any) -> str:
    if not isinstance(before, int | float) or not isinstance(now, int | float) or before == now:
        return ""
    return f" ({now - before:+.4f})"


def _record_history(context: Context, name: str, numbers: dict[str, Any], data: str) -> dict[str, Any]:
    """Keep the figures in the workspace; returns those of the last run on the same data."""
    flat = {key: value for key, value in numbers.items() if isinstance(value, int | float | str)}
    with context.db.write() as session:
        kept = load_value(session, f"eval:{name}").get("runs", [])
        row = {"at": context.now.isoformat(timespec="seconds"), "data": data, **flat}
        save_value(session, f"eval:{name}", {"runs": [*kept, row][-_MAX_HISTORY:]}, context.now)
    return next((dict(run) for run in reversed(kept) if run.get("data", "") == data), {})


def _load_gates(root: Path, part: str, numbers: Mapping[str, Any]) -> Mapping[str, float]:
    """A part's gates: the workspace's eval.yaml over the program's own. ConfigError for what it never would judge."""
    path = root / "eval.yaml"
    try:
        own = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None
        wanted = {
            str(name): {str(key): float(least) for key, least in bars.items()} for name, bars in (own or {}).items()
        }
    except (yaml.YAMLError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise ConfigError(f"eval.yaml cannot be read: {error}", "it maps a part to {figure: least}") from error
    if strange := next((name for name in wanted if name not in METRIC_GATES), None):
        raise ConfigError(f"eval.yaml: there is no part {strange!r}", f"there are {', '.join(sorted(METRIC_GATES))}")
    known = {*METRIC_GATES[part], *(key for key, value in numbers.items() if isinstance(value, int | float))}
    if strange := next((key for key in wanted.get(part, {}) if key not in known), None):
        raise ConfigError(f"eval.yaml: {part} has no figure {strange!r}", f"it has {', '.join(sorted(known))}")
    return {**METRIC_GATES[part], **wanted.get(part, {})}
