"""Small honest documents of every format, and ways to break them."""

from __future__ import annotations

from hypothesis import strategies as st

RSS = b"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xml:base="http://a.example/b/"><channel>
<title>T &amp; U</title><link>/home</link><ttl>60</ttl><skipHours><hour>3</hour></skipHours>
<item><title>A <![CDATA[<b>]]></title><guid isPermaLink="false">1</guid><link>x?a=1&amp;b=2</link>
<description>&lt;p&gt;caf\xc3\xa9 &lt;a href="y"&gt;z&lt;/a&gt;</description><dc:creator>N</dc:creator>
<pubDate>Wed, 05 Mar 2025 10:00:00 +0200</pubDate><category>c</category></item></channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title type="html">T</title><link rel="next" href="?p=2"/>
<entry><id>tag:1</id><title>A</title><link href="/1"/><updated>2025-03-05T10:00:00Z</updated>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>x</p></div></content>
<author><name>N</name></author></entry></feed>"""
JSON = b"""{"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": [{"id": 1, "url": "http://a.example/1",
"content_html": "<p>x</p>", "date_published": "2025-03-05T10:00:00Z", "authors": [{"name": "N"}], "tags": ["c"]}]}"""
QUERY = b"""<feed xmlns="http://www.w3.org/2005/Atom" xmlns:os="http://a9.com/-/spec/opensearch/1.1/"
xmlns:arxiv="http://arxiv.org/schemas/atom"><os:itemsPerPage>1</os:itemsPerPage><os:totalResults>2</os:totalResults>
<os:startIndex>0</os:startIndex><entry><id>http://arxiv.org/abs/2503.00001v2</id><title>A</title>
<published>2025-03-01T00:00:00Z</published><updated>2025-03-02T00:00:00Z</updated><category term="cs.CL"/>
<author><name>N</name></author><arxiv:comment>withdrawn</arxiv:comment></entry></feed>"""
OAI = b"""<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2025-03-05T00:00:00Z</responseDate>
<ListRecords><record><header><identifier>oai:arXiv.org:2503.00001</identifier></header><metadata>
<arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>2503.00001</id><version version="v1"><date>Sat, 01 Mar 2025
00:00:00 GMT</date></version><title>A</title><authors>N and M (Lab)</authors><categories>cs.CL</categories>
<abstract>x</abstract></arXivRaw></metadata></record><resumptionToken>t</resumptionToken></ListRecords></OAI-PMH>"""
HTML = b"""<!doctype html><html><head><title>T</title><base href="/b/"><link rel="canonical" href="/blog/a">
<meta property="og:title" content="A"><meta property="article:published_time" content="2025-03-05">
<script type="application/ld+json">{"@type": "BlogPosting", "headline": "A", "url": "/blog/a",
"author": [{"name": "N"}]}</script></head><body><nav><a href="/news/x">n</a></nav><article><a href="/blog/a?utm_x=1">
<h2>A</h2><time datetime="2025-03-05">5 March</time><p>text text text text</p></a></article></body></html>"""
OPML = b"""<opml version="2.0"><body><outline text="f"><outline type="rss" text="T" xmlUrl="http://a.example/f"/>
</outline></body></opml>"""
SITEMAP = b"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>http://a.example/blog/a</loc>
<lastmod>2025-03-05</lastmod></url></urlset>"""
ALL = (RSS, ATOM, JSON, QUERY, OAI, HTML, OPML, SITEMAP)

_NASTY = (
    b"\x00", b"\xff\xfe", b"<!DOCTYPE a [<!ENTITY b '&c;'>]>", b"&b;", b"&#0;", b"&#x110000;", b"&nosuch;", b"]]>",
    b"<![CDATA[", b"<!--", b"<?xml?>", b"{", b"[" * 300, b"<b>" * 300, b"\xed\xa0\x80", b"http://[", b"9" * 400,
    b"\xe2\x80\xae", b"<item>", b"</item>", b"<entry/>", b'" xml:base="http://[x', b"<script>", b"\r", b"NaN", b"1e999",
)  # fmt: skip


@st.composite
def broken(draw: st.DrawFn, of: tuple[bytes, ...] = ALL) -> bytes:
    """A document with a few pieces cut out, doubled, flipped or replaced by something nasty."""
    document = draw(st.sampled_from(of))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(document)))
        end = min(len(document), start + draw(st.integers(0, 40)))
        piece = draw(
            st.one_of(st.just(b""), st.sampled_from(_NASTY), st.binary(max_size=6), st.just(document[start:end] * 2))
        )
        document = document[:start] + piece + document[end:]
    return document


def spoilt(*documents: bytes) -> st.SearchStrategy[bytes]:
    """One of these, broken, or bytes that never were one."""
    return st.one_of(broken(documents), st.binary(max_size=200))
