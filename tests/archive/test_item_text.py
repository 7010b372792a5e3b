"""The words on a past item keep the editor's bold, emphasis and code, and every other sign is the sign it was."""

from __future__ import annotations

import pytest

from digest.drafts.archive.items import ImportedItem, extract_imported_post, serialize_imported_posts
from digest.drafts.archive.posts import parse_archive_post
from digest.markdown.render import render_description
from tests.archive.archives import HEADINGS, dated
from tests.archive.test_archive import recap


def _first(line: str) -> ImportedItem:
    return next(
        item for item in extract_imported_post(dated("Recap", recap(line)), HEADINGS).items if item.category == "models"
    )


TITLE = '<a href="https://x.org/a">T</a>'


@pytest.mark.parametrize(
    ("line", "markdown"),
    [
        (f"{TITLE}: the <strong>first</strong> to <em>read</em> <code>a*b</code>", "the **first** to *read* `a*b`"),
        (f"{TITLE}: <b>all of <i>its</i> tests</b>, <tt>x</tt>", "**all of *its* tests**, `x`"),
        (f"<b>{TITLE}</b>: my <b>words</b>", "my **words**"),
        (f"<b>{TITLE}: </b>my words", "my words"),
        ('<b>T</b> (<a href="https://x.org/a">paper</a>): <b>my</b> words', "**my** words"),
        ('<b>T</b>. My <b>words</b> <a href="https://x.org/a">Link</a>', "My **words**"),
        (f"<b>We saw {TITLE}</b> come", "**We saw T** come"),
        (f"We saw <em>{TITLE}</em> come", "We saw *T* come"),
        ('We saw <a href="https://x.org/a"><b>T</b></a> come', "We saw **T** come"),
        ('We saw <a href="https://x.org/a">T <b>new</b></a> come', "We saw T new come"),
        (
            f"{TITLE}: see <b>that <a href='https://x.org/b'>other work</a></b> too",
            "see **that [other work](https://x.org/b)** too",
        ),
        (
            "<a href='https://x.org/1'>T</a> (<a href='https://x.org/2'>code</a>): fast. <b>For the few who row</b>.",
            "fast. ([code](https://x.org/2))",
        ),
        (f"{TITLE}: <b>my words</b><ul><li>and <b>more</b></li></ul>", "**my words** and **more**"),
        (f"{TITLE}: 2*3*4, x_y_z, **no**, a &lt;b&gt; c", r"2\*3\*4, x\_y\_z, \*\*no\*\*, a &lt;b&gt; c"),
        (f"{TITLE}: [x](y) {{{{ z }}}} <b>[w](v)</b>", r"\[x\](y) &#123;&#123; z &#125;&#125; **\[w\](v)**"),
        (f"{TITLE}: <b>\n my </b> words ,  then", "**my** words, then"),
    ],
)
def test_bold_emphasis_and_code_are_kept_as_prose(line: str, markdown: str) -> None:
    item = _first(line)
    assert item.markdown == markdown
    if not item.verdict and "](" not in item.markdown.replace("\\](", ""):
        assert render_description(item.markdown) == item.blurb


def test_a_term_is_bold_for_its_line_alone() -> None:
    """A term of a list of definitions names the item; the editor did not set it in bold."""
    html = recap("x").replace("<ul><li>x</li></ul>", f"<dl><dt>Label</dt><dd>words on {TITLE} <b>so</b></dd></dl>")
    assert "**Label" not in extract_imported_post(dated("Recap", html), HEADINGS).items[0].markdown


def test_the_bold_of_markdown_posts_is_kept() -> None:
    lines = "\n".join(f"- **[W{n}](https://x.org/{n})**: my **own** words, *then* `c`, \\*no\\*" for n in range(5))
    sections = "\n\n".join(
        f"## {name}\n\n{lines.replace('x.org', f'{name}.org')}" for name in ("Models", "Agents", "RAG")
    )
    items = extract_imported_post(parse_archive_post("2025-06-01-recap.md", f"# Recap\n\n{sections}\n"), HEADINGS).items
    assert {item.markdown for item in items} == {"my **own** words, *then* `c`, \\*no\\*"}
    assert {item.blurb for item in items} == {"my own words, then c, *no*"}


def test_what_is_told_of_an_item_is_its_plain_words() -> None:
    row = serialize_imported_posts(
        [extract_imported_post(dated("Recap", recap(f"{TITLE}: my <b>words</b> *")), HEADINGS)]
    )["items"][0]
    assert set(row) == {"title", "url", "blurb", "category", "period"}
    assert row["blurb"] == "my words *"
