"""Commands of `digest eval`: metrics of each part on labelled data, against its gates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from digest.cli.options import OPERATE, Json, MaxUsd, app, command
from digest.cli.output import exit_with_report, open_workspace, print_json

eval_app = typer.Typer(help="Measure the parts on labelled data against gates.", no_args_is_help=True)
app.add_typer(eval_app, name="eval", rich_help_panel=OPERATE)

DataFile = Annotated[Path | None, typer.Option("--data", help="A file of JSON lines, or its .gz.")]


@command(eval_app, "eval tagging --data labels.jsonl.gz", "eval tagging --engine gemini --max-usd 0.05")
def tagging(
    data: DataFile = None,
    engine: Annotated[
        str, typer.Option("--engine", help="embedded, or a model as in sources.yaml: gemini, openai, scripted.")
    ] = "embedded",
    max_usd: MaxUsd = None,
    as_json: Json = False,
) -> None:
    """Measure a tagger: accuracy, F1, calibration.

    Without --data on the packaged titles.
    """
    from digest.evaluation import evaluate_tagging

    embedded = engine in ("embedded", "local")
    with open_workspace("" if embedded else engine) as workspace:
        numbers = evaluate_tagging(workspace.context, data, embedded=embedded, max_usd=max_usd)
    name = "tagging" if embedded else f"tagging by {engine}"
    _report_metrics(name, numbers, as_json, gate="tagging" if data else "golden", data=data)


@command(eval_app, "eval ranking --pools pools --picks picks.jsonl.gz --train-until 2025-08")
def ranking(
    pools: Annotated[Path, typer.Option("--pools", help="A folder of YYYY-MM.jsonl[.gz].")],
    picks: Annotated[Path, typer.Option("--picks", help="A file of {month, curator, arxiv_id}.")],
    train_until: Annotated[str, typer.Option("--train-until", metavar="YYYY-MM")] = "2025-08",
    curator: Annotated[str, typer.Option("--curator", help="The curator; by default the one with most picks.")] = "",
    as_json: Json = False,
) -> None:
    """Measure the ranking on held-out months: AUC, recall."""
    from digest.evaluation import evaluate_ranking

    _report_metrics("ranking", evaluate_ranking(pools, picks, train_until, curator), as_json, data=picks)


@command(eval_app, "eval duplicates --data duplicate_pairs.jsonl.gz")
def duplicates(
    data: Annotated[Path, typer.Option("--data", help="Pairs {a, b, label}.")], as_json: Json = False
) -> None:
    """Measure recall and precision of duplicate detection."""
    from digest.evaluation import evaluate_duplicates

    _report_metrics("duplicates", evaluate_duplicates(data), as_json, data=data)


@command(eval_app, "eval grounding")
def grounding(data: DataFile = None, as_json: Json = False) -> None:
    """Measure the grounding check on true and false sentences."""
    from digest.evaluation import evaluate_grounding

    _report_metrics("grounding", evaluate_grounding(data), as_json, data=data)


@command(eval_app, "eval all --data ../data", name="all")
def evaluate_all(
    folder: Annotated[
        Path | None, typer.Option("--data", help="A folder with labels, pools and picks, or pairs.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure every part for which there is data."""
    from digest.evaluation import compare_with_gates, evaluate_all_parts, format_reports, require_passing_gates
    from digest.protocols import Report

    with open_workspace() as workspace:
        numbers = evaluate_all_parts(workspace.context, folder)
        reports = [
            compare_with_gates(workspace.context, name, n, workspace.root, data=folder) for name, n in numbers.items()
        ]
    short = [problem for report in reports for problem in report.problems]
    if as_json and short:
        print_json({"stage": "eval", "line": format_reports(reports), "numbers": numbers, "problems": short})
    require_passing_gates(reports)
    exit_with_report(
        Report("eval", f"{len(reports)} parts within their gates\n  {format_reports(reports)}", numbers=numbers),
        as_json,
    )


def _report_metrics(
    name: str, numbers: dict[str, Any], as_json: bool, *, gate: str = "", data: Path | None = None
) -> None:
    from digest.evaluation import compare_with_gates, require_passing_gates

    with open_workspace() as workspace:
        report = compare_with_gates(workspace.context, name, numbers, workspace.root, gate=gate, data=data)
    if as_json and report.problems:
        print_json({"stage": report.stage, "line": report.line, "numbers": numbers, "problems": list(report.problems)})
    require_passing_gates([report])
    exit_with_report(report, as_json)
