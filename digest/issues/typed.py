"""Addresses that an editor typed become the works they lead to; one that stood elsewhere moves there with its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from digest.issues.joined import merge_blurb_text
from digest.issues.lines import candidate_to_pick
from digest.issues.settle import fill_pick
from digest.issues.values import AddedUrl, Draft, DraftPick, DraftSection
from digest.issues.words import compute_checksum, render_blurb_label, unescape_paragraphs


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
