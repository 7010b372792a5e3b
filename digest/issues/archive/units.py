"""A post cut into headings and units: list items, numbered lines, paragraphs; each unit as words and links in order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urljoin

from bs4 import Comment, NavigableString, Tag

from digest.issues.archive.headings import month
from digest.issues.archive.tree import tree
from digest.markdown import Style

_SKIPPED = {
    "script",
    "style",
    "nav",
    "footer",
    "aside",
    "figure",
    "pre",
    "img",
    "svg",
    "form",
    "iframe",
    "template",
    "hr",
}
_INSIDE = {"div", "section", "article", "main", "details", "blockquote", "body", "html", "center", "header"}
_BOLD_LEVEL = 7  # a paragraph that is all bold stands below any true heading
_STYLES = {
    **dict.fromkeys(("strong", "b"), Style.STRONG),
    **dict.fromkeys(("em", "i"), Style.EM),
    **dict.fromkeys(("code", "tt"), Style.CODE),
}
_NUMBERED = re.compile(r"^\s*(?:\d{1,3}[.)]|[-*•–])\s+")
_SLIP = re.compile(r"\[([^\[\]]+)\]\s*\(\s*<?(https?://[^\s()<>]+(?:\([^\s()]*\)[^\s()<>]*)*)>?\s*\)")
_BARE = re.compile(r"(?<![\w@/.\"'=])https?://[^\s<>()\[\]\"']+[^\s<>()\[\]\"'.,;:!?]")


@dataclass(frozen=True, slots=True)
class Piece:
    """Words; with `href` (maybe empty) a link. `bold` says that some of them name what a line is about."""

    text: str
    href: str | None = None
    bold: bool = False
    style: Style = Style.PLAIN  # of all the words


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Unit:
    """A place with words and links; `listed` when it is one of a list."""

    pieces: tuple[Piece, ...]
    listed: bool = False

    @property
    def text(self) -> str:
        return " ".join("".join(piece.text for piece in self.pieces).split())

    @property
    def links(self) -> tuple[Piece, ...]:
        """The links that lead out of the page; one without an address counts when it is the only one."""
        out = tuple(piece for piece in self.pieces if piece.href)
        return out or tuple(piece for piece in self.pieces if piece.href == "" and piece.text.strip())[:1]


Block = Heading | Unit


def blocks(html: str, base: str = "") -> list[Block]:
    """The blocks of a post in reading order; images, code, navigation and anchors within the page are left out."""
    root, base = tree(html, base)
    return list(_blocks(root, base))


def _blocks(node: Tag, base: str) -> Iterator[Block]:
    for child in node.children:
        if not isinstance(child, Tag) or child.name in _SKIPPED:
            continue
        if re.fullmatch(r"h[1-6]", child.name):
            yield from _heading(child, base)
        elif child.name in ("ul", "ol"):
            yield from _list(child, base)
        elif child.name == "dl":
            yield from _terms(child, base)
        elif child.name == "table":
            for row in child.find_all("tr"):
                yield Unit(tuple(_joined(_pieces(row, base))), listed=True)
        elif child.name in _INSIDE:
            yield from _blocks(child, base)
        else:
            yield from _paragraph(child, base)


def _heading(node: Tag, base: str) -> Iterator[Block]:
    pieces = tuple(_joined(_pieces(node, base)))
    unit = Unit(pieces, listed=True)
    if unit.links:
        yield unit  # a title that is a link is an item of its own
    else:
        yield Heading(int(node.name[1]), unit.text)


def _list(node: Tag, base: str) -> Iterator[Block]:
    """Each line a unit; lines below it without a link of their own go on with its words."""
    for item in node.find_all("li", recursive=False):
        unit = Unit(tuple(_joined(_pieces(item, base))), listed=True)
        lists = [inner for inner in item.find_all(["ul", "ol"]) if inner.find_parent("li") is item]
        below = [block for inner in lists for block in _list(inner, base)]
        own = [block for block in below if isinstance(block, Heading) or block.links or not unit.links]
        more = [block for block in below if block not in own]
        yield replace(unit, pieces=(*unit.pieces, *_apart(more)))
        yield from own


def _terms(node: Tag, base: str) -> Iterator[Block]:
    """A list of definitions: each term with what is said of it."""
    pieces: list[Piece] = []
    for child in node.find_all(["dt", "dd"]):
        if child.name == "dt" and pieces:
            yield Unit(tuple(pieces), listed=True)
            pieces = []
        pieces += [Piece(" "), *_joined(_term(child, base))]
    if pieces:
        yield Unit(tuple(pieces), listed=True)


def _term(node: Tag, base: str) -> Iterator[Piece]:
    for piece in _pieces(node, base):
        yield replace(piece, bold=piece.bold or node.name == "dt")


def _apart(units: list[Block]) -> Iterator[Piece]:
    for unit in units:
        if isinstance(unit, Unit):
            yield from (Piece(" "), *unit.pieces)


def _paragraph(node: Tag, base: str) -> Iterator[Block]:
    pieces = list(_joined(_pieces(node, base)))
    unit = Unit(tuple(pieces))
    words = [piece for piece in pieces if piece.text.strip()]
    if not words:
        return
    short = len(unit.text) <= 80 and not any(piece.href is not None for piece in words)
    if short and (all(piece.bold for piece in words) or (len(unit.text) <= 20 and month(unit.text))):
        yield Heading(_BOLD_LEVEL, unit.text)
        return
    for line in _lines(pieces):
        yield Unit(tuple(line), listed=bool(_NUMBERED.match("".join(piece.text for piece in line))))


def _lines(pieces: list[Piece]) -> Iterator[list[Piece]]:
    """A paragraph whose lines are numbered by hand (`1) …`, which kramdown takes for prose), line by line."""
    line: list[Piece] = []
    for piece in pieces:
        parts = re.split(r"\n(?=\s*(?:\d{1,3}[.)]|[-*•–])\s)", piece.text) if piece.href is None else [piece.text]
        for number, part in enumerate(parts):
            if number and line:
                yield line
                line = []
            line.append(replace(piece, text=part))
    if line:
        yield line


def _pieces(node: Tag, base: str, style: Style = Style.PLAIN) -> Iterator[Piece]:
    for child in node.children:
        if isinstance(child, Comment):
            continue
        if isinstance(child, NavigableString):
            yield from _words(str(child), style)
        elif not isinstance(child, Tag) or child.name in (*_SKIPPED, "ul", "ol"):
            continue
        elif child.name == "a" and child.has_attr("href"):
            yield from _link(child, base, style)
        elif child.name == "br":
            yield Piece("\n")
        else:
            yield from _pieces(child, base, style | _style(child))
            if child.name in ("p", "div", "td", "th"):
                yield Piece(" ")


def _style(node: Tag) -> Style:
    return _STYLES.get(node.name, Style.PLAIN)


def _within(node: Tag) -> Style:
    """What all the words of a link are set in."""
    children = [child for child in node.children if str(child).strip()]
    only = children[0] if len(children) == 1 else None
    return _style(only) | _within(only) if isinstance(only, Tag) else Style.PLAIN


def _link(node: Tag, base: str, style: Style) -> Iterator[Piece]:
    text, href = " ".join(node.get_text().split()), str(node["href"]).strip()
    style |= _within(node)
    bold = Style.STRONG in style or node.find(["strong", "b"]) is not None
    if href.startswith(("#", "mailto:", "javascript:")) or (not text and node.find("img")):
        yield Piece(text, None, bold, style)
    else:
        yield Piece(text, _absolute(base, href) if href else "", bold, style)


def _absolute(base: str, href: str) -> str:
    try:
        address = urljoin(base, href)
    except ValueError:
        return ""
    return address if address.startswith(("http://", "https://")) else ""


def _words(text: str, style: Style) -> Iterator[Piece]:
    """Plain words, with links that were meant: `[text] (https://…)` and bare addresses."""
    here, bold = 0, Style.STRONG in style
    for match in re.finditer(f"{_SLIP.pattern}|(?P<bare>{_BARE.pattern})", text):
        yield Piece(text[here : match.start()], None, bold, style)
        yield Piece(match[1] or match["bare"], match[2] or match["bare"], bold, style)
        here = match.end()
    yield Piece(text[here:], None, bold, style)


def _joined(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Slips whose address was made a link by itself, `[text] (<a>…</a>)`, put together."""
    out: list[Piece] = []
    for piece in pieces:
        before = "".join(p.text for p in out[-1:]) if out and out[-1].href is None else ""
        label = re.search(r"\[([^\[\]]+)\]\s*\(\s*$", before)
        if piece.href and piece.text.startswith("http") and label:
            out[-1] = replace(out[-1], text=before[: label.start()])
            out.append(replace(piece, text=label[1]))
        elif piece.href is None and out and out[-1].href and piece.text.startswith(")") and _was_slip(out):
            out.append(replace(piece, text=piece.text[1:]))
        elif piece.text or piece.href:
            out.append(piece)
    yield from out


def _was_slip(out: list[Piece]) -> bool:
    opened = sum(p.text.count("(") - p.text.count(")") for p in out)
    return opened < 1
