"""HTML of strangers keeps its words and loses what acts, whether its links have a base or not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from digest.config.schema import Source
from digest.ingest.normalize import PreparedItem, normalize_entry
from digest.sources.entries import Entry
from digest.sources.sanitize import clean_html, clean_title


@pytest.mark.parametrize("base", ["https://blog.example/post", "", "no base"])
@pytest.mark.parametrize(
    "address", ["javascript:x()", " JaVa\nScript:x()", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:x"]
)
def test_a_link_to_anything_but_a_page_or_an_address_is_none(base: str, address: str) -> None:
    assert clean_html(f'<p><a href="{address}">words</a></p>', base) == "<p><a>words</a></p>"


@pytest.mark.parametrize("base", ["https://blog.example/post", ""])
def test_what_acts_is_gone(base: str) -> None:
    evil = '<p onclick="x()" style="x">a<script>x()</script><iframe src="x"></iframe><svg onload="x()"></svg></p>'
    assert clean_html(evil, base) == "<p>a</p>"


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("The <script> tag considered harmful", "The <script> tag considered harmful"),
        ("Safe <style> in mail", "Safe <style> in mail"),
        ("A <script>alert(1)</script> title", "A title"),
    ],
)
def test_an_unclosed_tag_in_a_title_takes_no_words_with_it(title: str, text: str) -> None:
    assert clean_title(title) == text


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("The <script> tag considered harmful", "The <script> tag considered harmful"),
        ("How <s> and </s> tokens work", "How <s> and </s> tokens work"),
        ("Safe <style> in mail", "Safe <style> in mail"),
        ("Why <div> is no <button> and <b> no <strong> either", "Why <div> is no <button> and <b> no <strong> either"),
        ("The <!DOCTYPE> nobody reads", "The <!DOCTYPE> nobody reads"),
        ("The <s>old</s> new <i>way</i>", "The old new way"),
        ("One line <br> and another", "One line and another"),
        ("<script>alert(1)</script>Hello", "Hello"),
        ("<script src='x'>alert(1)</script> Hello <style>b{}</style>", "Hello"),
    ],
)
def test_a_title_that_names_tags_keeps_its_words_through_every_step(title: str, kept: str) -> None:
    source = Source(id="s", kind="feed", url="https://a.example/f")
    entry = Entry(guid="1", url="https://a.example/1", title=clean_title(title))
    item = normalize_entry(entry, source, datetime(2026, 1, 1, tzinfo=UTC))
    assert isinstance(item, PreparedItem)
    assert item.title == kept


def test_a_title_of_open_tags_takes_no_time_to_speak_of() -> None:
    assert len(clean_title("<script>" * 12_500)) <= 1000
