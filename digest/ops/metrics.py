"""The state of a workspace as Prometheus text (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from digest.context import Context
from digest.db.issues import load_issues_with_pick_counts
from digest.db.items import count_items
from digest.db.llm_calls import sum_spend_since
from digest.db.runs import load_last_ended_runs_by_stage
from digest.db.sources import load_source_states
from digest.db.subscribers import count_subscribers_by_state
from digest.files import write_output_file
from digest.ingest.staleness import find_stale_sources

Sample = tuple[str, float]  # the value of the family's label, if it has one, and the number


def write_metrics(context: Context, path: Path) -> None:
    """Write the metrics atomically, for node_exporter's textfile collector."""
    write_output_file(path, render_metrics(context).encode())


def render_metrics(context: Context) -> str:
    """Render gauges and counters with help and type; no address and no secret is among them."""
    enabled = [source.id for source in context.config.sources if source.enabled]
    with context.db.read() as session:
        stale_sources = find_stale_sources(context, session)
        item_count = count_items(session)
        issues = Counter(issue.state for issue, _ in load_issues_with_pick_counts(session))
        subscribers = count_subscribers_by_state(session)
        usd = sum_spend_since(session, datetime.min.replace(tzinfo=UTC))
        runs = load_last_ended_runs_by_stage(session)
        states = load_source_states(session, enabled)
    fetched = [(name, states[name]) for name in enabled if name in states]
    checked = [(name, state.last_checked.timestamp()) for name, state in fetched if state.last_checked]
    stale_days = [(name, stale_sources[name].days if name in stale_sources else 0) for name in enabled]
    finished = [(run.stage, run.finished.timestamp()) for run in runs if run.finished]
    families: list[tuple[str, str, str, str, Iterable[Sample]]] = [
        ("items", "gauge", "", "Items in the database.", [("", item_count)]),
        ("issues", "gauge", "state", "Issues by state.", sorted(issues.items())),
        ("subscribers", "gauge", "state", "Subscribers by state.", sorted(subscribers.items())),
        ("model_usd_total", "counter", "", "Spent on language models at list price.", [("", usd)]),
        (
            "source_errors",
            "gauge",
            "source",
            "Consecutive failures.",
            [(name, state.errors) for name, state in fetched],
        ),
        ("source_checked_timestamp_seconds", "gauge", "source", "Last fetch of a source.", checked),
        ("source_silent_days", "gauge", "source", "Days of unusual silence of a source, or 0.", stale_days),
        ("run_finished_timestamp_seconds", "gauge", "stage", "Last end of a stage.", finished),
        (
            "run_ok",
            "gauge",
            "stage",
            "1 when a stage last ended well, else 0.",
            [(r.stage, r.state == "done") for r in runs],
        ),
    ]
    return "".join(
        _render_family(f"digest_{name}", kind, label, text, samples) for name, kind, label, text, samples in families
    )


def _render_family(name: str, kind: str, label: str, help_text: str, samples: Iterable[Sample]) -> str:
    lines = [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}"]
    for value, number in samples:
        escaped = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
        labels = f'{{{label}="{escaped}"}}' if label else ""
        lines.append(f"{name}{labels} {float(number):.15g}")
    return "\n".join(lines) + "\n"
