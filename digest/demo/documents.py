"""Render recorded facts as real sources publish them, so that the demo runs the product's parsers."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape

from digest.demo.records import Publisher, RecordedPost, RecordedWork

_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_ARXIV_ENTRY = """  <entry>
    <id>http://arxiv.org/abs/{id}v1</id>
    <title>{title}</title>
    <updated>{date}</updated>
    <link href="https://arxiv.org/abs/{id}v1" rel="alternate" type="text/html"/>
    <link href="https://arxiv.org/pdf/{id}v1" rel="related" type="application/pdf" title="pdf"/>
    <summary>{summary}</summary>
{categories}
    <published>{date}</published>
    <arxiv:primary_category term="{primary}"/>
{authors}
  </entry>"""

_ARXIV_FEED = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom" \
xmlns="http://www.w3.org/2005/Atom">
  <id>https://arxiv.org/api/recorded</id>
  <title>arXiv Query: {query}</title>
  <updated>2026-01-05T00:00:00Z</updated>
  <opensearch:itemsPerPage>{size}</opensearch:itemsPerPage>
  <opensearch:totalResults>{total}</opensearch:totalResults>
  <opensearch:startIndex>{start}</opensearch:startIndex>
{entries}
</feed>
"""


def render_arxiv_response(works: Sequence[RecordedWork], query: Mapping[str, str]) -> bytes:
    """Answer a query API request: categories, submittedDate window, start, max_results, sort order."""
    search = query.get("search_query", "")
    categories = set(re.findall(r"cat:([\w.-]+)", search))
    window = re.search(r"submittedDate:\[(\d+)\s+TO\s+(\d+)\]", search)
    first, last = (window[1].ljust(12, "0"), window[2].ljust(12, "9")) if window else ("0", "9")
    matches = [
        work
        for work in works
        if first <= work.published.strftime("%Y%m%d%H%M") <= last
        and (not categories or categories & set(work.categories))
    ]
    if query.get("sortOrder") == "descending":
        matches.reverse()
    start, size = int(query.get("start", 0)), int(query.get("max_results", 10))
    entries = "\n".join(map(_render_arxiv_entry, matches[start : start + size]))
    total = len(matches)
    return _ARXIV_FEED.format(query=escape(search), size=size, total=total, start=start, entries=entries).encode()


def _render_arxiv_entry(work: RecordedWork) -> str:
    scheme = "http://arxiv.org/schemas/atom"
    return _ARXIV_ENTRY.format(
        id=work.arxiv_id,
        title=escape(work.title),
        date=_format_iso(work.published),
        summary=escape(work.summary),
        primary=work.categories[0],
        categories="\n".join(f'    <category term="{name}" scheme="{scheme}"/>' for name in work.categories),
        authors="\n".join(f"    <author><name>{escape(name)}</name></author>" for name in work.authors),
    )


def _render_rss(publisher: Publisher, posts: Sequence[RecordedPost], base: str) -> bytes:
    items = "".join(
        f"<item><title>{escape(post.title)}</title><link>{escape(post.url)}</link>"
        f'<guid isPermaLink="true">{escape(post.url)}</guid>'
        f"<pubDate>{format_datetime(post.published)}</pubDate>"
        f"<description>{escape(_render_paragraph(post))}</description></item>\n"
        for post in posts
    )
    head = (
        f"<title>{escape(publisher.name)}</title><link>{escape(publisher.home)}</link><description>News</description>"
    )
    return (_XML + f'<rss version="2.0"><channel>{head}\n{items}</channel></rss>\n').encode()


def _render_atom(publisher: Publisher, posts: Sequence[RecordedPost], base: str) -> bytes:
    entries = "".join(
        f"<entry><id>{escape(post.url)}</id><title>{escape(post.title)}</title>"
        f'<link rel="alternate" href="{escape(post.url)}"/><updated>{_format_iso(post.published)}</updated>'
        f"<published>{_format_iso(post.published)}</published>"
        f"<author><name>{escape(post.author or publisher.name)}</name></author>"
        f'<summary type="html">{escape(_render_paragraph(post))}</summary></entry>\n'
        for post in posts
    )
    newest = _format_iso(max(post.published for post in posts))
    head = f"<id>{escape(publisher.home)}</id><title>{escape(publisher.name)}</title><updated>{newest}</updated>"
    return (_XML + f'<feed xmlns="http://www.w3.org/2005/Atom">{head}\n{entries}</feed>\n').encode()


def _render_json_feed(publisher: Publisher, posts: Sequence[RecordedPost], base: str) -> bytes:
    items = [
        {
            "id": post.url,
            "url": post.url,
            "title": post.title,
            "content_html": _render_paragraph(post),
            "date_published": _format_iso(post.published),
            "authors": [{"name": post.author or publisher.name}],
        }
        for post in posts
    ]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": publisher.name,
        "home_page_url": publisher.home,
        "feed_url": f"{base}/json/{publisher.slug}.json",
        "items": items,
    }
    return json.dumps(feed, ensure_ascii=False, indent=1).encode()


def _render_page(publisher: Publisher, posts: Sequence[RecordedPost], base: str) -> bytes:
    """Render a blog's front page that links no feed."""
    cards = "".join(
        f'<article><a href="{html.escape(post.url)}"><h2>{html.escape(post.title)}</h2></a>'
        f'<time datetime="{post.published:%Y-%m-%d}">{post.published:%d %B %Y}</time>'
        f"{_render_paragraph(post)}</article>\n"
        for post in posts
    )
    name = html.escape(publisher.name)
    head = f'<head><meta charset="utf-8"><base href="{html.escape(publisher.home)}"><title>{name}</title></head>'
    return (
        f'<!doctype html><html lang="en">{head}<body><nav><a href="/">Home</a></nav>'
        f"<main><h1>{name}</h1>\n{cards}</main></body></html>\n"
    ).encode()


def _render_paragraph(post: RecordedPost) -> str:
    return f"<p>{html.escape(post.summary)}</p>" if post.summary else ""


def _format_iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


DOCUMENT_FORMS: dict[str, tuple[Callable[[Publisher, Sequence[RecordedPost], str], bytes], str]] = {
    "rss": (_render_rss, "application/rss+xml"),
    "atom": (_render_atom, "application/atom+xml"),
    "json": (_render_json_feed, "application/feed+json"),
    "page": (_render_page, "text/html; charset=utf-8"),
}
