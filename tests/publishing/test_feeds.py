"""Feeds: valid, complete, stable, and honest about what changed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import feedparser
import pytest
from lxml import etree

from digest.config.schema import Newsletter, SiteConfig
from digest.publishing.issue_view import IssueView, SectionView
from digest.publishing.render.feeds import render_feeds
from digest.publishing.render.site_data import render_site_files
from digest.text import normalise_line
from tests.markdown.hostile import HOSTILE
from tests.publishing.samples import NEWSLETTER, TAXONOMY, issue, pick

ATOM = {"a": "http://www.w3.org/2005/Atom", "fh": "http://purl.org/syndication/history/1.0"}
MONTHS = [f"{year}-{month:02d}" for year in (2024, 2025) for month in range(1, 13)]


def made(views: list[IssueView], size: int = 20, newsletter: Newsletter = NEWSLETTER) -> dict[str, bytes]:
    documents = render_feeds(views, newsletter, SiteConfig(feed_items=size), TAXONOMY)
    return {document.path: document.body for document in documents}


def hostile() -> IssueView:
    """An issue in which every text is hostile."""
    everything = " \n".join(HOSTILE)
    picks = [
        pick(number, title=text, blurb=text, venue=text, authors=[text], origin=origin, highlight=text)
        for number, text in enumerate(HOSTILE)
        for origin in ("source", "editor")
    ]
    return issue(
        title=everything,
        intro=everything,
        outro=everything,
        description=everything,
        notice=everything,
        engines=HOSTILE,
        corrections=[{"at": everything, "text": everything}],
        sections=[SectionView("models", everything, "a b{}", note=everything, picks=picks)],
    )


def paths(root: etree._Element, path: str) -> list[str]:
    return [str(found) for found in root.xpath(path, namespaces=ATOM)]


@pytest.mark.parametrize(
    "views", [[], [issue()], [issue(period) for period in MONTHS] + [issue("2024"), issue("2025")], [hostile()]]
)
def test_every_feed_follows_the_grammar_and_the_reader_reads_it(views: list[IssueView]) -> None:
    schema = etree.RelaxNG(etree.parse(str(Path(__file__).with_name("atom.rng"))))
    for path, body in made(views, size=5).items():
        if path.endswith(".json"):
            assert json.loads(body)["version"] == "https://jsonfeed.org/version/1.1"
            continue
        assert body.startswith(b"<?xml ")
        assert schema.validate(etree.fromstring(body)), (path, schema.error_log)
        assert feedparser.parse(body).bozo == 0


def test_the_grammar_finds_faults() -> None:
    schema = etree.RelaxNG(etree.parse(str(Path(__file__).with_name("atom.rng"))))
    good = made([issue()])["feed.xml"]
    for fault in (
        good.replace(b"2025-07-03T08:00:00Z", b"2025-07-03"),
        good.replace(b"<name>Ana Ferrer</name>", b"<name> </name>"),
        good.replace(b"<title>The", b"<titel/><title>The"),
        good.replace(b'type="html"', b'type="markdown"'),
    ):
        assert fault != good
        assert not schema.validate(etree.fromstring(fault))


def test_hostile_titles_are_the_text_they_are_in_the_feed() -> None:
    body = made([hostile()])["feed.xml"]
    content = feedparser.parse(body, sanitize_html=False).entries[0].content[0].value
    shown = etree.HTML(content)
    headings = [normalise_line("".join(h.itertext())) for h in shown.iterfind(".//h3")]
    assert [text for text in HOSTILE if normalise_line(text) not in headings] == []
    assert not shown.xpath("//script | //b | //h1 | //img | //@onclick")


def test_an_entry_carries_id_dates_categories_summary_and_full_content_with_absolute_links() -> None:
    root = etree.fromstring(made([issue()])["feed.xml"])
    assert paths(root, "a:entry/a:id/text()") == ["tag:example.org,2025:digest/monthly/2025-06"]
    assert paths(root, "a:entry/a:published/text()") == ["2025-07-03T08:00:00Z"]
    assert paths(root, "a:entry/a:category/@term") == ["models", "rag"]
    assert set(paths(root, "a:entry/a:category/@scheme")) == {"https://example.org/digest/category/"}
    assert paths(root, "a:entry/a:link[@rel='alternate']/@href") == ["https://example.org/digest/2025/06/digest/"]
    assert paths(root, "a:link[@rel='self']/@href") == ["https://example.org/digest/feed.xml"]
    content = etree.HTML(paths(root, "a:entry/a:content/text()")[0])
    links = [str(link) for link in content.xpath("//a/@href")]
    assert links
    assert all(link.startswith("https://") for link in links)
    assert "https://example.org/digest/archive/" in links


def test_json_and_atom_name_the_same_issues() -> None:
    documents = made([issue(period) for period in MONTHS])
    root, document = etree.fromstring(documents["feed.xml"]), json.loads(documents["feed.json"])
    assert [item["id"] for item in document["items"]] == paths(root, "a:entry/a:id/text()")
    assert [item["date_modified"] for item in document["items"]] == paths(root, "a:entry/a:updated/text()")
    assert [item["content_html"] for item in document["items"]] == paths(root, "a:entry/a:content/text()")
    assert document["feed_url"] == "https://example.org/digest/feed.json"


def test_the_archive_holds_every_issue_once_in_chunks_that_later_issues_do_not_change() -> None:
    views = [issue(period) for period in MONTHS]
    before, after = made(views[:-1], size=5), made(views, size=5)
    seen: list[str] = []
    place = "feed.xml"
    while place:
        root = etree.fromstring(after[place])
        assert bool(root.findall("fh:archive", ATOM)) == (place != "feed.xml")
        seen += [one for one in paths(root, "a:entry/a:id/text()") if one not in seen]
        onward = paths(root, "a:link[@rel='prev-archive']/@href")
        place = onward[0].removeprefix("https://example.org/digest/") if onward else ""
    assert seen == [view.atom_id for view in reversed(views)]
    archives = [path for path in before if "archive" in path]
    assert len(archives) == 4
    assert [path for path in archives if before[path] != after[path]] == []


def test_yearly_issues_stay_in_the_feed_and_have_their_own() -> None:
    documents = made([issue("2023")] + [issue(period) for period in MONTHS], size=5)
    for path in ("feed.xml", "feed/yearly.xml"):
        assert "tag:example.org,2025:digest/yearly/2023" in documents[path].decode()
    assert documents["feed/yearly.xml"].count(b"<entry>") == 1


def test_a_review_that_appeared_with_its_last_month_comes_first() -> None:
    months, year = [issue("2025-11"), issue("2025-12")], issue("2025")
    year.published = months[1].published
    assert [entry["title"][-7:] for entry in json.loads(made([*months, year])["feed.json"])["items"]] == [
        "t: 2025", "2025-12", "2025-11"
    ]  # fmt: skip
    files = {
        document.path: document.body
        for document in render_site_files([*months, year], NEWSLETTER, SiteConfig(), TAXONOMY)
    }
    assert [row["period"] for row in json.loads(files["_data/issues.json"])[0]["issues"]] == [
        "2025",
        "2025-12",
        "2025-11",
    ]


def test_a_category_feed_holds_only_its_section() -> None:
    text = made([issue()])["feed/rag.xml"].decode()
    assert "Work number 3" in text
    assert "Work number 1" not in text
    assert "<id>tag:example.org,2025:digest/monthly/2025-06/rag</id>" in text


def test_a_correction_moves_updated_of_its_entry_alone() -> None:
    views = [issue(period) for period in MONTHS[:3]]
    corrected = replace(views[1], updated=views[1].updated + timedelta(days=90))
    before = etree.fromstring(made(views)["feed.xml"])
    after = etree.fromstring(made([views[0], corrected, views[2]])["feed.xml"])
    moved = [
        one.findtext("a:id", namespaces=ATOM)
        for one, other in zip(after.findall("a:entry", ATOM), before.findall("a:entry", ATOM), strict=True)
        if etree.tostring(one) != etree.tostring(other)
    ]
    assert moved == [corrected.atom_id]
    assert after.findtext("a:updated", namespaces=ATOM) == max(paths(after, "a:entry/a:updated/text()"))


def test_ids_outlive_a_move_of_the_site() -> None:
    moved = NEWSLETTER.model_copy(update={"url": "https://new.example"})
    old, new = (etree.fromstring(made([issue()], newsletter=n)["feed.xml"]) for n in (NEWSLETTER, moved))
    assert paths(old, "//a:id/text()") == paths(new, "//a:id/text()")


def test_no_two_entries_of_a_feed_have_the_same_second() -> None:
    views = [issue("2025-12"), issue("2025")]
    assert views[0].published == views[1].published
    documents = {document.path: document.body for document in render_feeds(views, NEWSLETTER, SiteConfig(), TAXONOMY)}
    items = json.loads(documents["feed.json"])["items"]
    assert [item["date_published"] for item in items] == ["2026-01-03T08:00:01Z", "2026-01-03T08:00:00Z"]
    assert len({item["date_modified"] for item in items}) == 2
