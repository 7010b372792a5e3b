"""Post to headings and units.

A post cut into headings and units: list items, numbered lines, paragraphs; each unit as words and links in order.

A post's markup as a tree to read: its footnotes stand where they are referred to, its base is the address stated.

Words that keep how they were set while they are cut to what belongs to an item.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Comment, NavigableString, Tag

from digest.drafts.archive.headings import parse_heading_month
from digest.markdown.inline import InlineStyle

_MAX_DEPTH = 150  # elements within each other; no post nests like that, and it is read by recursion
_FOOTNOTE_REFERENCE = re.compile(r"\W*(?:\d{1,3}|[a-z])?\W*")  # what stands for a note: 1, [2], a, †
_FOOTNOTE_TAGS = ("li", "p", "div", "dd", "aside", "section", "td", "span")


def parse_post_html(html: str, url: str) -> tuple[Tag, str]:
    """The root of a post's content, and the address its links start from: that of a `<base>`, else `url`."""
    soup = BeautifulSoup(html, "lxml")
    base = _find_base_url(soup, url)
    if _measure_depth(soup) > _MAX_DEPTH:
        return BeautifulSoup("", "lxml"), base
    _inline_footnotes(soup, {"", url, base})
    return soup.body or soup, base


def _find_base_url(soup: BeautifulSoup, url: str) -> str:
    stated = soup.select_one("base[href]")
    if stated is None:
        return url
    try:
        return urljoin(url, str(stated["href"]))
    except ValueError:
        return url


def _measure_depth(soup: BeautifulSoup) -> int:
    depths = {id(soup): 0}
    for tag in soup.find_all(True):
        depths[id(tag)] = depths.get(id(tag.parent), 0) + 1
    return max(depths.values())


def _inline_footnotes(soup: BeautifulSoup, page_urls: set[str]) -> None:
    """Each footnote's words and links behind the words that refer to it, as the editor wrote them, without numbers."""
    marked = {str(tag["id"]): tag for tag in soup.find_all(_FOOTNOTE_TAGS, id=True)}
    for link in soup.find_all("a", href=True):
        page, _, name = str(link["href"]).partition("#")
        note = marked.get(name)
        if (
            page not in page_urls
            or note is None
            or not _FOOTNOTE_REFERENCE.fullmatch(link.get_text())
            or note in link.parents
        ):
            continue
        del marked[name]
        _remove_back_links(note, page_urls)
        around = link.parent if link.parent and link.parent.name == "sup" else link
        around.replace_with(NavigableString(" "), *list(note.children))
        note.extract()


def _remove_back_links(note: Tag, page_urls: set[str]) -> None:
    for link in note.find_all("a", href=True):
        page, sign, _ = str(link["href"]).partition("#")
        if sign and page in page_urls:
            link.extract()


_SKIPPED_TAGS = {
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
_CONTAINER_TAGS = {"div", "section", "article", "main", "details", "blockquote", "body", "html", "center", "header"}
_BOLD_LEVEL = 7  # a paragraph that is all bold stands below any true heading
_TAG_STYLES = {
    **dict.fromkeys(("strong", "b"), InlineStyle.STRONG),
    **dict.fromkeys(("em", "i"), InlineStyle.EM),
    **dict.fromkeys(("code", "tt"), InlineStyle.CODE),
}
_LIST_MARKER = re.compile(r"^\s*(?:\d{1,3}[.)]|[-*•–])\s+")
_BROKEN_LINK = re.compile(r"\[([^\[\]]+)\]\s*\(\s*<?(https?://[^\s()<>]+(?:\([^\s()]*\)[^\s()<>]*)*)>?\s*\)")
_BARE_URL = re.compile(r"(?<![\w@/.\"'=])https?://[^\s<>()\[\]\"']+[^\s<>()\[\]\"'.,;:!?]")


@dataclass(frozen=True, slots=True)
class Span:
    """Words; with `href` (maybe empty) a link. `bold` says that some of them name what a line is about."""

    text: str
    href: str | None = None
    is_bold: bool = False
    style: InlineStyle = InlineStyle.PLAIN  # of all the words


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A place with words and links; `listed` when it is one of a list."""

    spans: tuple[Span, ...]
    is_list_item: bool = False

    @property
    def text(self) -> str:
        return " ".join("".join(piece.text for piece in self.spans).split())

    @property
    def links(self) -> tuple[Span, ...]:
        """The links that lead out of the page; one without an address counts when it is the only one."""
        out = tuple(piece for piece in self.spans if piece.href)
        return out or tuple(piece for piece in self.spans if piece.href == "" and piece.text.strip())[:1]


Block = Heading | TextBlock


def parse_blocks(html: str, base: str = "") -> list[Block]:
    """The blocks of a post in reading order; images, code, navigation and anchors within the page are left out."""
    root, base = parse_post_html(html, base)
    return list(_parse_children(root, base))


def _parse_children(node: Tag, base: str) -> Iterator[Block]:
    for child in node.children:
        if not isinstance(child, Tag) or child.name in _SKIPPED_TAGS:
            continue
        if re.fullmatch(r"h[1-6]", child.name):
            yield from _parse_heading(child, base)
        elif child.name in ("ul", "ol"):
            yield from _parse_list(child, base)
        elif child.name == "dl":
            yield from _parse_definitions(child, base)
        elif child.name == "table":
            for row in child.find_all("tr"):
                yield TextBlock(tuple(_join_broken_links(_parse_spans(row, base))), is_list_item=True)
        elif child.name in _CONTAINER_TAGS:
            yield from _parse_children(child, base)
        else:
            yield from _parse_paragraph(child, base)


def _parse_heading(node: Tag, base: str) -> Iterator[Block]:
    pieces = tuple(_join_broken_links(_parse_spans(node, base)))
    unit = TextBlock(pieces, is_list_item=True)
    if unit.links:
        yield unit  # a title that is a link is an item of its own
    else:
        yield Heading(int(node.name[1]), unit.text)


def _parse_list(node: Tag, base: str) -> Iterator[Block]:
    """Each line a unit; lines below it without a link of their own go on with its words."""
    for item in node.find_all("li", recursive=False):
        unit = TextBlock(tuple(_join_broken_links(_parse_spans(item, base))), is_list_item=True)
        lists = [inner for inner in item.find_all(["ul", "ol"]) if inner.find_parent("li") is item]
        below = [block for inner in lists for block in _parse_list(inner, base)]
        own = [block for block in below if isinstance(block, Heading) or block.links or not unit.links]
        more = [block for block in below if block not in own]
        yield replace(unit, spans=(*unit.spans, *_chain_spans(more)))
        yield from own


def _parse_definitions(node: Tag, base: str) -> Iterator[Block]:
    """A list of definitions: each term with what is said of it."""
    pieces: list[Span] = []
    for child in node.find_all(["dt", "dd"]):
        if child.name == "dt" and pieces:
            yield TextBlock(tuple(pieces), is_list_item=True)
            pieces = []
        pieces += [Span(" "), *_join_broken_links(_parse_definition(child, base))]
    if pieces:
        yield TextBlock(tuple(pieces), is_list_item=True)


def _parse_definition(node: Tag, base: str) -> Iterator[Span]:
    for piece in _parse_spans(node, base):
        yield replace(piece, is_bold=piece.is_bold or node.name == "dt")


def _chain_spans(text_blocks: list[Block]) -> Iterator[Span]:
    for unit in text_blocks:
        if isinstance(unit, TextBlock):
            yield from (Span(" "), *unit.spans)


def _parse_paragraph(node: Tag, base: str) -> Iterator[Block]:
    pieces = list(_join_broken_links(_parse_spans(node, base)))
    unit = TextBlock(tuple(pieces))
    words = [piece for piece in pieces if piece.text.strip()]
    if not words:
        return
    short = len(unit.text) <= 80 and not any(piece.href is not None for piece in words)
    if short and (all(piece.is_bold for piece in words) or (len(unit.text) <= 20 and parse_heading_month(unit.text))):
        yield Heading(_BOLD_LEVEL, unit.text)
        return
    for line in _split_numbered_lines(pieces):
        yield TextBlock(tuple(line), is_list_item=bool(_LIST_MARKER.match("".join(piece.text for piece in line))))


def _split_numbered_lines(spans: list[Span]) -> Iterator[list[Span]]:
    """A paragraph whose lines are numbered by hand (`1) …`, which kramdown takes for prose), line by line."""
    line: list[Span] = []
    for piece in spans:
        parts = re.split(r"\n(?=\s*(?:\d{1,3}[.)]|[-*•–])\s)", piece.text) if piece.href is None else [piece.text]
        for number, part in enumerate(parts):
            if number and line:
                yield line
                line = []
            line.append(replace(piece, text=part))
    if line:
        yield line


def _parse_spans(node: Tag, base: str, style: InlineStyle = InlineStyle.PLAIN) -> Iterator[Span]:
    for child in node.children:
        if isinstance(child, Comment):
            continue
        if isinstance(child, NavigableString):
            yield from _parse_text(str(child), style)
        elif not isinstance(child, Tag) or child.name in (*_SKIPPED_TAGS, "ul", "ol"):
            continue
        elif child.name == "a" and child.has_attr("href"):
            yield from _parse_link(child, base, style)
        elif child.name == "br":
            yield Span("\n")
        else:
            yield from _parse_spans(child, base, style | _get_tag_style(child))
            if child.name in ("p", "div", "td", "th"):
                yield Span(" ")


def _get_tag_style(node: Tag) -> InlineStyle:
    return _TAG_STYLES.get(node.name, InlineStyle.PLAIN)


def _get_link_style(node: Tag) -> InlineStyle:
    """What all the words of a link are set in."""
    children = [child for child in node.children if str(child).strip()]
    only = children[0] if len(children) == 1 else None
    return _get_tag_style(only) | _get_link_style(only) if isinstance(only, Tag) else InlineStyle.PLAIN


def _parse_link(node: Tag, base: str, style: InlineStyle) -> Iterator[Span]:
    text, href = " ".join(node.get_text().split()), str(node["href"]).strip()
    style |= _get_link_style(node)
    bold = InlineStyle.STRONG in style or node.find(["strong", "b"]) is not None
    if href.startswith(("#", "mailto:", "javascript:")) or (not text and node.find("img")):
        yield Span(text, None, bold, style)
    else:
        yield Span(text, _resolve_url(base, href) if href else "", bold, style)


def _resolve_url(base: str, href: str) -> str:
    try:
        address = urljoin(base, href)
    except ValueError:
        return ""
    return address if address.startswith(("http://", "https://")) else ""


def _parse_text(text: str, style: InlineStyle) -> Iterator[Span]:
    """Plain words, with links that were meant: `[text] (https://…)` and bare addresses."""
    here, bold = 0, InlineStyle.STRONG in style
    for match in re.finditer(f"{_BROKEN_LINK.pattern}|(?P<bare>{_BARE_URL.pattern})", text):
        yield Span(text[here : match.start()], None, bold, style)
        yield Span(match[1] or match["bare"], match[2] or match["bare"], bold, style)
        here = match.end()
    yield Span(text[here:], None, bold, style)


def _join_broken_links(spans: Iterator[Span]) -> Iterator[Span]:
    """Slips whose address was made a link by itself, `[text] (<a>…</a>)`, put together."""
    out: list[Span] = []
    for piece in spans:
        before = "".join(p.text for p in out[-1:]) if out and out[-1].href is None else ""
        label = re.search(r"\[([^\[\]]+)\]\s*\(\s*$", before)
        if piece.href and piece.text.startswith("http") and label:
            out[-1] = replace(out[-1], text=before[: label.start()])
            out.append(replace(piece, text=label[1]))
        elif piece.href is None and out and out[-1].href and piece.text.startswith(")") and _is_broken_link_closed(out):
            out.append(replace(piece, text=piece.text[1:]))
        elif piece.text or piece.href:
            out.append(piece)
    yield from out


def _is_broken_link_closed(out: list[Span]) -> bool:
    opened = sum(p.text.count("(") - p.text.count(")") for p in out)
    return opened < 1


@dataclass(frozen=True, slots=True)
class StyledText:
    """A text, and the style of each of its signs."""

    text: str
    styles: tuple[InlineStyle, ...]

    def __bool__(self) -> bool:
        return bool(self.text)

    def __getitem__(self, part: slice) -> StyledText:
        return StyledText(self.text[part], self.styles[part])

    def substitute(self, pattern: re.Pattern[str], other: Callable[[re.Match[str]], StyledText]) -> StyledText:
        """The words with `other` in place of each match."""
        here, parts = 0, list[StyledText]()
        for match in pattern.finditer(self.text):
            parts += [self[here : match.start()], other(match)]
            here = match.end()
        return join_styled_texts([*parts, self[here:]])

    def remove(self, pattern: re.Pattern[str]) -> StyledText:
        """The words without what matches."""
        return self.substitute(pattern, lambda _: EMPTY_TEXT)

    def strip(self, left: str | None = None) -> StyledText:
        """The words without outer spaces, and without the signs `left` before them."""
        words = self[len(self.text) - len(self.text.lstrip(left)) :] if left else self
        begin = len(words.text) - len(words.text.lstrip())
        return words[begin : max(begin, len(words.text.rstrip()))]

    def fold_whitespace(self) -> StyledText:
        """The words with one space for every space between them."""
        return self.substitute(
            _WHITESPACE, lambda match: StyledText(" ", self.styles[match.start() : match.start() + 1])
        ).strip()


EMPTY_TEXT = StyledText("", ())
_WHITESPACE = re.compile(r"\s+")


def join_styled_texts(parts: Iterable[StyledText]) -> StyledText:
    """The parts one after the other."""
    found = list(parts)
    return StyledText("".join(part.text for part in found), tuple(style for part in found for style in part.styles))


def build_styled_text(style: InlineStyle, text: str) -> StyledText:
    """A text that is all of one style."""
    return StyledText(text, (style,) * len(text))
