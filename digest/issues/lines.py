"""Single entries read back: a pick with its blurb, a line of the shortlist, a bet."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any, cast

from digest.errors import SheetError
from digest.issues.chunks import Chunk
from digest.issues.escape import mark_text, unescape
from digest.issues.values import AddedUrl, Origin, SheetCandidate, SheetNote, SheetPick
from digest.issues.words import LABEL, dedent, head_fields, plain, seal, unshield
from digest.markdown import link
from digest.text import one_line

_MARK = re.compile(r"<!--[ \t]*((?:key|note)=.*?)[ \t]*-->")
_LINK = re.compile(r"^\[(?P<title>(?:\\.|[^\\])*?)\]\(<?(?P<url>\S*?)>?\)(?P<rest>.*)$")
_BOX = re.compile(r"^\\?\[(?P<mark>[ xX-])\][ \t]+(?P<rest>.*)$")
_BET = re.compile(r"^(?P<outcome>\w+):[ \t]*(?P<text>.*)$")
_WORDS = ("key", "from", "by", "sum", "note")
_ORIGINS = ("source", "model", "editor")
_OUTCOMES = ("open", "right", "wrong")
_FIELDS = (
    "facts",
    "highlight",
    "also noted",
    "update of",
    "already covered in",
    "may be the same as",
    "not in the source",
)

_PROGRAMS = ("facts", "already covered in", "may be the same as", "not in the source")

# What the program says on a line of the shortlist, each between dashes.
_SAID: tuple[tuple[str, str], ...] = (
    ("facts", r"^[*_](.+)[*_]$"),
    ("category", r"^category (\S+?)(?: ([\d.eE+-]+)\??)?$"),
    ("score", r"^score ([\d.eE+-]+)$"),
    ("reasons", r"^because (.+)$"),
    ("mentions", r"^(-?\d+) mentions$"),
    ("covered", r"^already covered in (.+)$"),
    ("twin", r"^may be the same as (.+)$"),
)


def pick_line(chunk: Chunk) -> SheetPick | AddedUrl:
    """A pick from its `###` line; a work still to be fetched where the comment with the key is gone."""
    before, marks, behind = _marked(chunk)
    title, url, words = _linked(before)
    if "key" not in marks:
        _, body = head_fields(chunk.body, _PROGRAMS)  # what it says of the work is said anew
        return AddedUrl(url, unshield([words, "", *body]), title)
    if url and not link(url):  # nothing would be rendered of it, and the editor's hand be lost
        raise SheetError(f"{url!r} is not an http or https address", "write it whole", line=chunk.line)
    fields, body = head_fields(chunk.body, _FIELDS)
    origin, blurb, engine = _blurb(chunk, marks, [f"{words} {behind}".strip(), "", *body])
    return SheetPick(
        key=marks["key"],
        title=title,
        url=url,
        facts=one_line(unescape(fields.get("facts", ""))),
        blurb=blurb,
        origin=origin,
        engine=engine,
        flags=_parts(fields.get("not in the source", "")) if origin != "editor" else (),
        covered=one_line(unescape(fields.get("already covered in", ""))),
        twin=one_line(unescape(fields.get("may be the same as", ""))),
        highlight=fields.get("highlight"),
        note="also noted" in fields,
        update_of=one_line(unescape(fields["update of"])) if "update of" in fields else None,
        conflicts=tuple(chunk.conflicts),
    )


def candidate_line(chunk: Chunk) -> SheetCandidate | SheetNote:
    """A line of the shortlist, or a bet, from its mark."""
    before, marks, behind = _marked(chunk)
    words = unshield([behind, *dedent(chunk.body)])
    if "note" in marks:
        return _bet(chunk, before, marks["note"], one_line(words))
    if "key" not in marks:
        hint = "bring back the comment with its key, or write the work as - <https://…> and your words"
        raise SheetError("this line of the shortlist has lost its key", hint, line=chunk.line)
    box = _BOX.match(before)
    first, _, rest = (box["rest"] if box else before).partition(" — ")
    title, url, more = _linked(first)
    said, unsaid = _said(f"{more} — {rest}")
    return SheetCandidate(
        key=marks["key"],
        title=title,
        url=url,
        words="\n".join(part for part in (unsaid, words) if part),
        mark=cast(Any, box["mark"].lower() if box else " "),
        **said,
    )


def as_pick(line: SheetCandidate) -> SheetPick:
    """The pick that a line of the shortlist becomes; without words of the editor the blurb is still to be written."""
    origin: Origin = "editor" if line.words else "source"
    return SheetPick(
        line.key, line.title, line.url, line.facts, line.words, origin, covered=line.covered, twin=line.twin
    )


def _marked(chunk: Chunk) -> tuple[str, dict[str, str], str]:
    """The text before the mark, what the mark says, the text behind it."""
    rest = chunk.match["rest"].strip() if chunk.match else ""
    match = _MARK.search(rest)
    if match is None:
        if chunk.kind == "pick" and "<!--" in rest:
            raise SheetError("the comment with the key never ends", "close it with -->", line=chunk.line)
        return rest, {}, ""
    marks = {}
    for word in match[1].split():
        name, _, value = word.partition("=")
        if name not in _WORDS:
            near = get_close_matches(name, _WORDS, 1)
            raise SheetError(f"{name!r} has no meaning in a mark", _near(near, _WORDS), line=chunk.line)
        marks[name] = mark_text(value)
    return rest[: match.start()].strip(), marks, rest[match.end() :].strip()


def _near(near: list[str], known: tuple[str, ...]) -> str:
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"


def _linked(text: str) -> tuple[str, str, str]:
    """Title, address, and what follows the link."""
    match = _LINK.match(text)
    if match is None:
        return one_line(unescape(text)), "", ""
    return one_line(unescape(match["title"])), match["url"], match["rest"].strip()


def _blurb(chunk: Chunk, marks: dict[str, str], lines: list[str]) -> tuple[Origin, str, str]:
    """Whose words these are: the machine's while they fit their seal, else the editor's."""
    origin = marks.get("from", "editor")
    if origin not in _ORIGINS:
        near = get_close_matches(origin, _ORIGINS, 1)
        raise SheetError(f"from={origin} has no meaning in a mark", _near(near, _ORIGINS), line=chunk.line)
    if origin == "editor":
        return "editor", unshield(lines), ""
    text = "\n".join(line.strip() for line in lines).strip()
    if marks.get("by"):
        text = LABEL.sub("", text, count=1)
    if seal(plain(text)) == marks.get("sum"):
        return cast(Origin, origin), plain(text), marks.get("by", "")
    kept = LABEL.sub("", unshield(lines), count=1) if marks.get("by") else unshield(lines)
    return "editor", kept, ""


def _parts(text: str) -> tuple[str, ...]:
    return tuple(one_line(unescape(part)) for part in text.split("·") if part.strip())


def _said(rest: str) -> tuple[dict[str, Any], str]:
    """What the program's parts of a line say, and the parts that are not the program's."""
    said: dict[str, Any] = {}
    unsaid = []
    for part in re.split(r"(?:^|\s+)—(?:\s+|$)", rest.strip()):
        name, match = next(((n, m) for n, p in _SAID if n not in said and (m := re.match(p, part))), ("", None))
        if match is None:
            unsaid.append(part)
        else:
            said |= _value(name, match)
    return said, " — ".join(part for part in unsaid if part)


def _value(name: str, match: re.Match[str]) -> dict[str, Any]:
    if name == "category":
        return {"category": match[1], "confidence": float(match[2]) if match[2] else None}
    if name == "reasons":
        return {"reasons": _parts(match[1])}
    if name in ("score", "mentions"):
        return {name: float(match[1]) if name == "score" else int(match[1])}
    return {name: one_line(unescape(match[1]))}


def _bet(chunk: Chunk, text: str, number: str, words: str) -> SheetNote:
    match = _BET.match(text)
    outcome = match["outcome"].lower() if match else ""
    if match is None or outcome not in _OUTCOMES:
        hint = f"begin the line with one of {', '.join(_OUTCOMES)} and a colon"
        raise SheetError(f"the bet says {outcome or text!r}", hint, line=chunk.line)
    if not number.isdigit():
        raise SheetError(f"note={number} is not a number", "bring back the comment as it was", line=chunk.line)
    return SheetNote(int(number), one_line(unescape(match["text"])), cast(Any, outcome), words)
