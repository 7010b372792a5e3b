"""Commands of the newsletter's memory: import, predict."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.options import EDIT, DryRun, Json, app, command, parse_heading_map
from digest.cli.output import exit_with_report, open_workspace, print_json, print_table, print_text
from digest.text import format_count


@command(
    app,
    "import https://example.org/feed.xml --dry-run",
    'import _posts --map "AI Security and alignment=safety"',
    panel=EDIT,
    name="import",
)
def import_(
    places: Annotated[list[str], typer.Argument(metavar="URL|FILE…", help="Feeds, pages, posts or folders of posts.")],
    maps: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="HEADING=CATEGORY", help="The category of a heading; remembered."),
    ] = None,
    essays: Annotated[bool, typer.Option("--essays", help="Import the links of essays too.")] = False,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Save the pictures of reviews beside the drafts.")
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="TEXT", help="Import posts with TEXT in title or address.")
    ] = None,
    skip: Annotated[
        list[str] | None, typer.Option("--skip", metavar="TEXT", help="Skip posts with TEXT in title or address.")
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Import past issues: text, items, examples of style."""
    from digest.drafts.archive import import_archive, read_archive
    from digest.drafts.archive.items import serialize_imported_posts
    from digest.drafts.archive.remote_pictures import save_remote_pictures

    headings = dict(parse_heading_map(text) for text in maps or [])
    with open_workspace() as workspace:
        posts = read_archive(
            workspace.context, places, headings, include_essays=essays, only=only or (), skip=skip or ()
        )
        if not dry_run:
            problems: list[str] = []
            if pictures:
                posts, problems = save_remote_pictures(workspace.context, posts)
            exit_with_report(import_archive(workspace.context, posts, problems), as_json)
    if as_json:
        print_json(serialize_imported_posts(posts))
        return
    for post in posts:
        note = {"essay": "; --essays imports its links", "other": "; --only imports it"}.get(post.form, "")
        note = "" if post.items else note
        print_text(
            f"{post.title or post.url}: {post.form} ({post.reason}{note}), {format_count(len(post.items), 'item')}"
        )
        for heading in post.unmapped_headings:
            print_text(f"  “{heading}” is not a category; --map '{heading}=…'")
    rows = [[item.period, item.category, item.title, item.url] for post in posts for item in post.items]
    print_table(["period", "category", "title", "url"], rows)


@command(app, 'predict --for 2026 "Small models will run most agents."', panel=EDIT)
def predict(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What you expect.")],
    year: Annotated[int, typer.Option("--for", metavar="YEAR", min=1990, max=2200, help="The year it is for.")],
) -> None:
    """Record a prediction to be scored in the year in review."""
    from digest.db.issues import add_prediction

    with open_workspace() as workspace:
        now = workspace.context.now
        with workspace.db.write() as session:
            add_prediction(session, year, text, now)
    print_text(f"predict: recorded for {year}; `digest recap {year}` lists it to be scored")


@command(app, "voice", panel=EDIT)
def voice(as_json: Json = False) -> None:
    """Describe how you write, from published and imported text."""
    from dataclasses import asdict

    from digest.blurbs.voice import MIN_LINES, load_voice

    with open_workspace() as workspace:
        context = workspace.context
        with workspace.db.read() as session:
            editor = load_voice(context, session)
        own_style = context.config.newsletter.style.strip()
    if as_json:
        print_json(asdict(editor.card) if editor.card else {})
        return
    if editor.card is None:
        print_text(f"voice: {len(editor.lines)} lines of yours; {MIN_LINES} make a style")
        print_text("  → publish issues with your own blurbs, or `digest import` past ones")
        return
    print_text(f"voice: from {editor.card.line_count} lines of yours")
    print_text("\n".join(f"  {line}" for line in editor.card.describe().split("\n")))
    for name, texts in editor.card.typical.items():
        print_text(f"\nTypical {name}:")
        print_text("\n".join(f"  - {text}" for text in texts))
    source = "newsletter.style in sources.yaml" if own_style else "this; newsletter.style in sources.yaml replaces it"
    print_text(f"\nPrompts that write carry {source}.")
