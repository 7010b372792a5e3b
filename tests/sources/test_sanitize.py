"""HTML of strangers keeps its words and loses what acts, whether its links have a base or not."""

from __future__ import annotations

import pytest

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
