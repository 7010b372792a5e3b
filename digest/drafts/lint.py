"""Lint the editor's prose in a draft for Markdown that renders differently elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from digest.drafts.model import AddedUrl, Draft
from digest.drafts.parser import parse_draft_with_lines
from digest.drafts.writer import CLOSING_ANCHOR
from digest.markdown.lint import LintWarning, lint_markdown
from digest.text import strip_hidden

# What mail programs on a wide screen show of each line; on a phone about half.
_SHOWN_CHARACTERS = {"subject": 90, "preheader": 140}


def lint_draft(text: str) -> list[LintWarning]:
    """Lint every text of the editor's that readers see; raises DraftError as `parse_draft` does."""
    draft, line_numbers = parse_draft_with_lines(text)
    lines = [strip_hidden(line) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    warnings = {
        LintWarning(prose_lines[warning.line - 1], warning.message)
        for start, prose in _iter_editor_texts(draft, line_numbers)
        for prose_lines in [_find_line_numbers(prose, lines, start)]
        for warning in lint_markdown(prose)
    }
    warnings |= set(_lint_mail_lines(draft, lines))
    return sorted(warnings, key=lambda warning: (warning.line, warning.message))


def _lint_mail_lines(draft: Draft, lines: Sequence[str]) -> Iterator[LintWarning]:
    """Yield a warning for a subject or preheader that mail programs cut."""
    for name, limit in _SHOWN_CHARACTERS.items():
        if (length := len(getattr(draft, name))) > limit:
            line = next((n for n, line in enumerate(lines, 1) if line.startswith(f"{name}:")), 1)
            yield LintWarning(line, f"the {name} has {length} characters; mail programs cut it at about {limit}")


def _iter_editor_texts(draft: Draft, line_numbers: Mapping[str, int]) -> Iterator[tuple[int, str]]:
    """Yield every text of the editor's with the line after which it begins."""
    yield 1, draft.intro
    for section in draft.sections:
        start = line_numbers[f"section {section.slug}"]
        yield start, section.closing
        if not section.engine:
            yield start, section.intro
        for entry in section.entries:
            if isinstance(entry, AddedUrl):
                yield start, entry.text
                continue
            line = line_numbers[f"pick {entry.key}"]
            yield line, entry.highlight or ""
            if entry.origin == "editor":
                yield line, entry.blurb
    yield from ((line_numbers[f"note {prediction.id}"], prediction.comment) for prediction in draft.predictions)
    yield from ((line_numbers[f"missed {line.key}"], line.editor_text) for line in draft.missed)
    ticked = (line for line in draft.shortlist if line.mark == "x")
    yield from ((line_numbers[f"candidate {line.key}"], line.editor_text) for line in ticked)
    yield line_numbers.get(CLOSING_ANCHOR, 1), draft.outro


def _find_line_numbers(text: str, lines: Sequence[str], start: int) -> list[int]:
    """Return the draft's line of each line of a text; comments of the program may come between."""
    numbers, number = [], start
    for line in (line.strip() for line in text.split("\n")):
        number = next((n for n in range(number, len(lines) + 1) if line and line in lines[n - 1]), number)
        numbers.append(number)
    return numbers
