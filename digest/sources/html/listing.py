"""Find posts on a listing page: links that look like posts, and title, date and summary on the card around each."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from bs4 import BeautifulSoup, Tag

from digest.config.schema import Selectors
from digest.sources.dates import parse_date
from digest.sources.entries import Entry
from digest.sources.html import parse_json_ld
from digest.sources.sanitize import resolve_url
from digest.text import normalise_line

# Where posts live. Class names are hashed and change with each release; addresses stay.
_POST_PATH = re.compile(
    r"/(?:news|blog|blogs|posts?|articles?|research|engineering|publications?|papers?|stories|updates|insights|index|"
    r"announcements?|p|20\d\d)/[^/]",
    re.I,
)
_OTHER_PATH = re.compile(
    r"/(?:tags?|topics?|categor(?:y|ies)|authors?|people|team|pages?|archives?|search|about|contact|careers?|jobs?|legal|"
    r"privacy|terms|login|signup|subscribe|feed|rss)(?:/|$)|\.(?:png|jpe?g|gif|svg|webp|css|js|xml|rss|atom|zip|mp[34])$",
    re.I,
)
_NAVIGATION_CLASS = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|menu|footer|sitefooter|breadcrumbs?|cookie|sidebar|pagination)(?:$|[\s_-])"
)
_GENERIC_LINK_TEXT = re.compile(r"(?:read|learn|see|show|find out)\b.{0,20}|more|continue reading|→|\d+", re.I)
_DATE_TEXT = re.compile(
    r"\b(?:\d{1,2}(?:st|nd|rd|th)?\s+)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?\s+"
    r"(?:\d{1,2}(?:st|nd|rd|th)?,?\s+)?20\d\d\b|\b20\d\d-\d\d-\d\d\b"
)
_MAX_CARD_STEPS = 6  # steps from a link up to its card
_MAX_DEPTH = 100  # parents of a link; honest pages nest less deep
_POST_ELEMENTS = frozenset({"h1", "h2", "h3", "h4", "article"})
_MAX_LINKS = 2000  # links of one page that are looked at closely


def parse_listing(text: bytes, url: str, selectors: Selectors) -> list[Entry]:
    """Read the posts a UTF-8 page links to, in order, each once; empty selectors work by default rules."""
    soup = BeautifulSoup(text.replace(b"<?xml", b"<?"), "lxml", from_encoding="utf-8")
    stated = soup.find("base", href=True)
    base = resolve_url(str(stated["href"]), url) if isinstance(stated, Tag) else ""
    base = base or url
    pairs = _select_cards(soup, base, selectors) if selectors.item else _guess_cards(soup, base, selectors)
    posts: dict[str, Entry] = {}
    for address, link, card in pairs:
        post = _build_entry(address, link, card, selectors)
        first = posts.setdefault(address.rstrip("/"), post)  # a post shown twice: the second card fills gaps
        first.title = first.title or post.title
        first.summary = first.summary or post.summary
        first.published = first.published or post.published
    named = [post for post in posts.values() if post.title]
    _add_json_ld(soup, base, named)
    return named


def _select_cards(soup: BeautifulSoup, base: str, selectors: Selectors) -> list[tuple[str, Tag, Tag]]:
    """Select cards by the item selector; the link is in the card, or is the card."""
    pairs = []
    for card in soup.select(selectors.item):
        link = card.select_one(selectors.link or "a[href]") or (card if card.name == "a" else None)
        if link and (address := _strip_tracking(resolve_url(str(link.get("href") or ""), base))):
            pairs.append((address, link, card))
    return pairs


def _guess_cards(soup: BeautifulSoup, base: str, selectors: Selectors) -> list[tuple[str, Tag, Tag]]:
    links = soup.select(selectors.link) if selectors.link else soup.find_all("a", href=True)
    addressed = [(a, _strip_tracking(resolve_url(str(a.get("href") or ""), base))) for a in links]
    posts = [(a, to) for a, to in addressed if to and (selectors.link or _is_post(a, to, base))]
    held: dict[int, set[str]] = {}
    for link, address in posts:
        for parent in islice(link.parents, _MAX_CARD_STEPS):
            held.setdefault(id(parent), set()).add(address.rstrip("/"))
    return [(to, a, _find_card(a, held)) for a, to in posts[:_MAX_LINKS]]


def _is_post(link: Tag, address: str, base: str) -> bool:
    target, page = urlsplit(address), urlsplit(base)
    hosts = {(host or "").removeprefix("www.") for host in (target.hostname, page.hostname)}
    if target.hostname is None or len(hosts) > 1 or _OTHER_PATH.search(target.path):
        return False
    beneath = target.path.startswith(page.path.rstrip("/") + "/") and target.path.strip("/") != page.path.strip("/")
    is_likely = _POST_PATH.search(target.path) or (beneath and page.path.strip("/"))
    parents = list(islice(link.parents, _MAX_DEPTH))
    if not is_likely and not any(parent.name in _POST_ELEMENTS for parent in parents):
        return False
    return target.path.rstrip("/") != page.path.rstrip("/") and not any(map(_is_navigation, parents))


def _is_navigation(element: Tag) -> bool:
    called = f"{' '.join(element.get_attribute_list('class', []) or [])} {element.get('id') or ''}".lower()
    return element.name in ("nav", "footer", "aside", "form", "noscript") or bool(_NAVIGATION_CLASS.search(called))


def _find_card(link: Tag, posts_by_element: dict[int, set[str]]) -> Tag:
    """Find the largest element around a link that holds no other post."""
    card = link
    for parent in islice(link.parents, _MAX_CARD_STEPS):
        if len(posts_by_element[id(parent)]) > 1 or parent.name in ("body", "main", "[document]", "html"):
            break
        card = parent
    return card


def _build_entry(address: str, link: Tag, card: Tag, selectors: Selectors) -> Entry:
    title_from, title = _find_title(link, card, selectors)
    published, flag = _find_date(card, selectors)
    paragraphs = (_visible_text(p) for p in card.find_all("p") if p is not title_from)
    summary = _select_text(card, selectors.summary) or next((p for p in paragraphs if p != title and len(p) > 20), "")
    return Entry(guid=address, url=address, title=title, summary=summary, published=published, date_flag=flag)


def _find_title(link: Tag, card: Tag, selectors: Selectors) -> tuple[Tag | None, str]:
    """Find a title by selector, heading, class, the link's text, its first paragraph, or its picture's alt."""
    if selectors.title:
        return None, _select_text(card, selectors.title)
    marked = "h1, h2, h3, h4, h5, h6, [class*=title i], [class*=heading i], [fs-list-field=heading]"
    for element in [*link.select(marked), *card.select(marked)]:
        if text := _visible_text(element):
            return element, text
    if not link.find(["p", "div", "time"]) and (text := _visible_text(link)) and not _GENERIC_LINK_TEXT.fullmatch(text):
        return link, text
    paragraph = link.find("p") or card.find("p")
    if isinstance(paragraph, Tag) and not link.find("img", alt=True) and (text := _visible_text(paragraph)):
        return paragraph, text
    picture = link.find("img", alt=True)
    if isinstance(picture, Tag):
        return None, normalise_line(str(picture["alt"]))
    pieces = (normalise_line(text) for text in link.stripped_strings)
    titles = (text for text in pieces if not _DATE_TEXT.search(text) and not _GENERIC_LINK_TEXT.fullmatch(text))
    return None, next(titles, "")


def _select_text(card: Tag, selector: str) -> str:
    element = card.select_one(selector) if selector else None
    return _visible_text(element) if element else ""


def _visible_text(element: Tag) -> str:
    return normalise_line(element.get_text(" "))[:500]


def _find_date(card: Tag, selectors: Selectors) -> tuple[datetime | None, str | None]:
    """Find a date with its year; flag a date element that holds something else."""
    if selectors.date:
        elements = card.select(selectors.date, limit=1)
    else:
        elements = card.select("time, [class*=date i], [fs-list-field=date]")
    for element in elements:
        for text in (str(element.get("datetime") or ""), _visible_text(element)):
            if moment := parse_date(text) or _parse_embedded_date(text):
                return moment, None
    return (None, "implausible") if selectors.date and elements else (_parse_embedded_date(_visible_text(card)), None)


def _parse_embedded_date(text: str) -> datetime | None:
    match = _DATE_TEXT.search(text)
    return parse_date(re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", match[0])) if match else None


def _strip_tracking(address: str) -> str:
    """Strip fragment and campaign parameters, so that two cards of one post share an address."""
    parts = urlsplit(address)
    query = urlencode([(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if not k.startswith("utm_")])
    return urlunsplit(parts._replace(query=query, fragment=""))


def _add_json_ld(soup: BeautifulSoup, base: str, posts: list[Entry]) -> None:
    """Add posts and dates from the page's structured data."""
    posts_by_url: dict[str, Any] = {post.url.rstrip("/"): post for post in posts}
    for script in soup.find_all("script", type="application/ld+json"):
        for thing in parse_json_ld(script.get_text()):
            address = _strip_tracking(resolve_url(str(thing.get("url") or ""), base))
            headline = thing.get("headline") or (_POST_PATH.search(urlsplit(address).path) and thing.get("name"))
            if not address or not isinstance(headline, str):
                continue
            key = address.rstrip("/")
            post = posts_by_url.get(key) or Entry(guid=address, url=address, title=normalise_line(headline))
            post.published = post.published or parse_date(str(thing.get("datePublished") or ""))
            if key not in posts_by_url and urlsplit(address).path != urlsplit(base).path:
                posts_by_url[key] = post
                posts.append(post)
