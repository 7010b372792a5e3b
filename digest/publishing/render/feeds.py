"""Render Atom feeds (RFC 4287) with archives (RFC 5005), and a JSON Feed.

Feeds are: all issues, the recaps, one for each category, and archives. Equal issues give equal bytes.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from digest.config.schema import Newsletter, SiteConfig, Taxonomy
from digest.i18n import load_translations
from digest.protocols import Document
from digest.publishing.issue_view import IssueView
from digest.publishing.render.fragment import render_html_fragment
from digest.publishing.render.presentation import describe_issue, make_anchor, sort_newest_first
from digest.publishing.render.templates import TemplateOverrides
from digest.text import normalise_line, strip_hidden

_ATOM = "http://www.w3.org/2005/Atom"
_HISTORY = "http://purl.org/syndication/history/1.0"
_XML = "http://www.w3.org/XML/1998/namespace"

_MEDIA = "http://search.yahoo.com/mrss/"

ET.register_namespace("", _ATOM)
ET.register_namespace("fh", _HISTORY)
ET.register_namespace("media", _MEDIA)


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """An issue in a feed, or its part of one category."""

    id: str
    title: str
    url: str
    published: datetime
    updated: datetime
    summary: str
    content: str  # HTML, absolute links
    categories: tuple[tuple[str, str], ...]  # slug and title


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed; paths are below the site's base path."""

    id: str
    path: str
    title: str
    page: str
    newsletter: Newsletter
    entries: tuple[FeedEntry, ...]
    is_archive: bool = False
    previous: str = ""
    next: str = ""

    @property
    def updated(self) -> datetime:
        """The last change of an entry; for an empty feed the epoch, so that its bytes stay the same."""
        return max((entry.updated for entry in self.entries), default=datetime(1970, 1, 1, tzinfo=UTC))


def render_feeds(
    views: Sequence[IssueView],
    newsletter: Newsletter,
    site: SiteConfig,
    taxonomy: Taxonomy,
    templates: TemplateOverrides | None = None,
) -> list[Document]:
    """Render every feed of the published issues."""
    newest = sort_newest_first(views)
    authority = _build_tag_authority(newest, newsletter)
    entries = _separate_seconds({view.period: _build_entry(view, newsletter, templates) for view in newest})
    recaps = [entries[view.period] for view in newest if view.kind == "yearly"]
    current = {*list(entries.values())[: site.feed_items], *recaps}

    def build_feed(path: str, title: str, page: str, chosen: Iterable[FeedEntry]) -> Feed:
        return Feed(f"{authority}/{path.rpartition('.')[0]}", path, title, page, newsletter, tuple(chosen))

    main = build_feed("feed.xml", newsletter.title, "/", [entry for entry in entries.values() if entry in current])
    main, archives = _split_archives(main, list(entries.values()), site.feed_items)
    recap_title = f"{newsletter.title}: {load_translations(newsletter.language)['feed_yearly']}"
    feeds = [main, *archives, build_feed("feed/yearly.xml", recap_title, "/archive/", recaps)]
    for category in taxonomy.categories:
        slug, title = category.slug, f"{newsletter.title}: {category.title}"
        # Recaps repeat the picks of monthly issues.
        issues = [v for v in newest if v.kind == "monthly" and any(s.slug == slug and s.picks for s in v.sections)]
        chosen = (_build_entry(view, newsletter, templates, slug) for view in issues[: site.feed_items])
        feeds.append(build_feed(f"feed/{slug}.xml", title, f"/category/{slug}/", chosen))
    documents = [Document(feed.path, _render_atom(feed)) for feed in feeds]
    return [*documents, Document("feed.json", _render_json_feed(replace(main, path="feed.json")))]


def _separate_seconds(newest: dict[str, FeedEntry]) -> dict[str, FeedEntry]:
    """Give each entry seconds of its own, so that readers who sort by date keep the order; older entries stay."""
    separate: dict[str, FeedEntry] = {}
    published, updated = set[str](), set[str]()
    for period, entry in reversed(newest.items()):
        separate[period] = replace(
            entry,
            published=_take_free_second(entry.published, published),
            updated=_take_free_second(entry.updated, updated),
        )
    return dict(reversed(separate.items()))


def _take_free_second(moment: datetime, taken: set[str]) -> datetime:
    while _format_rfc3339(moment) in taken:
        moment += timedelta(seconds=1)
    taken.add(_format_rfc3339(moment))
    return moment


def _split_archives(main: Feed, all_entries: Sequence[FeedEntry], size: int) -> tuple[Feed, list[Feed]]:
    """Split full chunks of the oldest entries into archives that never change (RFC 5005, section 4)."""
    oldest = all_entries[::-1]
    count = len(oldest) // size if len(oldest) > size else 0
    paths = ["", *(f"feed/archive-{number}.xml" for number in range(1, count + 1)), ""]
    archives = []
    for number in range(1, count + 1):
        entries = tuple(oldest[(number - 1) * size : number * size][::-1])
        previous, path, following = paths[number - 1 : number + 2]
        archive = replace(main, path=path, entries=entries, is_archive=True, previous=previous, next=following)
        archives.append(archive)
    return replace(main, previous=paths[count]), archives


def _build_entry(
    view: IssueView, newsletter: Newsletter, templates: TemplateOverrides | None, category: str = ""
) -> FeedEntry:
    """Build the entry of a whole issue, or of one category, whose id is below the issue's."""
    sections = [section for section in view.sections if section.picks and category in ("", section.slug)]
    titles = tuple((section.slug, normalise_line(section.title)) for section in sections)
    return FeedEntry(
        id=f"{view.atom_id}/{category}" if category else view.atom_id,
        title=normalise_line(f"{view.title}: {titles[0][1]}" if category else view.title),
        url=newsletter.address + view.path + (f"#{make_anchor(sections[0].anchor)}" if category else ""),
        published=view.published,
        updated=max(view.updated, view.published),
        summary=describe_issue(view, newsletter),
        content=render_html_fragment(view, newsletter, templates, category),
        categories=titles,
    )


def _build_tag_authority(newest: Sequence[IssueView], newsletter: Newsletter) -> str:
    """Build `tag:HOST,DATE:digest` from the oldest issue's stored id, so that it survives a move of the site."""
    for view in reversed(newest):
        head, comma, _ = view.atom_id.rpartition(":")
        if view.atom_id.startswith("tag:") and comma:
            return f"{head}:digest"
    host = urlsplit(newsletter.url).hostname or "localhost"
    return f"tag:{host},{newsletter.owned_since or '2025'}:digest"


def _render_atom(feed: Feed) -> bytes:
    address = feed.newsletter.address
    root = ET.Element(f"{{{_ATOM}}}feed", {f"{{{_XML}}}lang": feed.newsletter.language})
    _append_element(root, "id", feed.id)
    _append_element(root, "title", feed.title)
    if feed.newsletter.description:
        _append_element(root, "subtitle", feed.newsletter.description)
    _append_element(root, "updated", _format_rfc3339(feed.updated))
    author = ET.SubElement(root, f"{{{_ATOM}}}author")
    _append_element(author, "name", feed.newsletter.author or feed.newsletter.title)
    _append_element(author, "uri", f"{address}/")
    _append_element(root, "generator", "digest")
    _append_link(root, "self", f"{address}/{feed.path}", "application/atom+xml")
    _append_link(root, "alternate", f"{address}{feed.page}", "text/html")
    if feed.is_archive:
        ET.SubElement(root, f"{{{_HISTORY}}}archive")
        _append_link(root, "current", f"{address}/feed.xml")
    for relation, path in (("prev-archive", feed.previous), ("next-archive", feed.next)):
        if path:
            _append_link(root, relation, f"{address}/{path}")
    for entry in feed.entries:
        _append_entry(root, entry, f"{address}/category/")
    ET.indent(root, " ")
    body: bytes = ET.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + body + b"\n"


def _append_entry(root: ET.Element, entry: FeedEntry, scheme: str) -> None:
    node = ET.SubElement(root, f"{{{_ATOM}}}entry")
    _append_element(node, "id", entry.id)
    _append_element(node, "title", entry.title)
    _append_element(node, "published", _format_rfc3339(entry.published))
    _append_element(node, "updated", _format_rfc3339(entry.updated))
    _append_link(node, "alternate", entry.url, "text/html")
    for slug, title in entry.categories:
        attributes = {"term": slug, "scheme": scheme, "label": strip_hidden(title)}
        ET.SubElement(node, f"{{{_ATOM}}}category", attributes)
    if entry.summary:
        _append_element(node, "summary", entry.summary)
    if picture := re.search(r'<img src="([^"]+)"', entry.content):
        ET.SubElement(node, f"{{{_MEDIA}}}thumbnail", {"url": html.unescape(picture[1])})
    content = _append_element(node, "content", entry.content, type="html")
    content.set(f"{{{_XML}}}base", entry.url)


def _append_element(parent: ET.Element, name: str, text: str, **attributes: str) -> ET.Element:
    node = ET.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    node.text = strip_hidden(text)
    return node


def _append_link(parent: ET.Element, relation: str, address: str, kind: str = "") -> None:
    attributes = {"rel": relation, "href": address} | ({"type": kind} if kind else {})
    ET.SubElement(parent, f"{{{_ATOM}}}link", attributes)


def _format_rfc3339(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _render_json_feed(feed: Feed) -> bytes:
    """Render JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/) with the ids, dates and content of the Atom feed."""
    newsletter = feed.newsletter
    items = [
        {
            "id": entry.id,
            "url": entry.url,
            "title": entry.title,
            "summary": entry.summary,
            "content_html": entry.content,
            "date_published": _format_rfc3339(entry.published),
            "date_modified": _format_rfc3339(entry.updated),
            "tags": [title for _, title in entry.categories],
        }
        for entry in feed.entries
    ]
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": f"{newsletter.address}{feed.page}",
        "feed_url": f"{newsletter.address}/{feed.path}",
        "description": newsletter.description,
        "language": newsletter.language,
        "authors": [{"name": newsletter.author or newsletter.title, "url": f"{newsletter.address}/"}],
        "items": items,
    }
    filled = {name: value for name, value in document.items() if value != ""}
    return (json.dumps(filled, ensure_ascii=False, indent=1) + "\n").encode()
