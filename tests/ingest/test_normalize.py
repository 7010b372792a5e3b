"""What sources give is cleaned at the door: identity, titles, texts, authors, dates, links."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.config.schema import Source
from digest.ingest.add import parse_jsonl_items
from digest.ingest.normalize import PreparedItem, RejectedEntry, normalize_entry
from digest.sources.entries import Entry

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
FEED = Source(id="blog", kind="feed", url="https://lab.example/feed.xml")
ARXIV = Source(id="arxiv", kind="arxiv", categories=("cs.CL",))


def prepared(found: Entry, source: Source = FEED, *, first_fetch: bool = False) -> PreparedItem:
    made = normalize_entry(found, source, NOW, is_first_fetch=first_fetch)
    assert isinstance(made, PreparedItem), made
    return made


def test_a_post_keeps_its_words_without_markup_and_hidden_characters() -> None:
    item = prepared(
        Entry(
            url="https://lab.example/post?utm_source=rss",
            title="Small <b>models</b> \u202ewin\u202c &amp; grow",
            summary="<p>First.</p><script>alert(1)</script><p>Sec\u200bond.</p>",
            authors=["By Ada Lovelace and Alan Turing"],
        )
    )
    assert item.title == "Small models win & grow"
    assert item.summary == "First.\n\nSecond."
    assert item.url == "https://lab.example/post"
    assert item.key == "url:https://lab.example/post"
    assert item.authors == ["Ada Lovelace", "Alan Turing"]
    assert item.kind == "post"


def test_a_title_that_compares_keeps_its_signs() -> None:
    assert (
        prepared(Entry(url="https://e.org/a", title="When a<b and c>d: AT&T, R&D")).title
        == "When a<b and c>d: AT&T, R&D"
    )


@pytest.mark.parametrize(
    "title", ["Use of <b>bold</b> & <i>", "<img src=x onerror=alert(1)>", "&amp; &#123; <script>1"]
)
def test_a_line_of_json_says_plain_text_and_keeps_its_angle_brackets(title: str) -> None:
    row = {"url": "https://e.org/a", "title": title, "abstract": f"We write <think> tokens. {title}"}
    [item] = parse_jsonl_items([("line 1", json.dumps(row))], {}, FEED, NOW).items
    assert item.title == title
    assert item.summary == f"We write <think> tokens. {title}"


def test_a_summary_of_json_that_is_html_is_read_as_html() -> None:
    row = {"url": "https://e.org/a", "title": "T", "summary": "<p>Fast &amp; <b>small</b>.</p><p>Open.</p>"}
    assert parse_jsonl_items([("line 1", json.dumps(row))], {}, FEED, NOW).items[0].summary == "Fast & small.\n\nOpen."


def test_tex_in_a_title_is_readable_and_the_original_is_kept() -> None:
    item = prepared(Entry(arxiv_id="2601.00001", title=r"$\pi_0$: A Model", summary=r"We use $\alpha$."), ARXIV)
    assert (item.title, item.title_source, item.summary) == ("π₀: A Model", r"$\pi_0$: A Model", "We use α.")
    assert prepared(Entry(url="https://e.org/a", title="Plain")).title_source is None


def test_an_abstract_of_arxiv_is_not_html() -> None:
    item = prepared(Entry(arxiv_id="2601.00001", title="T", summary="for x <y and\n z> w"), ARXIV)
    assert item.summary == "for x <y and z> w"


@pytest.mark.parametrize("guid", ["oai:arXiv.org:2601.00001v2", "http://arxiv.org/abs/2601.00001v1", ""])
def test_an_arxiv_paper_has_one_key_address_and_guid_whatever_its_version(guid: str) -> None:
    item = prepared(Entry(guid=guid, url="http://export.arxiv.org/pdf/2601.00001v2", title="T"), ARXIV)
    assert (item.key, item.guid) == ("arxiv:2601.00001", "arxiv:2601.00001")
    assert item.url == "https://arxiv.org/abs/2601.00001"
    assert item.kind == "paper"
    assert item.is_authority


def test_a_doi_beside_an_arxiv_id_is_an_alias() -> None:
    item = prepared(Entry(arxiv_id="2601.00001", doi="10.1145/ABC", url="https://hub.example/p/1", title="T"))
    assert item.aliases == ("doi:10.1145/abc", "url:https://hub.example/p/1")


def test_an_anchor_counts_only_where_it_is_an_entry_of_its_own() -> None:
    keys = [
        prepared(Entry(url=f"https://e.org/log#{anchor}", title="T")).key
        for anchor in ("2-1-238", "/posts/3", "comments", ":~:text=a%20b", "page=2.1")
    ]
    assert keys == ["url:https://e.org/log#2-1-238", "url:https://e.org/log#/posts/3", *["url:https://e.org/log"] * 3]


def test_the_ladder_of_guids() -> None:
    assert prepared(Entry(guid="tag:1", url="https://e.org/a", title="T")).guid == "tag:1"
    assert prepared(Entry(url="https://e.org/a", title="T")).guid == "https://e.org/a"
    bare = prepared(Entry(title="T", summary="s", published=NOW))
    assert bare.guid == prepared(Entry(title="T", summary="other", published=NOW)).guid
    assert len(prepared(Entry(guid="x" * 5000, url="https://e.org/a", title="T")).guid) == 32


def test_an_item_without_a_link_of_its_own_points_at_its_source() -> None:
    one, other = (prepared(Entry(guid=guid, title="T")) for guid in ("a", "b"))
    assert one.url == other.url == FEED.url
    assert one.key != other.key


def test_only_web_links_are_kept() -> None:
    item = prepared(
        Entry(
            url="at://did/x", guid="https://e.org/a", title="T", links={"pdf": "javascript:x", "code": "https://g.org"}
        )
    )
    assert item.url == "https://e.org/a"
    assert item.links == {"code": "https://g.org"}


def test_a_missing_title_is_made_of_the_first_words_or_the_address() -> None:
    assert prepared(Entry(url="https://e.org/a", summary="word " * 40)).title == "word " * 19 + "word …"
    assert prepared(Entry(url="https://e.org/small-models-win.html")).title == "small models win"


@pytest.mark.parametrize(
    ("published", "flag", "kept"),
    [
        (NOW - timedelta(days=2), None, True),
        (NOW + timedelta(hours=20), None, True),
        (NOW + timedelta(days=2), "implausible", False),
        (datetime(1741, 1, 1, tzinfo=UTC), "implausible", False),
        (None, "missing", False),
    ],
)
def test_a_date_that_cannot_be_true_is_dropped_and_flagged(
    published: datetime | None, flag: str | None, kept: bool
) -> None:
    item = prepared(Entry(url="https://e.org/a", title="T", published=published))
    assert item.date_flag == flag
    assert item.published == (published if kept else None)


def test_undated_items_of_a_first_fetch_are_backlog_not_news() -> None:
    assert prepared(Entry(url="https://e.org/a", title="T"), first_fetch=True).date_flag == "backlog"


def test_the_digest_ignores_the_time_of_the_build() -> None:
    one, other = (prepared(Entry(url="https://e.org/a", title="T", summary="s", updated=at)) for at in (NOW, None))
    assert one.digest == other.digest
    assert one.digest != prepared(Entry(url="https://e.org/a", title="T", summary="S")).digest


def test_long_texts_are_capped() -> None:
    item = prepared(Entry(url="https://e.org/a", title="t" * 9999, summary="s" * 99_999, authors=["A B"] * 9999))
    assert (len(item.title), len(item.summary), item.authors) == (500, 20_000, ["A B"])


def test_an_item_comes_whole_from_another_process() -> None:
    item = prepared(
        Entry(title="A", url="https://arxiv.org/abs/2601.01234", doi="10.1/x", authors=["Ann B"], version=2)
    )
    assert pickle.loads(pickle.dumps(item, pickle.HIGHEST_PROTOCOL)) == item


def test_what_cannot_be_linked_or_named_is_rejected_with_the_reason() -> None:
    lost = Source(id="arxiv", kind="arxiv", categories=("cs.CL",))
    assert normalize_entry(Entry(), FEED, NOW) == RejectedEntry("neither a web address nor words")
    assert normalize_entry(Entry(title="T"), lost, NOW) == RejectedEntry("no web address", "T")


ANY_DATE = st.none() | st.datetimes(timezones=st.just(UTC))
FOUND = st.builds(
    Entry,
    guid=st.text(),
    url=st.text() | st.text().map("https://e.org/{}".format),
    title=st.text(),
    summary=st.text(),
    content=st.text(),
    authors=st.lists(st.text()),
    published=ANY_DATE,
    updated=ANY_DATE,
    categories=st.lists(st.text()),
    links=st.dictionaries(st.text(), st.text()),
    arxiv_id=st.none() | st.text(),
    doi=st.none() | st.text(),
    venue=st.none() | st.text(),
    comment=st.none() | st.text(),
)


@given(FOUND, st.sampled_from([FEED, ARXIV]))
def test_nothing_that_a_source_gives_breaks_the_door(found: Entry, source: Source) -> None:
    made = normalize_entry(found, source, NOW)
    if isinstance(made, PreparedItem):
        assert made.title
        assert made.url.startswith("http")
        assert made.guid
        assert made.key.startswith(("arxiv:", "doi:", "url:"))
        assert not set(made.title + made.summary) & set("\x00\x08\u202e\u200b\ud800")
