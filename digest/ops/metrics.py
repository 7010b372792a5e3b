"""The state of a workspace as Prometheus text (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
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
from digest.ingest.fetch import find_stale_sources

Sample = tuple[Mapping[str, str], float]


def write_metrics(context: Context, path: Path) -> None:
    """Write the file whole or not at all, as node_exporter's textfile collector wants it."""
    write_output_file(path, render_metrics(context).encode())


def render_metrics(context: Context) -> str:
    """Gauges and counters, each with its help and type; no reader's address and no secret is among them."""
    return "".join(
        _render_family(name, kind, told, samples) for name, kind, told, samples in _collect_families(context)
    )


def _collect_families(context: Context) -> list[tuple[str, str, str, list[Sample]]]:
    quiet = find_stale_sources(context)
    enabled = [source.id for source in context.config.sources if source.enabled]
    with context.db.read() as session:
        items = count_items(session)
        issues = Counter(issue.state for issue, _ in load_issues_with_pick_counts(session))
        subscribers = count_subscribers_by_state(session)
        usd = sum_spend_since(session, datetime.min.replace(tzinfo=UTC))
        ended = load_last_ended_runs_by_stage(session)
        states = load_source_states(session, enabled)
    asked = [(name, state) for name in enabled if (state := states.get(name)) is not None]
    return [
        ("digest_items", "gauge", "Works kept.", [({}, items)]),
        ("digest_issues", "gauge", "Issues by state.", [({"state": state}, n) for state, n in sorted(issues.items())]),
        (
            "digest_subscribers",
            "gauge",
            "Readers by state.",
            [({"state": state}, n) for state, n in sorted(subscribers.items())],
        ),
        ("digest_model_usd_total", "counter", "Spent on language models at list price.", [({}, usd)]),
        (
            "digest_source_errors",
            "gauge",
            "Failures of a source in a row.",
            [({"source": name}, state.errors) for name, state in asked],
        ),
        (
            "digest_source_checked_timestamp_seconds",
            "gauge",
            "When a source was last asked.",
            [({"source": name}, _to_timestamp(state.last_checked)) for name, state in asked if state.last_checked],
        ),
        (
            "digest_source_silent_days",
            "gauge",
            "Days a source has been silent against its own history; 0 when it is not.",
            [({"source": name}, quiet[name].days if name in quiet else 0) for name in enabled],
        ),
        (
            "digest_run_finished_timestamp_seconds",
            "gauge",
            "When a stage last ended.",
            [({"stage": run.stage}, _to_timestamp(run.finished)) for run in ended if run.finished],
        ),
        (
            "digest_run_ok",
            "gauge",
            "1 when a stage last ended well, else 0.",
            [({"stage": run.stage}, float(run.state == "done")) for run in ended],
        ),
    ]


def _render_family(name: str, kind: str, help_text: str, samples: Iterable[Sample]) -> str:
    lines = [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}"]
    lines += [f"{name}{_render_labels(labels)} {value:.15g}" for labels, value in samples]
    return "\n".join(lines) + "\n"


def _render_labels(labels: Mapping[str, str]) -> str:
    told = ",".join(f'{key}="{_escape_label(value)}"' for key, value in labels.items())
    return f"{{{told}}}" if told else ""


def _escape_label(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _to_timestamp(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0
