"""Words that an editor typed among the program's own on a line of the shortlist, told apart from them and kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import SequenceMatcher

from digest.drafts.model import AddedUrl, Draft, DraftCandidate, DraftPick

_GENERATED_TEXT_FIELDS = ("facts", "reasons", "covered", "possible_duplicate")


def recover_typed_text(draft: Draft, generated_drafts: Iterable[Draft]) -> Draft:
    """The sheet with such words behind their lines, or on the picks that the lines became.

    `written` are sheets as the program wrote them, newest first; they are read as far as there is something to find.
    """
    lines = {line.key: line for line in (*draft.shortlist, *draft.moved_candidates)}
    said: dict[str, DraftCandidate] = {}
    for version in generated_drafts:
        for before in version.shortlist:
            if before.key in lines and _has_same_fields(before, lines[before.key]):
                del lines[before.key]
            elif before.key in lines:
                said.setdefault(before.key, before)
        if not lines:
            return draft
    typed = {
        key: words for key, before in said.items() if key in lines and (words := _find_typed_text(before, lines[key]))
    }
    if not typed:
        return draft
    shortlist = tuple(
        _restore_candidate(line, said[line.key], typed[line.key]) if line.key in typed else line
        for line in draft.shortlist
    )
    moved = {line.key for line in draft.moved_candidates}
    on_picks = {key: words for key, words in typed.items() if key in moved}
    sections = tuple(
        replace(section, entries=tuple(_restore_entry(entry, on_picks) for entry in section.entries))
        for section in draft.sections
    )
    return replace(draft, sections=sections, shortlist=shortlist)


def _has_same_fields(before: DraftCandidate, candidate: DraftCandidate) -> bool:
    return all(getattr(before, name) == getattr(candidate, name) for name in _GENERATED_TEXT_FIELDS)


def _find_typed_text(before: DraftCandidate, candidate: DraftCandidate) -> str:
    """The words of the line that the program did not say, in order."""
    out: list[str] = []
    for name in _GENERATED_TEXT_FIELDS:
        ours, theirs = _split_words(getattr(before, name)), _split_words(getattr(candidate, name))
        for tag, _, _, start, end in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
            if tag in ("insert", "replace"):
                out += theirs[start:end]
    return " ".join(out).strip(" ·—")


def _split_words(text: str | tuple[str, ...]) -> list[str]:
    return (text if isinstance(text, str) else " · ".join(text)).split()


def _restore_candidate(candidate: DraftCandidate, before: DraftCandidate, typed: str) -> DraftCandidate:
    own = {name: getattr(before, name) for name in _GENERATED_TEXT_FIELDS}
    return replace(candidate, **own, editor_text=_join_paragraphs(typed, candidate.editor_text))


def _restore_entry(entry: DraftPick | AddedUrl, typed: Mapping[str, str]) -> DraftPick | AddedUrl:
    if isinstance(entry, AddedUrl) or entry.key not in typed:
        return entry
    return replace(entry, blurb=_join_paragraphs(typed[entry.key], entry.blurb), origin="editor")


def _join_paragraphs(typed: str, text: str) -> str:
    return "\n\n".join(filter(None, (typed, text)))
