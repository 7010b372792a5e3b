"""The editor's prose and the machine's blurbs as lines of a sheet, and how one is told from the other."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import date

from digest.markdown.escape import escape_markdown, unescape_markdown
from digest.text import format_byline, hash_texts, normalise_line, strip_hidden

UNCERTAIN_CONFIDENCE = 0.7  # a category below this confidence is shown with a question mark

# Lines with a meaning in a sheet. In prose such a line is written behind an empty comment, which shows as nothing.
SECTION_LINE = re.compile(r" {0,3}##(?!#)[ \t]*(?P<title>.*?)(?:[ \t]*\{#(?P<anchor>[A-Za-z][\w:-]*)\})?[ \t]*$")
PICK_LINE = re.compile(r" {0,3}###(?!#)[ \t]*(?P<rest>.*<!--[ \t]*key=.*|\[.*\]\(<?https?://\S+\)[ \t]*)$")
CANDIDATE_LINE = re.compile(r" {0,3}[-*+][ \t]+(?P<rest>\\?\[[ xX-]\][ \t].*|.*<!--[ \t]*(?:key|note)=.*)$")
ADDED_URL_LINE = re.compile(r" {0,3}[-*+][ \t]+(?P<rest><?https?://\S.*)$", re.IGNORECASE)
COMMENT_START = re.compile(r" {0,3}<!--[ \t]*(?:digest:|conflict[ \t])")
FACTS_LINE = re.compile(r" {0,3}<small>(?P<facts>.*)</small>[ \t]*$")
FIELD_LINE = re.compile(
    r" {0,3}>[ \t]?(?P<name>Highlight|Also noted|Update of|Already covered in|May be the same as|Not in the source|"
    r"Closing)(?:(?::|(?<=of)|(?<=in)|(?<=as))[ \t]*(?P<value>.*?))?[ \t]*$",
    re.IGNORECASE,
)
_FENCE_LINE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^`]*?)[ \t]*$")
_KEY_COMMENT_START = re.compile(r"<!--[ \t]*(?:key|note)=")
MODEL_INTRO = re.compile(
    r"\s*[*_]Written\s+by\s[^<]*[*_]\s*<!--\s*by=(?P<by>\S+)\s+sum=(?P<sum>\w+)\s*-->\s*(?P<words>.*)", re.DOTALL
)
_MODEL_LABEL_START = re.compile(r" {0,3}[*_]Written\b")
RULE_LINE = re.compile(r" {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$")
BLURB_LABEL = re.compile(r"^\s*[*_](?:From\s+the|Written\s+by)\s+.*?:[*_](?:\s+|$)", re.DOTALL)

ESCAPE_COMMENT = "<!---->"
_ESCAPE_COMMENTS = re.compile(rf"^(?:{ESCAPE_COMMENT})+")
_SYNTAX_LINES = (SECTION_LINE, PICK_LINE, CANDIDATE_LINE, COMMENT_START)
_HEAD_LINES = (FACTS_LINE, FIELD_LINE, _MODEL_LABEL_START)
_ALL_SYNTAX_LINES = (*_SYNTAX_LINES, ADDED_URL_LINE, *_HEAD_LINES, RULE_LINE)


def normalise_prose(text: str) -> str:
    """Markdown in the one form the sheet keeps: LF, no trailing blanks, single blank lines, nothing invisible."""
    text = strip_hidden(text).replace("\r\n", "\n").replace("\r", "\n").strip()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.split("\n")))


def escape_prose_lines(text: str, *, links: bool = True) -> str:
    """Prose as lines of a sheet; `links` says that a `- <https://…>` line here would add a work."""
    lines = normalise_prose(text).split("\n")
    out, head, code = [], True, find_fenced_lines(lines)
    for number, line in enumerate(lines):
        head = head and (not line or _matches_any(_HEAD_LINES, _ESCAPE_COMMENTS.sub("", line)))
        means = (*_SYNTAX_LINES, *([ADDED_URL_LINE] if links else []), *(_HEAD_LINES if head else ()))
        last = number == len(lines) - 1 and RULE_LINE.match(line)
        means_something = number not in code and (last or _matches_any(means, line))
        out.append(ESCAPE_COMMENT + line if means_something or _is_escaped_line(line) else line)
    return "\n".join(out)


def unescape_prose_lines(lines: Sequence[str]) -> str:
    """The prose behind the lines of a sheet."""
    return normalise_prose(
        "\n".join(line.removeprefix(ESCAPE_COMMENT) if _is_escaped_line(line) else line for line in lines)
    )


def find_fenced_lines(lines: Sequence[str]) -> frozenset[int]:
    """The numbers (from 0) of the lines of fenced code, where headings and bullets are code.

    A fence that is closed only behind a line of the sheet's own is none, so that a slip cannot swallow picks.
    """
    inside: set[int] = set()
    here = 0
    while here < len(lines):
        end = _find_fence_end(lines, here)
        inside |= set(range(here, end))
        here = max(end, here + 1)
    return frozenset(inside)


def _find_fence_end(lines: Sequence[str], start: int) -> int:
    """The number behind the closing line of the fence that opens here; `here` when none does."""
    opened = _FENCE_LINE.match(lines[start])
    if opened is None:
        return start
    for end in range(start + 1, len(lines)):
        line = _ESCAPE_COMMENTS.sub("", lines[end])
        closed, heading = _FENCE_LINE.match(line), SECTION_LINE.match(line)
        if closed and not closed["info"] and closed["fence"].startswith(opened["fence"]):
            return end + 1
        if (
            (heading and heading["anchor"])
            or _matches_any((PICK_LINE, ADDED_URL_LINE), line)
            or _KEY_COMMENT_START.search(line)
        ):
            break
    return start


def _is_escaped_line(line: str) -> bool:
    return line.startswith(ESCAPE_COMMENT) and _matches_any(_ALL_SYNTAX_LINES, _ESCAPE_COMMENTS.sub("", line))


def _matches_any(patterns: Sequence[re.Pattern[str]], line: str) -> bool:
    return any(pattern.match(line) for pattern in patterns)


def indent_continuation(text: str) -> str:
    """The lines after the first pushed in by two spaces, to stand behind a list's mark."""
    return "\n".join("  " + line if number and line else line for number, line in enumerate(text.split("\n")))


def dedent_continuation(lines: Sequence[str]) -> list[str]:
    """What `indent` pushed in, taken back line by line; lines that stand at the margin stay."""
    return [re.sub(r"^(?: {1,2}|\t)", "", line) for line in lines]


def normalise_paragraphs(text: str) -> str:
    """Plain text in the one form the sheet keeps: one line a paragraph, a blank line between two."""
    parts = re.split(r"\n\s*\n", strip_hidden(text).replace("\r\n", "\n").replace("\r", "\n"))
    return "\n\n".join(line for part in parts if (line := normalise_line(part)))


def escape_paragraphs(text: str) -> str:
    """Plain paragraphs as Markdown."""
    return "\n\n".join(escape_markdown(part) for part in normalise_paragraphs(text).split("\n\n"))


def unescape_paragraphs(text: str) -> str:
    """The plain paragraphs behind what `escape_paragraphs` wrote, however an editor has wrapped the lines."""
    return "\n\n".join(
        line for part in re.split(r"\n\s*\n", text) if (line := normalise_line(unescape_markdown(normalise_line(part))))
    )


def compute_checksum(text: str) -> str:
    """A short hash of a machine's words that white space does not change; while it fits, no hand has touched them."""
    return hash_texts(normalise_line(text))[:8]


def render_blurb_label(origin: str, engine: str) -> str:
    """Who speaks, said before a blurb that is not the editor's."""
    verb = "Written by" if origin == "model" else "From the"
    return f"*{verb} {escape_markdown(engine)}:* "


def format_facts(
    authors: Sequence[str], venue: str = "", published: date | None = None, confidence: float | None = None
) -> str:
    """`First Author et al. · arXiv 2510.01234 · 2026-10-12`, with a question mark where the category is in doubt."""
    day = published.isoformat() if published else ""
    doubt = f"category {confidence:.2f}?" if confidence is not None and confidence < UNCERTAIN_CONFIDENCE else ""
    return " · ".join(part for part in (format_byline(authors), venue, day, doubt) if part)


def split_head_fields(lines: Sequence[str], names: Collection[str]) -> tuple[dict[str, str], list[str]]:
    """The fields that stand above the words, as raw values by lower-case name, and the lines after them."""
    fields: dict[str, str] = {}
    for number, line in enumerate(lines):
        facts, match = FACTS_LINE.match(line), FIELD_LINE.match(line)
        name = "facts" if facts else match["name"].lower() if match else ""
        if name in names and name not in fields:
            fields[name] = normalise_line((facts["facts"] if facts else match["value"] if match else "") or "")
        elif _continues_field(lines, number, fields) and line.lstrip().startswith(">"):
            last = next(reversed(fields))
            fields[last] = normalise_line(f"{fields[last]} {line.lstrip()[1:]}")
        elif line.strip():
            return fields, list(lines[number:])
    return fields, []


def _continues_field(lines: Sequence[str], number: int, fields: dict[str, str]) -> bool:
    """The line before is a quoted field, so that a quoted line here goes on with it."""
    return bool(fields) and number > 0 and lines[number - 1].lstrip().startswith(">")
