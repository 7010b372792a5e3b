"""parse_feed reads every dialect alike and falls for none of the traps of real feeds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from digest.errors import ParseError
from digest.sources.entries import Entry, ParsedFeed
from digest.sources.feeds import parse_feed
from tests.fuzz.documents import ATOM, JSON, RSS

URL = "https://a.example/feed/index.xml"


def read(document: bytes | str, url: str = URL, **headers: str) -> ParsedFeed:
    data = document.encode() if isinstance(document, str) else document
    return parse_feed(data, url=url, headers={name.replace("_", "-"): value for name, value in headers.items()})


def rss(item: str, head: str = "", attributes: str = "") -> ParsedFeed:
    return read(f'<rss version="2.0" {attributes}><channel><title>T</title>{head}<item>{item}</item></channel></rss>')


def atom(entry: str, attributes: str = "") -> Entry:
    feed = read(f'<feed xmlns="http://www.w3.org/2005/Atom" {attributes}><title>T</title><entry>{entry}</entry></feed>')
    return feed.entries[0]


def item(inner: str, head: str = "", attributes: str = "") -> Entry:
    return rss(inner, head, attributes).entries[0]


def test_rss_2_gives_its_fields() -> None:
    feed = read(RSS)
    assert (feed.title, feed.link, feed.ttl, feed.skip_hours) == ("T & U", "http://a.example/home", 60, frozenset({3}))
    assert feed.entries == [
        Entry(
            guid="1",
            url="http://a.example/b/x?a=1&b=2",
            title="A",
            summary='<p>café <a href="http://a.example/b/y">z</a></p>',
            authors=["N"],
            published=datetime(2025, 3, 5, 8, tzinfo=UTC),
            categories=["c"],
        )
    ]


def test_atom_gives_its_fields_and_its_next_page() -> None:
    feed = read(ATOM)
    moment = datetime(2025, 3, 5, 10, tzinfo=UTC)
    assert feed.next_page == "https://a.example/feed/index.xml?p=2"
    assert feed.entries == [
        Entry(
            guid="tag:1",
            url="https://a.example/1",
            title="A",
            content="<p>x</p>",
            authors=["N"],
            published=moment,
            updated=moment,
        )
    ]


def test_json_feeds_may_name_people_as_texts_and_break_lines_within_them() -> None:
    feed = read(
        '{"items": [{"id": "1", "title": "a\nb", "authors": ["Ann", {"name": "Bob"}]}, {"id": 2, "author": "C"}]}'
    )
    assert [(item.title, item.authors) for item in feed.entries] == [("a b", ["Ann", "Bob"]), ("Untitled", ["C"])]


def test_a_json_feed_may_give_its_one_author_without_a_list() -> None:
    for people in ('"authors": {"name": "N"}', '"author": [{"name": "N"}]', '"author": "N"'):
        assert read(f'{{"items": [{{"id": "1", "title": "A", {people}}}]}}').entries[0].authors == ["N"]


def test_json_feed_gives_its_fields_and_takes_numbers_for_ids() -> None:
    assert read(JSON).entries == [
        Entry(
            guid="1",
            url="http://a.example/1",
            title="",
            content="<p>x</p>",
            authors=["N"],
            published=datetime(2025, 3, 5, 10, tzinfo=UTC),
            categories=["c"],
        )
    ]


@pytest.mark.parametrize(
    ("root", "spaces"),
    [
        ("rdf:RDF", 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"'),
        (
            "rdf:RDF",
            'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://my.netscape.com/rdf/simple/0.9/"',
        ),
        ("rss", 'version="0.91"'),
        ("rss", 'version="2.0" xmlns="http://backend.userland.com/rss2"'),
    ],
)
def test_old_rss_keeps_items_beside_or_inside_the_channel(root: str, spaces: str) -> None:
    one = "<item><title>A</title><link>http://a.example/1</link></item>"
    for body in (f"<channel><title>T</title></channel>{one}", f"<channel><title>T</title>{one}</channel>"):
        feed = read(f"<{root} {spaces}>{body}</{root}>")
        assert (feed.title, [(i.title, i.url) for i in feed.entries]) == ("T", [("A", "http://a.example/1")])


def test_atom_0_3_names_its_dates_differently() -> None:
    feed = read(
        '<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>T</title><entry><title mode="escaped">A</title>'
        "<issued>2004-01-02T03:04:05Z</issued><modified>2004-02-02T03:04:05Z</modified>"
        '<link rel="alternate" href="/1"/><content mode="base64" type="text/html">PGI+eDwvYj4=</content></entry></feed>'
    )
    one = feed.entries[0]
    assert one.published == datetime(2004, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert one.updated == datetime(2004, 2, 2, 3, 4, 5, tzinfo=UTC)
    assert one.content == "<b>x</b>"


@pytest.mark.parametrize(
    ("title", "read_as"),
    [
        ("A &amp;amp; B", "A & B"),
        ("caf&eacute; &mdash; na&iuml;ve", "café — naïve"),
        ("&lt;b&gt;Bold&lt;/b&gt; move", "Bold move"),
        ("<![CDATA[Bold <b>move</b>]]>", "Bold move"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;Safe", "Safe"),
        ("Using Vec&lt;T&gt; in Rust", "Using Vec<T> in Rust"),
        ('safe&lt;widget src="x"&gt;&lt;/applet&gt; and sound', "safe and sound"),
        ("3 &lt; 4 &amp; 5", "3 < 4 & 5"),
        ("Tom & Jerry", "Tom & Jerry"),
        ("a\u202eb\u200bc", "abc"),
        ("don&#146;t", "don’t"),
        ("two\n lines", "two lines"),
    ],
)
def test_titles_are_one_line_of_plain_text(title: str, read_as: str) -> None:
    assert item(f"<title>{title}</title>").title == read_as


def test_a_plain_atom_title_keeps_its_angle_brackets_and_a_marked_one_loses_its_tags() -> None:
    assert atom("<title>The &lt;b&gt; element</title>").title == "The <b> element"
    assert atom('<title type="html">The &lt;b&gt;bold&lt;/b&gt; one</title>').title == "The bold one"


def test_nothing_active_survives_in_a_body_and_links_become_absolute() -> None:
    body = '<script>x</script><p onclick="x">y <a href="javascript:x">z</a> <img src="p.png"></p>'
    summary = item(f"<title>A</title><description><![CDATA[{body}]]></description>").summary
    assert summary == '<p>y <a>z</a> <img src="https://a.example/feed/p.png"></p>'


def test_utf_7_is_never_believed() -> None:
    document = b"<rss><channel><item><title>A</title><description>+ADw-script+AD4-</description></item></channel></rss>"
    assert read(document, content_type="text/xml; charset=utf-7").entries[0].summary == "+ADw-script+AD4-"


def test_a_plain_atom_summary_is_not_taken_for_markup() -> None:
    assert atom('<title>A</title><summary type="text">a &lt;i&gt; b</summary>').summary == "a &lt;i&gt; b"
    assert (
        atom("<title>A</title><summary>&lt;p&gt;meant as markup&lt;/p&gt;</summary>").summary
        == "<p>meant as markup</p>"
    )


def test_relative_addresses_start_at_xml_base_then_content_location_then_the_final_url() -> None:
    entry = '<title>A</title><link href="x"/>'
    assert atom(entry, 'xml:base="http://b.example/p/"').url == "http://b.example/p/x"
    assert atom(f'{entry}<summary type="html" xml:base="/q/">&lt;a href="y"&gt;z&lt;/a&gt;</summary>').summary == (
        '<a href="https://a.example/q/y">z</a>'
    )
    document = f'<feed xmlns="http://www.w3.org/2005/Atom"><entry>{entry}</entry></feed>'
    assert read(document, content_location="/c/").entries[0].url == "https://a.example/c/x"
    assert read(document).entries[0].url == "https://a.example/feed/x"


@pytest.mark.parametrize(
    ("inner", "url", "guid"),
    [
        ("<guid>http://g.example/1</guid>", "http://g.example/1", "http://g.example/1"),
        ('<guid isPermaLink="false">http://g.example/1</guid>', "", "http://g.example/1"),
        (
            "<link>at://did:plc:1/post/2</link><guid>https://b.example/2</guid>",
            "https://b.example/2",
            "https://b.example/2",
        ),
        ("<link> http://l.example/a b </link>", "http://l.example/a%20b", ""),
        ("<link>javascript:alert(1)</link>", "", ""),
        ('<link/><enclosure url="http://e.example/1.mp3"/>', "http://e.example/1.mp3", ""),
        ("<link>http://link/get?a=1&b=2</link>", "http://link/get?a=1&b=2", ""),
    ],
)
def test_the_address_of_an_item_is_its_first_web_address(inner: str, url: str, guid: str) -> None:
    one = item(f"<title>A</title>{inner}")
    assert (one.url, one.guid) == (url, guid)


def test_an_impossible_base_leaves_relative_links_out() -> None:
    for base in ("http://[x", "http://a b/", "http://a:99999/", "javascript:x"):
        one = atom('<title>A</title><summary type="html">&lt;a href="y"&gt;z&lt;/a&gt;</summary>', f'xml:base="{base}"')
        assert one.summary in ("<a>z</a>", '<a href="https://a.example/feed/y">z</a>')


def test_an_atom_entry_prefers_the_page_over_self_edit_and_enclosure() -> None:
    links = '<link rel="self" href="/s"/><link rel="enclosure" href="/e"/><link type="text/html" href="/page"/>'
    assert atom(f"<title>A</title>{links}").url == "https://a.example/page"


def test_a_relation_is_the_same_in_its_long_form_and_in_capitals() -> None:
    for rel in ("http://www.iana.org/assignments/relation/alternate", "Alternate"):
        links = f'<link rel="via" href="/via"/><link rel="SELF" href="/s"/><link rel="{rel}" href="/page"/>'
        assert atom(f"<title>A</title>{links}").url == "https://a.example/page"


def test_the_page_goes_before_the_address_that_counts_its_readers() -> None:
    inner = "<title>A</title><link>https://f.example/~r/1</link><fb:origLink>https://a.example/1</fb:origLink>"
    space = 'xmlns:fb="http://rssnamespace.org/feedburner/ext/1.0"'
    assert item(inner, attributes=space).url == "https://a.example/1"
    broken = f"<rss {space}><channel><title>T</title><item><b>{inner}</item></channel></rss>"
    assert read(broken).entries[0].url == "https://a.example/1"


def test_all_authors_are_kept_and_addresses_are_not_names() -> None:
    people = "<author><name>A</name><email>a@b.org</email></author><author><name>B</name></author>"
    assert atom(f"<title>x</title>{people}").authors == ["A", "B"]
    dc = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'
    assert item("<title>x</title><author>a@b.org (Ann)</author>").authors == ["Ann"]
    both = "<title>x</title><author>a@b.org (Ann)</author><dc:creator>Bea</dc:creator><dc:creator>Cy</dc:creator>"
    assert item(both, attributes=dc).authors == ["Bea", "Cy"]


def test_an_entry_without_author_has_the_feeds() -> None:
    feed = read(
        '<feed xmlns="http://www.w3.org/2005/Atom"><author><name>N</name></author><entry><title>A</title></entry></feed>'
    )
    assert feed.entries[0].authors == ["N"]


def test_a_copied_entry_has_the_authors_of_the_feed_it_comes_from() -> None:
    feed = read(
        '<feed xmlns="http://www.w3.org/2005/Atom"><author><name>N</name></author><entry><title>A</title>'
        "<source><title>S</title><author><name>M</name></author></source></entry></feed>"
    )
    assert (feed.entries[0].title, feed.entries[0].authors) == ("A", ["M"])


def test_a_date_that_cannot_be_believed_is_left_out_and_flagged() -> None:
    one = item("<title>A</title><pubDate>2024-13-45</pubDate>")
    assert (one.published, one.date_flag) == (None, "implausible")
    assert item("<title>A</title>").date_flag is None
    now = datetime(2025, 1, 1, tzinfo=UTC)
    document = b"<rss><channel><item><title>A</title><pubDate>2025-01-03</pubDate></item></channel></rss>"
    later = parse_feed(document, url=URL, headers={}, now=now).entries[0]
    assert (later.published, later.date_flag) == (None, "implausible")


def test_the_build_date_of_a_feed_is_not_an_items() -> None:
    one = item("<title>A</title>", head="<lastBuildDate>Wed, 05 Mar 2025 10:00:00 GMT</lastBuildDate>")
    assert (one.published, one.updated) == (None, None)


def test_polling_wishes_are_returned() -> None:
    head = "<skipHours><hour>0</hour><hour>24</hour><hour>x</hour></skipHours><skipDays><day>sunday</day></skipDays>"
    feed = rss("<title>A</title>", head)
    assert (feed.skip_hours, feed.skip_days) == (frozenset({0}), frozenset({"Sunday"}))
    sy = 'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'
    often = "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>"
    assert rss("<title>A</title>", often, sy).ttl == 360


def test_undeclared_prefixes_are_mended() -> None:
    one = item("<title>A</title><dc:creator>N</dc:creator><content:encoded>&lt;p&gt;x&lt;/p&gt;</content:encoded>")
    assert (one.authors, one.content) == (["N"], "<p>x</p>")


def test_ampersands_that_stand_for_themselves_are_kept_however_many_there_are() -> None:
    text = "a &&& b && &amp;&&eacute; & c &&#233;"
    assert item(f"<title>{text}</title>").title == "a &&& b && &&é & c &é"
    many = item(f"<title>x</title><description>{'&' * 2_000_000}</description>").summary
    assert many == "&" * len(many)
    assert len(many) > 100_000


def test_an_item_without_title_and_address_is_named_by_its_first_words() -> None:
    assert item("<description>&lt;p&gt;Some words&lt;/p&gt;</description>").title == "Some words"


def test_external_entities_stay_text_and_own_plain_ones_are_read() -> None:
    feed = read(
        '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/hostname"><!ENTITY n "name">]>'
        "<rss><channel><item><title>&x; &n;</title></item></channel></rss>"
    )
    assert feed.entries[0].title == "&x; name"


def test_an_entity_bomb_does_not_grow() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    feed = read(
        f'<!DOCTYPE r [<!ENTITY l0 "ha">{laughs}]><rss><channel><item><title>&l9;</title></item></channel></rss>'
    )
    assert feed.entries[0].title == "&l9;"
    many = f'<!DOCTYPE r [<!ENTITY a "{"a" * 200}">]><rss><channel><item><description>{"&a;" * 20_000}</description>'
    assert len(read(many + "</item></channel></rss>").entries[0].summary) < 200_000


def test_a_truncated_feed_keeps_the_items_that_came_and_says_so() -> None:
    whole = RSS.replace(b"</channel></rss>", b"<item><title>B</title><link>/b</link></item><item><ti")
    feed = read(whole)
    assert [i.title for i in feed.entries][:2] == ["A", "B"]
    assert "not well-formed" in feed.warnings[0]
    assert feed.is_truncated


def test_a_guid_is_the_same_whether_the_document_broke_off_or_not() -> None:
    for guid in ("post-7", "/7", "?p=7", "tag:a.example,2025:7"):
        whole = f"<rss><channel><title>T</title><item><title>A</title><guid>{guid}</guid><link>/a</link></item>"
        cut = read(f"{whole}<item><title>B")
        assert [read(f"{whole}</channel></rss>").entries[0].guid, cut.entries[0].guid] == [guid, guid]
        assert cut.entries[0].url == "https://a.example/a"
        alone = whole.replace("<link>/a</link>", "")
        assert read(f"{alone}</channel></rss>").entries[0].url == read(f"{alone}<item><title>B").entries[0].url == ""


def test_a_broken_feed_that_has_its_end_is_not_taken_for_cut() -> None:
    assert not read(RSS.replace(b"<item>", b"<item><b>", 1)).is_truncated
    assert not read(RSS.replace(b"<item>", b"<item><b>", 1) + b"<!-- served in 3 ms -->\n").is_truncated


def test_too_many_items_are_cut_with_a_warning() -> None:
    document = f"<rss><channel>{'<item><title>A</title></item>' * 7}</channel></rss>".encode()
    feed = parse_feed(document, url=URL, headers={}, max_entries=5)
    assert (len(feed.entries), feed.warnings) == (5, ["7 items; only the first 5 were read"])


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"", "empty"),
        (b"<!doctype html><html><body>x</body></html>", "HTML page"),
        (b"Rate exceeded.", "not a feed"),
        (b'{"a": 1}', "no list of items"),
        (b"[" * 100_000, "JSON"),
        (b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"/>', "not a feed"),
    ],
)
def test_what_is_no_feed_is_refused_with_the_reason(document: bytes, words: str) -> None:
    with pytest.raises(ParseError, match=words):
        read(document)


def test_a_feed_under_an_html_doctype_is_a_feed() -> None:
    doctype = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" "http://site.invalid/">'
    assert read(f"<?xml version='1.0'?>{doctype}<rss><channel><title>found</title></channel></rss>").title == "found"


def test_an_empty_feed_is_no_error() -> None:
    assert read("<rss><channel><title>T</title></channel></rss>").entries == []


def test_bytes_that_name_a_file_are_not_opened() -> None:
    with pytest.raises(ParseError):
        read(b"/etc/hostname")


def test_deep_nesting_is_read_as_text() -> None:
    body = "&lt;div&gt;" * 20_000 + "end"
    assert item(f"<title>A</title><description>{body}</description>").summary == "end"
