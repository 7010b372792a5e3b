"""The state of a workspace as Prometheus text (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from sqlmodel import col, func, select

from digest.context import Context
from digest.evaluation.files import write_output_file
from digest.ingest.fetch import find_stale_sources
from digest.models.issues import Issue
from digest.models.items import Item, SourceState
from digest.models.runs import LLMCall, Run
from digest.models.subscribers import Subscriber

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
    with context.db.read() as session:
        items = session.exec(select(func.count(col(Item.id))).where(col(Item.merged_into).is_(None))).one()
        issues = session.exec(select(Issue.state, func.count()).group_by(Issue.state)).all()
        readers = session.exec(select(Subscriber.state, func.count()).group_by(Subscriber.state)).all()
        usd = session.exec(select(func.coalesce(func.sum(LLMCall.usd), 0.0))).one()
        newest = select(func.max(Run.id)).where(col(Run.finished).is_not(None)).group_by(Run.stage)
        ended = list(session.exec(select(Run).where(col(Run.id).in_(newest)).order_by(Run.stage)))
        states = {state.source_id: state for state in session.exec(select(SourceState))}
    enabled = [source.id for source in context.config.sources if source.enabled]
    asked = [(name, state) for name in enabled if (state := states.get(name)) is not None]
    return [
        ("digest_items", "gauge", "Works kept.", [({}, items)]),
        ("digest_issues", "gauge", "Issues by state.", [({"state": state}, n) for state, n in issues]),
        ("digest_subscribers", "gauge", "Readers by state.", [({"state": state}, n) for state, n in readers]),
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
