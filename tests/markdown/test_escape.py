"""The escape recipe, read back by the real parsers."""

from __future__ import annotations

import html
import random
import re
import subprocess
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from digest.markdown.escape import SafeMarkdown, encode_link, escape_code_text, escape_markdown
from digest.text import normalise_line, strip_hidden
from tests.markdown.hostile import HOSTILE

ALPHABET = "ab1 _*`~|{}%$^[]()<>#+-=.:!&;\\\"'\n/é字🧪"
CONTEXTS = {
    "p": "{}",
    "h3": "### [{}](https://example.org) {{#x}}",
    "li": "- {}\n- second",
    "em": "before <em>{}</em> after",
    "td": "| {} | 2 |\n|---|---|\n| x | y |",
    "a": "words [{}](https://example.org) words",
    "p.link": "[{}](https://example.org)",
    "li.link": "- {{:.link}} [{}](https://example.org)",
}


def shown(markup: str) -> str:
    return normalise_line(BeautifulSoup(markup, "html.parser").get_text())


@given(st.text(ALPHABET, max_size=40) | st.text(max_size=60))
def test_commonmark_shows_the_text_as_it_is(text: str) -> None:
    parsed = MarkdownIt("commonmark").render(f"{escape_markdown(text)}\n")
    assert shown(parsed) == normalise_line(text)
    assert not re.search(r"<(?!/?p>)", parsed)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_titles_pass_commonmark(text: str) -> None:
    assert shown(MarkdownIt("commonmark").render(escape_markdown(text))) == normalise_line(text)


def test_what_is_marked_is_not_escaped_again_but_what_is_made_of_it_is() -> None:
    assert escape_markdown(SafeMarkdown("*x*")) == "*x*"
    assert escape_markdown(SafeMarkdown("*x*") + "*y*") == r"\*x\*\*y\*"


@pytest.mark.jekyll
def test_kramdown_under_jekyll_shows_every_text_in_every_place(jekyll: str, tmp_path: Path) -> None:
    dice = random.Random(20251123)
    texts = HOSTILE + ["".join(dice.choices(ALPHABET, k=dice.randint(1, 30))) for _ in range(400)]
    texts = [text for text in texts if normalise_line(text)]
    config = Path(__file__).parents[2] / "site" / "_config.yml"
    (tmp_path / "_config.yml").write_text(config.read_text(encoding="utf-8"), encoding="utf-8")
    for tag, context in CONTEXTS.items():
        blocks = "\n\n".join(
            f'<div markdown="1" class="case">\n\n{context.format(escape_markdown(text))}\n\n</div>' for text in texts
        )
        (tmp_path / f"{tag}.md").write_text(f"---\n---\n{blocks}\n", encoding="utf-8")
    done = subprocess.run(
        [jekyll, "build", "--strict_front_matter", "-s", tmp_path, "-d", tmp_path / "_site"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for tag in CONTEXTS:
        page = BeautifulSoup((tmp_path / "_site" / tag / "index.html").read_text(encoding="utf-8"), "html.parser")
        cases = page.select("div.case")
        assert len(cases) == len(texts)
        wrong = [(t, str(case)) for t, case in zip(texts, cases, strict=True) if not _holds(case, tag, t)]
        assert wrong == [], tag


def _holds(case: Tag, tag: str, text: str) -> bool:
    """The first element of that kind shows the text and nothing was made of it but what the context makes."""
    element = case.find(["td", "th"] if tag == "td" else tag.partition(".")[0])
    return element is not None and normalise_line(element.get_text()) == normalise_line(text)


@given(st.text(max_size=60))
def test_code_holds_nothing_but_entities_and_harmless_characters(text: str) -> None:
    code = escape_code_text(text)
    assert not set(code) & set("{}|`<>\n*_[]\\$~^")
    assert html.unescape(code) == strip_hidden(text)


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://example.org/a(b)|c?q=1&r={x}#f*", "https://example.org/a%28b%29%7Cc?q=1&r=%7Bx%7D#f%2A"),
        ("https://münchen.example/ü", "https://xn--mnchen-3ya.example/%C3%BC"),
        ("http://example.org:8080/100%/%41", "http://example.org:8080/100%25/%41"),
        ("  https://example.org/\u202ex\n", "https://example.org/x"),
        ("javascript:alert(1)", ""),
        ("JaVaScRiPt:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//example.org/x", ""),
        ("/local", ""),
        ("https://user:pass@example.org/", ""),
        ("https://exa mple.org/", ""),
        ("https://[::1/", ""),
        ("https://example.org:99999/", ""),
        ("https:///x", ""),
        ("", ""),
    ],
)
def test_addresses_are_http_and_percent_encoded_or_nothing(address: str, safe: str) -> None:
    assert encode_link(address) == safe


@given(st.text(max_size=80))
def test_no_address_can_end_a_link_or_open_a_tag(text: str) -> None:
    assert not set(encode_link(f"https://example.org/{text}")) & set(" ()[]{}<>|\"'`*\\^")
