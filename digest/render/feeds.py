"""Which feeds there are and what stands in each: all issues, the yearly ones, one a category, and archives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from digest.config import Newsletter, SiteConfig, Taxonomy
from digest.ports import Document, IssueView
from digest.render import fragment
from digest.render.atom import render_atom
from digest.render.jsonfeed import render_json_feed
from digest.render.present import describe_issue, make_anchor, sort_newest_first
from digest.render.templating import TemplateOverrides
from digest.render.words import load_translations
from digest.text import normalise_line


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
        content=fragment.render_html_fragment(view, newsletter, templates, category),
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
