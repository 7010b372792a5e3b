"""Listing pages, their feeds and sitemaps, single articles, and lists of subscriptions."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.config.schema import Selectors, Source
from digest.errors import ParseError
from digest.protocols import Response
from digest.sources import SOURCE_KINDS
from digest.sources.entries import Entry, Page
from digest.sources.html.article import parse_article
from digest.sources.html.discovery import discover_feeds, guess_feed_urls
from digest.sources.html.sitemap import parse_sitemap_dates
from digest.sources.opml import Outline, parse_opml, write_opml
from digest.sources.page import parse_page_response
from tests.sources.fixtures import BLOG, FEED, FIXTURES, LISTING, day


def page(body: str | bytes, url: str = BLOG, **selectors: str) -> Page:
    source = Source(id="p", kind="page", url=url, selectors=Selectors(**selectors))
    data = body.encode() if isinstance(body, str) else body
    return SOURCE_KINDS["page"].parse_response(source, Response(200, url, {}, data))


def test_a_card_gives_title_date_and_summary_and_two_cards_of_a_post_are_one() -> None:
    first, second = page(LISTING).entries
    assert first.summary == "What the post is about, in a sentence."
    assert (second.title, second.url, second.published) == ("B post", f"{BLOG}/b", day(4))


def test_a_card_of_bare_divs_is_titled_by_its_first_words_that_are_no_date() -> None:
    body = '<a href="/blog/1"><div>Mar 5, 2025</div><div>One thing</div></a><a href="/blog/2"><div>Two</div></a>'
    assert [(i.title, i.published) for i in page(body).entries] == [("One thing", day(5)), ("Two", None)]


def test_configured_selectors_decide_alone() -> None:
    body = """<html><head><link rel="alternate" type="application/rss+xml" href="/feed"></head><body>
    <li class="row"><a href="/x/1">one</a><b class="t">Title one</b><i class="d">5 March 2025</i><q>Sum.</q></li>
    <li class="row"><a href="https://elsewhere.example/2">two</a><b class="t">Title two</b><i class="d">soon</i></li>
    </body>"""
    items = page(body, item="li.row", title=".t", date=".d", summary="q").entries
    assert [(i.url, i.title, i.summary, i.published, i.date_flag) for i in items] == [
        ("https://a.example/x/1", "Title one", "Sum.", day(5), None),
        ("https://elsewhere.example/2", "Title two", "", None, "implausible"),
    ]


def test_a_link_selector_alone_replaces_the_guessing() -> None:
    items = page(
        '<p><a class="go" href="/q/1">First thing</a></p><p><a href="/blog/2">Other</a></p>', link="a.go"
    ).entries
    assert [(i.url, i.title) for i in items] == [("https://a.example/q/1", "First thing")]


def test_structured_data_adds_posts_and_dates() -> None:
    body = LISTING.replace(
        "<body>",
        '<body><script type="application/ld+json">{"@graph": [{"url": "/blog/b", "headline": "B", "datePublished": '
        '"2025-03-01"}, {"url": "/blog/c", "headline": "C post", "datePublished": "2025-03-02"}]}</script>',
    ).replace("Mar 4, 2025", "")
    assert [(i.title, i.published) for i in page(body).entries][1:] == [("B post", day(1)), ("C post", day(2))]


def test_a_structured_list_gives_posts_and_leaves_the_way_to_them_aside() -> None:
    listed = """<html><body><div id="root"></div><script type="application/ld+json">[{"@type": "ItemList",
    "itemListElement": [{"@type": "ListItem", "url": "/blog/first", "name": "The first"}]},
    {"@type": "BreadcrumbList", "itemListElement": [{"@type": "ListItem", "url": "/", "name": "Home"}]}]
    </script></body></html>"""
    assert [(i.url, i.title) for i in page(listed).entries] == [("https://a.example/blog/first", "The first")]


def test_the_pages_own_feed_comes_first() -> None:
    body = '<html><head><link rel="alternate" type="application/atom+xml" href="/atom.xml"></head>' + LISTING
    first = page(body)
    assert first.feed_request
    assert first.feed_request.url == "https://a.example/atom.xml"
    assert [i.title for i in page(FEED, "https://a.example/atom.xml").entries] == ["A"]
    assert page('<link rel="alternate" type="application/atom+xml" href="/a">' + LISTING, link="a").feed_request is None


def test_a_feed_that_the_page_links_to_stands_for_it_when_it_is_beneath_the_page() -> None:
    linked = LISTING.replace("<body>", '<body><a href="%s">RSS</a>')
    own = page(linked % "/blog/rss.xml", "https://a.example/blog/").feed_request
    assert own
    assert own.url == "https://a.example/blog/rss.xml"
    for above in ("/rss.xml", "/news/feed", "https://b.example/blog/rss.xml", "/blog/comments/feed"):
        assert page(linked % above, "https://a.example/blog/").feed_request is None


def test_a_page_kind_never_has_nothing_without_an_error() -> None:
    empty_feed = '<rss version="2.0"><channel><title>F</title></channel></rss>'
    empty_map = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"></urlset>'
    for body, words in ((empty_feed, "feed is empty"), (empty_map, "sitemap lists no page")):
        with pytest.raises(ParseError, match=words):
            page(body)


def test_a_page_that_broke_off_is_known_by_its_missing_end() -> None:
    whole = LISTING if "</html>" in LISTING else LISTING + "</html>"
    assert not page(whole).is_truncated
    assert page(whole.partition("</html>")[0]).is_truncated


def test_a_known_feed_is_asked_directly_and_the_page_again_once_a_week() -> None:
    source, cursor = FIXTURES["page"].source, {"feed": "https://a.example/atom.xml"}
    asked = [SOURCE_KINDS["page"].build_request(source, cursor, day(number)).url for number in range(1, 8)]
    assert sorted(asked) == ["https://a.example/atom.xml"] * 6 + [BLOG]
    assert SOURCE_KINDS["page"].build_request(source, page(LISTING).cursor, day(1)).url == BLOG


def test_no_links_is_an_error_and_says_when_javascript_is_needed() -> None:
    with pytest.raises(ParseError, match="no links to posts") as none:
        page("<html><body><p>Nothing here.</p></body></html>")
    assert "selectors" in none.value.hint
    with pytest.raises(ParseError, match="needs JavaScript"):
        page('<html><body><div id="root"></div><script src="/app.js"></script></body></html>')
    with pytest.raises(ParseError, match="no links"):
        page(LISTING, item="li.gone")


def test_feeds_are_found_where_the_page_names_them_comments_last() -> None:
    body = b"""<html><head><link rel="alternate" type="application/rss+xml" href="/comments/feed">
    <link rel="alternate" type="application/rss+xml; charset=utf-8" href="/feed">
    <link rel="alternate" type="application/json" href="/wp-json/x"><link rel="alternate" hreflang="de" href="/de">
    </head><body><a href="/blog/index.xml">RSS</a><a href="/feeding-ducks">x</a></body></html>"""
    assert discover_feeds(body, BLOG) == [
        "https://a.example/feed",
        "https://a.example/blog/index.xml",
        "https://a.example/comments/feed",
    ]
    assert guess_feed_urls(BLOG)[0] == "https://a.example/blog/feed.xml"
    assert "https://a.example/feed/" in guess_feed_urls(BLOG)


def test_a_feed_source_that_gets_a_page_is_told_the_pages_feed() -> None:
    html = '<!doctype html><html><head><link rel="alternate" type="application/rss+xml" href="/feed"></head></html>'
    with pytest.raises(ParseError, match="HTML page") as error:
        SOURCE_KINDS["feed"].parse_response(FIXTURES["feed"].source, FIXTURES["feed"].response(html))
    assert error.value.hint == "the page offers https://a.example/feed"


def test_the_feed_kind_takes_no_more_than_max_items() -> None:
    source = FIXTURES["feed"].source.model_copy(update={"max_items": 1})
    two = FEED.replace("</channel>", "<item><title>B</title></item></channel>")
    result = SOURCE_KINDS["feed"].parse_response(source, FIXTURES["feed"].response(two))
    assert (len(result.entries), result.ttl) == (1, 90)
    assert result.warnings == ["2 items, only 1 taken (max_items)"]


SITEMAP = b"""<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<url><loc>https://a.example/blog/first-post/</loc><lastmod>2025-03-04</lastmod></url>
<url><loc>https://a.example/blog/b</loc><lastmod>2025-03-05T10:00:00Z</lastmod></url>
<url><loc>https://evil.example/blog/c</loc></url></urlset>"""


def test_a_sitemap_is_a_listing_of_its_own_site() -> None:
    items = page(SITEMAP, "https://a.example/sitemap.xml").entries
    assert [(i.title, i.published) for i in items] == [("B", day(5, 10)), ("First post", day(4))]


def test_a_sitemap_dates_what_a_page_did_not() -> None:
    dates = parse_sitemap_dates(SITEMAP, "https://a.example/sitemap.xml")
    assert dates["https://a.example/blog/first-post/"] == day(4)


def test_the_day_of_a_site_s_build_is_no_date_of_its_posts() -> None:
    pages = [(f"p{n}", "2025-03-09") for n in range(6)] + [("own", "2025-03-04")]
    entries = "".join(f"<url><loc>https://a.example/{p}</loc><lastmod>{d}</lastmod></url>" for p, d in pages)
    dates = parse_sitemap_dates(f"<urlset>{entries}</urlset>".encode(), "https://a.example/sitemap.xml")
    assert dates == {"https://a.example/own": day(4)}


def test_an_index_of_sitemaps_is_said_to_be_none() -> None:
    with pytest.raises(ParseError, match="not a sitemap"):
        parse_sitemap_dates(b"<sitemapindex/>", "https://a.example/sitemap.xml")


ARTICLE = """<!doctype html><html><head><title>A post | Site</title>
<link rel="canonical" href="https://a.example/blog/a"><meta property="og:title" content="A post &amp; more">
<meta name="description" content="What it says.">
<meta property="article:published_time" content="2025-03-05T10:00:00Z">
<meta property="article:modified_time" content="2025-03-06T10:00:00Z">
<script type="application/ld+json">{"@type": "BlogPosting", "author": [{"name": "Ann"}, "Bob"]}</script>
</head><body><nav>Menu</nav><article><h1>A post</h1><p>The first paragraph of the text, long enough to be taken for a
paragraph of an article by whoever reads it.</p><p>The second paragraph goes on for a while about the same matter.</p>
</article></body></html>"""


def test_an_article_gives_its_facts_and_its_text() -> None:
    found = parse_article(ARTICLE.encode(), "https://a.example/blog/a?x=1")
    assert (found.url, found.title, found.summary) == ("https://a.example/blog/a", "A post & more", "What it says.")
    assert (found.published, found.updated) == (day(5, 10), day(6, 10))
    assert found.authors == ["Ann", "Bob"]
    assert "second paragraph" in found.content
    assert "Menu" not in found.content


def test_another_sites_canonical_address_is_not_believed() -> None:
    body = ARTICLE.replace("https://a.example/blog/a", "https://evil.example/")
    assert parse_article(body.encode(), BLOG + "/a").url == BLOG + "/a"


def test_a_page_without_structure_is_read_by_what_it_shows() -> None:
    found = parse_article(b"<title>Site</title><h1>Shown</h1><div class='post-date'>5 March 2025</div>", BLOG + "/x")
    assert (found.title, found.published) == ("Shown", day(5))


def test_an_arxiv_page_becomes_its_paper() -> None:
    body = b"""<html><head><meta name="citation_title" content="A paper">
    <meta name="citation_author" content="Doe, Jane">
    <meta name="citation_author" content="Roe, Bo"><meta name="citation_date" content="2025/03/01">
    <meta name="citation_arxiv_id" content="2503.00001"><meta name="citation_abstract" content="We show.">
    <meta name="citation_pdf_url" content="https://arxiv.org/pdf/2503.00001"></head><body></body></html>"""
    assert parse_article(body, "https://arxiv.org/abs/2503.00001v2") == Entry(
        guid="oai:arXiv.org:2503.00001",
        url="https://arxiv.org/abs/2503.00001",
        title="A paper",
        summary="We show.",
        authors=["Jane Doe", "Bo Roe"],
        published=datetime(2025, 3, 1, tzinfo=UTC),
        links={"pdf": "https://arxiv.org/pdf/2503.00001"},
        arxiv_id="2503.00001",
        version=2,
    )


def test_a_page_without_a_title_is_no_article() -> None:
    with pytest.raises(ParseError, match="no title"):
        parse_article(b"<p>x</p>", BLOG)


def test_opml_goes_out_and_comes_in_again() -> None:
    sources = [
        Source(id="a", kind="feed", url="https://a.example/feed?x=1&y=2", name="Ann <& Bob>"),
        Source(id="b", kind="page", url=BLOG),
        Source(id="c", kind="arxiv", categories=("cs.CL",)),
    ]
    assert parse_opml(write_opml(sources))[0] == [
        Outline("Ann <& Bob>", "https://a.example/feed?x=1&y=2", "", ""),
        Outline("b", BLOG, "", "page"),
    ]


def test_opml_of_others_is_read_with_folders_and_without_doubles() -> None:
    opml = b"""<?xml version="1.0" encoding="ISO-8859-1"?><opml version="1.0"><body><outline title="Labs">
    <outline text="Caf\xe9" xmlurl="http://a.example/f" htmlUrl="http://a.example/"/></outline>
    <outline text="again" xmlUrl="http://a.example/f"/><outline text="no feed"/></body></opml>"""
    assert parse_opml(opml)[0] == [Outline("Café", "http://a.example/f", "http://a.example/", "Labs")]
    with pytest.raises(ParseError, match="not an OPML file"):
        parse_opml(b"<rss/>")


LISTED = {
    "anthropic_news https://www.anthropic.com/news": "claude-opus-5 07-24, hard-questions 07-09, "
    "investigating-incidents 07-30",
    "claude_blog https://claude.com/blog": "bringing-mcp-to-claude 07-28, build-reliable-agents 07-24",
    "cursor_blog https://cursor.com/blog": "git-at-any-scale 08-18, grok-4-6 08-12, builds 08-13, joining-spacex 08-14",
    "openai_developers https://developers.openai.com/blog": "custom-code-review-rules-for-codex -, "
    "realtime-voice-search -",
}


@pytest.mark.parametrize(("place", "posts"), LISTED.items())
def test_recorded_listings_give_exactly_their_posts(shared_data: Path, place: str, posts: str) -> None:
    name, url = place.split()
    items = page((shared_data / "feeds" / "aaron-reader" / f"{name}.html").read_bytes(), url).entries
    found = [(i.url.rstrip("/").rpartition("/")[2], f"{i.published:%m-%d}" if i.published else "-") for i in items]
    assert ", ".join(f"{slug} {date}" for slug, date in found) == posts
    assert all(i.title for i in items)


def test_opml_names_what_it_leaves_out_and_reads_feed_addresses() -> None:
    opml = b"""<opml version="2.0"><body><outline text="A" xmlUrl="feed://a.example/rss"/>
    <outline text="B" xmlUrl="feed:https://b.example/rss"/><outline text="C" xmlUrl="c.example/rss"/>
    <outline text="Query" xmlUrl="query:unread = &quot;yes&quot;"/><outline text="Folder"/></body></opml>"""
    outlines, skipped = parse_opml(opml)
    assert [outline.url for outline in outlines] == [
        "http://a.example/rss",
        "https://b.example/rss",
        "https://c.example/rss",
    ]
    assert skipped == ['Query (query:unread = "yes")']


NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def page_of(body: bytes, url: str = "https://a.example/sitemap.xml") -> Page:
    source = Source(id="p", kind="page", url="https://a.example/sitemap.xml")
    return parse_page_response(source, Response(200, url, {}, body))


def test_a_sitemap_index_leads_to_the_newest_sitemap_of_posts_on_its_site() -> None:
    names = [
        ("page-sitemap.xml", "2025-11-09"),
        ("post-sitemap1.xml", "2025-01-01"),
        ("post-sitemap2.xml", "2025-11-06"),
    ]
    rows = "".join(f"<sitemap><loc>https://a.example/{n}</loc><lastmod>{d}</lastmod></sitemap>" for n, d in names)
    rows += "<sitemap><loc>https://evil.example/post.xml</loc><lastmod>2026-01-01</lastmod></sitemap>"
    page = page_of(f"<sitemapindex {NAMESPACE}>{rows}</sitemapindex>".encode())
    assert page.entries == []
    assert page.next_request
    assert page.next_request.url == "https://a.example/post-sitemap2.xml"


def test_a_sitemap_index_without_a_sitemap_of_its_site_is_an_error() -> None:
    with pytest.raises(ParseError, match="sitemap index"):
        page_of(f"<sitemapindex {NAMESPACE}></sitemapindex>".encode())


def test_a_compressed_sitemap_is_read_and_a_broken_one_is_an_error() -> None:
    body = f"<urlset {NAMESPACE}><url><loc>https://a.example/blog/x</loc></url></urlset>".encode()
    assert [entry.url for entry in page_of(gzip.compress(body)).entries] == ["https://a.example/blog/x"]
    with pytest.raises(ParseError, match="compressed sitemap"):
        page_of(b"\x1f\x8b\x08\x00garbage-garbage-garbage")
