"""No real feed that feedparser can read loses an item, a date or a link here."""

from __future__ import annotations

import io
import json
from pathlib import Path
from urllib.parse import urlsplit

import feedparser
import pytest

from digest.errors import ParseError
from digest.sources.feeds import parse_feed


def manifest(shared_data: Path) -> list[dict[str, object]]:
    rows = [json.loads(line) for line in (shared_data / "feeds" / "manifest.jsonl").read_text().splitlines()]
    return [row for row in rows if not row["file"].endswith(".html")]


def test_nothing_that_feedparser_finds_is_missing(shared_data: Path) -> None:
    rows = manifest(shared_data)
    assert len(rows) == 80
    for row in rows:
        body = (shared_data / "feeds" / str(row["file"])).read_bytes()
        try:
            items = parse_feed(body, url="https://feeds.example/x", headers={}).entries
        except ParseError:
            items = []
        got = (len(items), sum(bool(i.published) for i in items), sum(bool(i.url) for i in items))
        due = (row["fp_entries"], row["fp_with_date"], row["fp_with_link"])
        assert all(ours >= int(str(theirs)) for ours, theirs in zip(got, due, strict=True)), row["file"]
        assert all(i.title or i.url for i in items)


@pytest.mark.slow
def test_titles_links_and_dates_agree_with_feedparser(shared_data: Path) -> None:
    compared = differing = 0
    for row in manifest(shared_data):
        if not row["fp_entries"] or row["fp_bozo"] or int(str(row["bytes"])) > 60_000:
            continue
        body = (shared_data / "feeds" / str(row["file"])).read_bytes()
        peer = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
        for ours, theirs in zip(
            parse_feed(body, url="https://feeds.example/x", headers={}).entries, peer.entries, strict=True
        ):
            compared += 1
            day = theirs.get("published_parsed") or theirs.get("updated_parsed")
            differing += (
                urlsplit(ours.url).path != urlsplit(theirs.get("link", "")).path
                or (ours.published.timetuple()[:6] if ours.published else None) != (day[:6] if day else None)
                or ours.guid != theirs.get("id", "")
            )
    assert compared > 800
    assert differing == 0
