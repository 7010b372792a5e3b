"""Single entries read back: a pick with its blurb, a line of the shortlist, a bet."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any, cast

from digest.drafts.blocks import DraftBlock
from digest.drafts.model import AddedUrl, BlurbOrigin, DraftCandidate, DraftPick, DraftPrediction
from digest.drafts.syntax import (
    BLURB_LABEL,
    compute_checksum,
    dedent_continuation,
    split_head_fields,
    unescape_paragraphs,
    unescape_prose_lines,
)
from digest.errors import DraftError
from digest.markdown.escape import decode_mark_value, encode_link, unescape_markdown
from digest.text import normalise_line

_KEY_COMMENT = re.compile(r"<!--[ \t]*((?:key|note)=.*?)[ \t]*-->")
_LINK = re.compile(r"^\[(?P<title>(?:\\.|[^\\])*?)\]\(<?(?P<url>\S*?)>?\)(?P<rest>.*)$")
_CHECKBOX = re.compile(r"^\\?\[(?P<mark>[ xX-])\][ \t]+(?P<rest>.*)$")
_PREDICTION = re.compile(r"^(?P<outcome>\w+):[ \t]*(?P<text>.*)$")
_MARK_NAMES = ("key", "from", "by", "sum", "note")
_ORIGINS = ("source", "model", "editor")
_OUTCOMES = ("open", "right", "wrong")
_PICK_FIELDS = (
    "facts",
    "highlight",
    "also noted",
    "update of",
    "already covered in",
    "may be the same as",
    "not in the source",
)

_GENERATED_FIELDS = ("facts", "already covered in", "may be the same as", "not in the source")

# What the program says on a line of the shortlist, each between dashes.
_GENERATED_PARTS: tuple[tuple[str, str], ...] = (
    ("facts", r"^[*_](.+)[*_]$"),
    ("category", r"^category (\S+?)(?: ([\d.eE+-]+)\??)?$"),
    ("score", r"^score ([\d.eE+-]+)$"),
    ("reasons", r"^because (.+)$"),
    ("mentions", r"^(-?\d+) mentions$"),
    ("covered", r"^already covered in (.+)$"),
    ("possible_duplicate", r"^may be the same as (.+)$"),
)


def parse_pick(block: DraftBlock) -> DraftPick | AddedUrl:
    """A pick from its `###` line; a work still to be fetched where the comment with the key is gone."""
    before, marks, behind = _split_mark(block)
    title, url, words = _split_link(before)
    if "key" not in marks:
        _, body = split_head_fields(block.body, _GENERATED_FIELDS)  # what it says of the work is said anew
        return AddedUrl(url, unescape_prose_lines([words, "", *body]), title)
    if url and not encode_link(url):  # nothing would be rendered of it, and the editor's hand be lost
        raise DraftError(f"{url!r} is not an http or https address", "write it whole", line=block.line)
    fields, body = split_head_fields(block.body, _PICK_FIELDS)
    origin, blurb, engine = _parse_blurb(block, marks, [f"{words} {behind}".strip(), "", *body])
    return DraftPick(
        key=marks["key"],
        title=title,
        url=url,
        facts=normalise_line(unescape_markdown(fields.get("facts", ""))),
        blurb=blurb,
        origin=origin,
        engine=engine,
        flags=_split_parts(fields.get("not in the source", "")) if origin != "editor" else (),
        covered=normalise_line(unescape_markdown(fields.get("already covered in", ""))),
        possible_duplicate=normalise_line(unescape_markdown(fields.get("may be the same as", ""))),
        highlight=fields.get("highlight"),
        note="also noted" in fields,
        update_of=normalise_line(unescape_markdown(fields["update of"])) if "update of" in fields else None,
        conflicts=tuple(block.conflicts),
    )


def parse_candidate(block: DraftBlock) -> DraftCandidate | DraftPrediction:
    """A line of the shortlist, or a bet, from its mark."""
    before, marks, behind = _split_mark(block)
    words = unescape_prose_lines([behind, *dedent_continuation(block.body)])
    if "note" in marks:
        return _parse_prediction(block, before, marks["note"], normalise_line(words))
    if "key" not in marks:
        hint = "bring back the comment with its key, or write the work as - <https://…> and your words"
        raise DraftError("this line of the shortlist has lost its key", hint, line=block.line)
    box = _CHECKBOX.match(before)
    first, _, rest = (box["rest"] if box else before).partition(" — ")
    title, url, more = _split_link(first)
    said, unsaid = _parse_generated_parts(f"{more} — {rest}")
    return DraftCandidate(
        key=marks["key"],
        title=title,
        url=url,
        editor_text="\n".join(part for part in (unsaid, words) if part),
        mark=cast(Any, box["mark"].lower() if box else " "),
        **said,
    )


def candidate_to_pick(candidate: DraftCandidate) -> DraftPick:
    """The pick that a line of the shortlist becomes; without words of the editor the blurb is still to be written."""
    origin: BlurbOrigin = "editor" if candidate.editor_text else "source"
    return DraftPick(
        candidate.key,
        candidate.title,
        candidate.url,
        candidate.facts,
        candidate.editor_text,
        origin,
        covered=candidate.covered,
        possible_duplicate=candidate.possible_duplicate,
    )


def _split_mark(block: DraftBlock) -> tuple[str, dict[str, str], str]:
    """The text before the mark, what the mark says, the text behind it."""
    rest = block.match["rest"].strip() if block.match else ""
    match = _KEY_COMMENT.search(rest)
    if match is None:
        if block.kind == "pick" and "<!--" in rest:
            raise DraftError("the comment with the key never ends", "close it with -->", line=block.line)
        return rest, {}, ""
    marks = {}
    for word in match[1].split():
        name, _, value = word.partition("=")
        if name not in _MARK_NAMES:
            near = get_close_matches(name, _MARK_NAMES, 1)
            raise DraftError(
                f"{name!r} has no meaning in a mark", _format_near_miss(near, _MARK_NAMES), line=block.line
            )
        marks[name] = decode_mark_value(value)
    return rest[: match.start()].strip(), marks, rest[match.end() :].strip()


def _format_near_miss(near: list[str], allowed: tuple[str, ...]) -> str:
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(allowed)}"


def _split_link(text: str) -> tuple[str, str, str]:
    """Title, address, and what follows the link."""
    match = _LINK.match(text)
    if match is None:
        return normalise_line(unescape_markdown(text)), "", ""
    return normalise_line(unescape_markdown(match["title"])), match["url"], match["rest"].strip()


def _parse_blurb(block: DraftBlock, marks: dict[str, str], lines: list[str]) -> tuple[BlurbOrigin, str, str]:
    """Whose words these are: the machine's while they fit their seal, else the editor's."""
    origin = marks.get("from", "editor")
    if origin not in _ORIGINS:
        near = get_close_matches(origin, _ORIGINS, 1)
        raise DraftError(f"from={origin} has no meaning in a mark", _format_near_miss(near, _ORIGINS), line=block.line)
    if origin == "editor":
        return "editor", unescape_prose_lines(lines), ""
    text = "\n".join(line.strip() for line in lines).strip()
    if marks.get("by"):
        text = BLURB_LABEL.sub("", text, count=1)
    if compute_checksum(unescape_paragraphs(text)) == marks.get("sum"):
        return cast(BlurbOrigin, origin), unescape_paragraphs(text), marks.get("by", "")
    kept = BLURB_LABEL.sub("", unescape_prose_lines(lines), count=1) if marks.get("by") else unescape_prose_lines(lines)
    return "editor", kept, ""


def _split_parts(text: str) -> tuple[str, ...]:
    return tuple(normalise_line(unescape_markdown(part)) for part in text.split("·") if part.strip())


def _parse_generated_parts(rest: str) -> tuple[dict[str, Any], str]:
    """What the program's parts of a line say, and the parts that are not the program's."""
    said: dict[str, Any] = {}
    unsaid = []
    for part in re.split(r"(?:^|\s+)—(?:\s+|$)", rest.strip()):
        name, match = next(
            ((n, m) for n, p in _GENERATED_PARTS if n not in said and (m := re.match(p, part))), ("", None)
        )
        if match is None:
            unsaid.append(part)
        else:
            said |= _parse_generated_value(name, match)
    return said, " — ".join(part for part in unsaid if part)


def _parse_generated_value(name: str, match: re.Match[str]) -> dict[str, Any]:
    if name == "category":
        return {"category": match[1], "confidence": float(match[2]) if match[2] else None}
    if name == "reasons":
        return {"reasons": _split_parts(match[1])}
    if name in ("score", "mentions"):
        return {name: float(match[1]) if name == "score" else int(match[1])}
    return {name: normalise_line(unescape_markdown(match[1]))}


def _parse_prediction(block: DraftBlock, text: str, number: str, comment: str) -> DraftPrediction:
    match = _PREDICTION.match(text)
    outcome = match["outcome"].lower() if match else ""
    if match is None or outcome not in _OUTCOMES:
        hint = f"begin the line with one of {', '.join(_OUTCOMES)} and a colon"
        raise DraftError(f"the bet says {outcome or text!r}", hint, line=block.line)
    if not number.isdigit():
        raise DraftError(f"note={number} is not a number", "bring back the comment as it was", line=block.line)
    return DraftPrediction(int(number), normalise_line(unescape_markdown(match["text"])), cast(Any, outcome), comment)
