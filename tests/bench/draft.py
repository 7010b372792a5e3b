"""How long a sheet of 400 works takes to be written, read, and merged, and an archive of 200 kB to be imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter

from digest.drafts.archive.items import extract_imported_post
from digest.drafts.merge import merge_drafts
from digest.drafts.model import Draft, DraftPick, DraftSection
from digest.drafts.parser import parse_draft
from digest.drafts.writer import render_draft
from tests.archive.archives import HEADINGS, archive
from tests.drafts.drafts import WHEN, example


def main() -> list[tuple[str, float, str]]:
    """Rows: what was done, seconds (best of three), the bound."""
    base, new = sheet("old"), sheet("new")
    mine = replace(base, intro="mine", sections=tuple(replace(s, entries=s.entries[::-1]) for s in base.sections))
    text, posts = render_draft(base), archive()
    return [
        ("sheet of 400 works: write and read", seconds(lambda: parse_draft(render_draft(base))), "< 1 s"),
        ("sheet of 400 works: merge three ways", seconds(lambda: merge_drafts(base, mine, new)), "< 1 s"),
        (f"sheet of 400 works: read {len(text) // 1000} kB", seconds(lambda: parse_draft(text)), "< 1 s"),
        (
            "archive of ten posts: import",
            seconds(lambda: [extract_imported_post(post, HEADINGS) for post in posts]),
            "< 5 s",
        ),
    ]


def sheet(tone: str) -> Draft:
    """Three hundred picks in eight sections and a hundred candidates."""
    blurb = f"A {tone} sentence of some twenty words, with 50% of {{braces}} | pipes and *stars* to be escaped. " * 2
    picks = [DraftPick(f"arxiv:2510.{n:05d}", f"Work {n}: {tone}", "https://x.org/a", "A", blurb) for n in range(300)]
    sections = tuple(DraftSection(f"s{k}", f"Section {k}", entries=tuple(picks[k::8])) for k in range(8))
    waiting = example().shortlist[0]
    lines = tuple(replace(waiting, key=f"arxiv:2511.{n:05d}", title=f"Candidate {n}") for n in range(100))
    return Draft("2026-10", "Digest", WHEN, sections=sections, shortlist=lines)


def seconds(work: Callable[[], object]) -> float:
    """The best of three runs."""
    took = []
    for _ in range(3):
        begin = perf_counter()
        work()
        took.append(perf_counter() - begin)
    return min(took)


if __name__ == "__main__":
    for name, took, bound in main():
        print(f"{name}: {took:.3f} s ({bound})")
