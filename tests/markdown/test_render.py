"""The editor's prose: the same in kramdown, in feed HTML and in text; what is outside the subset is named."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag
from hypothesis import given
from hypothesis import strategies as st

from digest.markdown.lint import LintWarning, lint_markdown
from digest.markdown.render import (
    render_description,
    render_html,
    render_html_line,
    render_text,
    rewrite_markdown,
    rewrite_markdown_line,
)
from tests.markdown.fragments import fragments
from tests.markdown.hostile import HOSTILE

PROSE = [
    "A *quiet* month, **really**, seen [from afar](https://example.org/a_(b)?x=1&y=2).",
    "Stars in wo*r*ds, ***both***, **bold *and* em**, `code {{ x }} | y`, <https://example.org/auto>.",
    "Two\nlines\n- of list\n- and {{ more }}\n  - nested\n\nafter",
    "- loose\n\n- items\n\n  with paragraphs\n\n> quoted *text*\n> on two lines\n>\n> - and a list",
    "## A heading with `code` | and pipe\n\n### Smaller #\n\nText.",
    "```python\ndef f(x):\n    return {{ x }} | 1\n\n# comment *not* heading\n```\n\nafter",
    "- item\n\n  ```\n  code in list\n  ```\n- next",
    "1. one\n2. two\n\n# Too large\n\n![image](https://example.org/i.png)\n\n***\n\n    indented code",
    "Raw <b>html</b> and <script>alert(1)</script> and <div>\n\nblock\n\n</div>",
    "[local](/archive/) [place](#models) [bad](javascript:alert(1)) [worse](//evil.example) [mail](mailto:a@b.example)",
    "[ref] and [a][ref]\n\n[ref]: https://example.org/ref",
    "a forced  \nbreak and \\* escapes \\{{ x }} &copy; &lt;b&gt;",
    "{: .class}\n\n{::nomarkdown}\n\n*[HTML]: Hyper\n\nterm\n: definition\n\n| a | b |\n|---|---|\n| c | d |",
    "$$x$$ ~~gone~~ H~2~O [^1]\n\n[^1]: a note",
    '"quotes" -- dashes --- and ... dots',
    "* one list\n- another\n\n1. and\n2) a third",
    "Great!<https://example.org/> and \\![not an image](https://example.org/i)",
    "[a <https://example.org/in> and ![image](https://example.org/i.png)](https://example.org/out) [](/nothing/)",
    "- a line\n\n  - - -\n\n- 1. numbered\n  > quoted\n- last",
]


def _normal(markup: str) -> str:
    """HTML without what no reader sees: white space between blocks, attributes that Jekyll's highlighter adds."""
    soup = BeautifulSoup(markup, "html.parser")
    for paragraph in soup.select("li > p:only-child"):  # looseness is only a matter of space
        paragraph.unwrap()
    for node in soup.find_all(True):
        node.attrs = {name: value for name, value in node.attrs.items() if name == "href"}
    text = re.sub(r"\s+", " ", str(soup))
    return re.sub(r" ?(</?(p|ul|ol|li|h2|h3|blockquote|pre|br|hr)/?>) ?", r"\1", text).strip()


def _built(jekyll: str, folder: Path, pages: dict[str, str]) -> Path:
    """Pages of Markdown as Jekyll builds them with the site's own settings."""
    config = Path(__file__).parents[2] / "site" / "_config.yml"
    (folder / "_config.yml").write_text(config.read_text(encoding="utf-8"), encoding="utf-8")
    for name, prose in pages.items():
        (folder / f"{name}.md").write_text(f"---\npermalink: /{name}.html\n---\n{prose}\n", encoding="utf-8")
    done = subprocess.run([jekyll, "build", "-s", folder, "-d", folder / "_site"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "_site"


@pytest.mark.jekyll
def test_kramdown_shows_what_the_feed_shows(jekyll: str, tmp_path: Path) -> None:
    cases = [*PROSE, *HOSTILE]
    blocks = "\n\n".join(
        f'<section markdown="1">\n\n{rewrite_markdown(prose, "/base")}\n\n</section>' for prose in cases
    )
    built = _built(jekyll, tmp_path, {"index": blocks})
    page = BeautifulSoup((built / "index.html").read_text(encoding="utf-8"), "html.parser")
    sections = page.select("section")
    assert len(sections) == len(cases)
    wrong = [
        (prose, _normal(section.decode_contents()), _normal(render_html(prose, "/base")))
        for prose, section in zip(cases, sections, strict=True)
        if _normal(section.decode_contents()) != _normal(render_html(prose, "/base"))
    ]
    assert wrong == []


@pytest.mark.jekyll
def test_what_kramdown_would_show_otherwise_is_remarked(jekyll: str, tmp_path: Path) -> None:
    """Of generated fragments, each without a remark is the same in kramdown as it stands, in the post, in the feed."""
    clean = [prose for prose in fragments(seed=2025, count=3_000) if not lint_markdown(prose)]
    assert len(clean) > 800
    pages = {f"raw{n}": prose for n, prose in enumerate(clean)} | {
        f"post{n}": rewrite_markdown(p) for n, p in enumerate(clean)
    }
    built = _built(jekyll, tmp_path, pages)
    wrong = [
        (prose, name, shown, _seen(render_html(prose)))
        for n, prose in enumerate(clean)
        for name in ("raw", "post")
        if name == "post" or not re.search(r"\{[{%]", prose)  # Jekyll runs Liquid within code too
        if (shown := _seen((built / f"{name}{n}.html").read_text(encoding="utf-8"))) != _seen(render_html(prose))
    ]
    assert wrong == []


def _seen(markup: str) -> str:
    """HTML without what no reader sees: how an address is encoded, which of two emphases is outside."""
    soup = BeautifulSoup(markup, "html.parser")
    for frame in soup.select("div"):  # Jekyll's highlighter puts them around code
        frame.unwrap()
    for item in soup.select("li"):
        first = item.find("p", recursive=False)
        if isinstance(first, Tag) and len(item.find_all("p", recursive=False)) == 1:
            first.unwrap()
    for tag in soup.select("a[href]"):
        parts = urlsplit(unquote(str(tag["href"])))
        tag["href"] = parts._replace(netloc=parts.netloc.encode("idna").decode()).geturl()
    nested = _normal(str(soup)).replace("<strong><em>", "<em><strong>").replace("</em></strong>", "</strong></em>")
    return nested.replace("&quot;", '"')


@given(st.text("ab *_`[]()<>{}%|#-+1.\\\n\"'&:/", max_size=80))
def test_no_liquid_and_no_foreign_tag_comes_out(prose: str) -> None:
    assert "{{" not in rewrite_markdown(prose)
    assert "{%" not in rewrite_markdown(prose)
    assert "\n" not in rewrite_markdown_line(prose)
    allowed = r"</?(p|em|strong|a|code|pre|ul|ol|li|h2|h3|blockquote|br|hr)( href=\"[^\"]*\")?( ?/)?>"
    assert "<" not in re.sub(allowed, "", render_html(prose))
    assert "<" not in re.sub(allowed, "", render_html_line(prose))


def test_what_lies_outside_the_subset_is_named_with_its_line() -> None:
    assert lint_markdown("Fine *text*.\n\n- list\n\n## Heading\n\n> quote\n\n```\ncode\n```\n\n[a](/b) [c](#d)") == []
    assert lint_markdown(
        "one\n\n1. two\n\n# three\n\nfour <b>five\n![six](x)\n\n* seven\n\n[eight](mailto:x@y.example)"
    ) == [
        LintWarning(3, "a numbered list is outside the allowed subset"),
        LintWarning(5, "a heading of level 1; write it with ##"),
        LintWarning(7, "HTML, which is shown as text"),
        LintWarning(10, "a list marked with *; mark it with -"),
        LintWarning(12, "a link that is neither http nor https, nor a place on this site"),
    ]


@pytest.mark.parametrize(
    ("prose", "line", "said"),
    [
        ("one\n\n| a | b |\n|---|---|\n| c | d |", 3, "a |"),
        ("one `code\nover two lines` and\n{{ site.url }}", 3, "Liquid"),
        ("**模型（LLM）**是", 1, "a * that emphasises nothing"),
        ("fine\n\n- a line\n- [ ] to do", 4, "a box to tick"),
        ("a note[^1]\n\n[^1]: of it", 1, "a footnote"),
        ("words\n{: .wide}", 2, "an attribute list"),
        ("it costs $$x^2$$", 1, "a formula"),
        ("~~gone~~", 1, "~~"),
        ("> quoted\n>\n> - [x](javascript:y)", 3, "a link without an address"),
        ("Text\n---", 1, "a heading that is underlined"),
        ("- a\n> b", 2, "this begins right below a list"),
        ("```\ncode", 1, "a block of code that is never closed"),
        ("\\& so", 1, "a backslash before &"),
    ],
)
def test_what_other_dialects_read_in_it_is_named_with_its_line(prose: str, line: int, said: str) -> None:
    assert [remark for remark in lint_markdown(prose) if remark.line == line and remark.message.startswith(said)]


@pytest.mark.parametrize(
    "prose",
    ["A* and B* are *searches*", "2*3, f_1 and a snake_case", "P(a\\|b), C++, R&D, C#, 50%, $5", "x < y, #1, 1986."],
)
def test_signs_of_the_trade_are_no_markup(prose: str) -> None:
    assert lint_markdown(prose) == []


def test_text_of_prose_keeps_paragraphs_lists_and_addresses() -> None:
    assert (
        render_text("A *b* [c](https://d.example/)\n\n- e\n- f\n\n> g")
        == "A b c (https://d.example/)\n\n- e\n- f\n\n> g"
    )


def test_the_words_of_prose_have_no_addresses_marks_or_blocks_of_code() -> None:
    prose = "A *b* [c](https://d.example/) `e`\nand [f](#f).\n\n- g\n- h\n\n> i\n\n```\ncode\n```\n\n## J"
    assert render_description(prose) == "A b c e and f. g h i J"
    assert render_text("See [f](#f).") == "See f."


def test_local_links_are_put_below_the_base() -> None:
    assert render_html("[a](/b/) [c](#d)", "https://x.example/y") == (
        '<p><a href="https://x.example/y/b/">a</a> <a href="#d">c</a></p>\n'
    )


def test_what_a_fault_of_our_own_writing_of_html_let_through_is_still_cleaned_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    evil = '<p onclick="x()">a<script>x()</script><a href="javascript:x()" target="_top">b</a><img src="x"></p>'
    monkeypatch.setattr("digest.markdown.render._render_html_node", lambda node, base: evil)
    assert render_html("any") == render_html_line("any") == "<p>a<a>b</a></p>"
