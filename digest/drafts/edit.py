"""Operations on a draft.

Single edits of a sheet, as a desk or a command makes them: values in, a new sheet out.

The editor's marks carried out: ticked lines become picks, moved lines leave the shortlist, blurbs are filled in.

Works that became one after a sheet named them as two: one place stays, and no word of a hand is lost.

Addresses that an editor typed become the works they lead to; one that stood elsewhere moves there with its words.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar

from digest.drafts.entries import candidate_to_pick
from digest.drafts.model import AddedUrl, Conflict, Draft, DraftCandidate, DraftPick, DraftSection
from digest.drafts.syntax import compute_checksum, normalise_paragraphs, render_blurb_label, unescape_paragraphs
from digest.errors import ConfigError, NotFoundError
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


def place_pick(
    draft: Draft, key: str, slug: str, titles: Mapping[str, str], before_key: str = "", default: DraftPick | None = None
) -> Draft:
    """Put a work into a section, at its end or before the pick `before`; `new` is the pick where none stands yet.

    A line of the shortlist brings the editor's words. A section that is missing is made, in the order of `titles`.
    """
    pick = _find_pick(draft, key) or default
    if pick is None:
        raise NotFoundError(f"{key} is not in the sheet of {draft.period}", "load the page again")
    sections = list(_remove_pick(draft, key).sections)
    append_pick(sections, slug, titles, pick)
    if before_key and before_key != key:
        sections = [_move_pick_before(section, key, before_key) for section in sections]
    rest = tuple(line for line in draft.shortlist if line.key != key)
    return replace(draft, sections=tuple(sections), shortlist=rest)


def move_to_shortlist(draft: Draft, candidate: DraftCandidate, mark: Literal[" ", "-"]) -> Draft:
    """Put a work on the shortlist, open or turned down; `line` is used where it has no line yet. The words stay."""
    known = next((one for one in draft.shortlist if one.key == candidate.key), None)
    if known is not None:
        lines = tuple(replace(one, mark=mark) if one is known else one for one in draft.shortlist)
        return replace(draft, shortlist=lines)
    pick = _find_pick(draft, candidate.key)
    words = pick.blurb if pick and pick.origin == "editor" else ""
    return replace(
        _remove_pick(draft, candidate.key),
        shortlist=(replace(candidate, mark=mark, editor_text=words), *draft.shortlist),
    )


def update_pick(draft: Draft, key: str, **fields: Any) -> Draft:
    """The sheet with some fields of one pick set; raises NotFoundError."""
    if _find_pick(draft, key) is None:
        raise NotFoundError(f"{key} is not a pick of {draft.period}", "it was taken out; load the page again")
    return replace(draft, sections=tuple(_update_section_pick(section, key, fields) for section in draft.sections))


def update_section(draft: Draft, slug: str, **fields: Any) -> Draft:
    """The sheet with some fields of one section set; raises NotFoundError."""
    if all(section.slug != slug for section in draft.sections):
        raise NotFoundError(f"{draft.period} has no section {slug!r}", "load the page again")
    return replace(draft, sections=tuple(replace(s, **fields) if s.slug == slug else s for s in draft.sections))


def add_typed_url(draft: Draft, slug: str, url: str, text: str = "") -> Draft:
    """A work of the editor's own, still to be fetched."""
    here = next((section for section in draft.sections if section.slug == slug), None)
    return update_section(draft, slug, entries=(*(here.entries if here else ()), AddedUrl(url, text)))


def remove_typed_url(draft: Draft, slug: str, url: str) -> Draft:
    """The sheet without an address that waits in a section; raises NotFoundError."""
    here = next((s for s in draft.sections if s.slug == slug), DraftSection(slug, slug))
    gone = next((e for e in here.entries if isinstance(e, AddedUrl) and e.url == url), None)
    if gone is None:
        raise NotFoundError(f"{url} does not wait in {slug!r}", "load the page again")
    return update_section(draft, slug, entries=tuple(entry for entry in here.entries if entry is not gone))


def add_section(draft: Draft, title: str) -> Draft:
    """A section of the editor's own, behind the others; raises ConfigError where there is one of that name."""
    name = slug_of(title)
    if any(section.slug == name for section in draft.sections):
        raise ConfigError(f"there is a section {name!r} already", "give it another title")
    return replace(draft, sections=(*draft.sections, DraftSection(name, title)))


def remove_section(draft: Draft, slug: str) -> Draft:
    """The sheet without an empty section, its prose included; raises ConfigError where works stand in it."""
    here = next((section for section in draft.sections if section.slug == slug), None)
    if here is not None and here.entries:
        raise ConfigError(f"works stand in the section {here.title!r}", "take them out or move them first")
    return replace(draft, sections=tuple(section for section in draft.sections if section is not here))


def _find_pick(draft: Draft, key: str) -> DraftPick | None:
    picks = (pick for _, pick in draft.iter_picks() if pick.key == key)
    lines = (candidate_to_pick(line) for line in draft.shortlist if line.key == key)
    return next(picks, None) or next(lines, None)


def _remove_pick(draft: Draft, key: str) -> Draft:
    sections = (
        replace(section, entries=tuple(e for e in section.entries if getattr(e, "key", None) != key))
        for section in draft.sections
    )
    return replace(draft, sections=tuple(sections))


def _move_pick_before(section: DraftSection, key: str, before_key: str) -> DraftSection:
    keys = [getattr(entry, "key", "") for entry in section.entries]
    if key not in keys or before_key not in keys:
        return section
    moved = section.entries[keys.index(key)]
    rest = [entry for entry in section.entries if entry is not moved]
    rest.insert([getattr(entry, "key", "") for entry in rest].index(before_key), moved)
    return replace(section, entries=tuple(rest))


def _update_section_pick(section: DraftSection, key: str, fields: dict[str, Any]) -> DraftSection:
    entries = (
        replace(entry, **fields) if isinstance(entry, DraftPick) and entry.key == key else entry
        for entry in section.entries
    )
    return replace(section, entries=tuple(entries))


KeyedEntry = TypeVar("KeyedEntry", DraftPick, DraftCandidate)
MergedKeys = Mapping[str, tuple[str, str]]


def apply_merges_to_draft(draft: Draft, merged_keys: MergedKeys) -> Draft:
    """The sheet with each key of `names` replaced by the key and the address of the work it is part of now.

    Of two picks the first stays, of a pick and a line the pick, of two lines the first. The editor's words of the
    place that goes move to the one that stays, or, where the editor wrote there too, stand beside them as a conflict.
    """
    if not any(entry.key in merged_keys for entry in _list_keyed_entries(draft)):
        return draft
    picks: dict[str, DraftPick] = {}
    for _, pick in draft.iter_picks():
        own = _replace_merged_key(pick, merged_keys)
        picks[own.key] = merge_blurb_text(picks[own.key], pick.blurb, pick.origin) if own.key in picks else own
    lines: dict[str, DraftCandidate] = {}
    for line in draft.shortlist:
        line = _replace_merged_key(line, merged_keys)
        key = line.key
        if key in picks:
            picks[key] = merge_blurb_text(picks[key], line.editor_text, "editor")
        elif key in lines:
            words = "\n\n".join(filter(None, (lines[key].editor_text, line.editor_text)))
            lines[key] = replace(
                lines[key], editor_text=words, mark=lines[key].mark if lines[key].mark != " " else line.mark
            )
        else:
            lines[key] = line
    placed = set[str]()
    sections = tuple(_merge_section_entries(section, merged_keys, picks, placed) for section in draft.sections)
    return replace(draft, sections=sections, shortlist=tuple(lines.values()))


def clear_possible_duplicates(draft: Draft, keys: Collection[str]) -> Draft:
    """The sheet with the doubt taken off the works of `keys`, whether another one is the same."""
    if not keys:
        return draft
    sections = tuple(
        replace(
            section,
            entries=tuple(
                replace(entry, possible_duplicate="") if isinstance(entry, DraftPick) and entry.key in keys else entry
                for entry in section.entries
            ),
        )
        for section in draft.sections
    )
    lines = tuple(replace(line, possible_duplicate="") if line.key in keys else line for line in draft.shortlist)
    return replace(draft, sections=sections, shortlist=lines)


def _list_keyed_entries(draft: Draft) -> list[DraftPick | DraftCandidate]:
    return [*(pick for _, pick in draft.iter_picks()), *draft.shortlist]


def _replace_merged_key(entry: KeyedEntry, merged_keys: MergedKeys) -> KeyedEntry:
    if entry.key not in merged_keys:
        return entry
    key, url = merged_keys[entry.key]
    return replace(entry, key=key, url=url, possible_duplicate="")


def merge_blurb_text(pick: DraftPick, text: str, origin: str) -> DraftPick:
    """The pick with words from another place: a hand's take the machine's place, and stand beside a hand's."""
    if origin != "editor" or not text or text == pick.blurb:
        return pick
    if pick.origin == "editor" and pick.blurb:
        return replace(pick, conflicts=(*pick.conflicts, Conflict("blurb", normalise_paragraphs(text))))
    return replace(pick, blurb=text, origin="editor", engine="", flags=())


def _merge_section_entries(
    section: DraftSection, merged_keys: MergedKeys, picks: Mapping[str, DraftPick], placed_keys: set[str]
) -> DraftSection:
    entries: list[DraftPick | AddedUrl] = []
    for entry in section.entries:
        if isinstance(entry, AddedUrl):
            entries.append(entry)
            continue
        key = _replace_merged_key(entry, merged_keys).key
        if key not in placed_keys:
            placed_keys.add(key)
            entries.append(picks[key])
    return replace(section, entries=tuple(entries))


def replace_added_urls(draft: Draft, picks_by_url: Mapping[str, DraftPick]) -> Draft:
    """The sheet with each address of `found` replaced by its work, once each, at the first place it was typed.

    A work that is a pick or a line of the shortlist already keeps what stands on it; typed words that differ from
    the editor's own are kept beside them as a conflict.
    """
    typed = [entry for _, entry in draft.iter_added_urls() if entry.url in picks_by_url]
    if not typed:
        return draft
    works = {picks_by_url[entry.url].key: picks_by_url[entry.url] for entry in typed}
    lines = [candidate_to_pick(line) for line in draft.shortlist]
    for pick in [*lines, *(pick for _, pick in draft.iter_picks())]:
        if pick.key in works:
            works[pick.key] = fill_pick(pick, works[pick.key])
    for entry in typed:
        key = picks_by_url[entry.url].key
        works[key] = _apply_typed_text(works[key], entry)
    shortlist = tuple(line for line in draft.shortlist if line.key not in works)
    left = dict(works)
    sections = tuple(_replace_section_urls(section, picks_by_url, works, left) for section in draft.sections)
    return replace(draft, sections=sections, shortlist=shortlist)


def _replace_section_urls(
    section: DraftSection,
    picks_by_url: Mapping[str, DraftPick],
    picks_by_key: Mapping[str, DraftPick],
    unplaced: dict[str, DraftPick],
) -> DraftSection:
    """A section with its works in place of their addresses; `left` are those that stand nowhere yet."""
    entries: list[DraftPick | AddedUrl] = []
    for here in section.entries:
        if isinstance(here, AddedUrl) and here.url in picks_by_url:
            work = unplaced.pop(picks_by_url[here.url].key, None)
            entries += [work] if work else []
        elif isinstance(here, AddedUrl) or here.key not in picks_by_key:
            entries.append(here)
    return replace(section, entries=tuple(entries))


def _apply_typed_text(pick: DraftPick, added_url: AddedUrl) -> DraftPick:
    """The work with the title and the words that were typed; a machine's words under a lost key are still its own."""
    pick = replace(pick, title=added_url.title or pick.title)
    words = added_url.words.removeprefix(render_blurb_label(pick.origin, pick.engine))
    if not words or compute_checksum(unescape_paragraphs(words)) == compute_checksum(pick.blurb):
        return pick
    return merge_blurb_text(replace(pick, note=pick.note and bool(pick.blurb)), words, "editor")
