"""Read one article page as one entry: structured data first, then meta elements, then visible text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from digest.errors import FetchError, ParseError
from digest.sources.arxiv.common import build_abs_url, build_pdf_url, split_arxiv_id
from digest.sources.dates import parse_first_date
from digest.sources.entries import Entry
from digest.sources.html import iterate_json_ld, parse_html
from digest.sources.sanitize import MAX_FIELD_LENGTH, clean_title, escape_plain_text, resolve_url
from digest.text import normalise_line
from digest.urls.stubs import describe_stand_in

_ARTICLE_TYPE = re.compile(r"article|posting|report|paper|publication", re.I)
# Meta elements by what they say, the most trusted first.
_META_NAMES = {
    "title": ("citation_title", "og:title", "twitter:title", "dc.title"),
    "summary": ("citation_abstract", "og:description", "description", "twitter:description", "dc.description"),
    "author": ("citation_author", "article:author", "author", "dc.creator", "parsely-author"),
    "published": (
        "citation_publication_date", "citation_date", "article:published_time", "datepublished", "dc.date",
        "dcterms.created", "date", "pubdate", "parsely-pub-date",
    ),
    "updated": ("article:modified_time", "og:updated_time", "datemodified", "dcterms.modified"),
    "arxiv": ("citation_arxiv_id",),
    "doi": ("citation_doi", "dc.identifier.doi"),
    "pdf": ("citation_pdf_url",),
    "venue": ("citation_journal_title", "citation_conference_title"),
    "category": ("article:tag", "article:section"),
}  # fmt: skip

MetaTags = Mapping[str, list[str]]


def parse_article(
    data: bytes,
    url: str,
    headers: Mapping[str, str] | None = None,
    now: datetime | None = None,
    asked_url: str = "",
) -> Entry:
    """Read the page at the final `url` as one entry with its text.

    Raises ParseError without a title, and FetchError for what a server sends in place of a page. `asked_url`: before redirects.
    arXiv's abs pages become papers. `url` of the item is the page's canonical address if that is on the same site.
    """
    root, base = parse_html(data, url, headers or {})
    metas = _collect_meta_tags(root)
    things = [t for t in iterate_json_ld(root) if _ARTICLE_TYPE.search(_first_string(t.get("@type")))]
    headings = ["".join(e.itertext()) for tag in ("h1", "title") for e in root.iter(tag)]
    titles = map(clean_title, _get_meta_values(metas, "title") + _get_strings(things, "headline") + headings)
    title = next(filter(None, titles), "")
    if not title:
        raise ParseError(f"{url}: the page has no title", "the page may need JavaScript; add the item by its feed")
    if stand_in := describe_stand_in(title, asked_url or url, url, data):
        hint = "open it in a browser; `digest add --jsonl` adds a work without its page"
        status = 404 if "gone" in stand_in or "found" in stand_in or "forwards" in stand_in else 403
        raise FetchError(f"{asked_url or url}: the site answered with {stand_in}", hint, status=status)
    dates = _get_strings(things, "datePublished") + _get_meta_values(metas, "published") + _find_visible_dates(root)
    published, flag = parse_first_date(dates, now)
    updated, _ = parse_first_date(_get_strings(things, "dateModified") + _get_meta_values(metas, "updated"), now)
    summaries = _get_meta_values(metas, "summary") + _get_strings(things, "description")
    summary = summaries[0] if summaries else ""
    address = _find_canonical_url(root, base, url)
    entry = Entry(
        guid=address,
        url=address,
        title=title,
        summary=escape_plain_text(clean_title(summary)),
        content=escape_plain_text(_extract_body(root, url)),
        authors=_find_authors(metas, things),
        published=published,
        updated=updated,
        categories=_get_meta_values(metas, "category")[:50],
        doi=next(iter(_get_meta_values(metas, "doi")), None),
        venue=next(iter(_get_meta_values(metas, "venue")), None),
        date_flag=flag,
    )
    if pdf := resolve_url(next(iter(_get_meta_values(metas, "pdf")), ""), base):
        entry.links["pdf"] = pdf
    return _apply_arxiv_id(entry, metas)


def _collect_meta_tags(root: Any) -> MetaTags:
    meta_tags: dict[str, list[str]] = {}
    for element in root.iter("meta"):
        name = element.get("name") or element.get("property") or element.get("itemprop")
        if name and (content := normalise_line(element.get("content") or "")):
            meta_tags.setdefault(name.strip().lower(), []).append(content)
    return meta_tags


def _get_meta_values(metas: MetaTags, role: str) -> list[str]:
    return next((metas[name] for name in _META_NAMES[role] if name in metas), [])


def _get_strings(things: list[dict[str, Any]], name: str) -> list[str]:
    return [_first_string(thing.get(name)) for thing in things]


def _find_visible_dates(root: Any) -> list[str]:
    """Find dates shown on the page: `<time>`, then short texts in elements called date."""
    shown = [e.get("datetime") or "".join(e.itertext()) for e in root.iter("time")]
    called = ("".join(e.itertext()).strip() for e in root.iter("div", "span", "p") if "date" in (e.get("class") or ""))
    return shown + [text for text in called if len(text) <= 40]


def _find_authors(metas: MetaTags, things: list[dict[str, Any]]) -> list[str]:
    people = [name for thing in things for name in _list_author_names(thing.get("author"))]
    names = _get_meta_values(metas, "author") if "citation_author" in metas or not people else people
    readable = (clean_title(name) for name in names if not name.startswith(("http://", "https://")))
    turned = (" ".join(reversed(name.split(", "))) if name.count(", ") == 1 else name for name in readable)
    return list(dict.fromkeys(name for name in turned if name))


def _list_author_names(author: Any) -> list[str]:
    if isinstance(author, list):
        return [name for person in author for name in _list_author_names(person) if not isinstance(person, list)]
    if isinstance(author, dict):
        author = author.get("name")
    return [author] if isinstance(author, str) else []


def _find_canonical_url(root: Any, base: str, url: str) -> str:
    """Find the address the page gives itself; another site's or the home page is ignored."""
    for link in root.iter("link"):
        address = resolve_url(link.get("href") or "", base)
        if (link.get("rel") or "").lower() != "canonical" or not address:
            continue
        stated, own = urlsplit(address), urlsplit(url)
        same = (stated.hostname or "").removeprefix("www.") == (own.hostname or "").removeprefix("www.")
        if same and (stated.path.strip("/") or not own.path.strip("/")):
            return address
    return url


def _extract_body(root: Any, url: str) -> str:
    import trafilatura  # half a second, and only here

    text = trafilatura.extract(root, url=url, include_comments=False, fast=True, deduplicate=False)
    return (text or "")[:MAX_FIELD_LENGTH]


def _apply_arxiv_id(entry: Entry, metas: MetaTags) -> Entry:
    """Add the arXiv id where the page is arXiv's own, or cites the id as its own."""
    own = urlsplit(entry.url).hostname in ("arxiv.org", "www.arxiv.org", "export.arxiv.org")
    path = urlsplit(entry.url).path if own else ""
    arxiv_id, version = split_arxiv_id(next(iter(_get_meta_values(metas, "arxiv")), "") or path)
    if not arxiv_id:
        return entry
    entry.arxiv_id, entry.version = arxiv_id, version or split_arxiv_id(path)[1]
    if own:
        entry.guid, entry.url = f"oai:arXiv.org:{arxiv_id}", build_abs_url(arxiv_id)
        entry.content = ""  # the abstract is the text; the rest of the page is navigation
        entry.venue = None
    entry.links.setdefault("pdf", build_pdf_url(arxiv_id))
    return entry


def _first_string(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    return value if isinstance(value, str) else ""
