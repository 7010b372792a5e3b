"""Operations on a draft: values in, a new draft out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar

from digest.drafts.model import AddedUrl, Conflict, Draft, DraftCandidate, DraftPick, DraftSection, SectionEntry
from digest.drafts.syntax import compute_checksum, normalise_paragraphs, render_blurb_label, unescape_paragraphs
from digest.errors import ConfigError, NotFoundError
from digest.text import slugify

KeyedEntry = TypeVar("KeyedEntry", DraftPick, DraftCandidate)
MergedKeys = Mapping[str, tuple[str, str]]
_RELOAD = "load the page again"


def apply_marks(draft: Draft, titles: Mapping[str, str]) -> Draft:
    """Move ticked candidates to the end of their category's section.

    `titles` maps slugs to titles in the order of the sections. A candidate that is also a pick (its line was copied,
    not moved) leaves the shortlist. A heading that lost its anchor is recognised by its title.
    """
    picked = {pick.key for _, pick in draft.iter_picks()}
    sections = _restore_anchors(draft.sections, titles)
    for candidate in draft.shortlist:
        if candidate.mark == "x" and candidate.key not in picked:
            slug = candidate.category if candidate.category in titles or not titles else next(iter(titles))
            _append_pick(sections, slug, titles, candidate.to_pick())
            picked.add(candidate.key)
    shortlist = tuple(candidate for candidate in draft.shortlist if candidate.key not in picked)
    return replace(draft, sections=tuple(sections), shortlist=shortlist)


def _restore_anchors(sections: Sequence[DraftSection], titles: Mapping[str, str]) -> list[DraftSection]:
    """Give a section its category's slug if it has the category's title and no other section has the slug."""
    slugs = {title.casefold(): slug for slug, title in titles.items()}
    used = {section.slug for section in sections}
    restored = []
    for section in sections:
        slug = slugs.get(section.title.casefold(), section.slug)
        lost_anchor = section.slug == slugify(section.title) and slug not in used
        restored.append(replace(section, slug=slug) if lost_anchor else section)
    return restored


def _append_pick(sections: list[DraftSection], slug: str, titles: Mapping[str, str], pick: DraftPick) -> None:
    """Append a pick to a section of the list; a missing section is inserted at its place in `titles`."""
    index = next((n for n, section in enumerate(sections) if section.slug == slug), None)
    if index is None:
        order = list(titles)
        rank = order.index(slug) if slug in order else len(order)
        later = (n for n, s in enumerate(sections) if s.slug in order and order.index(s.slug) > rank)
        index = next(later, len(sections))
        sections.insert(index, DraftSection(slug, titles.get(slug, slug)))
    sections[index] = replace(sections[index], entries=(*sections[index].entries, pick))


def fill_missing_blurbs(draft: Draft, picks: Mapping[str, DraftPick]) -> Draft:
    """Complete the picks from the database (by key): facts for all, blurbs for those without one."""
    return draft.map_picks(lambda pick: fill_pick(pick, picks[pick.key]) if pick.key in picks else pick)


def fill_pick(pick: DraftPick, stored: DraftPick) -> DraftPick:
    """Give a pick the facts of its item, and the stored blurb if it has none."""
    pick = replace(
        pick,
        url=pick.url or stored.url,
        facts=stored.facts,
        covered=stored.covered or pick.covered,
        possible_duplicate=stored.possible_duplicate or pick.possible_duplicate,
        title=pick.title or stored.title,
    )
    if pick.origin == "source" and not pick.blurb:
        note = pick.note or stored.note
        blurb = {name: getattr(stored, name) for name in ("blurb", "origin", "engine", "flags")}
        verdict = pick.verdict or stored.verdict
        proposed = "" if verdict else pick.proposed_verdict or stored.proposed_verdict
        return replace(pick, note=note, **blurb, verdict=verdict, proposed_verdict=proposed)
    return pick


def place_pick(
    draft: Draft, key: str, slug: str, titles: Mapping[str, str], before_key: str = "", default: DraftPick | None = None
) -> Draft:
    """Move an item into a section, at its end or before the pick `before_key`.

    `default` is the pick of an item that is not in the draft yet. A candidate brings the editor's text. A missing
    section is inserted in the order of `titles`.
    """
    pick = _find_pick(draft, key) or default
    if pick is None:
        raise NotFoundError(f"{key} is not in the draft of {draft.period}", _RELOAD)
    sections = list(_remove_pick(draft, key).sections)
    _append_pick(sections, slug, titles, pick)
    if before_key and before_key != key:
        sections = [_move_pick_before(section, pick, before_key) for section in sections]
    shortlist = tuple(candidate for candidate in draft.shortlist if candidate.key != key)
    return replace(draft, sections=tuple(sections), shortlist=shortlist)


def _move_pick_before(section: DraftSection, pick: DraftPick, before_key: str) -> DraftSection:
    others = [entry for entry in section.entries if entry is not pick]
    keys = [getattr(entry, "key", "") for entry in others]
    if len(others) == len(section.entries) or before_key not in keys:
        return section
    others.insert(keys.index(before_key), pick)
    return replace(section, entries=tuple(others))


def move_to_shortlist(draft: Draft, candidate: DraftCandidate, mark: Literal[" ", "-"]) -> Draft:
    """Put an item on the shortlist, open or rejected; `candidate` is its line where it has none.

    The editor's text moves with it.
    """
    if any(line.key == candidate.key for line in draft.shortlist):
        lines = (replace(line, mark=mark) if line.key == candidate.key else line for line in draft.shortlist)
        return replace(draft, shortlist=tuple(lines))
    pick = _find_pick(draft, candidate.key)
    text = pick.editor_text if pick else ""
    shortlist = (replace(candidate, mark=mark, editor_text=text), *draft.shortlist)
    return replace(_remove_pick(draft, candidate.key), shortlist=shortlist)


def update_pick(draft: Draft, key: str, **fields: Any) -> Draft:
    """Set some fields of one pick."""
    if _find_pick(draft, key) is None:
        raise NotFoundError(f"{key} is not a pick of {draft.period}", "it was taken out; load the page again")
    return draft.map_picks(lambda pick: replace(pick, **fields) if pick.key == key else pick)


def sign_verdict(draft: Draft, key: str) -> Draft:
    """Make a pick's proposed verdict the editor's."""
    pick = _find_pick(draft, key)
    verdict = pick.proposed_verdict if pick else ""
    return update_pick(draft, key, verdict=verdict, proposed_verdict="") if verdict else draft


def strike_verdict(draft: Draft, key: str) -> Draft:
    """Remove a pick's proposed verdict."""
    return update_pick(draft, key, proposed_verdict="")


def sign_all_verdicts(draft: Draft) -> Draft:
    """Make every proposed verdict the editor's."""
    return draft.map_picks(
        lambda pick: replace(pick, verdict=pick.verdict or pick.proposed_verdict, proposed_verdict="")
    )


def update_section(draft: Draft, slug: str, **fields: Any) -> Draft:
    """Set some fields of one section."""
    if draft.find_section(slug) is None:
        raise NotFoundError(f"{draft.period} has no section {slug!r}", _RELOAD)
    return replace(draft, sections=tuple(replace(s, **fields) if s.slug == slug else s for s in draft.sections))


def add_typed_url(draft: Draft, slug: str, url: str, text: str = "") -> Draft:
    """Add a URL of the editor's to a section, to be fetched later."""
    section = draft.find_section(slug)
    return update_section(draft, slug, entries=(*(section.entries if section else ()), AddedUrl(url, text)))


def remove_typed_url(draft: Draft, slug: str, url: str) -> Draft:
    """Remove a URL that waits to be fetched from a section."""
    section = draft.find_section(slug)
    entries = list(section.entries) if section else []
    added = next((entry for entry in entries if isinstance(entry, AddedUrl) and entry.url == url), None)
    if added is None:
        raise NotFoundError(f"{url} does not wait in {slug!r}", _RELOAD)
    return update_section(draft, slug, entries=tuple(entry for entry in entries if entry is not added))


def add_section(draft: Draft, title: str) -> Draft:
    """Add a section of the editor's after the others."""
    slug = slugify(title)
    if draft.find_section(slug):
        raise ConfigError(f"there is a section {slug!r} already", "give it another title")
    return replace(draft, sections=(*draft.sections, DraftSection(slug, title)))


def remove_section(draft: Draft, slug: str) -> Draft:
    """Remove a section without entries; its prose goes with it."""
    section = draft.find_section(slug)
    if section is not None and section.entries:
        raise ConfigError(f"the section {section.title!r} is not empty", "take its works out or move them first")
    return replace(draft, sections=tuple(other for other in draft.sections if other is not section))


def _find_pick(draft: Draft, key: str) -> DraftPick | None:
    picks = (pick for _, pick in draft.iter_picks() if pick.key == key)
    candidates = (candidate.to_pick() for candidate in draft.shortlist if candidate.key == key)
    return next(picks, None) or next(candidates, None)


def _remove_pick(draft: Draft, key: str) -> Draft:
    return draft.map_picks(lambda pick: None if pick.key == key else pick)


def apply_merges_to_draft(draft: Draft, merged_keys: MergedKeys) -> Draft:
    """Replace each key of `merged_keys` by the key and URL of the item it was merged into.

    Of two picks the first stays, of a pick and a candidate the pick, of two candidates the first. The editor's text
    of the entry that goes moves to the one that stays, as a conflict if the editor wrote there too.
    """
    keys = {*(pick.key for _, pick in draft.iter_picks()), *(candidate.key for candidate in draft.shortlist)}
    if not keys & merged_keys.keys():
        return draft
    picks: dict[str, DraftPick] = {}
    for _, pick in draft.iter_picks():
        renamed = _replace_merged_key(pick, merged_keys)
        first = picks.get(renamed.key)
        picks[renamed.key] = _merge_pick_texts(first, pick) if first else renamed
    candidates: dict[str, DraftCandidate] = {}
    for line in draft.shortlist:
        candidate = _replace_merged_key(line, merged_keys)
        key, text = candidate.key, candidate.editor_text
        if key in picks:
            picks[key] = merge_blurb_text(picks[key], text, "editor")
        elif key in candidates:
            texts = "\n\n".join(filter(None, (candidates[key].editor_text, text)))
            mark = candidates[key].mark if candidates[key].mark != " " else candidate.mark
            candidates[key] = replace(candidates[key], editor_text=texts, mark=mark)
        else:
            candidates[key] = candidate

    def take_first(pick: DraftPick) -> DraftPick | None:
        return picks.pop(_replace_merged_key(pick, merged_keys).key, None)

    return replace(draft.map_picks(take_first), shortlist=tuple(candidates.values()))


def _replace_merged_key(entry: KeyedEntry, merged_keys: MergedKeys) -> KeyedEntry:
    if entry.key not in merged_keys:
        return entry
    key, url = merged_keys[entry.key]
    return replace(entry, key=key, url=url, possible_duplicate="")


def _merge_pick_texts(pick: DraftPick, other: DraftPick) -> DraftPick:
    """Add the editor's text and verdict of another entry for the same work."""
    pick = merge_blurb_text(pick, other.blurb, other.origin)
    if not pick.verdict or not other.verdict:
        return replace(pick, verdict=pick.verdict or other.verdict)
    if pick.verdict == other.verdict:
        return pick
    return replace(pick, conflicts=(*pick.conflicts, Conflict("verdict", other.verdict)))


def merge_blurb_text(pick: DraftPick, text: str, origin: str) -> DraftPick:
    """Add the editor's text from another entry: it replaces a generated blurb, and conflicts with an editor's."""
    if origin != "editor" or not text or text == pick.blurb:
        return pick
    if pick.origin == "editor" and pick.blurb:
        return replace(pick, conflicts=(*pick.conflicts, Conflict("blurb", normalise_paragraphs(text))))
    return replace(pick, blurb=text, origin="editor", engine="", flags=())


def clear_possible_duplicates(draft: Draft, keys: Collection[str]) -> Draft:
    """Remove the note on a possible duplicate from the items of `keys`."""

    def clear(entry: KeyedEntry) -> KeyedEntry:
        return replace(entry, possible_duplicate="") if entry.key in keys else entry

    return replace(draft.map_picks(clear), shortlist=tuple(map(clear, draft.shortlist))) if keys else draft


def replace_added_urls(draft: Draft, picks_by_url: Mapping[str, DraftPick]) -> Draft:
    """Replace each URL of `picks_by_url` by its pick, once each, at the first place it was typed.

    An item that is a pick or a candidate already keeps its fields; typed text that differs from the editor's own is
    kept as a conflict.
    """
    added = [entry for _, entry in draft.iter_added_urls() if entry.url in picks_by_url]
    if not added:
        return draft
    picks = {picks_by_url[entry.url].key: picks_by_url[entry.url] for entry in added}
    for existing in (*(line.to_pick() for line in draft.shortlist), *(pick for _, pick in draft.iter_picks())):
        if existing.key in picks:
            picks[existing.key] = fill_pick(existing, picks[existing.key])
    for entry in added:
        key = picks_by_url[entry.url].key
        picks[key] = _apply_typed_text(picks[key], entry)
    unplaced = dict(picks)

    def place(entry: SectionEntry) -> SectionEntry | None:
        if isinstance(entry, AddedUrl):
            return unplaced.pop(picks_by_url[entry.url].key, None) if entry.url in picks_by_url else entry
        return None if entry.key in picks else entry

    return replace(draft.map_entries(place), shortlist=tuple(line for line in draft.shortlist if line.key not in picks))


def _apply_typed_text(pick: DraftPick, added: AddedUrl) -> DraftPick:
    """Give a pick the typed title and text; a generated blurb under a lost key stays generated."""
    pick = replace(pick, title=added.title or pick.title)
    text = added.text.removeprefix(render_blurb_label(pick.origin, pick.engine))
    if not text or compute_checksum(unescape_paragraphs(text)) == compute_checksum(pick.blurb):
        return pick
    return merge_blurb_text(replace(pick, note=pick.note and bool(pick.blurb)), text, "editor")
