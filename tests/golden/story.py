"""A small year made of the demo's records: two works a month, and a month of seven. No network, no tagger, no ranker,
so that the site is the same on every machine. `python -m tests.golden.story TREE FOLDER` makes one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from digest.app import Workspace, initialise
from digest.blurbs.generate import BlurbResults, build_quoted_blurb
from digest.db.issues import add_prediction
from digest.db.items import load_items_by_key
from digest.demo.records import RecordedWork, load_recorded_works
from digest.drafts.model import Draft, DraftPick, DraftSection
from digest.drafts.parser import parse_draft
from digest.drafts.propose import DraftProposal, build_pick, format_issue_title
from digest.drafts.stage import write_draft
from digest.drafts.writer import render_draft
from digest.models.items import Mention
from digest.periods import Period
from digest.protocols import Report
from tests.small import write_jsonl

TREES = ("monthly", "category", "month")
_HOMES = {"cs.CL": "models", "cs.LG": "techniques", "cs.IR": "rag", "cs.AI": "agents", "cs.CV": "beyond"}
_MONTH = "2025-06"


def tell(tree: str, folder: Path, later: timedelta = timedelta()) -> Path:
    """Publish one of the trees, the last issue once more `later`, and return the site's folder."""
    initialise(folder)
    hands = _Hands(later)
    months = [Period((2025, m), (2025, m)) for m in range(1, 13)]
    with Workspace(folder, clock=hands) as workspace:
        chosen = {month.name: _works(month.name, 8 if tree == "monthly" else 3) for month in months}
        if tree == "monthly":
            chosen = {_MONTH: chosen[_MONTH]}
        lines = [_line(work) for group in chosen.values() for work in group]
        workspace.add_jsonl(write_jsonl(folder / "works.jsonl", lines))
        for name, group in chosen.items():
            hands.at(workspace.context.parse_period(name).end() + timedelta(days=3))
            _publish(workspace, name, group[:-1])  # the last one is read and not kept
        if tree == "monthly":
            hands.at(datetime(2025, 7, 20, tzinfo=UTC))
            workspace.publish(_MONTH, correct="The first work was called *large*; it is not.")
        else:
            hands.at(datetime(2026, 1, 5, tzinfo=UTC))
            _review(workspace, tree, chosen["2025-03"][-1])
        hands.free()
        workspace.publish(_MONTH if tree == "monthly" else "2025")
    return folder / "site"


class _Hands:
    """A clock that stands where the story puts it, and at its end somewhere else."""

    def __init__(self, later: timedelta) -> None:
        self._later = later
        self._moment = datetime(2025, 12, 31, tzinfo=UTC)  # when all of it is read

    def __call__(self) -> datetime:
        return self._moment

    def at(self, moment: datetime) -> None:
        self._moment = moment

    def free(self) -> None:
        self._moment += self._later


def _works(month: str, most: int) -> list[RecordedWork]:
    known = [work for work in load_recorded_works() if f"{work.published:%Y-%m}" == month and work.summary]
    return sorted(known, key=lambda work: work.arxiv_id)[:most]


def _line(work: RecordedWork) -> dict[str, object]:
    return {
        "arxiv_id": work.arxiv_id,
        "title": work.title,
        "abstract": work.summary,
        "authors": list(work.authors),
        "categories": list(work.categories),
        "published": f"{work.published:%Y-%m-%d}",
        "source": "arxiv",
    }


def _publish(workspace: Workspace, name: str, group: Sequence[RecordedWork]) -> None:
    """An issue as an editor leaves it: a highlight, a blurb of one's own, a one-liner, the rest quoted."""
    context, period = workspace.context, workspace.context.parse_period(name)
    with context.db.read() as session:
        items = load_items_by_key(session, [f"arxiv:{work.arxiv_id}" for work in group])
    homes: dict[str, list[DraftPick]] = {}
    for place, work in enumerate(group):
        item = items[f"arxiv:{work.arxiv_id}"]
        pick = build_pick(context.config, item, build_quoted_blurb(item))
        if place == 0:
            pick = replace(pick, highlight="Read this one first.")
        if place == 1:
            pick = replace(pick, blurb=f"My own *words* on no. {work.arxiv_id}.", origin="editor", engine="")
        homes.setdefault(_HOMES.get(work.categories[0], "applications"), []).append(replace(pick, note=place == 2))
    titles = {category.slug: category.title for category in context.config.taxonomy.categories}
    sections = tuple(DraftSection(slug, titles[slug], entries=tuple(homes[slug])) for slug in titles if slug in homes)
    sheet = Draft(
        name, format_issue_title(context.config, period), period.end(), intro="A *small* month.", sections=sections
    )
    write_draft(context, period, DraftProposal(sheet, BlurbResults()), Report("draft", ""))
    workspace.approve(name, by="Ana", accept_gaps=True)
    workspace.publish(name)


def _review(workspace: Workspace, form: str, missed: RecordedWork) -> None:
    with workspace.db.write() as session:
        item = load_items_by_key(session, [f"arxiv:{missed.arxiv_id}"])[f"arxiv:{missed.arxiv_id}"]
        for n in range(3):
            seen = workspace.context.now
            row = Mention(item_id=item.id, source_id=f"list-{n}", guid="x", url="", title="", first_seen=seen)
            session.add(row)
        add_prediction(session, 2025, "Small models will do.", workspace.context.now)
    workspace.recap("2025", form)
    sheet = workspace.root / "site" / "_drafts" / "2025.md"
    read = parse_draft(sheet.read_text(encoding="utf-8"))
    bets = tuple(replace(note, outcome="wrong") for note in read.predictions)
    own = tuple(replace(line, editor_text="I *slept*.") for line in read.missed)
    sheet.write_text(
        render_draft(replace(read, intro="A *small* year.", predictions=bets, missed=own)), encoding="utf-8"
    )
    workspace.approve("2025", by="Ana")
    workspace.publish("2025")


if __name__ == "__main__":
    tell(sys.argv[1], Path(sys.argv[2]), timedelta(days=int(sys.argv[3])))
