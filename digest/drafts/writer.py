"""`Draft` to Markdown.

A sheet as text: a valid Jekyll draft that is also the form the editor fills in.

The comment that explains a sheet on top of it, and the words an editor typed into it by mistake.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher

from digest.drafts.model import AddedUrl, Conflict, Draft, DraftCandidate, DraftPick, DraftPrediction, DraftSection
from digest.drafts.syntax import (
    UNCERTAIN_CONFIDENCE,
    compute_checksum,
    escape_paragraphs,
    escape_prose_lines,
    indent_continuation,
    render_blurb_label,
)
from digest.markdown.escape import encode_link, encode_mark_value, escape_line_part, escape_markdown
from digest.text import normalise_line

_HELP_COMMENT = """<!-- digest: how to work on this sheet
  Write the introduction below this comment. Reorder, rewrite, delete, move picks between sections, as you like.
  A pick begins at its ### line and ends where the next one begins. Keep the comment that holds its key.
  A pick from the shortlist: tick [x], or move its line up into a section; [-] turns it down.
  A work of your own: a line "- <https://...> my words" in a section.
  Under a pick's title: "> Highlight: why", "> Also noted", "> Update of 2026-03". A dead link: write another.
  A section of your own: "## Title". Then `digest check PERIOD` and `digest approve PERIOD`. -->"""
_OWN_SECTION_HELP = '  A section of your own: "## Title".'
_MISSED_HELP = (
    '  Under "Missed", what others named and no issue has: untick or delete a line, or write your words behind it.\n'
)
_FULL_HELP_COMMENT = _HELP_COMMENT.replace(_OWN_SECTION_HELP, _MISSED_HELP + _OWN_SECTION_HELP)
_MIN_MATCHING_WORDS = 3  # words of ours; fewer between two of theirs are theirs too
_PERIOD_PATTERN = re.compile(r"\d{4}(?:-\w+)?(?:\.\.\d{4}-\d\d)?|PERIOD")
_WORD_PATTERN = re.compile(r"-->|(?:(?!-->)\S)+")


def render_help_comment(draft: Draft) -> str:
    """What an editor must know, in a comment no reader sees."""
    return (_FULL_HELP_COMMENT if draft.missed else _HELP_COMMENT).replace("PERIOD", draft.period)


def extract_typed_lines(comment: str) -> list[str]:
    """The lines typed into the comment, each stretch behind a blank one; how it is wrapped does not matter."""
    ours, theirs = _split_help_words(_FULL_HELP_COMMENT), _split_help_words(comment)
    found = list(_WORD_PATTERN.finditer(comment))
    lines: list[str] = []
    for start, end in _iter_inserted_ranges(SequenceMatcher(None, ours, theirs, autojunk=False)):
        stretch = comment[found[start].start() : found[end - 1].end()]
        lines += ["", *(line.strip() for line in stretch.split("\n")), ""]
    return lines


def _split_help_words(text: str) -> list[str]:
    return [_PERIOD_PATTERN.sub("PERIOD", match[0]) for match in _WORD_PATTERN.finditer(text)]


def _iter_inserted_ranges(match: SequenceMatcher[str]) -> Iterator[tuple[int, int]]:
    """Where words stand that are not ours, from and up to."""
    start = end = -1
    for tag, _, _, here, until in match.get_opcodes():
        if tag in ("insert", "replace"):
            start, end = (start, until) if start >= 0 else (here, until)
        elif tag == "equal" and until - here >= _MIN_MATCHING_WORDS and start >= 0:
            yield start, end
            start = -1
    if start >= 0:
        yield start, end


SHORTLIST_ANCHOR = "digest:shortlist"
PREDICTIONS_ANCHOR = "digest:notes"
MISSED_ANCHOR = "digest:missed"
CLOSING_ANCHOR = "digest:closing"
_RESERVED_TITLES = {
    SHORTLIST_ANCHOR: "Shortlist",
    PREDICTIONS_ANCHOR: "What I got wrong",
    MISSED_ANCHOR: "Missed",
    CLOSING_ANCHOR: "Closing words",
}


def render_draft(draft: Draft) -> str:
    """The sheet as the text of `_drafts/PERIOD.md`; `parse` reads it back to an equal value."""
    blocks = [_render_front_matter(draft), render_help_comment(draft), *_render_conflicts(draft.conflicts)]
    blocks += [escape_prose_lines(draft.intro, links=False)]
    for section in draft.sections:
        blocks += _render_section(section)
    if draft.predictions:
        blocks += [_render_heading(PREDICTIONS_ANCHOR), "\n".join(map(_render_prediction, draft.predictions))]
    if draft.missed:
        blocks += [_render_heading(MISSED_ANCHOR), "\n".join(map(_render_candidate, draft.missed))]
    if draft.outro:
        blocks += [_render_heading(CLOSING_ANCHOR), escape_prose_lines(draft.outro, links=False)]
    shortlist = "\n".join(map(_render_candidate, draft.shortlist))
    blocks += ["---", _render_heading(SHORTLIST_ANCHOR), escape_prose_lines(draft.scratch, links=False), shortlist]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _render_front_matter(draft: Draft) -> str:
    values = {
        "layout": draft.layout,
        "title": json.dumps(normalise_line(draft.title), ensure_ascii=False),
        "date": f"{draft.date:%Y-%m-%d %H:%M:%S} +0000",
        "period": json.dumps(draft.period),
        "form": draft.form,
        "state": draft.state,
    }
    return "\n".join(["---", *(f"{name}: {value}" for name, value in values.items()), "---"])


def _render_heading(slug: str, title: str = "") -> str:
    # kramdown wants a letter first: https://kramdown.gettalong.org/syntax.html#specifying-a-header-id
    anchor = slug if slug[:1].isalpha() else f"n:{slug}"
    return f"## {escape_markdown(title or _RESERVED_TITLES[slug])} {{#{anchor}}}"


def _render_section(section: DraftSection) -> Iterator[str]:
    yield _render_heading(section.slug, section.title)
    if section.closing:
        yield f"> Closing: {normalise_line(section.closing)}"
    yield _render_section_intro(section)
    for entry in section.entries:
        yield from [_render_added_url(entry)] if isinstance(entry, AddedUrl) else _render_pick(entry)


def _render_section_intro(section: DraftSection) -> str:
    """The prose under a heading; a model's with its name, and sealed so that a hand's change is seen."""
    words = escape_prose_lines(section.intro)
    if not section.engine:
        return words
    mark = _render_mark({"by": section.engine, "sum": compute_checksum(section.intro)})
    return f"{render_blurb_label('model', section.engine)}{mark} {words}"


def _render_added_url(added: AddedUrl) -> str:
    if added.title:
        return f"### [{escape_markdown(added.title)}]({encode_link(added.url)})\n\n{escape_prose_lines(added.words)}".rstrip()
    return _append_editor_text(f"- <{encode_link(added.url)}>", added.words)


def _append_editor_text(head: str, editor_text: str) -> str:
    """Words behind a list's line; on the next one where they begin with what could be a mark, or with code."""
    text = escape_prose_lines(editor_text)
    return indent_continuation(f"{head}\n{text}" if re.match(r".*<!--|`{3}|~{3}", text) else f"{head} {text}".rstrip())


def _render_pick(pick: DraftPick) -> Iterator[str]:
    marks = {"key": pick.key, "from": pick.origin, "by": pick.engine}
    if pick.origin != "editor":
        marks["sum"] = compute_checksum(pick.blurb)
    yield f"### {_render_link(pick.title, pick.url)} {_render_mark(marks)}"
    if pick.facts:
        yield f"<small>{escape_markdown(pick.facts)}</small>"
    yield "\n".join(_render_pick_fields(pick))
    yield escape_prose_lines(pick.blurb) if pick.origin == "editor" else _render_generated_blurb(pick)
    yield from _render_conflicts(pick.conflicts)


def _render_generated_blurb(pick: DraftPick) -> str:
    text = escape_paragraphs(pick.blurb)
    return render_blurb_label(pick.origin, pick.engine) + text if text and pick.engine else text


def _render_pick_fields(pick: DraftPick) -> Iterator[str]:
    if pick.highlight is not None:
        yield f"> Highlight: {normalise_line(pick.highlight)}".rstrip()
    if pick.note:
        yield "> Also noted"
    if pick.update_of is not None:
        yield f"> Update of {escape_line_part(pick.update_of)}".rstrip()
    if pick.covered:
        yield f"> Already covered in {escape_line_part(pick.covered)}"
    if pick.possible_duplicate:
        yield f"> May be the same as {escape_line_part(pick.possible_duplicate)}"
    if pick.flags:
        yield "> Not in the source: " + " · ".join(map(escape_line_part, pick.flags))


def _render_candidate(candidate: DraftCandidate) -> str:
    parts = " — ".join([_render_link(candidate.title, candidate.url), *_iter_candidate_parts(candidate)])
    return _append_editor_text(
        f"- [{candidate.mark}] {parts} {_render_mark({'key': candidate.key})}", candidate.editor_text
    )


def _iter_candidate_parts(candidate: DraftCandidate) -> Iterator[str]:
    if candidate.facts:
        yield f"*{escape_line_part(candidate.facts, keep_dots=True)}*"
    if candidate.category:
        yield f"category {candidate.category}{_format_confidence(candidate.confidence)}"
    if candidate.score is not None:
        yield f"score {candidate.score!r}"
    if candidate.reasons:
        yield "because " + " · ".join(map(escape_line_part, candidate.reasons))
    if candidate.mentions != 1:
        yield f"{candidate.mentions} mentions"
    if candidate.covered:
        yield f"already covered in {escape_line_part(candidate.covered)}"
    if candidate.possible_duplicate:
        yield f"may be the same as {escape_line_part(candidate.possible_duplicate)}"


def _format_confidence(confidence: float | None) -> str:
    if confidence is None:
        return ""
    return f" {confidence!r}{'?' if confidence < UNCERTAIN_CONFIDENCE else ''}"


def _render_prediction(prediction: DraftPrediction) -> str:
    text = escape_markdown(prediction.text)
    return f"- {prediction.outcome}: {text} {_render_mark({'note': str(prediction.id)})} {escape_prose_lines(normalise_line(prediction.comment))}".rstrip()


def _render_link(title: str, url: str) -> str:
    text, address = escape_line_part(title, keep_dots=True), encode_link(url)
    return f"[{text}]({address})" if address else text


def _render_mark(values: dict[str, str]) -> str:
    return f"<!-- {' '.join(f'{name}={encode_mark_value(value)}' for name, value in values.items() if value)} -->"


def _render_conflicts(conflicts: Iterable[Conflict]) -> Iterator[str]:
    for conflict in conflicts:
        text = escape_paragraphs(conflict.text).replace("--", "-&#45;")
        yield f"<!-- conflict {conflict.field}: your words stand; the newer ones of the program would be:\n{text}\n-->"
