"""Plain text from foreign text: control and bidi characters out, white space folded, HTML to words, names shortened."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

# C0/C1 controls, bidi marks and overrides, zero-width and tag characters, BOM, noncharacters. TAB, LF, CR survive.
_HIDDEN_CHARACTER = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\U000e0000-\U000e007f]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACE = re.compile(r"\s+")
_HIDDEN_ELEMENT = re.compile(r"(?is)<(script|style|template|noscript)\b.*?(?:</\1\s*>|$)|<!--.*?(?:-->|$)")
_TAG = re.compile(r"</?([A-Za-z!?/][A-Za-z0-9]*)[^<>]*>")
_HIDDEN_TAGS = frozenset({"script", "style", "template", "noscript"})
_BLOCK_TAGS = [
    "p",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "li",
    "blockquote",
    "tr",
    "ul",
    "ol",
    "pre",
    "section",
    "article",
    "br",
]
_INLINE_TAGS = re.findall(r"\w+", "a abbr b cite code del em font i ins kbd mark q s small strong sub sup tt u var wbr")
_TAG_SEPARATORS = {
    **dict.fromkeys((*_BLOCK_TAGS, *map(str.upper, _BLOCK_TAGS)), "\n\n"),
    **dict.fromkeys((*_INLINE_TAGS, *map(str.upper, _INLINE_TAGS)), ""),
}
_PARAGRAPH_BREAK = re.compile(r"\n\s*\n")


def strip_hidden(text: str) -> str:
    """Without characters that no reader sees and that break XML, headers or reading order."""
    if text.isprintable() or text.replace("\n", "").isprintable():
        return text
    return _HIDDEN_CHARACTER.sub("", _SURROGATE.sub("\ufffd", text))


def sanitise_for_terminal(text: str) -> str:
    """What a terminal may be given: lines of words, and nothing that colours it, moves its cursor or turns text."""
    return strip_hidden(text).replace("\r", " ")


def escape_hidden_in_json(document: str) -> str:
    """A JSON document with the same values, in which hidden characters stand as their escapes."""
    return _HIDDEN_CHARACTER.sub(lambda found: json.dumps(found[0])[1:-1], document)


def normalise_line(text: str) -> str:
    """One visible line, NFC, white space folded."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return _SPACE.sub(" ", strip_hidden(unicodedata.normalize("NFC", text))).strip()


def html_to_text(markup: str) -> str:
    """The words of an HTML fragment as plain text, paragraphs apart by a blank line; scripts and styles left out."""
    if "<" not in markup and "&" not in markup:
        return strip_hidden(markup).strip()
    pieces = _TAG.split(markup)  # a text, the name of a tag, a text …
    if "<!--" in markup or not _HIDDEN_TAGS.isdisjoint(map(str.lower, set(pieces[1::2]))):
        pieces = _TAG.split(_HIDDEN_ELEMENT.sub(" ", markup))
    pieces[1::2] = [_TAG_SEPARATORS.get(name, " ") for name in pieces[1::2]]
    text = html.unescape("".join(pieces))
    return "\n\n".join(line for part in _PARAGRAPH_BREAK.split(text) if (line := _normalise_paragraph(part)))


def _normalise_paragraph(text: str) -> str:
    if text.isprintable() and "  " not in text:  # then all its white space is single spaces
        return text.strip(" ")
    line = " ".join(text.split())
    return line if line.isprintable() else " ".join(strip_hidden(line).split())


def slugify(text: str, fallback: str = "x") -> str:
    """Lower-case ASCII words joined by hyphens, at most 60 characters."""
    ascii_ = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_.lower()).strip("-")[:60].strip("-") or fallback


def hash_texts(*parts: str) -> str:
    """A short stable hash of texts, in order."""
    return sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def dump_json_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """A JSON object a line. Half a character goes out as it came in: \\ud800."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode(errors="backslashreplace")


def format_byline(authors: Sequence[str]) -> str:
    """`A`, `A and B`, or `A et al.`"""
    if len(authors) > 2:
        return f"{authors[0]} et al."
    return " and ".join(authors)


# A full stop, its closing marks, white space, and something a sentence may begin with ("vLLM" does too).
_SENTENCE_END = re.compile(r"[.!?][\"”’')\]}*]*\s+(?=[\"“‘'(\[{$\\*]*(?:[A-Z0-9À-Þ]|[a-z]{1,5}[A-Z]))")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[{\"“])(?:(?:[A-Za-z]\.){2,}|(?:al|vs|cf|resp|approx|ca|viz|Figs?|Eqs?|Sec|Secs|Tab|Alg|Thm|Prop|Def|Refs?|No|Nos"
    r"|Vol|pp|Ch|Dr|Mr|Mrs|Ms|Prof|St|Inc|Ltd|Corp|Jr|Sr)\.)$"
)
_INITIAL = re.compile(r"(?:^|\s)[A-Z]\.$")
_SENTENCE_STARTER = re.compile(
    r"(?:An?|As|At|By|For|From|How|If|In|Its?|On|Our|Th(?:e|ese|ey|is|ose)|To|We|When|While|With)\b"
)


def split_sentences(text: str) -> list[str]:
    """Sentences of plain prose on one line, verbatim; abbreviations, initials, decimals and TeX do not end one."""
    text = _SPACE.sub(" ", text).strip()
    found, start = [], 0
    for match in _SENTENCE_END.finditer(text):
        if _is_sentence_end(text[start : match.start() + 1], text[match.end() : match.end() + 12]):
            found.append(text[start : match.end()].strip())
            start = match.end()
    return [piece for piece in (*found, text[start:].strip()) if piece]


def _is_sentence_end(before: str, after: str) -> bool:
    """Whether a sentence ends where `before`, which closes with a stop, meets `after`."""
    if _ABBREVIATION.search(before) or before.replace("\\$", "").count("$") % 2:
        return False
    return not _INITIAL.search(before) or _SENTENCE_STARTER.match(after) is not None


def shorten_text(text: str, max_length: int) -> str:
    """At most so many characters, cut between words."""
    return text if len(text) <= max_length else text[: max_length - 2].rsplit(" ", 1)[0] + " …"
