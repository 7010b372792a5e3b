"""The whole site through the real Jekyll: no warning, every link leads somewhere, hostile text is text."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup

from digest.config.schema import Newsletter, SiteConfig
from digest.files import write_documents
from digest.i18n import load_translations
from digest.publishing.issue_view import IssueView
from digest.publishing.render.citations import render_citations
from digest.publishing.render.feeds import render_feeds
from digest.publishing.render.post import render_post_pages
from digest.publishing.render.site_data import render_site_config, render_site_files
from digest.text import normalise_line
from tests.conftest import need_tool
from tests.markdown.hostile import HOSTILE
from tests.publishing.samples import NEWSLETTER, TAXONOMY, issue, pick
from tests.publishing.test_feeds import hostile

SKELETON = Path(__file__).parents[2] / "site"
OURS = shutil.ignore_patterns(
    "_site", ".jekyll-cache", "_posts", "_drafts", "feed*", "category", "cards", "search.json"
)


@dataclass(frozen=True)
class Built:
    """A built site: where it is, and what Jekyll said."""

    root: Path
    said: str

    def page(self, path: str) -> BeautifulSoup:
        file = self.root / path.lstrip("/")
        return BeautifulSoup(
            (file / "index.html" if file.is_dir() else file).read_text(encoding="utf-8"), "html.parser"
        )


def build(folder: Path, views: list[IssueView], newsletter: Newsletter = NEWSLETTER, look: str = "serif") -> Built:
    """Write the views' documents over the skeleton and run Jekyll."""
    jekyll = need_tool("jekyll")
    shutil.copytree(SKELETON, folder, ignore=OURS)
    settings = SiteConfig.model_validate({"look": look})
    documents = [page for view in views for page in render_post_pages(view, newsletter)]
    documents += render_feeds(views, newsletter, settings, TAXONOMY) + render_site_files(
        views, newsletter, settings, TAXONOMY
    )
    documents += render_citations(views, newsletter)
    write_documents(folder, documents)
    done = subprocess.run(
        [jekyll, "build", "--strict_front_matter", "-s", folder, "-d", folder / "_site"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Built(folder / "_site", done.stdout + done.stderr)


def year() -> list[IssueView]:
    months = [issue(f"2025-{month:02d}") for month in range(1, 13)]
    return [*months, issue("2025", by_month=[])]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(tmp_path_factory.mktemp("year") / "site", year())


@pytest.mark.jekyll
def test_jekyll_has_nothing_to_warn_of(built: Built) -> None:
    assert [line for line in built.said.splitlines() if "warn" in line.lower() or "error" in line.lower()] == []


@pytest.mark.jekyll
def test_every_link_on_every_page_leads_to_a_file_and_an_anchor(built: Built) -> None:
    pages = [path.relative_to(built.root).as_posix() for path in built.root.rglob("*.html")]
    assert {"index.html", "404.html", "archive/index.html", "2025/06/digest/index.html"} <= set(pages)
    broken = []
    for name in pages:
        for link in built.page(name).select("a[href], link[href], script[src]"):
            address = str(link.get("href") or link.get("src")).removeprefix("https://example.org")
            path, _, anchor = address.partition("#")
            if path.startswith(("http", "mailto:")):
                continue
            target = built.root / path.removeprefix("/digest").lstrip("/") if path else built.root / name
            file = target / "index.html" if target.is_dir() else target
            inside = not path or path.startswith("/digest/")
            if not inside or not file.is_file() or (anchor and not _has(file, anchor)):
                broken.append((name, address))
    assert broken == []


def _has(file: Path, anchor: str) -> bool:
    return BeautifulSoup(file.read_text(encoding="utf-8"), "html.parser").find(id=anchor) is not None


@pytest.mark.jekyll
def test_every_page_says_what_it_is_and_weighs_little(built: Built) -> None:
    for file in built.root.rglob("*.html"):
        page = built.page(file.relative_to(built.root).as_posix())
        assert file.stat().st_size < 100_000
        assert page.title
        assert page.title.string
        assert page.select("html[lang=en]")
        assert len(page.select("h1")) == 1, file
        assert len({element["id"] for element in page.select("[id]")}) == len(page.select("[id]")), file
        assert page.select('link[rel="alternate"][type="application/atom+xml"]')
        assert page.select('link[rel="canonical"]')
        levels = [int(heading.name[1]) for heading in page.select("h1, h2, h3, h4")]
        assert all(after <= before + 1 for before, after in pairwise(levels)), file
        elsewhere = page.select('script[src^="http"], link[rel="stylesheet"][href^="http"], img[src^="http"], iframe')
        assert elsewhere == []


@pytest.mark.jekyll
def test_sitemap_robots_feeds_and_card_are_where_they_are_announced(built: Built) -> None:
    sitemap = (built.root / "sitemap.xml").read_text(encoding="utf-8")
    assert "<loc>https://example.org/digest/2025/06/digest/</loc>" in sitemap
    assert "404" not in sitemap
    assert "Sitemap: https://example.org/digest/sitemap.xml" in (built.root / "robots.txt").read_text(encoding="utf-8")
    for name in ("feed.xml", "feed.json", "feed/yearly.xml", "feed/models.xml"):
        assert (built.root / name).read_bytes() == (built.root.parent / name).read_bytes()
    card = built.page("/2025/06/digest/").select_one('meta[property="og:image"]')
    assert card
    assert (built.root / str(card["content"]).removeprefix("https://example.org/digest/")).is_file()


@pytest.mark.jekyll
def test_home_opens_the_latest_issue_names_its_first_picks_and_six_issues_before_it(built: Built) -> None:
    home = built.page("/")
    assert home.select('.latest h2 a[href="/digest/2025/review/"]')
    assert [text.get_text() for text in home.select(".latest .opening")] == ["A quiet month, seen from afar."]
    assert [pick.get_text() for pick in home.select(".latest .highlights a")] == ["Work number 1"]
    links = [str(link["href"]) for link in home.select(".year li > a")]
    assert links == [f"/digest/2025/{month:02d}/digest/" for month in range(12, 6, -1)]


@pytest.mark.jekyll
def test_the_archive_names_the_highlights_of_every_issue_under_its_year(built: Built) -> None:
    archive = built.page("/archive/")
    assert [heading.get_text() for heading in archive.select(".year h2")] == ["2025"]
    assert [text.get_text() for text in archive.select(".year li p")] == ["Work number 1"] * 13


@pytest.mark.jekyll
def test_a_category_page_has_the_sentences_and_dates_of_its_works(built: Built) -> None:
    row = built.page("/category/models/").select_one(".listing li")
    assert row
    assert row.select_one("p").get_text() == "We present an engine that computes."  # type: ignore[union-attr]
    assert row.select_one(".who").get_text() == "Ada Lovelace et al. · 12 Jun"  # type: ignore[union-attr]


@pytest.mark.jekyll
def test_hostile_titles_are_the_text_they_are_on_the_page(tmp_path: Path) -> None:
    evil = hostile()
    section = replace(evil.sections[0], picks=[pick(n, title=text) for n, text in enumerate(HOSTILE)])
    view = replace(evil, sections=[section], path="/2025/06/digest/")
    built = build(tmp_path / "site", [view])
    page = built.page("/2025/06/digest/")
    headings = [normalise_line(heading.get_text()) for heading in page.select("h3")]
    assert [text for text in HOSTILE if normalise_line(text) not in headings] == []
    title = page.select_one("h1")
    assert title
    assert normalise_line(title.get_text()) == normalise_line(view.title)
    assert not page.select("main script, main img, main b, table table")
    rows = json.loads((built.root / "search.json").read_text(encoding="utf-8"))
    assert [row["title"] for row in rows] == [normalise_line(text) for text in HOSTILE]


@pytest.mark.jekyll
@pytest.mark.parametrize("language", ["es", "zh"])
def test_an_empty_site_and_another_language_build_too(tmp_path: Path, language: str) -> None:
    newsletter = NEWSLETTER.model_copy(update={"language": language, "base_path": ""})
    built = build(tmp_path / "site", [], newsletter, "sans")
    home = built.page("/")
    assert home.html
    assert (home.html["lang"], home.html["class"]) == (language, ["sans", "comfortable"])
    assert "warn" not in built.said.lower()
    about, w = built.page("/about/"), load_translations(language)
    assert about.h1
    assert about.h1.get_text() == w["about"]
    assert [p.get_text() for p in about.select(".body p")] == [w["about_who"], w["about_sources"], w["about_privacy"]]
    assert about.title
    assert about.title.get_text() == f"{w['about']} · {newsletter.title}"


@pytest.mark.jekyll
def test_lists_do_not_repeat_the_newsletters_name(tmp_path: Path) -> None:
    built = build(tmp_path / "site", [issue(title=f"{NEWSLETTER.title}: June 2025")])
    assert [link.get_text() for link in built.page("/archive/").select(".year li > a")] == ["June 2025"]
    assert built.page("/2025/06/digest/").h1.get_text() == f"{NEWSLETTER.title}: June 2025"  # type: ignore[union-attr]


# Liquid 4.0.4 and Jekyll 3.10.0, which GitHub Pages runs: what they know of tags and filters.
_TAGS = """
    assign capture case comment cycle decrement else elsif endcapture endcase endcomment endfor endif endraw
    endunless for if include include_relative increment raw unless when break continue highlight endhighlight
"""
_FILTERS = """
    abs append capitalize ceil compact concat date default divided_by downcase escape escape_once first floor
    join last lstrip map minus modulo newline_to_br plus prepend remove remove_first replace replace_first
    reverse round rstrip size slice sort sort_natural split strip strip_html strip_newlines times truncate
    truncatewords uniq upcase url_decode url_encode absolute_url relative_url strip_index date_to_xmlschema
    date_to_rfc822 date_to_string date_to_long_string where where_exp group_by group_by_exp xml_escape
    cgi_escape uri_escape number_of_words array_to_sentence_string markdownify smartify sassify scssify slugify
    jsonify normalize_whitespace sample to_integer push pop shift unshift inspect
"""
# https://pages.github.com/versions.json: the plugins a site may name there.
_PLUGINS = {"jekyll-seo-tag", "jekyll-sitemap", "jekyll-feed", "jekyll-redirect-from", "jekyll-paginate"}


def test_layouts_use_nothing_that_github_pages_does_not_know() -> None:
    files = [path for path in SKELETON.rglob("*") if path.suffix in (".html", ".xml", ".txt", ".md") and path.is_file()]
    files = [path for path in files if "_site" not in path.parts]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    code = re.sub(r"\"[^\"]*\"|'[^']*'", "''", "\n".join(re.findall(r"\{[{%].*?[%}]\}", text)))
    assert len(files) > 15
    assert set(re.findall(r"\{%-?\s*(\w+)", code)) <= set(_TAGS.split())
    assert set(re.findall(r"\|\s*(\w+)", code)) <= set(_FILTERS.split())
    for scoped in re.findall(r"(?:where_exp|group_by_exp):[^|%}]*", code):
        assert not re.search(r"\b(and|or)\b", scoped)


def test_the_site_names_no_plugin_that_github_pages_does_not_run() -> None:
    written = yaml.safe_load(render_site_config(NEWSLETTER, SiteConfig()).body)
    assert set(written["plugins"]) <= _PLUGINS
    assert written["theme"] is None
    assert written["markdown"] == "kramdown"
    assert not list(SKELETON.glob("Gemfile*"))
    assert not (SKELETON / "_plugins").exists()
