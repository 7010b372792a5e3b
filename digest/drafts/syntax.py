"""The grammar of a draft: patterns of its lines, checksums of generated text, escaping of the editor's text."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import date

from digest.markdown.escape import escape_markdown, unescape_markdown
from digest.text import format_byline, hash_texts, normalise_line, strip_hidden

UNCERTAIN_CONFIDENCE = 0.7  # a category below this confidence is shown with a question mark

# Lines with a meaning in a draft. In prose such a line is written behind an empty comment, which renders as nothing.
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
# The judgement on a pick, below its text; a model's is not the editor's until its three words are deleted.
VERDICT_LINE = re.compile(
    r" {0,3}>[ \t]?Verdict(?P<proposed>[ \t]*\(sign or strike\))?[ \t]*:[ \t]*(?P<text>.*?)[ \t]*$", re.IGNORECASE
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
_SYNTAX_LINES = (SECTION_LINE, PICK_LINE, CANDIDATE_LINE, COMMENT_START, VERDICT_LINE)
_HEAD_LINES = (FACTS_LINE, FIELD_LINE, _MODEL_LABEL_START)
_ALL_SYNTAX_LINES = (*_SYNTAX_LINES, ADDED_URL_LINE, *_HEAD_LINES, RULE_LINE)


def normalise_prose(text: str) -> str:
    """Normalise Markdown: LF, no trailing blanks, single blank lines, no hidden characters."""
    text = strip_hidden(text).replace("\r\n", "\n").replace("\r", "\n").strip()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.split("\n")))


def escape_prose_lines(text: str, *, links: bool = True) -> str:
    """Write prose as lines of a draft; `links` says that a line `- <https://…>` would add a URL here."""
    lines = normalise_prose(text).split("\n")
    escaped, in_head, code = [], True, find_fenced_lines(lines)
    for number, line in enumerate(lines):
        in_head = in_head and (not line or _matches_any(_HEAD_LINES, _ESCAPE_COMMENTS.sub("", line)))
        patterns = (*_SYNTAX_LINES, *([ADDED_URL_LINE] if links else []), *(_HEAD_LINES if in_head else ()))
        is_last_rule = number == len(lines) - 1 and RULE_LINE.match(line)
        has_meaning = number not in code and (is_last_rule or _matches_any(patterns, line))
        escaped.append(ESCAPE_COMMENT + line if has_meaning or _is_escaped_line(line) else line)
    return "\n".join(escaped)


def unescape_prose_lines(lines: Sequence[str]) -> str:
    """Read prose back from lines of a draft."""
    plain = (line.removeprefix(ESCAPE_COMMENT) if _is_escaped_line(line) else line for line in lines)
    return normalise_prose("\n".join(plain))


def find_fenced_lines(lines: Sequence[str]) -> frozenset[int]:
    """Return the indexes of the lines of fenced code, where headings and bullets have no meaning.

    A fence whose closing line comes only after a pick or a section is no fence, so that a slip cannot swallow picks.
    """
    fenced: set[int] = set()
    index = 0
    while index < len(lines):
        end = _find_fence_end(lines, index)
        fenced |= set(range(index, end))
        index = max(end, index + 1)
    return frozenset(fenced)


def _find_fence_end(lines: Sequence[str], start: int) -> int:
    """Return the index after the closing line of the fence that opens at `start`, or `start` if there is none."""
    opening = _FENCE_LINE.match(lines[start])
    if opening is None:
        return start
    for index in range(start + 1, len(lines)):
        line = _ESCAPE_COMMENTS.sub("", lines[index])
        closing, heading = _FENCE_LINE.match(line), SECTION_LINE.match(line)
        if closing and not closing["info"] and closing["fence"].startswith(opening["fence"]):
            return index + 1
        is_entry = _matches_any((PICK_LINE, ADDED_URL_LINE), line) or _KEY_COMMENT_START.search(line)
        if is_entry or (heading and heading["anchor"]):
            break
    return start


def _is_escaped_line(line: str) -> bool:
    return line.startswith(ESCAPE_COMMENT) and _matches_any(_ALL_SYNTAX_LINES, _ESCAPE_COMMENTS.sub("", line))


def _matches_any(patterns: Sequence[re.Pattern[str]], line: str) -> bool:
    return any(pattern.match(line) for pattern in patterns)


def indent_continuation(text: str) -> str:
    """Indent the lines after the first by two spaces, as the continuation of a list item."""
    return "\n".join("  " + line if number and line else line for number, line in enumerate(text.split("\n")))


def dedent_continuation(lines: Sequence[str]) -> list[str]:
    """Undo `indent_continuation` line by line; lines at the margin stay."""
    return [re.sub(r"^(?: {1,2}|\t)", "", line) for line in lines]


def normalise_paragraphs(text: str) -> str:
    """Normalise plain text: one line a paragraph, a blank line between two."""
    parts = re.split(r"\n\s*\n", strip_hidden(text).replace("\r\n", "\n").replace("\r", "\n"))
    return "\n\n".join(line for part in parts if (line := normalise_line(part)))


def escape_paragraphs(text: str) -> str:
    """Write plain paragraphs as Markdown."""
    return "\n\n".join(escape_markdown(part) for part in normalise_paragraphs(text).split("\n\n"))


def unescape_paragraphs(text: str) -> str:
    """Read back what `escape_paragraphs` wrote, however an editor has wrapped the lines."""
    paragraphs = (unescape_line(part) for part in re.split(r"\n\s*\n", text))
    return "\n\n".join(filter(None, paragraphs))


def unescape_line(text: str) -> str:
    """Read escaped Markdown back as one line of plain text."""
    return normalise_line(unescape_markdown(normalise_line(text)))


def compute_checksum(text: str) -> str:
    """Hash generated text, ignoring white space; a different checksum means that the editor changed the text."""
    return hash_texts(normalise_line(text))[:8]


def render_blurb_label(origin: str, engine: str) -> str:
    """Render the attribution before a blurb that is not the editor's."""
    return f"*{'Written by' if origin == 'model' else 'From the'} {escape_markdown(engine)}:* "


def format_facts(
    authors: Sequence[str], venue: str = "", published: date | None = None, confidence: float | None = None
) -> str:
    """Format `First Author et al. · arXiv 2510.01234 · 2026-10-12`, and the category if it is uncertain."""
    day = published.isoformat() if published else ""
    is_uncertain = confidence is not None and confidence < UNCERTAIN_CONFIDENCE
    category = f"category {confidence:.2f}?" if is_uncertain else ""
    return " · ".join(part for part in (format_byline(authors), venue, day, category) if part)


def split_head_fields(lines: Sequence[str], names: Collection[str]) -> tuple[dict[str, str], list[str]]:
    """Split the fields above the text, as raw values by lower-case name, from the lines after them."""
    fields: dict[str, str] = {}
    for number, line in enumerate(lines):
        facts, match = FACTS_LINE.match(line), FIELD_LINE.match(line)
        name = "facts" if facts else match["name"].lower() if match else ""
        if name in names and name not in fields:
            fields[name] = normalise_line((facts["facts"] if facts else match["value"] if match else "") or "")
        elif (
            fields and number > 0 and all(quoted.lstrip().startswith(">") for quoted in lines[number - 1 : number + 1])
        ):
            last = next(reversed(fields))  # a quoted line right after a quoted field continues it
            fields[last] = normalise_line(f"{fields[last]} {line.lstrip()[1:]}")
        elif line.strip():
            return fields, list(lines[number:])
    return fields, []


def format_verdict(text: str, *, is_proposed: bool) -> str:
    """Write a verdict as a line of the draft; a proposed one asks to be signed or struck."""
    return f"> Verdict{' (sign or strike)' if is_proposed else ''}: {normalise_line(text)}"


def split_verdicts(lines: Sequence[str]) -> tuple[str, str, list[str]]:
    """Split a pick's verdict and its proposed verdict from its other lines, wherever the editor put them."""
    code = find_fenced_lines(lines)
    verdicts: dict[bool, list[str]] = {False: [], True: []}
    others: list[str] = []
    current: list[str] | None = None
    for number, line in enumerate(lines):
        match = None if number in code else VERDICT_LINE.match(line)
        if match:
            current = verdicts[match["proposed"] is not None]
            current.append(match["text"])
        elif current is not None and re.match(r" {0,3}>[ \t]*[^\s>]", line) and not FIELD_LINE.match(line):
            current.append(line.lstrip()[1:])  # a quoted line right after the verdict continues it
        else:
            current = None
            others.append(line)
    verdict, proposed = (strip_bold(normalise_line(" ".join(verdicts[key]))) for key in (False, True))
    return verdict, proposed, others


def strip_bold(text: str) -> str:
    """Remove the asterisks around a text that is bold as a whole; a verdict is printed in bold anyway."""
    match = re.fullmatch(r"(\*\*|__)(?P<text>(?:(?!\1).)+)\1", text)
    return match["text"] if match else text
