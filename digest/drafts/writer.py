"""Write a draft as Markdown: a valid Jekyll draft that is also the form the editor fills in."""

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
    format_verdict,
    indent_continuation,
    render_blurb_label,
)
from digest.markdown.escape import encode_link, encode_mark_value, escape_line_part, escape_markdown
from digest.text import normalise_line

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
_HELP_COMMENT = """<!-- digest: how to work on this draft
  Write the introduction below this comment. Reorder, rewrite, delete, move picks between sections, as you like.
  A pick begins at its ### line and ends where the next one begins. Keep the comment that holds its key.
  A pick from the shortlist: tick [x], or move its line up into a section; [-] rejects it.
  A work of your own: a line "- <https://...> my words" in a section.
  Under a pick's title: "> Highlight: why", "> Also noted", "> Update of 2026-03". A dead link: write another.
  Under its text: "> Verdict: for whom, and why", printed in bold. A model's says "(sign or strike)": delete these
  words to sign it, or the line to strike it.
  A section of your own: "## Title". Then `digest check PERIOD` and `digest approve PERIOD`. -->"""
_OWN_SECTION_HELP = '  A section of your own: "## Title".'
_MISSED_HELP = (
    '  Under "Missed", what others named and no issue has: untick or delete a line, or write your text behind it.\n'
)
_FULL_HELP_COMMENT = _HELP_COMMENT.replace(_OWN_SECTION_HELP, _MISSED_HELP + _OWN_SECTION_HELP)
_MIN_MATCHING_WORDS = 3  # fewer words of the help between two typed stretches count as typed
PERIOD_NAME = re.compile(r"\d{4}(?:-\w+)?(?:\.\.\d{4}-\d\d)?|PERIOD")
_WORD_PATTERN = re.compile(r"-->|(?:(?!-->)\S)+")


def render_draft(draft: Draft) -> str:
    """Render the text of `_drafts/PERIOD.md`; `parse_draft` reads it back to an equal value."""
    help_comment = (_FULL_HELP_COMMENT if draft.missed else _HELP_COMMENT).replace("PERIOD", draft.period)
    blocks = [_render_front_matter(draft), help_comment, *_render_conflicts(draft.conflicts)]
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
    mail = {"subject": draft.subject, "preheader": draft.preheader}
    values |= {
        name: json.dumps(text, ensure_ascii=False) for name, value in mail.items() if (text := normalise_line(value))
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
    intro = escape_prose_lines(section.intro)
    if section.engine:  # the checksum shows whether the editor changed a model's intro
        mark = _render_mark({"by": section.engine, "sum": compute_checksum(section.intro)})
        intro = f"{render_blurb_label('model', section.engine)}{mark} {intro}"
    yield intro
    for entry in section.entries:
        yield from [_render_added_url(entry)] if isinstance(entry, AddedUrl) else _render_pick(entry)


def _render_added_url(added: AddedUrl) -> str:
    url = encode_link(added.url)
    if added.title:
        return f"### [{escape_markdown(added.title)}]({url})\n\n{escape_prose_lines(added.text)}".rstrip()
    return _append_editor_text(f"- <{url}>", added.text)


def _append_editor_text(line: str, text: str) -> str:
    """Put the editor's text behind a list line, or below it if it begins with what could be a mark or code."""
    text = escape_prose_lines(text)
    separator = "\n" if re.match(r".*<!--|`{3}|~{3}", text) else " "
    return indent_continuation(f"{line}{separator}{text}".rstrip(" "))


def _render_pick(pick: DraftPick) -> Iterator[str]:
    is_editors = pick.origin == "editor"
    marks = {"key": pick.key, "from": pick.origin, "by": pick.engine}
    marks |= {} if is_editors else {"sum": compute_checksum(pick.blurb)}
    yield f"### {_render_link(pick.title, pick.url)} {_render_mark(marks)}"
    if pick.facts:
        yield f"<small>{escape_markdown(pick.facts)}</small>"
    yield "\n".join(_render_pick_fields(pick))
    blurb = escape_prose_lines(pick.blurb) if is_editors else escape_paragraphs(pick.blurb)
    has_label = not is_editors and blurb and pick.engine
    yield render_blurb_label(pick.origin, pick.engine) + blurb if has_label else blurb
    if verdict := pick.verdict or pick.proposed_verdict:
        yield format_verdict(verdict, is_proposed=not pick.verdict)
    yield from _render_conflicts(pick.conflicts)


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
    line = f"- [{candidate.mark}] {parts} {_render_mark({'key': candidate.key})}"
    return _append_editor_text(line, candidate.editor_text)


def _iter_candidate_parts(candidate: DraftCandidate) -> Iterator[str]:
    if candidate.facts:
        yield f"*{escape_line_part(candidate.facts, keep_dots=True)}*"
    if candidate.category:
        confidence = candidate.confidence
        doubt = "?" if confidence is not None and confidence < UNCERTAIN_CONFIDENCE else ""
        yield f"category {candidate.category}" + (f" {confidence!r}{doubt}" if confidence is not None else "")
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


def _render_prediction(prediction: DraftPrediction) -> str:
    mark, comment = _render_mark({"note": str(prediction.id)}), escape_prose_lines(normalise_line(prediction.comment))
    return f"- {prediction.outcome}: {escape_markdown(prediction.text)} {mark} {comment}".rstrip()


def _render_link(title: str, url: str) -> str:
    text, address = escape_line_part(title, keep_dots=True), encode_link(url)
    return f"[{text}]({address})" if address else text


def _render_mark(values: dict[str, str]) -> str:
    return f"<!-- {' '.join(f'{name}={encode_mark_value(value)}' for name, value in values.items() if value)} -->"


def _render_conflicts(conflicts: Iterable[Conflict]) -> Iterator[str]:
    for conflict in conflicts:
        text = escape_paragraphs(conflict.text).replace("--", "-&#45;")
        yield f"<!-- conflict {conflict.field}: your text is kept; the newer generated one is:\n{text}\n-->"


def extract_typed_lines(comment: str) -> list[str]:
    """Return the lines typed into the help comment, a blank line around each stretch; wrapping does not matter."""
    matches = list(_WORD_PATTERN.finditer(comment))
    lines: list[str] = []
    for start, end in _iter_typed_ranges(_split_help_words(_FULL_HELP_COMMENT), _split_help_words(comment)):
        stretch = comment[matches[start].start() : matches[end - 1].end()]
        lines += ["", *(line.strip() for line in stretch.split("\n")), ""]
    return lines


def _split_help_words(text: str) -> list[str]:
    return [PERIOD_NAME.sub("PERIOD", match[0]) for match in _WORD_PATTERN.finditer(text)]


def _iter_typed_ranges(help_words: list[str], comment_words: list[str]) -> Iterator[tuple[int, int]]:
    """Yield the ranges of `comment_words` that are not words of the help."""
    start = end = -1
    for tag, _, _, begin, stop in SequenceMatcher(None, help_words, comment_words, autojunk=False).get_opcodes():
        if tag in ("insert", "replace"):
            start, end = (start, stop) if start >= 0 else (begin, stop)
        elif tag == "equal" and stop - begin >= _MIN_MATCHING_WORDS and start >= 0:
            yield start, end
            start = -1
    if start >= 0:
        yield start, end
