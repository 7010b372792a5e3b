"""Commands of memory: past issues read back, bets kept for the year's end."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.shell import DryRun, Json, app, finish, opened, say, show_json, show_table


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
    from digest.issues.archive import as_json as told
    from digest.pipeline.archive import keep_archive, read_archive

    said = dict(_pair(text) for text in maps or [])
    with opened() as workspace:
        harvests = read_archive(workspace.context, places, said, essays=essays)
        if as_json and dry_run:
            show_json(told(harvests))
            return
        if not dry_run:
            finish(keep_archive(workspace.context, harvests), as_json)
    for one in harvests:
        left = " (its links are left alone; --essays takes them)" if one.form == "essay" and not essays else ""
        say(f"{one.title or one.url}: {one.form}, {len(one.items)} items{left}")
        for name in one.unmapped:
            say(f"  “{name}” names no category; --map '{name}=…'")
    rows = [[item.period, item.category, item.title, item.url] for one in harvests for item in one.items]
    show_table(["period", "category", "title", "url"], rows)


def _pair(text: str) -> tuple[str, str]:
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
    from digest.store import notes

    with opened() as workspace:
        now = workspace.context.now
        with workspace.db.write() as session:
            notes.add(session, year, text, now)
    say(f"note: kept for {year}; `digest recap {year}` asks what became of it")
