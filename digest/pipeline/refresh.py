"""`refresh`: looks again at what was published, and proposes errata: new versions, withdrawals, links that died.

Versions and withdrawals are read from the stored items, which `fetch` and `backfill` keep up to date. Nothing is
changed here: a person decides, and the proposed command publishes the correction.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from digest.issues import DeadLink
from digest.models import Issue, Item, Pick
from digest.pipeline.context import Context, recorded
from digest.pipeline.links import Answers, check_links, work_links
from digest.ports import Report
from digest.store import issues as issue_store
from digest.text import one_line


@dataclass(frozen=True, slots=True)
class Erratum:
    """What an issue says and what is so now, with the command that would tell readers."""

    period: str
    key: str
    kind: str  # withdrawn | version | dead | moved
    before: str
    after: str
    command: str


def refresh(context: Context, *, links: bool = True) -> Report:
    """Compare every published work with what is known of it now; `links` asks the links as well."""
    with recorded(context, "refresh") as report:
        with context.db.read() as session:
            rows = [
                (issue, pick, item)
                for issue in issue_store.published(session)
                if issue.kind == "monthly"
                for pick, item in issue_store.picks(session, issue.id or 0)
            ]
        asked = work_links(context, [(pick.url or "", item) for _, pick, item in rows]) if links else {}
        answers = check_links(context, asked) if asked else Answers([], 0, 0)
        bad = {link.url: link for link in answers.bad}
        errata = [asdict(erratum) for row in rows for erratum in _errata(*row, bad)]
        report.numbers = {
            "works": len(rows),
            "links": len(asked),
            "asked": answers.asked,
            "unjudged": answers.unjudged,
            "errata": errata,
        }
        report.line = f"{len(rows)} published works, {len(asked)} links; {len(errata)} errata proposed"
        if answers.unjudged:
            report.line += f" ({answers.unjudged} links could not be judged now)"
    return report


def as_diff(errata: list[Mapping[str, str]]) -> Iterator[str]:
    """The errata as a person reads them: what stands there, what is so, what to do."""
    for erratum in errata:
        yield f"@@ {erratum['period']} {erratum['key']}"
        yield f"- {erratum['before']}"
        yield f"+ {erratum['after']}"
        yield f"  → {erratum['command']}"


def _errata(issue: Issue, pick: Pick, item: Item, bad: Mapping[str, DeadLink]) -> Iterator[Erratum]:
    """What readers should hear of a pick; what a correction of its issue says already is left out."""
    title = one_line(pick.title or item.title)
    told = " ".join(str(correction["text"]) for correction in issue.corrections)
    for kind, before, after, words in _changes(issue, item, title, bad.get(pick.url or item.url)):
        if words not in told:
            command = f"digest publish {issue.period} --correct {shlex.quote(words)}"
            yield Erratum(issue.period, item.key, kind, before, after, command)


def _changes(issue: Issue, item: Item, title: str, link: DeadLink | None) -> Iterator[tuple[str, str, str, str]]:
    """Each change as its kind, before, after, and the words of a correction."""
    if item.withdrawn:
        day = f"{item.withdrawn:%Y-%m-%d}"
        yield "withdrawn", title, f"{title} (withdrawn on {day})", f"Withdrawn on {day}: {title}."
    elif item.version and item.version > 1 and item.updated and issue.published and item.updated > issue.published:
        what = f"version {item.version} of {item.updated:%Y-%m-%d}"
        yield "version", title, f"{title} ({what})", f"There is {what}: {title}."
    if link is not None:
        kind, now = ("moved", link.moved_to) if link.moved_to else ("dead", f"{link.url} {link.problem}")
        words = f"Has moved to {link.moved_to}: {title}." if link.moved_to else f"Its link is dead: {title}."
        yield kind, link.url, now, words
