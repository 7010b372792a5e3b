"""Keep a past review as it was written: introduction, chapters with headings and anchors, prose as Markdown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bs4 import BeautifulSoup, NavigableString, PageElement, Tag

from digest.drafts.archive.blocks import find_base_url, inline_footnotes, is_nested_too_deep, join_url
from digest.drafts.archive.posts import ArchivePost
from digest.text import normalise_line, slugify

_HEADING = re.compile(r"h[1-6]")
_BROKEN_LINK = re.compile(r"(?<!!)\\?\[([^\[\]]+?)\\?\]\s+\(<?(https?://[^\s()<>]+)>?\)")
_REMOVED_TAGS = ("script", "style", "nav", "form", "iframe", "template", "svg")


@dataclass(frozen=True, slots=True)
class Chapter:
    """A heading of a review with its anchor, its prose and lists as Markdown, and its closing paragraph."""

    anchor: str
    title: str
    text: str
    closing: str = ""


@dataclass(frozen=True, slots=True)
class ArchiveReview:
    """A review of a year as its author published it."""

    title: str
    url: str
    form: str  # category or month
    intro: str
    chapters: tuple[Chapter, ...]
    # Texts of links that lead nowhere.
    broken_links: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the review as it is stored."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ArchiveReview:
        """Read a stored review."""
        chapters = tuple(Chapter(**row) for row in value["chapters"])
        return cls(**{**value, "chapters": chapters, "broken_links": tuple(value["broken_links"])})


def parse_review(post: ArchivePost, form: str) -> ArchiveReview:
    """Parse a post into its introduction and its chapters; the table of contents is left out.

    The chapters are the headings of the most frequent level and those above it. A heading above the first chapter,
    such as a tagline, belongs to the introduction.
    """
    soup = BeautifulSoup(post.html, "lxml")
    base = find_base_url(soup, post.url)
    if is_nested_too_deep(soup):
        return ArchiveReview(post.title, post.url, form, "", ())
    page_urls = {"", post.url, base}
    inline_footnotes(soup, page_urls)
    broken = [text for a in soup.find_all("a", href=True) if not a["href"] and (text := normalise_line(a.get_text()))]
    _clean(soup, base, page_urls)
    root = soup.body or soup
    while len(elements := [c for c in root.children if isinstance(c, Tag)]) == 1 and not _HEADING.match(
        elements[0].name
    ):
        root = elements[0]
    levels = Counter(int(tag.name[1]) for tag in root.find_all(_HEADING, recursive=False))
    level = max(levels, key=lambda number: (levels[number], -number), default=0)
    intro, chapters = "", []
    for heading, nodes in _split_at_headings(list(root.children), level):
        blocks = list(nodes)
        if heading is None:
            intro = _to_markdown(blocks)
            continue
        closing = _pop_closing(blocks)
        title = normalise_line(heading.get_text())
        chapters.append(Chapter(_find_anchor(heading, title), title, _to_markdown(blocks), closing))
    return ArchiveReview(post.title, post.url, form, intro, tuple(chapters), tuple(broken))


def _clean(soup: BeautifulSoup, base: str, page_urls: set[str]) -> None:
    """Remove the table of contents and active content; make addresses absolute."""
    for tag in soup.find_all(_REMOVED_TAGS):
        tag.decompose()
    for contents in soup.find_all(["ul", "ol"]):
        links = contents.find_all("a", href=True)
        is_own = all((page := str(a["href"]).partition("#"))[1] and page[0] in page_urls for a in links)
        if links and is_own and len(links) >= len(contents.find_all("li")):
            contents.decompose()
    for name in ("href", "src"):
        for tag in soup.find_all(attrs={name: True}):
            tag[name] = join_url(base, str(tag[name])) if tag[name] else ""


def _split_at_headings(nodes: Sequence[PageElement], level: int) -> Iterator[tuple[Tag | None, list[PageElement]]]:
    """Yield what precedes the first chapter with None, then each chapter's heading and content."""
    heading: Tag | None = None
    blocks: list[PageElement] = []
    for node in nodes:
        number = int(node.name[1]) if isinstance(node, Tag) and _HEADING.fullmatch(node.name) else 0
        if isinstance(node, Tag) and number and (number == level or (heading is not None and number < level)):
            yield heading, blocks
            heading, blocks = node, []
        else:
            blocks.append(node)
    yield heading, blocks


def _pop_closing(blocks: list[PageElement]) -> str:
    """Remove and return the last paragraph, if it is text that follows a list."""
    tags = [block for block in blocks if isinstance(block, Tag)]
    has_list = any(tag.name in ("ul", "ol") for tag in tags[:-1])
    if not has_list or tags[-1].name != "p" or tags[-1].find("img") or not tags[-1].get_text().strip():
        return ""
    blocks.remove(tags[-1])
    return normalise_line(_to_markdown([tags[-1]]))


def _find_anchor(heading: Tag, title: str) -> str:
    """Return the author's own anchor (`<a name="jan">`), else one made from the title."""
    named = heading.find("a", attrs={"name": True}) or heading.find("a", id=True)
    own = str(named.get("name") or named.get("id")) if isinstance(named, Tag) else str(heading.get("id") or "")
    return slugify(own) or slugify(title)


def _to_markdown(blocks: Sequence[PageElement]) -> str:
    """Write blocks as Markdown; headings within a chapter are on the third level."""
    from markdownify import markdownify

    for block in blocks:
        tags = [block, *block.find_all(_HEADING)] if isinstance(block, Tag) else []
        for tag in tags:
            if _HEADING.fullmatch(tag.name):
                tag.name = "h3"
    html = "".join(str(block) for block in blocks if isinstance(block, Tag | NavigableString))
    text = str(markdownify(html, heading_style="ATX", bullets="-"))
    text = _BROKEN_LINK.sub(r"[\1](\2)", text)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.split("\n"))).strip()
