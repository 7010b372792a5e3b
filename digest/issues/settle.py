"""The editor's marks carried out: ticked lines become picks, moved lines leave the shortlist, blurbs are filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from digest.issues.lines import as_pick
from digest.issues.values import AddedUrl, Sheet, SheetPick, SheetSection


def settle(sheet: Sheet, titles: Mapping[str, str]) -> Sheet:
    """Move ticked candidates to the end of their category's section; `titles` maps slugs in the order of the sections.

    A line that also stands as a pick (it was copied up, not moved) leaves the shortlist.
    """
    picked = {pick.key for _, pick in sheet.picks()}
    sections = list(sheet.sections)
    for line in sheet.shortlist:
        if line.mark == "x" and line.key not in picked:
            slug = line.category if line.category in titles or not titles else next(iter(titles))
            put(sections, slug, titles, as_pick(line))
            picked.add(line.key)
    shortlist = tuple(line for line in sheet.shortlist if line.key not in picked)
    return replace(sheet, sections=tuple(sections), shortlist=shortlist)


def put(sections: list[SheetSection], slug: str, titles: Mapping[str, str], pick: SheetPick) -> None:
    """Append a pick to a section of the list, making the section at its place in `titles` where it is missing."""
    here = next((n for n, section in enumerate(sections) if section.slug == slug), None)
    if here is None:
        order = list(titles)
        rank = order.index(slug) if slug in order else len(order)
        later = (n for n, s in enumerate(sections) if s.slug in order and order.index(s.slug) > rank)
        here = next(later, len(sections))
        sections.insert(here, SheetSection(slug, titles.get(slug, slug)))
    section = sections[here]
    sections[here] = replace(section, entries=(*section.entries, pick))


def fill(sheet: Sheet, picks: Mapping[str, SheetPick], added: Mapping[str, SheetPick] | None = None) -> Sheet:
    """Complete a sheet from the store: machine's blurbs and facts for the picks that wait for them, by key, and the
    works that were fetched for added addresses, by address. The editor's words are kept."""

    def entry(here: SheetPick | AddedUrl) -> SheetPick | AddedUrl:
        if isinstance(here, AddedUrl):
            found = (added or {}).get(here.url)
            return (found and _with_words(found, here)) or here
        stored = picks.get(here.key)
        return _filled(here, stored) if stored else here

    return replace(sheet, sections=tuple(replace(s, entries=tuple(map(entry, s.entries))) for s in sheet.sections))


def _with_words(found: SheetPick, added: AddedUrl) -> SheetPick:
    pick = replace(found, title=added.title or found.title)
    return replace(pick, blurb=added.words, origin="editor", engine="", flags=()) if added.words else pick


def _filled(pick: SheetPick, stored: SheetPick) -> SheetPick:
    pick = replace(
        pick,
        url=pick.url or stored.url,
        facts=stored.facts,
        covered=stored.covered,
        twin=stored.twin or pick.twin,
        title=pick.title or stored.title,
    )
    if pick.origin == "source" and not pick.blurb:
        return replace(pick, blurb=stored.blurb, origin=stored.origin, engine=stored.engine, flags=stored.flags)
    return pick
