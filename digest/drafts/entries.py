"""Parse one entry of a draft: a pick with its blurb, a candidate, or a prediction."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any, cast

from digest.drafts.blocks import DraftBlock
from digest.drafts.model import AddedUrl, BlurbOrigin, DraftCandidate, DraftPick, DraftPrediction
from digest.drafts.syntax import (
    BLURB_LABEL,
    compute_checksum,
    dedent_continuation,
    split_head_fields,
    split_verdicts,
    unescape_line,
    unescape_paragraphs,
    unescape_prose_lines,
)
from digest.errors import DraftError
from digest.markdown.escape import decode_mark_value, encode_link
from digest.text import normalise_line

_KEY_COMMENT = re.compile(r"<!--[ \t]*((?:key|note)=.*?)[ \t]*-->")
_LINK = re.compile(r"^\[(?P<title>(?:\\.|[^\\])*?)\]\(<?(?P<url>\S*?)>?\)(?P<rest>.*)$")
_CHECKBOX = re.compile(r"^\\?\[(?P<mark>[ xX-])\][ \t]+(?P<rest>.*)$")
_PREDICTION = re.compile(r"^(?P<outcome>\w+):[ \t]*(?P<text>.*)$")
_DASH = re.compile(r"(?:^|\s+)—(?:\s+|$)")
_MARK_NAMES = ("key", "from", "by", "sum", "note")
_ORIGINS = ("source", "model", "editor")
_OUTCOMES = ("open", "right", "wrong")
_GENERATED_FIELDS = ("facts", "already covered in", "may be the same as", "not in the source")
_PICK_FIELDS = (*_GENERATED_FIELDS, "highlight", "also noted", "update of")


def _split_parts(text: str) -> tuple[str, ...]:
    return tuple(unescape_line(part) for part in text.split("·") if part.strip())


# The generated parts of a candidate's line, each between dashes: pattern, and the fields its groups become.
_GENERATED_PARTS: tuple[tuple[re.Pattern[str], dict[str, Callable[[str], Any]]], ...] = (
    (re.compile(r"[*_](.+)[*_]$"), {"facts": unescape_line}),
    (re.compile(r"category (\S+?)(?: ([\d.eE+-]+)\??)?$"), {"category": str, "confidence": float}),
    (re.compile(r"score ([\d.eE+-]+)$"), {"score": float}),
    (re.compile(r"because (.+)$"), {"reasons": _split_parts}),
    (re.compile(r"(-?\d+) mentions$"), {"mentions": int}),
    (re.compile(r"already covered in (.+)$"), {"covered": unescape_line}),
    (re.compile(r"may be the same as (.+)$"), {"possible_duplicate": unescape_line}),
)


def parse_pick(block: DraftBlock) -> DraftPick | AddedUrl:
    """Parse a pick; without the comment that holds its key it is a URL to be fetched."""
    head, marks, tail = _split_mark(block)
    title, url, text = _split_link(head)
    verdict, proposed_verdict, lines = split_verdicts(block.body)
    if "key" not in marks:
        _, body = split_head_fields(lines, _GENERATED_FIELDS)  # these are generated again
        bold = ["", f"**{verdict}**"] if verdict else []
        return AddedUrl(url, unescape_prose_lines([text, "", *body, *bold]), title)
    if url and not encode_link(url):  # it would not be rendered, and the editor's link would be lost
        raise DraftError(f"{url!r} is not an http or https address", "write the whole address", line=block.line)
    fields, body = split_head_fields(lines, _PICK_FIELDS)
    origin, blurb, engine = _parse_blurb(block, marks, [f"{text} {tail}".strip(), "", *body])
    return DraftPick(
        key=marks["key"],
        title=title,
        url=url,
        facts=unescape_line(fields.get("facts", "")),
        blurb=blurb,
        origin=origin,
        engine=engine,
        flags=_split_parts(fields.get("not in the source", "")) if origin != "editor" else (),
        verdict=verdict,
        proposed_verdict="" if verdict else proposed_verdict,
        covered=unescape_line(fields.get("already covered in", "")),
        possible_duplicate=unescape_line(fields.get("may be the same as", "")),
        highlight=fields.get("highlight"),
        note="also noted" in fields,
        update_of=unescape_line(fields["update of"]) if "update of" in fields else None,
        conflicts=tuple(block.conflicts),
    )


def parse_candidate(block: DraftBlock) -> DraftCandidate | DraftPrediction:
    """Parse a line of the shortlist, or a prediction, by its mark."""
    head, marks, tail = _split_mark(block)
    text = unescape_prose_lines([tail, *dedent_continuation(block.body)])
    if "note" in marks:
        return _parse_prediction(block, head, marks["note"], normalise_line(text))
    if "key" not in marks:
        hint = "restore the comment with its key, or write the work as - <https://…> and your text"
        raise DraftError("this line of the shortlist has lost its key", hint, line=block.line)
    box = _CHECKBOX.match(head)
    link, _, rest = (box["rest"] if box else head).partition(" — ")
    title, url, more = _split_link(link)
    fields, typed = _parse_generated_parts(f"{more} — {rest}")
    return DraftCandidate(
        key=marks["key"],
        title=title,
        url=url,
        editor_text="\n".join(part for part in (typed, text) if part),
        mark=cast(Any, box["mark"].lower() if box else " "),
        **fields,
    )


def _split_mark(block: DraftBlock) -> tuple[str, dict[str, str], str]:
    """Split a line into the text before the mark, the mark's values, and the text after it."""
    line = block.get_group("rest")
    match = _KEY_COMMENT.search(line)
    if match is None:
        if block.kind == "pick" and "<!--" in line:
            raise DraftError("the comment with the key is not closed", "close it with -->", line=block.line)
        return line, {}, ""
    marks = {}
    for part in match[1].split():
        name, _, value = part.partition("=")
        if name not in _MARK_NAMES:
            hint = _suggest(name, _MARK_NAMES)
            raise DraftError(f"unknown name {name!r} in a mark", hint, line=block.line)
        marks[name] = decode_mark_value(value)
    return line[: match.start()].strip(), marks, line[match.end() :].strip()


def _suggest(name: str, allowed: Sequence[str]) -> str:
    nearest = get_close_matches(name, allowed, 1)
    return f"did you mean {nearest[0]!r}?" if nearest else f"known: {', '.join(allowed)}"


def _split_link(text: str) -> tuple[str, str, str]:
    """Return the title, the URL, and the text after the link."""
    match = _LINK.match(text)
    if match is None:
        return unescape_line(text), "", ""
    return unescape_line(match["title"]), match["url"], match["rest"].strip()


def _parse_blurb(block: DraftBlock, marks: dict[str, str], lines: list[str]) -> tuple[BlurbOrigin, str, str]:
    """Return origin, text and engine: a generated blurb while its checksum matches, else the editor's."""
    origin, engine = marks.get("from", "editor"), marks.get("by", "")
    if origin not in _ORIGINS:
        raise DraftError(f"unknown origin from={origin} in a mark", _suggest(origin, _ORIGINS), line=block.line)
    text = unescape_prose_lines(lines)
    if origin == "editor":
        return "editor", text, ""
    generated = "\n".join(line.strip() for line in lines).strip()
    if engine:
        text, generated = (BLURB_LABEL.sub("", labelled, count=1) for labelled in (text, generated))
    plain = unescape_paragraphs(generated)
    if compute_checksum(plain) == marks.get("sum"):
        return cast(BlurbOrigin, origin), plain, engine
    return "editor", text, ""


def _parse_generated_parts(rest: str) -> tuple[dict[str, Any], str]:
    """Return the fields of a line's generated parts, and the other parts, which the editor typed."""
    fields: dict[str, Any] = {}
    typed = []
    for part in _DASH.split(rest.strip()):
        for pattern, readers in _GENERATED_PARTS:
            match = None if readers.keys() & fields.keys() else pattern.match(part)
            if match is not None:
                values = zip(readers.items(), match.groups(), strict=True)
                fields |= {name: value and read(value) for (name, read), value in values}
                break
        else:
            typed.append(part)
    return fields, " — ".join(part for part in typed if part)


def _parse_prediction(block: DraftBlock, text: str, number: str, comment: str) -> DraftPrediction:
    match = _PREDICTION.match(text)
    outcome = match["outcome"].lower() if match else ""
    if match is None or outcome not in _OUTCOMES:
        hint = f"begin the line with one of {', '.join(_OUTCOMES)} and a colon"
        raise DraftError(f"unknown outcome {outcome or text!r} of a prediction", hint, line=block.line)
    if not number.isdigit():
        raise DraftError(f"note={number} is not a number", "restore the comment as it was", line=block.line)
    return DraftPrediction(int(number), unescape_line(match["text"]), cast(Any, outcome), comment)
