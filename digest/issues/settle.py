"""The editor's marks carried out: ticked lines become picks, moved lines leave the shortlist, blurbs are filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from digest.issues.lines import candidate_to_pick
from digest.issues.values import AddedUrl, Draft, DraftPick, DraftSection
from digest.text import slugify as slug_of


def apply_marks(draft: Draft, titles: Mapping[str, str]) -> Draft:
    """Move ticked candidates to the end of their category's section; `titles` maps slugs in the order of the sections.

    A line that also stands as a pick (it was copied up, not moved) leaves the shortlist. A heading that lost its
    anchor is known by its title.
    """
    picked = {pick.key for _, pick in draft.iter_picks()}
    sections = _restore_anchors(draft.sections, titles)
    for line in draft.shortlist:
        if line.mark == "x" and line.key not in picked:
            slug = line.category if line.category in titles or not titles else next(iter(titles))
            append_pick(sections, slug, titles, candidate_to_pick(line))
            picked.add(line.key)
    shortlist = tuple(line for line in draft.shortlist if line.key not in picked)
    return replace(draft, sections=tuple(sections), shortlist=shortlist)


def _restore_anchors(sections: Sequence[DraftSection], titles: Mapping[str, str]) -> list[DraftSection]:
    """The sections with a category's slug where the title is the category's and no other section has the slug."""
    slugs = {title.casefold(): slug for slug, title in titles.items()}
    taken = {section.slug for section in sections}

    def anchored(section: DraftSection) -> DraftSection:
        slug = slugs.get(section.title.casefold(), section.slug)
        lost = section.slug == slug_of(section.title) and slug not in taken
        return replace(section, slug=slug) if lost else section

    return [anchored(section) for section in sections]


def append_pick(sections: list[DraftSection], slug: str, titles: Mapping[str, str], pick: DraftPick) -> None:
    """Append a pick to a section of the list, making the section at its place in `titles` where it is missing."""
    here = next((n for n, section in enumerate(sections) if section.slug == slug), None)
    if here is None:
        order = list(titles)
        rank = order.index(slug) if slug in order else len(order)
        later = (n for n, s in enumerate(sections) if s.slug in order and order.index(s.slug) > rank)
        here = next(later, len(sections))
        sections.insert(here, DraftSection(slug, titles.get(slug, slug)))
    section = sections[here]
    sections[here] = replace(section, entries=(*section.entries, pick))


def fill_missing_blurbs(draft: Draft, picks: Mapping[str, DraftPick]) -> Draft:
    """Complete a sheet from the store, by key: machine's blurbs and facts for the picks that wait for them.

    The editor's words are kept.
    """

    def entry(here: DraftPick | AddedUrl) -> DraftPick | AddedUrl:
        stored = None if isinstance(here, AddedUrl) else picks.get(here.key)
        return here if isinstance(here, AddedUrl) or stored is None else fill_pick(here, stored)

    return replace(draft, sections=tuple(replace(s, entries=tuple(map(entry, s.entries))) for s in draft.sections))


def fill_pick(pick: DraftPick, stored: DraftPick) -> DraftPick:
    """A pick with the facts of its work, and with the stored words where it waits for some."""
    pick = replace(
        pick,
        url=pick.url or stored.url,
        facts=stored.facts,
        covered=stored.covered or pick.covered,
        possible_duplicate=stored.possible_duplicate or pick.possible_duplicate,
        title=pick.title or stored.title,
    )
    if pick.origin == "source" and not pick.blurb:
        pick = replace(pick, note=pick.note or stored.note)
        return replace(pick, blurb=stored.blurb, origin=stored.origin, engine=stored.engine, flags=stored.flags)
    return pick
