"""Commands on what the workspace holds: items, sources, the taxonomy, what models cost."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from digest.cli.output import Json, app, exit_with_report, open_workspace, print_json, print_table, print_text

items_app = typer.Typer(help="Works: which records are one, merges and splits.", no_args_is_help=True)
sources_app = typer.Typer(help="Sources as OPML, in and out.", no_args_is_help=True)
taxonomy_app = typer.Typer(help="The categories, and what a change of them would move.", no_args_is_help=True)
for group, name in ((items_app, "items"), (sources_app, "sources"), (taxonomy_app, "taxonomy")):
    app.add_typer(group, name=name)


@items_app.command()
def match(
    jsonl: Annotated[
        Path, typer.Option("--jsonl", help="Records: record_id, source, title, url, arxiv_id, date, text.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Where {record_id, key, group, possible} are written.")],
    as_json: Json = False,
) -> None:
    """Say which records of a file are one work, and which may be; the store is not touched.

    Example: digest items match --jsonl records.jsonl --out groups.jsonl
    """
    from digest.evaluation.files import match_file

    exit_with_report(match_file(jsonl, out), as_json)


@items_app.command()
def show(name: Annotated[str, typer.Argument(metavar="ITEM", help="Key or number.")], as_json: Json = False) -> None:
    """Show an item, every place where it was seen, and what may be the same work.

    Example: digest items show arxiv:2501.00663
    """
    from digest.tagging.items import describe_item

    with open_workspace() as workspace:
        told = describe_item(workspace.context, name)
    if as_json:
        print_json(told)
        return
    for field, value in told["item"].items():
        if value not in (None, "", [], {}):
            print_text(f"{field:12} {_format_field(value)}")
    fields = ["source", "seen", "url", "key"]
    print_table(fields, [[mention[field] for field in fields] for mention in told["mentions"]])
    for other in told["possible"]:
        print_text(f"may be the same work: {other['key']} ({other['reason']})")


def _format_field(value: Any) -> str:
    """A field for people: lists and maps in words, moments to the minute."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {said}" for name, said in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:%Y-%m-%d %H:%M} UTC" if isinstance(value, datetime) else str(value)


@items_app.command()
def merge(
    name: Annotated[str, typer.Argument(metavar="ITEM")],
    into: Annotated[str, typer.Argument(metavar="INTO", help="The item that stays.")],
) -> None:
    """Make two items one work; `split` takes it back.

    Example: digest items merge 17 arxiv:2501.00663
    """
    from digest.tagging.items import merge_items_by_name

    with open_workspace() as workspace:
        print_text(f"items: {merge_items_by_name(workspace.context, name, into)}")


@items_app.command()
def split(
    name: Annotated[
        str, typer.Argument(metavar="ITEM", help="What was merged into another: its number, key or address.")
    ],
    other: Annotated[str, typer.Argument(metavar="[OTHER]", help="An item that may be the same, and is not.")] = "",
) -> None:
    """Take a merge back, by hand or by `fetch`: the item gets its mentions again. With two items: say that they differ.

    \b
    Example: digest items split 17
    Example: digest items split https://lab.example/blog/gemma
    Example: digest items split 17 42
    """
    from digest.tagging.items import split_item_by_name

    with open_workspace() as workspace:
        print_text(f"items: {split_item_by_name(workspace.context, name, other)}")


@sources_app.command(name="export")
def export_(out: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Write the sources that have an address as OPML.

    Example: digest sources export sources.opml
    """
    from digest.files import write_output_file
    from digest.sources.opml import write_opml

    with open_workspace() as workspace:
        write_output_file(out, write_opml(workspace.config.sources, workspace.config.newsletter.title))
    print_text(f"sources: {out}")


@sources_app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An OPML file.")],
    put: Annotated[bool, typer.Option("--write", help="Add them to sources.yaml instead of printing.")] = False,
) -> None:
    """Print an OPML file's feeds as lines for sources.yaml, or write them into it; the rest of it stays as it is.

    \b
    Example: digest sources import feeds.opml
    Example: digest sources import feeds.opml --write
    """
    from digest.ops.workspace import append_source_lines, plan_opml_import

    with open_workspace() as workspace:
        fresh, there = plan_opml_import(workspace.config, file)
        if put:
            append_source_lines(workspace.root / "sources.yaml", fresh)
            print_text(f"sources: {len(fresh)} added to sources.yaml, {len(there)} were there already")
            return
    for line in fresh:
        print_text(f"  - {line}")
    for line in there:
        print_text(f"# already there: - {line}")


@sources_app.command(name="list")
def list_(as_json: Json = False) -> None:
    """List the configured sources.

    Example: digest sources list
    """
    with open_workspace() as workspace:
        rows = [
            source.model_dump(include={"id", "kind", "url", "enabled", "weight"}) for source in workspace.config.sources
        ]
    if as_json:
        print_json(rows)
    else:
        print_table(
            ["id", "kind", "weight", "url"], [[r["id"], r["kind"], f"{r['weight']:g}", r["url"] or ""] for r in rows]
        )


@taxonomy_app.command()
def diff(
    other: Annotated[Path, typer.Argument(metavar="FILE", help="Another sources.yaml.")], as_json: Json = False
) -> None:
    """Say what changed from another sources.yaml's taxonomy to this one's, and which items would move.

    Example: digest taxonomy diff sources.old.yaml
    """
    from digest.tagging.stage import preview_taxonomy_change

    with open_workspace() as workspace:
        exit_with_report(preview_taxonomy_change(workspace.context, other), as_json)


@app.command()
def costs(as_json: Json = False) -> None:
    """Show what language models have cost, by month, stage and model, at the prices of the day they were asked.

    Example: digest costs
    """
    from digest.db.llm_calls import load_costs
    from digest.llm.prices import PRICES_AS_OF

    with open_workspace() as workspace, workspace.db.read() as session:
        rows = [row._asdict() for row in load_costs(session)]
    if as_json:
        print_json(rows)
        return
    columns = ["month", "stage", "model", "calls", "prompt_tokens", "output_tokens", "usd"]
    shown = [[*(str(row[column]) for column in columns[:-1]), f"{row['usd']:.4f}"] for row in rows]
    print_table(columns, shown, "costs: no language model was asked yet")
    if rows:
        whole = sum(row["usd"] for row in rows)
        lost = sum(row["unanswered"] for row in rows)
        among = f"; {lost} calls had no answer and are reckoned at what they may have cost at most" if lost else ""
        print_text(
            f"costs: {whole:.4f} USD in all, at the list prices of {PRICES_AS_OF} or those of sources.yaml{among}"
        )
