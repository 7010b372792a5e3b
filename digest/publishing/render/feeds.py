"""Atom and JSON Feed.

Which feeds there are and what stands in each: all issues, the yearly ones, one a category, and archives.

A feed as Atom (RFC 4287) with archive links (RFC 5005); the same bytes for the same issues, always.

A feed as JSON Feed 1.1; ids, dates and content are those of the Atom feed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
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

ATOM_NAMESPACE = "http://www.w3.org/2005/Atom"
HISTORY_NAMESPACE = "http://purl.org/syndication/history/1.0"
_XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"

ET.register_namespace("", ATOM_NAMESPACE)
ET.register_namespace("fh", HISTORY_NAMESPACE)


def render_atom(feed: Feed) -> bytes:
    """The document, UTF-8, beginning with the XML declaration."""
    address = feed.newsletter.address
    root = ET.Element(f"{{{ATOM_NAMESPACE}}}feed", {f"{{{_XML_NAMESPACE}}}lang": feed.newsletter.language})
    _append_element(root, "id", feed.id)
    _append_element(root, "title", feed.title)
    if feed.newsletter.description:
        _append_element(root, "subtitle", feed.newsletter.description)
    _append_element(root, "updated", format_rfc3339(feed.updated))
    _append_author(root, feed)
    _append_element(root, "generator", "digest")
    _append_link(root, "self", f"{address}/{feed.path}", "application/atom+xml")
    _append_link(root, "alternate", f"{address}{feed.page}", "text/html")
    if feed.is_archive:
        ET.SubElement(root, f"{{{HISTORY_NAMESPACE}}}archive")
        _append_link(root, "current", f"{address}/feed.xml")
    for relation, path in (("prev-archive", feed.previous), ("next-archive", feed.next)):
        if path:
            _append_link(root, relation, f"{address}/{path}")
    for entry in feed.entries:
        _append_entry(root, entry, feed)
    ET.indent(root, " ")
    body: bytes = ET.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + body + b"\n"


def _append_entry(root: ET.Element, entry: FeedEntry, feed: Feed) -> None:
    node = ET.SubElement(root, f"{{{ATOM_NAMESPACE}}}entry")
    _append_element(node, "id", entry.id)
    _append_element(node, "title", entry.title)
    _append_element(node, "published", format_rfc3339(entry.published))
    _append_element(node, "updated", format_rfc3339(entry.updated))
    _append_link(node, "alternate", entry.url, "text/html")
    for slug, title in entry.categories:
        scheme = f"{feed.newsletter.address}/category/"
        ET.SubElement(
            node, f"{{{ATOM_NAMESPACE}}}category", {"term": slug, "scheme": scheme, "label": strip_hidden(title)}
        )
    if entry.summary:
        _append_element(node, "summary", entry.summary)
    content = _append_element(node, "content", entry.content, type="html")
    content.set(f"{{{_XML_NAMESPACE}}}base", entry.url)


def _append_author(root: ET.Element, feed: Feed) -> None:
    author = ET.SubElement(root, f"{{{ATOM_NAMESPACE}}}author")
    _append_element(author, "name", feed.newsletter.author or feed.newsletter.title)
    _append_element(author, "uri", f"{feed.newsletter.address}/")


def _append_element(parent: ET.Element, name: str, text: str, **attributes: str) -> ET.Element:
    node = ET.SubElement(parent, f"{{{ATOM_NAMESPACE}}}{name}", attributes)
    node.text = strip_hidden(text)
    return node


def _append_link(parent: ET.Element, relation: str, address: str, kind: str = "") -> None:
    attributes = {"rel": relation, "href": address} | ({"type": kind} if kind else {})
    ET.SubElement(parent, f"{{{ATOM_NAMESPACE}}}link", attributes)


def format_rfc3339(moment: datetime) -> str:
    """RFC 3339 in UTC, whole seconds."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def render_json_feed(feed: Feed) -> bytes:
    """The document, UTF-8 (https://www.jsonfeed.org/version/1.1/)."""
    newsletter = feed.newsletter
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": f"{newsletter.address}{feed.page}",
        "feed_url": f"{newsletter.address}/{feed.path}",
        "description": newsletter.description,
        "language": newsletter.language,
        "authors": [{"name": newsletter.author or newsletter.title, "url": f"{newsletter.address}/"}],
        "items": [_build_json_item(entry) for entry in feed.entries],
    }
    kept = {name: value for name, value in document.items() if value != ""}
    return (json.dumps(kept, ensure_ascii=False, indent=1) + "\n").encode()


def _build_json_item(entry: FeedEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "url": entry.url,
        "title": entry.title,
        "summary": entry.summary,
        "content_html": entry.content,
        "date_published": format_rfc3339(entry.published),
        "date_modified": format_rfc3339(entry.updated),
        "tags": [title for _, title in entry.categories],
    }


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One issue in a feed, or its part of one category."""

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
    """A feed document; paths are below the site's base path. Archives are feeds of which `archive` is true."""

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
        """The last change of any entry; of an empty feed, the epoch, because there is no other stored moment."""
        return max((entry.updated for entry in self.entries), default=datetime(1970, 1, 1, tzinfo=UTC))


def render_feeds(
    views: Sequence[IssueView],
    newsletter: Newsletter,
    site: SiteConfig,
    taxonomy: Taxonomy,
    templates: TemplateOverrides | None = None,
) -> list[Document]:
    """Every feed of the published issues."""
    newest = sort_newest_first(views)
    authority = _build_tag_authority(newest, newsletter)
    entries = {view.period: _build_entry(view, newsletter, templates) for view in newest}
    everything = [entries[view.period] for view in newest]
    kept = set(everything[: site.feed_items]) | {entries[v.period] for v in newest if v.kind == "yearly"}

    def feed(path: str, title: str, page: str, chosen: Sequence[FeedEntry]) -> Feed:
        return Feed(f"{authority}/{path.rpartition('.')[0]}", path, title, page, newsletter, tuple(chosen))

    main = feed("feed.xml", newsletter.title, "/", [entry for entry in everything if entry in kept])
    main, archives = _split_archives(main, everything, site.feed_items)
    review = f"{newsletter.title}: {load_translations(newsletter.language)['feed_yearly']}"
    yearly = feed("feed/yearly.xml", review, "/archive/", [entries[v.period] for v in newest if v.kind == "yearly"])
    by_category = [
        feed(
            f"feed/{category.slug}.xml",
            f"{newsletter.title}: {category.title}",
            f"/category/{category.slug}/",
            [
                _build_entry(view, newsletter, templates, category.slug)
                for view in _list_issues_with_category(newest, category.slug)[: site.feed_items]
            ],
        )
        for category in taxonomy.categories
    ]
    documents = [Document(each.path, render_atom(each)) for each in (main, *archives, yearly, *by_category)]
    return [*documents, Document("feed.json", render_json_feed(replace(main, path="feed.json")))]


def _split_archives(main: Feed, all_entries: Sequence[FeedEntry], size: int) -> tuple[Feed, list[Feed]]:
    """Full chunks of the oldest entries become archives that never change (RFC 5005, section 4)."""
    oldest = all_entries[::-1]
    count = len(oldest) // size if len(oldest) > size else 0
    paths = ["", *(f"feed/archive-{number}.xml" for number in range(1, count + 1)), ""]
    archives = [
        replace(
            main,
            path=paths[number],
            entries=tuple(oldest[(number - 1) * size : number * size][::-1]),
            is_archive=True,
            previous=paths[number - 1],
            next=paths[number + 1],
        )
        for number in range(1, count + 1)
    ]
    return replace(main, previous=paths[count]), archives


def _build_entry(
    view: IssueView, newsletter: Newsletter, templates: TemplateOverrides | None, category: str = ""
) -> FeedEntry:
    """The whole issue, or its section `only`, which has an id of its own below the issue's."""
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


def _list_issues_with_category(views: Sequence[IssueView], slug: str) -> list[IssueView]:
    """The monthly issues that hold picks of a category; recaps repeat what those said."""
    return [v for v in views if v.kind == "monthly" and any(s.slug == slug and s.picks for s in v.sections)]


def _build_tag_authority(newest: Sequence[IssueView], newsletter: Newsletter) -> str:
    """`tag:HOST,DATE:digest`, as the oldest issue's stored id has it, so that it outlives a move of the site."""
    for view in reversed(newest):
        head, comma, _ = view.atom_id.rpartition(":")
        if view.atom_id.startswith("tag:") and comma:
            return f"{head}:digest"
    host = urlsplit(newsletter.url).hostname or "localhost"
    return f"tag:{host},{newsletter.owned_since or '2025'}:digest"
