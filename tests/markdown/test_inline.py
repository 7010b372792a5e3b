"""Styled words as Markdown: read back, they are the same words, set as they were."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from digest.markdown.inline import InlineStyle, write_styled_text
from digest.markdown.lint import lint_markdown
from digest.markdown.render import render_description, render_html_line
from digest.text import strip_hidden
from tests.markdown.hostile import HOSTILE

STARS = InlineStyle.EM | InlineStyle.STRONG
OPENED = {"em_open": InlineStyle.EM, "strong_open": InlineStyle.STRONG}
CLOSED = {"em_close": InlineStyle.EM, "strong_close": InlineStyle.STRONG}
PLAIN, EM, STRONG, CODE = InlineStyle.PLAIN, InlineStyle.EM, InlineStyle.STRONG, InlineStyle.CODE

Run = tuple[str, InlineStyle]
ODD = ["a", "two words", " ", "1. ", "- ", "*", "_", "`", "](x)", "<b>", "{{", '"', "中", "🔥", "\\", "]:", "\u200b"]
texts = st.one_of(st.sampled_from(ODD), st.text(max_size=4))
runs = st.lists(st.tuples(texts, st.sampled_from([PLAIN, PLAIN, EM, STRONG, STARS, CODE, STRONG | CODE])), max_size=8)


def one_line(parts: list[Run]) -> tuple[str, list[InlineStyle]]:
    """The parts as an import has them: one space for every space, none outside."""
    signs = [(sign, style) for text, style in parts for sign in text]
    kept: list[Run] = []
    for sign, style in signs:
        if not sign.isspace() or (kept and not kept[-1][0].isspace()):
            kept.append((" " if sign.isspace() else sign, style))
    if kept and kept[-1][0] == " ":
        kept.pop()
    return "".join(sign for sign, _ in kept), [style for _, style in kept]


def read(markdown: str) -> list[Run]:
    """Each sign that a reader of CommonMark sees in one paragraph, and how it is set."""
    tokens = MarkdownIt("commonmark", {"html": False}).parse(markdown)
    assert [token.type for token in tokens] in ([], ["paragraph_open", "inline", "paragraph_close"])
    style, out = PLAIN, []
    for token in tokens[1].children or () if tokens else ():
        style = (style | OPENED.get(token.type, PLAIN)) & ~CLOSED.get(token.type, PLAIN)
        out += [(sign, style | (CODE if token.type == "code_inline" else PLAIN)) for sign in token.content]
    return out


def seen(text: str) -> str:
    return " ".join(strip_hidden(text).split())


@given(runs)
def test_whatever_was_styled_shows_the_same_words_and_nothing_is_set_that_was_not(parts: list[Run]) -> None:
    text, styles = one_line(parts)
    found = read(write_styled_text(text, styles))
    assert seen("".join(sign for sign, _ in found)) == seen(text)
    were = [style for sign, style in zip(text, styles, strict=True) if seen(sign)]
    for (_, is_set), was in zip([run for run in found if run[0] != " "], were, strict=True):
        assert is_set & ~was == PLAIN


@pytest.mark.parametrize("style", [EM, STRONG, STARS, CODE, STRONG | CODE])
@pytest.mark.parametrize(
    "word", ["word", '"quoted"', "R&D", "<b>", "a*b", "x_y", "{{ x }}", "(1)", "中文", "🔥", "[x](y)"]
)
@pytest.mark.parametrize("around", [("see ", " here"), ("", " here"), ("see ", ""), ("see", "here"), ("(", "),")])
def test_a_styled_word_keeps_its_style_beside_whatever_stands_there(
    around: tuple[str, str], word: str, style: InlineStyle
) -> None:
    before, after = around
    text, styles = one_line([(before, PLAIN), (word, style), (after, PLAIN)])
    assert [(sign, is_set) for sign, is_set in read(write_styled_text(text, styles)) if sign != " "] == [
        (sign, was) for sign, was in zip(text, styles, strict=True) if sign != " "
    ]


@pytest.mark.parametrize("text", [*HOSTILE, "1. first", "+ more", "* star", "`tick"])
def test_a_text_that_nobody_styled_means_nothing(text: str) -> None:
    words = unicodedata.normalize("NFC", " ".join(strip_hidden(text).split()))
    plain = write_styled_text(words, [PLAIN] * len(words))
    assert render_description(plain) == words
    assert "<em>" not in render_html_line(plain)


@pytest.mark.parametrize(
    ("parts", "written"),
    [
        ([("A ", PLAIN), ("bold ", STRONG), ("word", PLAIN)], "A **bold** word"),
        ([("all of ", STRONG), ("its", STARS), (" tests", STRONG)], "**all of *its* tests**"),
        ([("all of ", EM), ("its", STARS), (", and", EM)], "*all of **its**, and*"),
        ([("bold", STRONG), ("beside", EM)], "**bold**beside"),
        ([("run ", PLAIN), ("a*b", CODE), (" now", PLAIN)], "run `a*b` now"),
        ([("a`b", CODE)], "`a`&#96;`b`"),
        ([('"q"', STRONG), ("ly", PLAIN)], '**"q"**&#108;y'),
        ([("1. x", STRONG)], "**1. x**"),
        ([(" ", STRONG)], ""),
    ],
)
def test_it_is_written_as_an_editor_would_write_it(parts: list[Run], written: str) -> None:
    assert write_styled_text(*one_line(parts)) == written
    assert lint_markdown(written) == []
