"""Split a post into headings and text blocks: list items, numbered lines, paragraphs.

A text block is a sequence of spans: text and links. Footnotes are read where they are referred to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Comment, NavigableString, Tag

from digest.drafts.archive.headings import parse_heading_month
from digest.markdown.inline import InlineStyle

# No post nests like that, and the parser is recursive.
_MAX_DEPTH = 150
# 1, [2], a, †
_FOOTNOTE_REFERENCE = re.compile(r"\W*(?:\d{1,3}|[a-z])?\W*")
_FOOTNOTE_TAGS = ("li", "p", "div", "dd", "aside", "section", "td", "span")
_SKIPPED_TAGS = frozenset(
    ("script", "style", "nav", "footer", "aside", "figure", "pre", "img", "svg", "form", "iframe", "template", "hr")
)
_CONTAINER_TAGS = frozenset(
    ("div", "section", "article", "main", "details", "blockquote", "body", "html", "center", "header")
)
# A paragraph that is all bold ranks below any heading.
_BOLD_LEVEL = 7
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
    """A text; with `href` (maybe empty) a link. `is_bold` if some of it names the line's subject."""

    text: str
    href: str | None = None
    is_bold: bool = False
    style: InlineStyle = InlineStyle.PLAIN  # of the whole text


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading or a bold paragraph."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A paragraph, a line or a list item."""

    spans: tuple[Span, ...]
    is_list_item: bool = False

    @property
    def text(self) -> str:
        return " ".join("".join(span.text for span in self.spans).split())

    @property
    def links(self) -> tuple[Span, ...]:
        """The links that leave the page; one without an address counts if it is the only one."""
        links = tuple(span for span in self.spans if span.href)
        return links or tuple(span for span in self.spans if span.href == "" and span.text.strip())[:1]


Block = Heading | TextBlock


def parse_blocks(html: str, url: str = "") -> list[Block]:
    """Parse the blocks of a post in reading order.

    Images, code, navigation and anchors within the page are left out. Links start from a `<base>`, else from `url`.
    """
    soup = BeautifulSoup(html, "lxml")
    base = find_base_url(soup, url)
    if is_nested_too_deep(soup):
        return []
    inline_footnotes(soup, {"", url, base})
    return list(_parse_children(soup.body or soup, base))


def find_base_url(soup: BeautifulSoup, url: str) -> str:
    """Return the address from which a page's links start: its `<base>`, else `url`."""
    stated = soup.select_one("base[href]")
    return join_url(url, str(stated["href"])) or url if stated else url


def is_nested_too_deep(soup: BeautifulSoup) -> bool:
    """Return whether the page nests deeper than any post does."""
    depths = {id(soup): 0}
    for tag in soup.find_all(True):
        depths[id(tag)] = depths.get(id(tag.parent), 0) + 1
    return max(depths.values()) > _MAX_DEPTH


def inline_footnotes(soup: BeautifulSoup, page_urls: set[str]) -> None:
    """Replace each reference by its footnote's content, without numbers and links back."""
    notes = {str(tag["id"]): tag for tag in soup.find_all(_FOOTNOTE_TAGS, id=True)}
    for link in soup.find_all("a", href=True):
        page, _, name = str(link["href"]).partition("#")
        note = notes.get(name)
        if page not in page_urls or note is None or note in link.parents:
            continue
        if not _FOOTNOTE_REFERENCE.fullmatch(link.get_text()):
            continue
        del notes[name]
        for back_link in note.find_all("a", href=True):
            page, sign, _ = str(back_link["href"]).partition("#")
            if sign and page in page_urls:
                back_link.extract()
        reference = link.parent if link.parent and link.parent.name == "sup" else link
        reference.replace_with(NavigableString(" "), *list(note.children))
        note.extract()


def _parse_children(node: Tag, base: str) -> Iterator[Block]:
    for child in node.children:
        if not isinstance(child, Tag) or child.name in _SKIPPED_TAGS:
            continue
        if re.fullmatch(r"h[1-6]", child.name):
            block = _parse_block(child, base, is_list_item=True)
            # A heading that is a link is an item.
            yield block if block.links else Heading(int(child.name[1]), block.text)
        elif child.name in ("ul", "ol"):
            yield from _parse_list(child, base)
        elif child.name == "dl":
            yield from _parse_definitions(child, base)
        elif child.name == "table":
            yield from (_parse_block(row, base, is_list_item=True) for row in child.find_all("tr"))
        elif child.name in _CONTAINER_TAGS:
            yield from _parse_children(child, base)
        else:
            yield from _parse_paragraph(child, base)


def _parse_block(node: Tag, base: str, *, is_list_item: bool = False) -> TextBlock:
    return TextBlock(tuple(_join_broken_links(_parse_spans(node, base))), is_list_item)


def _parse_list(node: Tag, base: str) -> Iterator[Block]:
    """Yield a block per list item; nested items without links continue their parent's text."""
    for item in node.find_all("li", recursive=False):
        block = _parse_block(item, base, is_list_item=True)
        lists = [inner for inner in item.find_all(["ul", "ol"]) if inner.find_parent("li") is item]
        nested = [inner_block for inner in lists for inner_block in _parse_list(inner, base)]
        separate = [b for b in nested if isinstance(b, Heading) or b.links or not block.links]
        continued = [b for b in nested if b not in separate and isinstance(b, TextBlock)]
        spans = [span for b in continued for span in (Span(" "), *b.spans)]
        yield replace(block, spans=(*block.spans, *spans))
        yield from separate


def _parse_definitions(node: Tag, base: str) -> Iterator[Block]:
    """Yield each term of a definition list with its definitions."""
    spans: list[Span] = []
    for child in node.find_all(["dt", "dd"]):
        is_term = child.name == "dt"
        if is_term and spans:
            yield TextBlock(tuple(spans), is_list_item=True)
            spans = []
        bold_spans = (replace(span, is_bold=span.is_bold or is_term) for span in _parse_spans(child, base))
        spans += [Span(" "), *_join_broken_links(bold_spans)]
    if spans:
        yield TextBlock(tuple(spans), is_list_item=True)


def _parse_paragraph(node: Tag, base: str) -> Iterator[Block]:
    block = _parse_block(node, base)
    visible = [span for span in block.spans if span.text.strip()]
    if not visible:
        return
    is_short = len(block.text) <= 80 and not any(span.href is not None for span in visible)
    is_month = len(block.text) <= 20 and parse_heading_month(block.text)
    if is_short and (all(span.is_bold for span in visible) or is_month):
        yield Heading(_BOLD_LEVEL, block.text)
        return
    for line in _split_numbered_lines(block.spans):
        yield TextBlock(tuple(line), is_list_item=bool(_LIST_MARKER.match("".join(span.text for span in line))))


def _split_numbered_lines(spans: Iterable[Span]) -> Iterator[list[Span]]:
    """Split a paragraph at numbers typed by hand (`1) …`), which kramdown does not read as a list."""
    line: list[Span] = []
    for span in spans:
        parts = re.split(r"\n(?=\s*(?:\d{1,3}[.)]|[-*•–])\s)", span.text) if span.href is None else [span.text]
        for number, part in enumerate(parts):
            if number and line:
                yield line
                line = []
            line.append(replace(span, text=part))
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
            yield _parse_link(child, base, style)
        elif child.name == "br":
            yield Span("\n")
        else:
            yield from _parse_spans(child, base, style | _get_tag_style(child))
            if child.name in ("p", "div", "td", "th"):
                yield Span(" ")


def _get_tag_style(node: Tag) -> InlineStyle:
    return _TAG_STYLES.get(node.name, InlineStyle.PLAIN)


def _get_link_style(node: Tag) -> InlineStyle:
    """Combine the styles that apply to the whole text of a link."""
    children = [child for child in node.children if str(child).strip()]
    only = children[0] if len(children) == 1 else None
    return _get_tag_style(only) | _get_link_style(only) if isinstance(only, Tag) else InlineStyle.PLAIN


def _parse_link(node: Tag, base: str, style: InlineStyle) -> Span:
    text, href = " ".join(node.get_text().split()), str(node["href"]).strip()
    style |= _get_link_style(node)
    is_bold = InlineStyle.STRONG in style or node.find(["strong", "b"]) is not None
    if href.startswith(("#", "mailto:", "javascript:")) or (not text and node.find("img")):
        return Span(text, None, is_bold, style)
    address = join_url(base, href) if href else ""
    return Span(text, address if address.startswith(("http://", "https://")) else "", is_bold, style)


def join_url(base: str, href: str) -> str:
    try:
        return urljoin(base, href)
    except ValueError:
        return ""


def _parse_text(text: str, style: InlineStyle) -> Iterator[Span]:
    """Yield plain text, and links typed as `[text] (https://…)` or as bare addresses."""
    position, is_bold = 0, InlineStyle.STRONG in style
    for match in re.finditer(f"{_BROKEN_LINK.pattern}|(?P<bare>{_BARE_URL.pattern})", text):
        yield Span(text[position : match.start()], None, is_bold, style)
        yield Span(match[1] or match["bare"], match[2] or match["bare"], is_bold, style)
        position = match.end()
    yield Span(text[position:], None, is_bold, style)


def _join_broken_links(spans: Iterable[Span]) -> list[Span]:
    """Join `[text] (<a>…</a>)`, a broken link whose address became a link."""
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        before = last.text if last and last.href is None else ""
        label = re.search(r"\[([^\[\]]+)\]\s*\(\s*$", before)
        if span.href and span.text.startswith("http") and label:
            joined[-1] = replace(joined[-1], text=before[: label.start()])
            joined.append(replace(span, text=label[1]))
        elif span.href is None and last and last.href and span.text.startswith(")"):
            unclosed = sum(s.text.count("(") - s.text.count(")") for s in joined)
            joined.append(span if unclosed > 0 else replace(span, text=span.text[1:]))
        elif span.text or span.href:
            joined.append(span)
    return joined


@dataclass(frozen=True, slots=True)
class StyledText:
    """A text, and the style of each character."""

    text: str
    styles: tuple[InlineStyle, ...]

    def __bool__(self) -> bool:
        return bool(self.text)

    def __getitem__(self, part: slice) -> StyledText:
        return StyledText(self.text[part], self.styles[part])

    def substitute(self, pattern: re.Pattern[str], replacement: Callable[[re.Match[str]], StyledText]) -> StyledText:
        """Replace each match."""
        position, parts = 0, list[StyledText]()
        for match in pattern.finditer(self.text):
            parts += [self[position : match.start()], replacement(match)]
            position = match.end()
        return join_styled_texts([*parts, self[position:]])

    def remove(self, pattern: re.Pattern[str]) -> StyledText:
        """Remove each match."""
        return self.substitute(pattern, lambda _: EMPTY_TEXT)

    def strip(self, left: str | None = None) -> StyledText:
        """Remove outer white space, and the characters of `left` before the text."""
        text = self[len(self.text) - len(self.text.lstrip(left)) :] if left else self
        begin = len(text.text) - len(text.text.lstrip())
        return text[begin : max(begin, len(text.text.rstrip()))]

    def fold_whitespace(self) -> StyledText:
        """Replace each run of white space by one space, and strip."""
        return self.substitute(re.compile(r"\s+"), lambda m: StyledText(" ", self.styles[m.start() :][:1])).strip()


EMPTY_TEXT = StyledText("", ())


def join_styled_texts(parts: Iterable[StyledText]) -> StyledText:
    texts = list(parts)
    return StyledText("".join(part.text for part in texts), tuple(style for part in texts for style in part.styles))


def build_styled_text(style: InlineStyle, text: str) -> StyledText:
    return StyledText(text, (style,) * len(text))
