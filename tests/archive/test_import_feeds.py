"""Past issues are read from feeds of every kind, with what cleaning would take from their posts."""

from __future__ import annotations

from collections import Counter
from html import escape
from pathlib import Path
from xml.etree import ElementTree

import pytest
from sqlmodel import select

from digest.drafts.archive import import_archive, read_archive
from digest.drafts.archive.items import ImportedItem
from digest.errors import ParseError
from digest.models.predictions import Decision
from tests.small import filled

POST = "https://me.example.org/blog/recap/"
SECTIONS = {"Models": "models", "Agents": "agents", "Evaluation": "eval"}
BACK = '<a href="#fnref:{0}" class="reversefootnote" role="doc-backlink">&#8617;</a>'


def _body() -> str:
    """A recap as kramdown renders it: each section has a link, a link to nowhere, a relative one and a footnote."""
    parts, notes = ["<p>Words. See <a href='/last-year/'>last year</a>.</p>"], list[str]()
    for name in SECTIONS:
        parts += [
            f'<h2 id="{name.lower()}">{name}</h2><ul>',
            f'<li><a href="https://x.example.org/{name}/1">{name} one</a>: words on one.</li>',
            f'<li><a href="">{name} two</a>: words on two.</li>',
            f'<li><a href="/own/{name}">{name} three</a>: words on three.</li>',
            f'<li><strong>{name} four</strong>: words on four.<sup id="fnref:{name}"><a href="#fn:{name}"'
            f' class="footnote" rel="footnote">{len(notes) + 1}</a></sup></li></ul>',
        ]
        address = f"https://x.example.org/{name}/4"
        notes += [f'<li id="fn:{name}"><p><a href="{address}">{address}</a> {BACK.format(name)}</p></li>']
    return "\n".join([*parts, '<div class="footnotes" role="doc-endnotes"><ol>', *notes, "</ol></div>"])


WANT = [
    (f"{name} {word}", url, f"words on {word}.", slug, "2025")
    for name, slug in SECTIONS.items()
    for word, url in (
        ("one", f"https://x.example.org/{name}/1"),
        ("two", ""),
        ("three", f"https://me.example.org/own/{name}"),
        ("four", f"https://x.example.org/{name}/4"),
    )
]
ESSAY = "<h2>Why</h2><p>Long words, as <a href='https://e.example.org/1'>one</a> says.</p>" * 9


def _atom(content: str, essay: str) -> str:
    entry = f'<link href="{POST}"/><id>{POST}</id><updated>2025-12-30T10:00:00Z</updated>'
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Me</title>'
        f"<id>me</id><updated>2025-12-30T10:00:00Z</updated><entry><title>My 2025 in review</title>{entry}{content}"
        f"</entry><entry><title>An essay</title>{entry.replace('recap', 'essay')}{essay}</entry></feed>"
    )


def _rss(content: str, essay: str) -> str:
    when = "<pubDate>Tue, 30 Dec 2025 10:00:00 GMT</pubDate>"
    return (
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Me</title>'
        f"<link>https://me.example.org/</link><item><title>My 2025 in review</title><link>{POST}</link>{when}{content}"
        f"</item><item><title>An essay</title><link>{POST}2</link>{when}{essay}</item></channel></rss>"
    )


def _html(body: str) -> str:
    return f'<content type="html" xml:base="{POST}">{escape(body)}</content><summary>Words…</summary>'


def _cdata(body: str) -> str:
    return f'<content type="html"><![CDATA[{body}]]></content>'


def _xhtml(body: str) -> str:
    div = ElementTree.fromstring(f"<div>{body}</div>")
    div.set("xmlns", "http://www.w3.org/1999/xhtml")
    return f'<content type="xhtml">{ElementTree.tostring(div, encoding="unicode")}</content>'


def _encoded(body: str) -> str:
    return f"<description>Words…</description><content:encoded><![CDATA[{body}]]></content:encoded>"


def _described(body: str) -> str:
    return f"<description>{escape(body)}</description>"


FEEDS = {
    "atom html": _atom(_html(_body()), _html(ESSAY)),
    "atom cdata": _atom(_cdata(_body()), _cdata(ESSAY)),
    "atom xhtml": _atom(_xhtml(_body()), _xhtml(ESSAY)),
    "rss encoded": _rss(_encoded(_body()), _encoded(ESSAY)),
    "rss description": _rss(_described(_body()), _described(ESSAY)),
}


def _read(root: Path, text: str) -> list[ImportedItem]:
    (root / "feed.xml").write_text(text, encoding="utf-8")
    with filled(root) as workspace:
        return [item for post in read_archive(workspace.context, [str(root / "feed.xml")], {}) for item in post.items]


@pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)
def test_a_recap_is_read_whole_from_every_kind_of_feed(tmp_path: Path, feed: str) -> None:
    items = [(item.title, item.url, item.blurb, item.category, item.period) for item in _read(tmp_path, feed)]
    assert items == WANT


def test_what_is_there_of_a_feed_that_was_cut_off_is_read(tmp_path: Path) -> None:
    feed = FEEDS["atom html"]
    items = _read(tmp_path, feed[: feed.index("Evaluation two")])
    assert [item.title for item in items] == [f"{name} {n}" for name in SECTIONS for n in ("one", "two", "three")][:7]


def test_a_file_that_is_no_feed_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParseError, match=r"feed\.xml: the document is empty"):
        _read(tmp_path, "")


def test_items_without_an_address_are_told_of_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_text(FEEDS["atom html"], encoding="utf-8")
    with filled(tmp_path) as workspace:
        report = import_archive(workspace.context, read_archive(workspace.context, [str(tmp_path / "feed.xml")], {}))
    assert report.numbers["kept"] == 9
    assert "“Models two” has no address" in "\n".join(report.problems)


@pytest.mark.parametrize("nest", ["<div>", "<ul><li>", "<b>"])
def test_a_post_nested_without_end_has_no_items_and_stops_nothing(tmp_path: Path, nest: str) -> None:
    (tmp_path / "_posts").mkdir()
    (tmp_path / "_posts" / "a.html").write_text(nest * 20_000 + "<a href='https://x.example.org/'>x</a>")
    (tmp_path / "_posts" / "b.html").write_text(_body())
    with filled(tmp_path) as workspace:
        read = read_archive(workspace.context, [str(tmp_path / "_posts")], {})
    assert [len(post.items) for post in read] == [0, 12]


def test_a_second_archive_adds_to_what_the_first_one_taught(tmp_path: Path) -> None:
    """And the same archive again, with another heading mapped, replaces what it said before."""
    (tmp_path / "feed.xml").write_text(FEEDS["atom html"], encoding="utf-8")
    (tmp_path / "other.xml").write_text(FEEDS["atom cdata"].replace("x.example", "y.example"), encoding="utf-8")
    with filled(tmp_path) as workspace:
        for name in ("feed.xml", "other.xml", "feed.xml"):
            import_archive(
                workspace.context, read_archive(workspace.context, [str(tmp_path / name)], {"Agents": "safety"})
            )
        with workspace.db.read() as session:
            decided = session.exec(select(Decision).where(Decision.origin == "import")).all()
    assert Counter(row.category for row in decided) == {"models": 5, "safety": 5, "eval": 5}
