"""The demo: the whole pipeline on a loopback server with recorded sources of 2025, into a fresh workspace."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import yaml

from digest.app import Workspace, initialise
from digest.demo.records import RECORDED_PUBLISHERS, RecordedChapter, load_recorded_chapter, load_recorded_works
from digest.demo.server import serve_recorded_sources
from digest.drafts.parser import parse_draft
from digest.drafts.writer import render_draft
from digest.errors import CheckFailedError
from digest.ops.cadence import compute_draft_time
from digest.periods import Period
from digest.protocols import Progress
from digest.resources import find_resource

DEMO_MARKER = ".digest-demo"
DEMO_YEAR = 2025
DEMO_SUBSCRIBERS = ("ada@example.org", "grace@example.org")
_NEWSLETTER = {
    "title": "AI research digest",
    "author": "The demo",
    "email": "editor@example.org",
    "description": "What mattered in AI research, month by month. A demonstration on recorded sources.",
    "notice": "Demo: recorded facts of 2025, played on this machine. The summaries and introductions were written for the "
    "demo; they are not the papers' abstracts.",
}
_FAVOURITES = 50
_YEAR_INTRO = (
    "Twelve months of papers and announcements, most of them about one change: models that used to answer now look "
    "things up, work for hours, and report what they did.\n\nEach month has its own introduction and closing below, as "
    f"they were published. Of the year's picks, {_FAVOURITES} have their text; the others are one line each."
)
_DOCUMENT_PATHS = {"rss": "rss/{}.xml", "atom": "atom/{}.xml", "json": "json/{}.json", "page": "page/{}/"}


@dataclass(frozen=True, slots=True)
class DemoResult:
    """A summary of the demo for people and machines, and the page to open first."""

    text: str
    numbers: dict[str, Any]
    start_page: Path


@dataclass
class _FakeClock:
    """A clock that shows the time to which it was set."""

    moment: datetime

    def __call__(self) -> datetime:
        return self.moment


def run_demo(folder: Path, progress: Progress) -> DemoResult:
    """Run the whole pipeline on recorded sources into `folder`, which is cleared before."""
    started = monotonic()
    _create_workspace(folder)
    clock = _FakeClock(datetime(DEMO_YEAR + 1, 1, 5, 6, tzinfo=UTC))
    with serve_recorded_sources() as base:
        (folder / "sources.yaml").write_text(_build_sources_yaml(base), encoding="utf-8")
        with Workspace(folder, clock=clock, progress=progress) as workspace:
            fetched = workspace.fetch([], force=True)
            workspace.tag()
            months = Period((DEMO_YEAR, 1), (DEMO_YEAR, 12)).months()
            for month in progress.track(months, "twelve issues", len(months)):
                clock.moment = compute_draft_time(workspace.config.cadence, month, workspace.context.zone)
                _publish_month(workspace, month)
            workspace.recap(str(DEMO_YEAR), "month", keep=_FAVOURITES)
            _edit_draft(workspace, str(DEMO_YEAR), RecordedChapter("", _YEAR_INTRO, ""))
            workspace.approve(str(DEMO_YEAR), by="the demo")
            workspace.publish(str(DEMO_YEAR))
            for address in DEMO_SUBSCRIBERS:
                workspace.add_subscriber(address, confirmed=True)
            sent = workspace.send(months[-1].name, yes=True, expect=len(DEMO_SUBSCRIBERS))
            numbers = workspace.status().totals | {
                "sources": fetched.numbers["sources"],
                "messages": sent.numbers["sent"],
                "seconds": round(monotonic() - started, 1),
            }
    post = next((folder / "site" / "_posts").glob(f"*-{DEMO_YEAR}-12.md"))
    return DemoResult(_summarize_demo(folder, numbers, post), numbers, post)


def _publish_month(workspace: Workspace, month: Period) -> None:
    """Take a month from its candidates to its post, as an editor who accepts everything."""
    workspace.rank(month.name)
    workspace.draft(month.name)
    _edit_draft(workspace, month.name, load_recorded_chapter(month.name))
    # The recording has gaps that real sources do not have.
    workspace.approve(month.name, by="the demo", accept_gaps=True)
    workspace.publish(month.name)


def _edit_draft(workspace: Workspace, period: str, chapter: RecordedChapter) -> None:
    """Write title, introduction and closing, and remove empty sections."""
    path = workspace.root / "site" / "_drafts" / f"{period}.md"
    draft = parse_draft(path.read_text(encoding="utf-8"))
    sections = tuple(section for section in draft.sections if section.entries or section.closing)
    title = ": ".join(filter(None, (draft.title, chapter.title)))
    edited = replace(draft, title=title, intro=chapter.intro, outro=chapter.closing, sections=sections)
    path.write_text(render_draft(edited), encoding="utf-8")


def _create_workspace(folder: Path) -> None:
    """Create an empty workspace; clears only the folder of a former demo."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / DEMO_MARKER).is_file():
            raise CheckFailedError(
                f"{folder} holds something else than a demo", "name another folder: `digest demo DIR`"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DEMO_MARKER).write_text("made by `digest demo`, which clears this folder when it is run again\n")
    initialise(folder)


def _build_sources_yaml(base: str) -> str:
    """Replace the sources of the shipped sources.yaml by the recorded ones."""
    config = yaml.safe_load(find_resource("sources.yaml").read_text(encoding="utf-8"))
    config["newsletter"] |= _NEWSLETTER
    common = {"quote": "demo summary", "allow_private": True}
    categories = sorted({work.categories[0] for work in load_recorded_works()})
    arxiv = {"id": "arxiv", "kind": "arxiv", "name": "arXiv", "url": f"{base}/api/query", "days": 400}
    config["sources"] = [arxiv | {"categories": categories} | common]
    for publisher in RECORDED_PUBLISHERS.values():
        kind = "page" if publisher.form == "page" else "feed"
        url = f"{base}/{_DOCUMENT_PATHS[publisher.form].format(publisher.slug)}"
        source = {"id": publisher.slug, "kind": kind, "name": publisher.name, "url": url, "weight": publisher.weight}
        config["sources"].append(source | common)
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=110)


def _summarize_demo(folder: Path, numbers: dict[str, Any], post: Path) -> str:
    review = next((folder / "site" / "_posts").glob(f"*-{DEMO_YEAR}.md"))
    return f"""\
demo: {numbers["sources"]} recorded sources, {numbers["items"]} items, {numbers["picks"]} picks in \
{numbers["issues"]} issues, {numbers["messages"]} messages, {numbers["seconds"]} s
  post    {post}
  review  {review}
  feeds   {folder / "site" / "feed.xml"}, feed.json
  mail    {folder / "outbox"}
  site    digest -w {folder} preview   (builds with Jekyll, serves on this machine)"""
