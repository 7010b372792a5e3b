"""Commands of memory: past issues read back, bets kept for the year's end."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.output import DryRun, Json, app, exit_with_report, open_workspace, print_json, print_table, print_text


@app.command(name="import")
def import_(
    places: Annotated[
        list[str], typer.Argument(metavar="URL|FILE…", help="A feed, a page, a post, a folder of posts.")
    ],
    maps: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="HEADING=CATEGORY", help="What a heading stands for; remembered."),
    ] = None,
    essays: Annotated[bool, typer.Option("--essays", help="Take the links of essays too.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Read past issues: their items become decisions, covered works and examples of your words.

    \b
    Example: digest import https://example.org/feed.xml --dry-run
    Example: digest import _posts --map "AI Security and alignment=safety"
    """
    from digest.drafts.archive import import_archive, read_archive
    from digest.drafts.archive.items import serialize_imported_posts as told

    said = dict(_parse_heading_map(text) for text in maps or [])
    with open_workspace() as workspace:
        harvests = read_archive(workspace.context, places, said, include_essays=essays)
        if as_json and dry_run:
            print_json(told(harvests))
            return
        if not dry_run:
            exit_with_report(import_archive(workspace.context, harvests), as_json)
    for one in harvests:
        left = " (its links are left alone; --essays takes them)" if one.form == "essay" and not essays else ""
        print_text(f"{one.title or one.url}: {one.form}, {len(one.items)} items{left}")
        for name in one.unmapped_headings:
            print_text(f"  “{name}” names no category; --map '{name}=…'")
    rows = [[item.period, item.category, item.title, item.url] for one in harvests for item in one.items]
    print_table(["period", "category", "title", "url"], rows)


def _parse_heading_map(text: str) -> tuple[str, str]:
    heading, sign, category = text.rpartition("=")
    if not sign or not heading.strip() or not category.strip():
        raise typer.BadParameter(f"{text!r} is not HEADING=CATEGORY")
    return heading.strip(), category.strip()


@app.command()
def note(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A bet or a doubt.")],
    year: Annotated[int, typer.Option("--for", metavar="YEAR", min=1990, max=2200, help="The year it is for.")],
) -> None:
    """Keep a bet for a year's end: its review asks whether it was right.

    Example: digest note --for 2026 "Small models will run most agents."
    """
    from digest.db.issues import add_prediction

    with open_workspace() as workspace:
        now = workspace.context.now
        with workspace.db.write() as session:
            add_prediction(session, year, text, now)
    print_text(f"note: kept for {year}; `digest recap {year}` asks what became of it")
