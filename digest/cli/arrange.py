"""Commands on what the workspace holds: items, sources, the taxonomy, what models cost."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from digest.cli.shell import Json, app, finish, opened, say, show_json, show_table

items = typer.Typer(help="Works: which records are one, merges and splits.", no_args_is_help=True)
sources = typer.Typer(help="Sources as OPML, in and out.", no_args_is_help=True)
taxonomy = typer.Typer(help="The categories, and what a change of them would move.", no_args_is_help=True)
for group, name in ((items, "items"), (sources, "sources"), (taxonomy, "taxonomy")):
    app.add_typer(group, name=name)


@items.command()
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
    from digest.pipeline.files import match_file

    finish(match_file(jsonl, out), as_json)


@items.command()
def show(name: Annotated[str, typer.Argument(metavar="ITEM", help="Key or number.")], as_json: Json = False) -> None:
    """Show an item, every place where it was seen, and what may be the same work.

    Example: digest items show arxiv:2501.00663
    """
    from digest.pipeline import works

    with opened() as workspace:
        told = works.show(workspace.context, name)
    if as_json:
        show_json(told)
        return
    for field, value in told["item"].items():
        if value not in (None, "", [], {}):
            say(f"{field:12} {_plain(value)}")
    fields = ["source", "seen", "url", "key"]
    show_table(fields, [[mention[field] for field in fields] for mention in told["mentions"]])
    for other in told["possible"]:
        say(f"may be the same work: {other['key']} ({other['reason']})")


def _plain(value: Any) -> str:
    """A field for people: lists and maps in words, moments to the minute."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {said}" for name, said in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:%Y-%m-%d %H:%M} UTC" if isinstance(value, datetime) else str(value)


@items.command()
def merge(
    name: Annotated[str, typer.Argument(metavar="ITEM")],
    into: Annotated[str, typer.Argument(metavar="INTO", help="The item that stays.")],
) -> None:
    """Make two items one work; `split` takes it back.

    Example: digest items merge 17 arxiv:2501.00663
    """
    from digest.pipeline import works

    with opened() as workspace:
        say(f"items: {works.merge(workspace.context, name, into)}")


@items.command()
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
    from digest.pipeline import works

    with opened() as workspace:
        say(f"items: {works.split(workspace.context, name, other)}")


@sources.command(name="export")
def export_(out: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Write the sources that have an address as OPML.

    Example: digest sources export sources.opml
    """
    from digest.pipeline.files import write
    from digest.sources import write_opml

    with opened() as workspace:
        write(out, write_opml(workspace.config.sources, workspace.config.newsletter.title))
    say(f"sources: {out}")


@sources.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An OPML file.")],
    put: Annotated[bool, typer.Option("--write", help="Add them to sources.yaml instead of printing.")] = False,
) -> None:
    """Print an OPML file's feeds as lines for sources.yaml, or write them into it; the rest of it stays as it is.

    \b
    Example: digest sources import feeds.opml
    Example: digest sources import feeds.opml --write
    """
    from digest.pipeline.subscriptions import add_sources, wanted

    with opened() as workspace:
        fresh, there = wanted(workspace.config, file)
        if put:
            add_sources(workspace.root / "sources.yaml", fresh)
            say(f"sources: {len(fresh)} added to sources.yaml, {len(there)} were there already")
            return
    for line in fresh:
        say(f"  - {line}")
    for line in there:
        say(f"# already there: - {line}")


@sources.command(name="list")
def list_(as_json: Json = False) -> None:
    """List the configured sources.

    Example: digest sources list
    """
    with opened() as workspace:
        rows = [
            source.model_dump(include={"id", "kind", "url", "enabled", "weight"}) for source in workspace.config.sources
        ]
    if as_json:
        show_json(rows)
    else:
        show_table(
            ["id", "kind", "weight", "url"], [[r["id"], r["kind"], f"{r['weight']:g}", r["url"] or ""] for r in rows]
        )


@taxonomy.command()
def diff(
    other: Annotated[Path, typer.Argument(metavar="FILE", help="Another sources.yaml.")], as_json: Json = False
) -> None:
    """Say what changed from another sources.yaml's taxonomy to this one's, and which items would move.

    Example: digest taxonomy diff sources.old.yaml
    """
    from digest.pipeline.retag import taxonomy_diff

    with opened() as workspace:
        finish(taxonomy_diff(workspace.context, other), as_json)


@app.command()
def costs(as_json: Json = False) -> None:
    """Show what language models have cost, by month, stage and model, at the prices of the day they were asked.

    Example: digest costs
    """
    from digest.llm import AS_OF
    from digest.store import answers

    with opened() as workspace, workspace.db.read() as session:
        rows = [row._asdict() for row in answers.costs(session)]
    if as_json:
        show_json(rows)
        return
    columns = ["month", "stage", "model", "calls", "prompt_tokens", "output_tokens", "usd"]
    shown = [[*(str(row[column]) for column in columns[:-1]), f"{row['usd']:.4f}"] for row in rows]
    show_table(columns, shown, "costs: no language model was asked yet")
    if rows:
        whole = sum(row["usd"] for row in rows)
        lost = sum(row["unanswered"] for row in rows)
        among = f"; {lost} calls had no answer and are reckoned at what they may have cost at most" if lost else ""
        say(f"costs: {whole:.4f} USD in all, at the list prices of {AS_OF} or those of sources.yaml{among}")
