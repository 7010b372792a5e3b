"""Posts on a listing page: links that look like posts, and the title, date and summary on the card around each."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from bs4 import BeautifulSoup, Tag

from digest.ports import Found, SelectorsLike
from digest.sources.dates import parse_date
from digest.sources.htmltree import structured
from digest.sources.markup import absolute
from digest.text import one_line

# Where posts live. Class names are hashed and change with each release; addresses stay.
_POST = re.compile(
    r"/(?:news|blog|blogs|posts?|articles?|research|engineering|publications?|papers?|stories|updates|insights|index|"
    r"announcements?|p|20\d\d)/[^/]",
    re.I,
)
_NOT_POST = re.compile(
    r"/(?:tags?|topics?|categor(?:y|ies)|authors?|people|team|pages?|archives?|search|about|contact|careers?|jobs?|legal|"
    r"privacy|terms|login|signup|subscribe|feed|rss)(?:/|$)|\.(?:png|jpe?g|gif|svg|webp|css|js|xml|rss|atom|zip|mp[34])$",
    re.I,
)
_FURNITURE = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|menu|footer|sitefooter|breadcrumbs?|cookie|sidebar|pagination)(?:$|[\s_-])"
)
_EMPTY_WORDS = re.compile(r"(?:read|learn|see|show|find out)\b.{0,20}|more|continue reading|→|\d+", re.I)
_DATE = re.compile(
    r"\b(?:\d{1,2}(?:st|nd|rd|th)?\s+)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?\s+"
    r"(?:\d{1,2}(?:st|nd|rd|th)?,?\s+)?20\d\d\b|\b20\d\d-\d\d-\d\d\b"
)
_HIGHEST = 6  # steps from a link up to its card
_MOST = 2000  # links of one page that are looked at closely


def read_listing(text: bytes, url: str, selectors: SelectorsLike) -> list[Found]:
    """The posts a UTF-8 page links to, in order, each once; every selector left empty works by default rules."""
    soup = BeautifulSoup(text.replace(b"<?xml", b"<?"), "lxml", from_encoding="utf-8")
    stated = soup.find("base", href=True)
    base = absolute(str(stated["href"]), url) if isinstance(stated, Tag) else ""
    pairs = _chosen(soup, base or url, selectors) if selectors.item else _guessed(soup, base or url, selectors)
    posts: dict[str, Found] = {}
    for address, link, card in pairs:
        post = _post(address, link, card, selectors)
        _merge(posts.setdefault(address.rstrip("/"), post), post)
    named = [post for post in posts.values() if post.title]
    _add_json_ld(soup, base or url, named)
    return named


def _chosen(soup: BeautifulSoup, base: str, selectors: SelectorsLike) -> list[tuple[str, Tag, Tag]]:
    """Cards by the item selector; the link is in the card, or is the card."""
    pairs = []
    for card in soup.select(selectors.item):
        link = card.select_one(selectors.link or "a[href]") or (card if card.name == "a" else None)
        if link and (address := _bare(absolute(str(link.get("href") or ""), base))):
            pairs.append((address, link, card))
    return pairs


def _guessed(soup: BeautifulSoup, base: str, selectors: SelectorsLike) -> list[tuple[str, Tag, Tag]]:
    links = soup.select(selectors.link) if selectors.link else soup.find_all("a", href=True)
    addressed = [(a, _bare(absolute(str(a.get("href") or ""), base))) for a in links]
    posts = [(a, to) for a, to in addressed if to and (selectors.link or _is_post(a, to, base))]
    held: dict[int, set[str]] = {}
    for link, address in posts:
        for parent in islice(link.parents, _HIGHEST):
            held.setdefault(id(parent), set()).add(address.rstrip("/"))
    return [(to, a, _card(a, held)) for a, to in posts[:_MOST]]


def _is_post(link: Tag, address: str, base: str) -> bool:
    there, here = urlsplit(address), urlsplit(base)
    if there.hostname is None or _site(there.hostname) != _site(here.hostname or "") or _NOT_POST.search(there.path):
        return False
    beneath = there.path.startswith(here.path.rstrip("/") + "/") and there.path.strip("/") != here.path.strip("/")
    if not (_POST.search(there.path) or (beneath and here.path.strip("/"))) and not _in_heading(link):
        return False
    return there.path.rstrip("/") != here.path.rstrip("/") and not any(map(_is_furniture, link.parents))


def _site(host: str) -> str:
    return host.removeprefix("www.")


def _in_heading(link: Tag) -> bool:
    return link.find_parent(["h1", "h2", "h3", "h4", "article"]) is not None


def _is_furniture(element: Tag) -> bool:
    called = f"{' '.join(element.get_attribute_list('class', []) or [])} {element.get('id') or ''}".lower()
    return element.name in ("nav", "footer", "aside", "form", "noscript") or bool(_FURNITURE.search(called))


def _card(link: Tag, held: dict[int, set[str]]) -> Tag:
    """The largest element around a link that holds no other post; `held` has the posts of each element near one."""
    card = link
    for parent in islice(link.parents, _HIGHEST):
        if len(held[id(parent)]) > 1 or parent.name in ("body", "main", "[document]", "html"):
            break
        card = parent
    return card


def _post(address: str, link: Tag, card: Tag, selectors: SelectorsLike) -> Found:
    title_from, title = _title(link, card, selectors)
    published, flag = _date(card, selectors)
    summary = _selected(card, selectors.summary) or next(
        (text for p in card.find_all("p") if p is not title_from and (text := _words(p)) != title and len(text) > 20),
        "",
    )
    return Found(guid=address, url=address, title=title, summary=summary, published=published, date_flag=flag)


def _title(link: Tag, card: Tag, selectors: SelectorsLike) -> tuple[Tag | None, str]:
    """By selector, heading, a class that says title, the link's own words, its first paragraph, its picture's alt."""
    if selectors.title:
        return None, _selected(card, selectors.title)
    marked = "h1, h2, h3, h4, h5, h6, [class*=title i], [class*=heading i], [fs-list-field=heading]"
    for element in [*link.select(marked), *card.select(marked)]:
        if text := _words(element):
            return element, text
    if not link.find(["p", "div", "time"]) and (text := _words(link)) and not _EMPTY_WORDS.fullmatch(text):
        return link, text
    paragraph = link.find("p") or card.find("p")
    if isinstance(paragraph, Tag) and not link.find("img", alt=True) and (text := _words(paragraph)):
        return paragraph, text
    picture = link.find("img", alt=True)
    if isinstance(picture, Tag):
        return None, one_line(str(picture["alt"]))
    pieces = (one_line(text) for text in link.stripped_strings)
    return None, next((text for text in pieces if not _DATE.search(text) and not _EMPTY_WORDS.fullmatch(text)), "")


def _selected(card: Tag, selector: str) -> str:
    found = card.select_one(selector) if selector else None
    return _words(found) if found else ""


def _words(element: Tag) -> str:
    return one_line(element.get_text(" "))[:500]


def _date(card: Tag, selectors: SelectorsLike) -> tuple[datetime | None, str | None]:
    """A date with its year; a flag when the place for dates holds something else that claims one."""
    given = (
        [card.select_one(selectors.date)]
        if selectors.date
        else card.select("time, [class*=date i], [fs-list-field=date]")
    )
    for element in filter(None, given):
        for text in (str(element.get("datetime") or ""), _words(element)):
            if moment := parse_date(text) or _dated(text):
                return moment, None
    return (None, "implausible") if selectors.date and any(given) else (_dated(_words(card)), None)


def _dated(text: str) -> datetime | None:
    match = _DATE.search(text)
    return parse_date(re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", match[0])) if match else None


def _merge(known: Found, other: Found) -> None:
    """A post shown twice: what the second card knows and the first did not."""
    known.title = known.title or other.title
    known.summary = known.summary or other.summary
    known.published = known.published or other.published


def _bare(address: str) -> str:
    """Without fragment and campaign parameters, so that two cards of one post meet."""
    parts = urlsplit(address)
    query = urlencode([(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if not k.startswith("utm_")])
    return urlunsplit(parts._replace(query=query, fragment=""))


def _add_json_ld(soup: BeautifulSoup, base: str, posts: list[Found]) -> None:
    """Posts and dates out of the page's structured data."""
    known: dict[str, Any] = {post.url.rstrip("/"): post for post in posts}
    for script in soup.find_all("script", type="application/ld+json"):
        for thing in structured(script.get_text()):
            address = _bare(absolute(str(thing.get("url") or ""), base))
            headline = thing.get("headline") or (_POST.search(urlsplit(address).path) and thing.get("name"))
            if not address or not isinstance(headline, str):
                continue
            post = known.get(address.rstrip("/")) or Found(guid=address, url=address, title=one_line(headline))
            post.published = post.published or parse_date(str(thing.get("datePublished") or ""))
            if address.rstrip("/") not in known and urlsplit(address).path != urlsplit(base).path:
                known[address.rstrip("/")] = post
                posts.append(post)
