"""Whatever bytes a server sends, a parser answers or says ParseError; it never crashes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.errors import ParseError
from digest.protocols import Response
from digest.sources import SOURCE_KINDS
from digest.sources.entries import Entry
from digest.sources.feeds import parse_feed
from digest.sources.html.article import parse_article
from digest.sources.html.discovery import discover_feeds
from digest.sources.html.sitemap import parse_sitemap_dates
from digest.sources.opml import parse_opml
from tests.fuzz.documents import ALL, broken
from tests.sources.fixtures import FIXTURES

BOUNDED = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
DOCUMENTS = st.one_of(broken(), st.binary(max_size=300))
URL = "https://a.example/blog/"
TYPES = st.sampled_from(
    ["", "text/xml", "text/html; charset=utf-16", "application/json; charset=zip", "x; charset=euc-jp"]
)


def sound(items: list[Entry]) -> bool:
    return all((i.title or i.url) and (not i.url or i.url.startswith("http")) for i in items) and all(
        moment is None or moment.tzinfo for i in items for moment in (i.published, i.updated, i.announced)
    )


@BOUNDED
@given(DOCUMENTS, TYPES)
def test_parse_feed_answers_or_says_parse_error(document: bytes, kind: str) -> None:
    with suppress(ParseError):
        assert sound(parse_feed(document, url=URL, headers={"content-type": kind}).entries)


@pytest.mark.parametrize("name", SOURCE_KINDS)
@BOUNDED
@given(document=DOCUMENTS)
def test_every_kind_answers_or_says_parse_error(name: str, document: bytes) -> None:
    source = FIXTURES[name].source.model_copy(update={"url": URL})
    with suppress(ParseError):
        assert sound(SOURCE_KINDS[name].parse_response(source, Response(200, URL, {}, document)).entries)


@BOUNDED
@given(DOCUMENTS)
def test_articles_feed_lists_opml_and_sitemaps_answer_or_say_parse_error(document: bytes) -> None:
    assert all(address.startswith("http") for address in discover_feeds(document, URL))
    for parse in (
        lambda: [parse_article(document, URL)],
        lambda: parse_opml(document),
        lambda: parse_sitemap_dates(document, URL),
    ):
        with suppress(ParseError):
            parse()


@pytest.mark.parametrize("document", ALL)
def test_a_document_cut_anywhere_is_read_in_part_or_refused(document: bytes) -> None:
    for end in range(0, len(document), 7):
        with suppress(ParseError):
            assert sound(parse_feed(document[:end], url=URL, headers={}).entries)
