"""The editor's prose and the machine's blurbs as lines of a sheet, and how one is told from the other."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import date

from digest.issues.escape import unescape
from digest.markdown.escape import escape
from digest.text import by_line, hexdigest, one_line, strip_hidden

DOUBT = 0.7  # a category below this confidence is shown with a question mark

# Lines with a meaning in a sheet. In prose such a line is written behind an empty comment, which shows as nothing.
SECTION = re.compile(r" {0,3}##(?!#)[ \t]*(?P<title>.*?)(?:[ \t]*\{#(?P<anchor>[A-Za-z][\w:-]*)\})?[ \t]*$")
PICK = re.compile(r" {0,3}###(?!#)[ \t]*(?P<rest>.*<!--[ \t]*key=.*|\[.*\]\(<?https?://\S+\)[ \t]*)$")
LINE = re.compile(r" {0,3}[-*+][ \t]+(?P<rest>\\?\[[ xX-]\][ \t].*|.*<!--[ \t]*(?:key|note)=.*)$")
ADDED = re.compile(r" {0,3}[-*+][ \t]+(?P<rest><?https?://\S.*)$", re.IGNORECASE)
COMMENT = re.compile(r" {0,3}<!--[ \t]*(?:digest:|conflict[ \t])")
FACTS = re.compile(r" {0,3}<small>(?P<facts>.*)</small>[ \t]*$")
FIELD = re.compile(
    r" {0,3}>[ \t]?(?P<name>Highlight|Also noted|Update of|Already covered in|May be the same as|Not in the source|"
    r"Closing)(?:(?::|(?<=of)|(?<=in)|(?<=as))[ \t]*(?P<value>.*?))?[ \t]*$",
    re.IGNORECASE,
)
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^`]*?)[ \t]*$")
_OWN = re.compile(r"<!--[ \t]*(?:key|note)=")
WRITTEN = re.compile(
    r"\s*[*_]Written\s+by\s[^<]*[*_]\s*<!--\s*by=(?P<by>\S+)\s+sum=(?P<sum>\w+)\s*-->\s*(?P<words>.*)", re.DOTALL
)
_WRITTEN_BY = re.compile(r" {0,3}[*_]Written\b")
RULE = re.compile(r" {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$")
LABEL = re.compile(r"^\s*[*_](?:From\s+the|Written\s+by)\s+.*?:[*_](?:\s+|$)", re.DOTALL)

SHIELD = "<!---->"
_SHIELDS = re.compile(rf"^(?:{SHIELD})+")
_ALWAYS = (SECTION, PICK, LINE, COMMENT)
_AT_HEAD = (FACTS, FIELD, _WRITTEN_BY)
_ANY = (*_ALWAYS, ADDED, *_AT_HEAD, RULE)


def prose(text: str) -> str:
    """Markdown in the one form the sheet keeps: LF, no trailing blanks, single blank lines, nothing invisible."""
    text = strip_hidden(text).replace("\r\n", "\n").replace("\r", "\n").strip()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.split("\n")))


def shield(text: str, *, links: bool = True) -> str:
    """Prose as lines of a sheet; `links` says that a `- <https://…>` line here would add a work."""
    lines = prose(text).split("\n")
    out, head, code = [], True, fenced(lines)
    for number, line in enumerate(lines):
        head = head and (not line or _matches(_AT_HEAD, _SHIELDS.sub("", line)))
        means = (*_ALWAYS, *([ADDED] if links else []), *(_AT_HEAD if head else ()))
        last = number == len(lines) - 1 and RULE.match(line)
        means_something = number not in code and (last or _matches(means, line))
        out.append(SHIELD + line if means_something or _shielded(line) else line)
    return "\n".join(out)


def unshield(lines: Sequence[str]) -> str:
    """The prose behind the lines of a sheet."""
    return prose("\n".join(line.removeprefix(SHIELD) if _shielded(line) else line for line in lines))


def fenced(lines: Sequence[str]) -> frozenset[int]:
    """The numbers (from 0) of the lines of fenced code, where headings and bullets are code.

    A fence that is closed only behind a line of the sheet's own is none, so that a slip cannot swallow picks.
    """
    inside: set[int] = set()
    here = 0
    while here < len(lines):
        end = _fence_end(lines, here)
        inside |= set(range(here, end))
        here = max(end, here + 1)
    return frozenset(inside)


def _fence_end(lines: Sequence[str], here: int) -> int:
    """The number behind the closing line of the fence that opens here; `here` when none does."""
    opened = _FENCE.match(lines[here])
    if opened is None:
        return here
    for end in range(here + 1, len(lines)):
        line = _SHIELDS.sub("", lines[end])
        closed, heading = _FENCE.match(line), SECTION.match(line)
        if closed and not closed["info"] and closed["fence"].startswith(opened["fence"]):
            return end + 1
        if (heading and heading["anchor"]) or _matches((PICK, ADDED), line) or _OWN.search(line):
            break
    return here


def _shielded(line: str) -> bool:
    return line.startswith(SHIELD) and _matches(_ANY, _SHIELDS.sub("", line))


def _matches(patterns: Sequence[re.Pattern[str]], line: str) -> bool:
    return any(pattern.match(line) for pattern in patterns)


def indent(text: str) -> str:
    """The lines after the first pushed in by two spaces, to stand behind a list's mark."""
    return "\n".join("  " + line if number and line else line for number, line in enumerate(text.split("\n")))


def dedent(lines: Sequence[str]) -> list[str]:
    """What `indent` pushed in, taken back line by line; lines that stand at the margin stay."""
    return [re.sub(r"^(?: {1,2}|\t)", "", line) for line in lines]


def paragraphs(text: str) -> str:
    """Plain text in the one form the sheet keeps: one line a paragraph, a blank line between two."""
    parts = re.split(r"\n\s*\n", strip_hidden(text).replace("\r\n", "\n").replace("\r", "\n"))
    return "\n\n".join(line for part in parts if (line := one_line(part)))


def escape_paragraphs(text: str) -> str:
    """Plain paragraphs as Markdown."""
    return "\n\n".join(escape(part) for part in paragraphs(text).split("\n\n"))


def plain(text: str) -> str:
    """The plain paragraphs behind what `escape_paragraphs` wrote, however an editor has wrapped the lines."""
    return "\n\n".join(line for part in re.split(r"\n\s*\n", text) if (line := one_line(unescape(one_line(part)))))


def seal(text: str) -> str:
    """A short hash of a machine's words that white space does not change; while it fits, no hand has touched them."""
    return hexdigest(one_line(text))[:8]


def label(origin: str, engine: str) -> str:
    """Who speaks, said before a blurb that is not the editor's."""
    verb = "Written by" if origin == "model" else "From the"
    return f"*{verb} {escape(engine)}:* "


def facts_line(
    authors: Sequence[str], venue: str = "", published: date | None = None, confidence: float | None = None
) -> str:
    """`First Author et al. · arXiv 2510.01234 · 2026-10-12`, with a question mark where the category is in doubt."""
    day = published.isoformat() if published else ""
    doubt = f"category {confidence:.2f}?" if confidence is not None and confidence < DOUBT else ""
    return " · ".join(part for part in (by_line(authors), venue, day, doubt) if part)


def head_fields(lines: Sequence[str], names: Collection[str]) -> tuple[dict[str, str], list[str]]:
    """The fields that stand above the words, as raw values by lower-case name, and the lines after them."""
    fields: dict[str, str] = {}
    for number, line in enumerate(lines):
        facts, match = FACTS.match(line), FIELD.match(line)
        name = "facts" if facts else match["name"].lower() if match else ""
        if name in names and name not in fields:
            fields[name] = one_line((facts["facts"] if facts else match["value"] if match else "") or "")
        elif _goes_on(lines, number, fields) and line.lstrip().startswith(">"):
            last = next(reversed(fields))
            fields[last] = one_line(f"{fields[last]} {line.lstrip()[1:]}")
        elif line.strip():
            return fields, list(lines[number:])
    return fields, []


def _goes_on(lines: Sequence[str], number: int, fields: dict[str, str]) -> bool:
    """The line before is a quoted field, so that a quoted line here goes on with it."""
    return bool(fields) and number > 0 and lines[number - 1].lstrip().startswith(">")
