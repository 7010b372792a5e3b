"""Past issues are read back: the recaps' links with their words and places, and nothing of the essays."""

from __future__ import annotations

import subprocess
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from digest.config.loader import parse_config
from digest.drafts.archive.headings import HeadingMap, parse_heading_month
from digest.drafts.archive.items import extract_imported_post, serialize_imported_posts
from digest.drafts.archive.posts import ArchivePost, parse_archive_post
from tests.archive.archives import CATEGORIES, HEADINGS, archive, by_category, by_month, dated, essay

ATOM = "{http://www.w3.org/2005/Atom}"


def test_a_numbered_recap_gives_each_link_its_category_and_the_year() -> None:
    text, want = by_category()
    read = extract_imported_post(parse_archive_post("2024-12-28-review.md", text), HEADINGS)
    assert {item.url: item.category for item in read.items} == want
    assert {item.period for item in read.items} == {"2024"}
    assert (read.form, read.unmapped_headings) == ("category", ())


def test_every_form_of_line_yields_its_title_and_words() -> None:
    text, _ = by_category()
    items = [
        item
        for item in extract_imported_post(parse_archive_post("x.md", text), HEADINGS).items
        if item.category == "models"
    ]
    assert [item.title for item in items] == [f"Models work {n}" for n in range(1, 7)]
    assert all(len(item.blurb.split()) >= 8 and "http" not in item.blurb for item in items)
    assert not items[0].blurb.startswith(("Models", ":", "-"))


def test_a_bulleted_recap_gives_each_link_its_month() -> None:
    text, want = by_month()
    read = extract_imported_post(parse_archive_post("2025-12-30-what.md", text), HEADINGS)
    assert {item.url: item.period for item in read.items if item.url} == want
    assert read.form == "month"


def test_an_archive_of_ten_posts_yields_the_items_of_its_two_recaps_alone() -> None:
    posts = archive()
    assert len(posts) == 10
    assert sum(len(post.html) for post in posts) > 150_000
    read = [extract_imported_post(post, HEADINGS) for post in posts]
    assert [one.form for one in read] == ["category", "month"] + ["essay"] * 8
    assert {item["url"] for item in serialize_imported_posts(read)["items"]} == set(by_category()[1]) | set(
        by_month()[1]
    )
    assert set(serialize_imported_posts(read)["items"][0]) == {"title", "url", "blurb", "category", "period"}


def test_essay_links_are_taken_when_asked_for() -> None:
    post = parse_archive_post("2025-03-11-essay.md", essay(2))
    assert extract_imported_post(post, HEADINGS).items == ()
    assert len(extract_imported_post(post, HEADINGS, include_essays=True).items) == 30


def test_headings_without_a_category_are_named_and_their_items_kept() -> None:
    text, want = by_category()
    read = extract_imported_post(parse_archive_post("x.md", text), HeadingMap(CATEGORIES))
    assert read.unmapped_headings == ("AI Security and alignment", "Everything else")
    assert {item.url for item in read.items} == set(want)


def recap(*lines: str) -> str:
    """A recap of three sections whose first holds the lines."""
    rest = "".join(f"<li><a href='https://a.org/{n}'>Other {n}</a>: words on it</li>" for n in range(5))
    return (
        f"<h2>Models</h2><ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>"
        f"<h2>Agents</h2><ol>{rest}</ol><h2>Evaluation</h2><ol>{rest.replace('a.org', 'b.org')}</ol>"
    )


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('<a href="https://x.org/a">A title</a>: my words', [("A title", "https://x.org/a", "my words")]),
        ("[A title] (https://x.org/a) my words", [("A title", "https://x.org/a", "my words")]),
        (
            '[A title] (<a href="https://x.org/a">https://x.org/a</a>) my words',
            [("A title", "https://x.org/a", "my words")],
        ),
        (
            "<b>A title</b>: my words https://x.org/a.",
            [("A title", "https://x.org/a", "my words.")],
        ),
        ('<a href="">A title</a> my words', [("A title", "", "my words")]),
        (
            '<a href="https://x.org/a">One</a>, <a href="https://x.org/b">Two</a> and a word',
            [("One", "https://x.org/a", "One, Two and a word")],
        ),
        (
            '<a href="https://x.org/a">A title</a>. Some words of mine, see <a href="https://x.org/b">paper</a> on it',
            [("A title", "https://x.org/a", "Some words of mine, see paper on it")],
        ),
        (
            '<a href="https://x.org/a">One</a> had my own words. <a href="https://x.org/b">Two</a> came a bit later.',
            [("One", "https://x.org/a", "had my own words. Two came a bit later.")],
        ),
        (
            '<a href="https://x.org/a">One</a> does as well as <a href="https://x.org/b">Two</a> at half the price',
            [("One", "https://x.org/a", "does as well as Two at half the price")],
        ),
        ('<a href="#top">Up</a> and <a href="mailto:a@b.c">write</a>', []),
        ('<a href="https://x.org/i.png"><img src="i.png"></a> a picture', []),
        ('<a href="/2025/own/">My own</a> post', [("My own", "https://me.org/2025/own/", "post")]),
        ("<strong>No link at all</strong>, words", []),
        (
            'Words, <em>then</em> <a href="https://x.org/a">a tool</a> in prose',
            [("a tool", "https://x.org/a", "Words, then a tool in prose")],
        ),
    ],
)
def test_a_line_is_read_as_an_editor_meant_it(line: str, found: list[tuple[str, str, str]]) -> None:
    items = extract_imported_post(dated("Recap", recap(line)), HEADINGS).items
    assert [(item.title, item.url, item.blurb) for item in items if item.category == "models"] == found


SECTIONS = (("m", "Models"), ("a", "Agents"), ("e", "Evaluation"))
NAMED = [(f"W{s}{n}", f"https://x.org/{s}/{n}", "my words on it") for s, _ in SECTIONS for n in range(4)]


def _html(line: str, around: str = "{}") -> ArchivePost:
    """Three sections, each of four lines in which S and N stand for the section and the number."""
    parts = [
        f"<h2>{title}</h2>"
        + around.format("".join(line.replace("S", name).replace("N", str(number)) for number in range(4)))
        for name, title in SECTIONS
    ]
    return dated("Recap", "".join(parts))


def _markdown(line: str, heading: str = "## {}", foot: str = "") -> ArchivePost:
    parts: list[str] = []
    feet: list[str] = []
    for name, title in SECTIONS:
        parts += [heading.format(title), ""]
        parts += [line.replace("S", name).replace("N", str(number)) for number in range(4)]
        feet += [foot.replace("S", name).replace("N", str(number)) + "\n" for number in range(4)]
        parts += [""]
    return parse_archive_post("2025-06-01-recap.md", "\n".join(["# Recap", "", *parts, *feet]))


_LINE = "- [WSN](https://x.org/S/N): my words on it"


@pytest.mark.parametrize(
    "post",
    [
        pytest.param(_html('<ol start=N><li><a href="https://x.org/S/N">WSN</a> my words</li></ol><p>on it</p>',
                           "{}<ul><li>no more</li></ul>"), id="a list that starts again"),
        pytest.param(_html('<dt><a href="https://x.org/S/N">WSN</a></dt><dd>my words on it</dd>', "<dl>{}</dl>"),
                     id="definitions"),
        pytest.param(_html('<tr><td><a href="https://x.org/S/N">WSN</a></td><td>my words on it</td></tr>',
                           "<table><tr><th>Work</th><th>Words</th></tr>{}</table>"), id="table"),
        pytest.param(_html('<li><a href="https://x.org/S/N">WSN</a><ul><li>my words</li><li>on it</li></ul></li>',
                           "<ul>{}</ul>"), id="nested"),
        *(pytest.param(_markdown(_LINE, "#" * level + " {}"), id=f"h{level}") for level in range(2, 6)),
        pytest.param(_markdown(_LINE, "**{}:**"), id="bold headings"),
        pytest.param(_markdown("- [WSN][SN]: my words on it", foot="[SN]: https://x.org/S/N"), id="references"),
        pytest.param(_markdown("- [WSN] (https://x.org/S/N) my words on it"), id="slips"),
        pytest.param(parse_archive_post("2025-06-01-a.md", "\ufeff" + "\r\n".join(
            ["# Recap", *(f"{'#' * 2} {title}\r\n\r\n" + "\r\n".join(_LINE.replace("S", s).replace("N", str(n))
             for n in range(4)) + "\r\n" for s, title in SECTIONS)])), id="CRLF and BOM"),
    ],
)  # fmt: skip
def test_a_recap_is_read_in_whatever_form_it_was_written(post: ArchivePost) -> None:
    items = extract_imported_post(post, HEADINGS).items
    assert [(item.title, item.url, item.blurb) for item in items] == NAMED
    assert {item.period for item in items} == {"2025-06"}


def test_a_footnote_that_holds_the_address_is_named_by_its_line() -> None:
    post = _markdown("- **WSN**: my words on it[^SN]", foot="[^SN]: https://x.org/S/N")
    items = extract_imported_post(post, HEADINGS).items
    assert [(item.title, item.url) for item in items] == [(name, url) for name, url, _ in NAMED]


def test_the_notes_on_releases_of_a_program_are_no_recap() -> None:
    change = '<li><b>client:</b> a change (<a href="https://github.com/o/r/commit/59bf261SN">59bf261</a>)</li>'
    assert extract_imported_post(_html(change.replace("SN", "aN"), "<ul>{}</ul>"), HEADINGS).form == "essay"


def test_a_work_that_is_named_twice_is_one_item() -> None:
    line = '<a href="https://x.org/a">A title</a>: my words'
    items = extract_imported_post(dated("Recap", recap(line, line)), HEADINGS).items
    assert [item.url for item in items].count("https://x.org/a") == 1


def test_lines_numbered_by_hand_in_one_paragraph_are_items() -> None:
    lines = "\n".join(f'{n}) <a href="https://x.org/{n}">Work {n}</a>: words' for n in range(1, 6))
    html = recap("x").replace("<li>x</li>", "").replace("<h2>Agents", f"<p>{lines}</p><h2>Agents")
    items = extract_imported_post(dated("Recap", html), HEADINGS).items
    assert [item.title for item in items if item.category == "models"] == [f"Work {n}" for n in range(1, 6)]


def test_a_month_of_a_review_written_in_january_is_of_the_year_before() -> None:
    html = "".join(
        f"<h3>{name}</h3><ul>"
        + "".join(f"<li><a href='https://x.org/{name}/{n}'>W</a></li>" for n in range(3))
        + "</ul>"
        for name in ("January", "March", "Dezember")
    )
    items = extract_imported_post(dated("Looking back", html, 2026, 1), HEADINGS).items
    assert sorted({item.period for item in items}) == ["2025-01", "2025-03", "2025-12"]


@pytest.mark.parametrize(
    ("heading", "number"),
    [
        ("January", 1), ("Feb. 2025", 2), ("3. March: agents", 3), ("Abril", 4), ("📅 May", 5), ("juin 2025", 6),
        ("2025-07", 7), ("8月", 8), ("Sept", 9), ("Jänner", 1), ("Março", 3), ("maggio", 5), ("12월", 12),
            ("01/2025", 1), ("Out of line", None), ("Set", None),
        ("févr.", 2), ("Gen AI", None), ("On October", None), ("Models", None), ("Marching on", None),
    ],
)  # fmt: skip
def test_months_are_known_by_how_a_heading_begins(heading: str, number: int | None) -> None:
    assert parse_heading_month(heading) == number


@pytest.mark.parametrize(
    ("heading", "slug"),
    [
        ("Applications of LLMs", "applications"), ("LLM applications", "applications"), ("LLM agents", "agents"),
        ("Beyond LLMs", "beyond"), ("Beyond language models", "beyond"), ("Evaluating LLMs", "eval"),
        ("Agent safety", "safety"), ("Model training", "techniques"), ("AI Security and alignment", "safety"),
        ("Agents & safety", ""), ("Models and agents", ""), ("🤖 2. Models", "models"), ("🤖", ""), ("News", ""),
    ],
)  # fmt: skip
def test_a_heading_that_names_several_categories_is_of_the_one_it_is_about(heading: str, slug: str) -> None:
    taxonomy = (Path(__file__).parents[2] / "sources.yaml").read_text(encoding="utf-8")
    assert HeadingMap(parse_config(taxonomy).taxonomy.categories).find_category(heading) == slug


@pytest.mark.parametrize(
    ("line", "items"),
    [
        ('(Jan 12) <a href="https://x.org/a">T</a>: my words', "my words"),
        ('2025-01-12 — <a href="https://x.org/a">T</a>: my words', "my words"),
        ('[Paper] <a href="https://x.org/a">T</a>: my words', "my words"),
        ('🔥 <a href="https://x.org/a">T</a>: my words', "my words"),
        ('<b>T</b> (<a href="https://x.org/a">paper</a>, <a href="https://x.org/b">code</a>). My words.', "My words."),
        ('<b>T</b>: my words <a href="https://x.org/a">Link</a>', "my words"),
        ('T. My words. <a href="https://x.org/a">https://x.org/a</a>', "My words."),
        ('<a href="https://x.org/a">T</a> and <a href="https://x.org/b">U</a>: my words', "my words"),
        ('As <a href="https://x.org/a">T</a> shows, the <a href="https://x.org/b">paper</a> on it is good',
         "As T shows, the paper on it is good"),
    ],
)  # fmt: skip
def test_the_words_on_a_work_leave_out_its_title_and_what_only_leads_to_it(line: str, items: str) -> None:
    assert extract_imported_post(dated("Recap", recap(line)), HEADINGS).items[0].blurb == items


def test_footnotes_of_markdown_stand_where_they_are_referred_to() -> None:
    post = _markdown("- **WSN**: my words[^SN] on it", foot="[^SN]: [Paper](https://x.org/S/N),\n    of last year.")
    items = [(item.title, item.url) for item in extract_imported_post(post, HEADINGS).items]
    assert items == [(name, url) for name, url, _ in NAMED]
    assert extract_imported_post(post, HEADINGS).items[0].blurb == "my words Paper, of last year. on it"


def test_front_matter_with_a_colon_in_the_title_is_still_read() -> None:
    post = parse_archive_post(
        "2025-02-03-some-words.md", "---\ntitle: A: b\ndate: 2025-02-04\n---\n\nText {% include x %}\n"
    )
    assert (post.title, f"{post.published:%Y-%m-%d}", "include" in post.html) == ("A: b", "2025-02-04", False)


def test_a_post_without_front_matter_is_dated_and_named_by_its_file() -> None:
    post = parse_archive_post("_posts/2025-02-03-some-words.md", "Text\n")
    assert (post.title, f"{post.published:%Y-%m-%d}") == ("some-words", "2025-02-03")


def test_a_page_is_read_from_its_article() -> None:
    page = (
        "<html><head><title>t</title><link rel=canonical href='https://me.org/p/'></head><body>"
        "<article><h1>Title</h1><time datetime='2025-06-03T10:00:00Z'></time>" + recap("") + "</article></body></html>"
    )
    post = parse_archive_post("p.html", page)
    assert (post.title, post.url, f"{post.published:%Y-%m-%d}") == ("Title", "https://me.org/p/", "2025-06-03")
    assert len(extract_imported_post(post, HEADINGS).items) == 10


FEED = """---
---
<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
{% for post in site.posts %}<entry>
<title type="html">{{ post.title | smartify | strip_html | normalize_whitespace | xml_escape }}</title>
<link href="https://me.org{{ post.url }}" rel="alternate"/><published>{{ post.date | date_to_xmlschema }}</published>
<content type="html" xml:base="https://me.org{{ post.url }}"><![CDATA[{{ post.content | strip }}]]></content></entry>
{% endfor %}</feed>
"""  # as jekyll-feed 0.17 writes it


@pytest.mark.jekyll
def test_a_feed_that_jekyll_made_of_the_archive_yields_the_same_items(jekyll: str, tmp_path: Path) -> None:
    (tmp_path / "_posts").mkdir()
    for number in range(8):
        (tmp_path / "_posts" / f"2025-0{number + 1}-11-essay.md").write_text(essay(number))
    (tmp_path / "_posts" / "2024-12-28-review.md").write_text(by_category()[0])
    (tmp_path / "_posts" / "2025-12-30-what.md").write_text(by_month()[0])
    (tmp_path / "feed.xml").write_text(FEED)
    (tmp_path / "_config.yml").write_text("timezone: UTC\nfuture: true\n")
    command = [jekyll, "build", "-q", "-s", str(tmp_path), "-d", str(tmp_path / "_site")]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    feed = ElementTree.parse(tmp_path / "_site" / "feed.xml").getroot()
    read = [extract_imported_post(_entry(node), HEADINGS) for node in feed.iter(f"{ATOM}entry")]
    assert sorted(post.form for post in read) == ["category", *["essay"] * 8, "month"]
    places = {item.url: item.category or item.period for post in read for item in post.items if item.url}
    assert places == by_category()[1] | by_month()[1]


def _entry(node: ElementTree.Element) -> ArchivePost:
    link = node.find(f"{ATOM}link")
    assert link is not None
    when = datetime.fromisoformat(node.findtext(f"{ATOM}published", ""))
    return ArchivePost(
        node.findtext(f"{ATOM}title", ""), node.findtext(f"{ATOM}content", ""), link.get("href", ""), when
    )


@pytest.mark.parametrize("date", ["2025-04-30", "2025-04-30T08:00:00Z", '"2025-04-30"', "2025-04-30\nbroken = = yes"])
def test_the_front_matter_of_hugo_is_read(date: str) -> None:
    post = parse_archive_post(
        "april.md", f'+++\ntitle = "AI digest: April"\ndate = {date}\n+++\n\n## Agents\n\nWords.\n'
    )
    assert (post.title, str(post.published)[:10]) == ("AI digest: April", "2025-04-30")
    assert "+++" not in post.html
