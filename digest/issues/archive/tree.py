"""A post's markup as a tree to read: its footnotes stand where they are referred to, its base is the address stated."""

from __future__ import annotations

import re
from urllib.parse import urljoin

from bs4 import BeautifulSoup, NavigableString, Tag

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
