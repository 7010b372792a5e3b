"""Recover text an editor typed into the generated part of a shortlist line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from difflib import SequenceMatcher

from digest.drafts.model import Draft, DraftCandidate, DraftPick

_GENERATED_FIELDS = ("facts", "reasons", "covered", "possible_duplicate")


def recover_typed_text(draft: Draft, generated_drafts: Iterable[Draft]) -> Draft:
    """Move such text behind its line, or to the pick the line became.

    `generated_drafts` are drafts as the program wrote them, newest first; only as many are read as needed.
    """
    lines = {line.key: line for line in (*draft.shortlist, *draft.moved_candidates)}
    originals: dict[str, DraftCandidate] = {}
    for version in generated_drafts:
        for original in version.shortlist:
            line = lines.get(original.key)
            if line and all(getattr(original, name) == getattr(line, name) for name in _GENERATED_FIELDS):
                del lines[original.key]
            elif line:
                originals.setdefault(original.key, original)
        if not lines:
            return draft
    typed = {key: text for key, line in lines.items() if key in originals and (text := _diff(originals[key], line))}
    moved_keys = {line.key for line in draft.moved_candidates}

    def restore_line(line: DraftCandidate) -> DraftCandidate:
        if line.key not in typed:
            return line
        fields = {name: getattr(originals[line.key], name) for name in _GENERATED_FIELDS}
        return replace(line, **fields, editor_text=_join_paragraphs(typed[line.key], line.editor_text))

    def restore_pick(pick: DraftPick) -> DraftPick:
        if pick.key not in typed or pick.key not in moved_keys:
            return pick
        return replace(pick, blurb=_join_paragraphs(typed[pick.key], pick.blurb), origin="editor")

    return replace(draft.map_picks(restore_pick), shortlist=tuple(map(restore_line, draft.shortlist)))


def _diff(original: DraftCandidate, line: DraftCandidate) -> str:
    """Return the words of the line's fields that are not in the original's, in order."""
    typed: list[str] = []
    for name in _GENERATED_FIELDS:
        before, after = _split_words(getattr(original, name)), _split_words(getattr(line, name))
        for tag, _, _, start, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            if tag in ("insert", "replace"):
                typed += after[start:end]
    return " ".join(typed).strip(" ·—")


def _split_words(text: str | tuple[str, ...]) -> list[str]:
    return (text if isinstance(text, str) else " · ".join(text)).split()


def _join_paragraphs(*texts: str) -> str:
    return "\n\n".join(filter(None, texts))
