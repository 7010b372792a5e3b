"""Commands on the contents of a workspace: items, sources, taxonomy, costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digest.cli.options import GATHER, OPERATE, SORT, Json, app, command, parse_heading_map
from digest.cli.output import exit_with_report, format_cell, open_workspace, print_json, print_table, print_text

items_app = typer.Typer(help="Show, merge and split items.", no_args_is_help=True)
sources_app = typer.Typer(help="List sources; import and export OPML.", no_args_is_help=True)
taxonomy_app = typer.Typer(help="Compare taxonomies.", no_args_is_help=True)
app.add_typer(items_app, name="items", rich_help_panel=SORT)
app.add_typer(sources_app, name="sources", rich_help_panel=GATHER)
app.add_typer(taxonomy_app, name="taxonomy", rich_help_panel=SORT)


@command(items_app, "items match --jsonl records.jsonl --out groups.jsonl")
def match(
    jsonl: Annotated[
        Path, typer.Option("--jsonl", help="Records: record_id, source, title, url, arxiv_id, date, text.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Where {record_id, key, group, possible} are written.")],
    as_json: Json = False,
) -> None:
    """Group the records of a file that are one work.

    Leaves the database unchanged.
    """
    from digest.evaluation.files import match_file

    exit_with_report(match_file(jsonl, out), as_json)


@command(items_app, "items show arxiv:2501.00663")
def show(name: Annotated[str, typer.Argument(metavar="ITEM", help="Key or number.")], as_json: Json = False) -> None:
    """Show an item, its mentions and possible duplicates."""
    from digest.tagging.items import describe_item

    with open_workspace() as workspace:
        description = describe_item(workspace.context, name)
    if as_json:
        print_json(description)
        return
    for field, value in description["item"].items():
        if value not in (None, "", [], {}):
            print_text(f"{field:12} {format_cell(value)}")
    fields = ["source", "seen", "url", "key"]
    print_table(fields, [[mention[field] for field in fields] for mention in description["mentions"]])
    for other in description["possible"]:
        print_text(f"possible duplicate: {other['key']} ({other['reason']})")


@command(items_app, "items merge 17 arxiv:2501.00663")
def merge(
    name: Annotated[str, typer.Argument(metavar="ITEM")],
    into: Annotated[str, typer.Argument(metavar="INTO", help="The item that stays.")],
) -> None:
    """Merge two items into one.

    `digest items split` undoes it.
    """
    from digest.tagging.items import merge_items_by_name

    with open_workspace() as workspace:
        print_text(f"items: {merge_items_by_name(workspace.context, name, into)}")


@command(items_app, "items split 17", "items split https://lab.example/blog/gemma", "items split 17 42")
def split(
    name: Annotated[str, typer.Argument(metavar="ITEM", help="The merged item: its number, key or address.")],
    other: Annotated[str, typer.Argument(metavar="[OTHER]", help="A possible duplicate that is another work.")] = "",
) -> None:
    """Undo a merge, or declare that two items differ."""
    from digest.tagging.items import split_item_by_name

    with open_workspace() as workspace:
        print_text(f"items: {split_item_by_name(workspace.context, name, other)}")


@command(sources_app, "sources export sources.opml", name="export")
def export_(out: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Write the sources that have an address as OPML."""
    from digest.files import write_output_file
    from digest.sources.opml import write_opml

    with open_workspace() as workspace:
        write_output_file(out, write_opml(workspace.config.sources, workspace.config.newsletter.title))
    print_text(f"sources: {out}")


@command(sources_app, "sources import feeds.opml", "sources import feeds.opml --write", name="import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An OPML file.")],
    put: Annotated[bool, typer.Option("--write", help="Add them to sources.yaml.")] = False,
) -> None:
    """Print an OPML file's feeds as lines of sources.yaml.

    With --write they are added to it; the rest of the file is not touched.
    """
    from digest.ops.workspace import append_source_lines, plan_opml_import

    with open_workspace() as workspace:
        new_lines, existing_lines, skipped = plan_opml_import(workspace.config, file)
        if put:
            append_source_lines(workspace.root / "sources.yaml", new_lines)
            print_text(f"sources: {len(new_lines)} added to sources.yaml, {len(existing_lines)} exist already")
            new_lines = existing_lines = []
    for line in new_lines:
        print_text(f"  - {line}")
    for line in existing_lines:
        print_text(f"# exists already: - {line}")
    for name in skipped:
        print_text(f"# left out, not a web address: {name}")


@command(sources_app, "sources list", name="list")
def list_(as_json: Json = False) -> None:
    """List the configured sources."""
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


@command(taxonomy_app, "taxonomy adopt", 'taxonomy adopt --map "Safety and alignment=safety"')
def adopt(
    maps: Annotated[
        list[str] | None, typer.Option("--map", metavar="HEADING=CATEGORY", help="Our category for a heading.")
    ] = None,
) -> None:
    """Propose a taxonomy from the headings of imported reviews.

    It is printed, to be read and put into sources.yaml. `taxonomy diff` then previews its effects.
    """
    from digest.drafts.archive import propose_taxonomy

    headings = dict(parse_heading_map(text) for text in maps or [])
    with open_workspace() as workspace:
        print_text(propose_taxonomy(workspace.context, headings).rstrip())


@command(taxonomy_app, "taxonomy diff sources.old.yaml")
def diff(
    other: Annotated[Path, typer.Argument(metavar="FILE", help="Another sources.yaml.")], as_json: Json = False
) -> None:
    """Compare another sources.yaml's taxonomy with this one.

    Counts the items that would move.
    """
    from digest.tagging.stage import preview_taxonomy_change

    with open_workspace() as workspace:
        exit_with_report(preview_taxonomy_change(workspace.context, other), as_json)


@command(app, "costs", panel=OPERATE)
def costs(as_json: Json = False) -> None:
    """Show what language models cost, by month and stage.

    Prices are those of the day of the call.
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
        total = sum(row["usd"] for row in rows)
        lost = sum(row["unanswered"] for row in rows)
        among = f"; {lost} calls had no answer and are reckoned at what they may have cost at most" if lost else ""
        print_text(
            f"costs: {total:.4f} USD in all, at the list prices of {PRICES_AS_OF} or those of sources.yaml{among}"
        )
