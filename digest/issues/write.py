"""A sheet as text: a valid Jekyll draft that is also the form the editor fills in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from digest.issues.escape import escape_part, mark_value
from digest.issues.help import help_comment
from digest.issues.values import AddedUrl, Conflict, Sheet, SheetCandidate, SheetNote, SheetPick, SheetSection
from digest.issues.words import DOUBT, escape_paragraphs, indent, label, seal, shield
from digest.markdown.escape import escape, link
from digest.text import one_line

SHORTLIST = "digest:shortlist"
NOTES = "digest:notes"
MISSED = "digest:missed"
CLOSING = "digest:closing"
_HEADINGS = {SHORTLIST: "Shortlist", NOTES: "What I got wrong", MISSED: "Missed", CLOSING: "Closing words"}


def render(sheet: Sheet) -> str:
    """The sheet as the text of `_drafts/PERIOD.md`; `parse` reads it back to an equal value."""
    blocks = [_front_matter(sheet), help_comment(sheet), *_conflicts(sheet.conflicts)]
    blocks += [shield(sheet.intro, links=False)]
    for section in sheet.sections:
        blocks += _section(section)
    if sheet.notes:
        blocks += [_heading(NOTES), "\n".join(map(_note, sheet.notes))]
    if sheet.missed:
        blocks += [_heading(MISSED), "\n".join(map(_candidate, sheet.missed))]
    if sheet.outro:
        blocks += [_heading(CLOSING), shield(sheet.outro, links=False)]
    shortlist = "\n".join(map(_candidate, sheet.shortlist))
    blocks += ["---", _heading(SHORTLIST), shield(sheet.scratch, links=False), shortlist]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _front_matter(sheet: Sheet) -> str:
    values = {
        "layout": sheet.layout,
        "title": json.dumps(one_line(sheet.title), ensure_ascii=False),
        "date": f"{sheet.date:%Y-%m-%d %H:%M:%S} +0000",
        "period": json.dumps(sheet.period),
        "form": sheet.form,
        "state": sheet.state,
    }
    return "\n".join(["---", *(f"{name}: {value}" for name, value in values.items()), "---"])


def _heading(slug: str, title: str = "") -> str:
    # kramdown wants a letter first: https://kramdown.gettalong.org/syntax.html#specifying-a-header-id
    anchor = slug if slug[:1].isalpha() else f"n:{slug}"
    return f"## {escape(title or _HEADINGS[slug])} {{#{anchor}}}"


def _section(section: SheetSection) -> Iterator[str]:
    yield _heading(section.slug, section.title)
    if section.closing:
        yield f"> Closing: {one_line(section.closing)}"
    yield _note_under(section)
    for entry in section.entries:
        yield from [_added(entry)] if isinstance(entry, AddedUrl) else _pick(entry)


def _note_under(section: SheetSection) -> str:
    """The prose under a heading; a model's with its name, and sealed so that a hand's change is seen."""
    words = shield(section.note)
    if not section.engine:
        return words
    mark = _mark({"by": section.engine, "sum": seal(section.note)})
    return f"{label('model', section.engine)}{mark} {words}"


def _added(added: AddedUrl) -> str:
    if added.title:
        return f"### [{escape(added.title)}]({link(added.url)})\n\n{shield(added.words)}".rstrip()
    return _behind(f"- <{link(added.url)}>", added.words)


def _behind(head: str, words: str) -> str:
    """Words behind a list's line; on the next one where they begin with what could be a mark, or with code."""
    text = shield(words)
    return indent(f"{head}\n{text}" if re.match(r".*<!--|`{3}|~{3}", text) else f"{head} {text}".rstrip())


def _pick(pick: SheetPick) -> Iterator[str]:
    marks = {"key": pick.key, "from": pick.origin, "by": pick.engine}
    if pick.origin != "editor":
        marks["sum"] = seal(pick.blurb)
    yield f"### {_link(pick.title, pick.url)} {_mark(marks)}"
    if pick.facts:
        yield f"<small>{escape(pick.facts)}</small>"
    yield "\n".join(_fields(pick))
    yield shield(pick.blurb) if pick.origin == "editor" else _machine_blurb(pick)
    yield from _conflicts(pick.conflicts)


def _machine_blurb(pick: SheetPick) -> str:
    text = escape_paragraphs(pick.blurb)
    return label(pick.origin, pick.engine) + text if text and pick.engine else text


def _fields(pick: SheetPick) -> Iterator[str]:
    if pick.highlight is not None:
        yield f"> Highlight: {one_line(pick.highlight)}".rstrip()
    if pick.note:
        yield "> Also noted"
    if pick.update_of is not None:
        yield f"> Update of {escape_part(pick.update_of)}".rstrip()
    if pick.covered:
        yield f"> Already covered in {escape_part(pick.covered)}"
    if pick.twin:
        yield f"> May be the same as {escape_part(pick.twin)}"
    if pick.flags:
        yield "> Not in the source: " + " · ".join(map(escape_part, pick.flags))


def _candidate(line: SheetCandidate) -> str:
    parts = " — ".join([_link(line.title, line.url), *_judged(line)])
    return _behind(f"- [{line.mark}] {parts} {_mark({'key': line.key})}", line.words)


def _judged(line: SheetCandidate) -> Iterator[str]:
    if line.facts:
        yield f"*{escape_part(line.facts, dots=True)}*"
    if line.category:
        yield f"category {line.category}{_sureness(line.confidence)}"
    if line.score is not None:
        yield f"score {line.score!r}"
    if line.reasons:
        yield "because " + " · ".join(map(escape_part, line.reasons))
    if line.mentions != 1:
        yield f"{line.mentions} mentions"
    if line.covered:
        yield f"already covered in {escape_part(line.covered)}"
    if line.twin:
        yield f"may be the same as {escape_part(line.twin)}"


def _sureness(confidence: float | None) -> str:
    if confidence is None:
        return ""
    return f" {confidence!r}{'?' if confidence < DOUBT else ''}"


def _note(note: SheetNote) -> str:
    text = escape(note.text)
    return f"- {note.outcome}: {text} {_mark({'note': str(note.id)})} {shield(one_line(note.words))}".rstrip()


def _link(title: str, url: str) -> str:
    text, address = escape_part(title, dots=True), link(url)
    return f"[{text}]({address})" if address else text


def _mark(values: dict[str, str]) -> str:
    return f"<!-- {' '.join(f'{name}={mark_value(value)}' for name, value in values.items() if value)} -->"


def _conflicts(conflicts: Iterable[Conflict]) -> Iterator[str]:
    for conflict in conflicts:
        text = escape_paragraphs(conflict.text).replace("--", "-&#45;")
        yield f"<!-- conflict {conflict.field}: your words stand; the newer ones of the program would be:\n{text}\n-->"
