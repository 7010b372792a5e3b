"""New, revised, unchanged, duplicate or rejected: the rules by which found items become items and mentions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from digest.config.schema import Source
from digest.ingest.decide import (
    MAX_REWORDINGS,
    ExistingItem,
    ExistingMention,
    ExistingRecords,
    IngestDecision,
    collect_lookup_keys,
    decide_batch,
)
from digest.ingest.normalize import PreparedItem, normalize_entry
from digest.sources.entries import Entry

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
DAY = NOW - timedelta(days=3)
BLOG = Source(id="blog", kind="feed", url="https://lab.example/feed.xml")
HUB = Source(id="hub", kind="feed", url="https://hub.example/feed.xml")
ARXIV = Source(id="arxiv", kind="arxiv", categories=("cs.CL",))
TITLE = "Learning to Forget With Small Memories"


def make(source: Source = BLOG, **found: Any) -> PreparedItem:
    fields: dict[str, Any] = {"title": TITLE, "published": DAY, **found}
    made = normalize_entry(Entry(**fields), source, NOW)
    assert isinstance(made, PreparedItem)
    return made


def stored(*batch: PreparedItem, known: ExistingRecords | None = None) -> ExistingRecords:
    """What the store would know after a batch: the arrivals applied as the store applies them."""
    known = known or ExistingRecords()
    items = {item.key: item for item in known.items.values()}
    for item, arrival in zip(batch, decide_batch(batch, known), strict=True):
        if arrival.insert_columns:
            row = {name: arrival.insert_columns[name] for name in ExistingItem.__slots__ if name != "id"}
            items[arrival.item_key] = ExistingItem(len(items) + 1, **row)
        for name in arrival.update_columns.keys() & set(ExistingItem.__slots__):
            setattr(items[arrival.item_key], name, arrival.update_columns[name])
        if arrival.item_key in items:
            known.items |= dict.fromkeys([arrival.item_key, *arrival.aliases], items[arrival.item_key])
        if arrival.mention_columns:
            known.mentions[item.source_id, arrival.mention_columns["guid"]] = ExistingMention(
                arrival.item_key, item.mention_digest, item.mention_url
            )
    for stored_item in items.values():
        known.titles.setdefault(stored_item.title_key, [])
        if stored_item not in known.titles[stored_item.title_key]:
            known.titles[stored_item.title_key].append(stored_item)
    return known


def outcome(item: PreparedItem, known: ExistingRecords) -> IngestDecision:
    return decide_batch([item], known)[0]


def test_an_unknown_item_is_new_with_all_columns_and_its_mention() -> None:
    item = make(url="https://lab.example/a", summary="s")
    arrival = outcome(item, ExistingRecords())
    assert (arrival.outcome, arrival.item_key) == ("new", item.key)
    assert arrival.insert_columns is not None
    assert arrival.insert_columns["title"] == TITLE
    assert arrival.mention_columns is not None
    assert arrival.mention_columns["own_key"] == item.key


def test_the_same_again_is_unchanged_and_writes_nothing() -> None:
    item = make(url="https://lab.example/a", summary="s")
    arrival = outcome(make(url="https://lab.example/a", summary="s", updated=NOW), stored(item))
    assert (arrival.outcome, arrival.update_columns, arrival.mention_columns) == ("unchanged", {}, None)


def test_changed_words_revise_the_item_and_keep_its_key() -> None:
    known = stored(make(url="https://lab.example/a", summary="s"))
    arrival = outcome(make(url="https://lab.example/a", summary="more"), known)
    assert (arrival.outcome, arrival.reason) == ("revised", "its text changed")
    assert arrival.update_columns["summary"] == "more"


def test_a_post_that_holds_the_time_is_revised_only_so_often() -> None:
    known = stored(make(url="https://lab.example/a", summary="0 views"))
    outcomes = []
    for views in range(1, 40):
        item = make(url="https://lab.example/a", summary=f"{views} views", updated=NOW)
        outcomes.append(outcome(item, known).outcome)
        stored(item, known=known)
    assert outcomes == ["revised"] * MAX_REWORDINGS + ["unchanged"] * (39 - MAX_REWORDINGS)


@pytest.mark.parametrize("change", [{"title": f"{TITLE}, Again"}, {"updated": NOW - timedelta(days=1)}])
def test_a_new_title_or_date_lets_a_post_be_revised_again(change: dict[str, Any]) -> None:
    known = stored(make(url="https://lab.example/a", summary="0 views"))
    for views in range(1, 40):
        stored(make(url="https://lab.example/a", summary=f"{views} views"), known=known)
    known = stored(changed := make(url="https://lab.example/a", **{"summary": "much better", **change}), known=known)
    assert known.items[changed.key].summary == "much better"
    assert outcome(make(url="https://lab.example/a", **{"summary": "42 views", **change}), known).outcome == "revised"


def test_a_new_version_of_a_paper_is_not_counted() -> None:
    known = stored(make(ARXIV, arxiv_id="2601.00001", version=1, summary="0"))
    for number in range(1, 40):
        stored(make(ARXIV, arxiv_id="2601.00001", version=1, summary=str(number)), known=known)
    assert outcome(make(ARXIV, arxiv_id="2601.00001", version=2, summary="better"), known).outcome == "revised"


def test_a_moved_post_keeps_its_item_and_gains_an_alias() -> None:
    known = stored(make(guid="g1", url="http://lab.example/?p=1"))
    arrival = outcome(make(guid="g1", url="https://lab.example/forget"), known)
    assert (arrival.outcome, arrival.update_columns) == ("revised", {"url": "https://lab.example/forget"})
    assert list(arrival.aliases) == ["url:https://lab.example/forget"]


def test_a_changed_guid_is_the_same_item_by_its_link() -> None:
    known = stored(make(guid="g1", url="http://lab.example/a"))
    arrival = outcome(make(guid="g2", url="https://lab.example/a/"), known)
    assert (arrival.outcome, arrival.reason) == ("duplicate", "same key")


def test_a_changed_guid_and_link_is_the_same_item_by_title_and_day() -> None:
    known = stored(make(guid="g1", url="https://lab.example/a", summary="alike in every word but one"))
    again = make(guid="g2", url="https://lab.example/b", summary="alike in every word but two")
    other = make(guid="g3", url="https://lab.example/c", summary="quite another thing was written here today")
    assert outcome(again, known).reason == "same title on the same day"
    assert outcome(other, known).outcome == "new"


def test_two_posts_under_one_guid_are_two_items_at_every_fetch() -> None:
    batch = [make(guid="g", url=f"https://lab.example/{n}", title=f"Post number {n} of many") for n in (1, 2)]
    known = stored(*batch)
    assert len({item.id for item in known.items.values()}) == 2
    assert [arrival.outcome for arrival in decide_batch(batch, known)] == ["unchanged", "unchanged"]


def test_posts_under_one_guid_stay_themselves_when_a_new_one_comes_above_them() -> None:
    first, second, third = (make(guid="same", title=f"{TITLE} {n}", url=f"https://lab.example/{n}") for n in range(3))
    known = stored(first, second)
    assert [a.outcome for a in decide_batch([second, first], known)] == ["unchanged", "unchanged"]
    found = decide_batch([third, first, second], known)
    assert [a.outcome for a in found] == ["new", "unchanged", "unchanged"]
    known = stored(third, first, second, known=known)
    assert [a.outcome for a in decide_batch([third, second], known)] == ["unchanged", "unchanged"]


def test_the_same_post_twice_in_one_document_counts_once() -> None:
    item = make(guid="g", url="https://lab.example/a")
    assert [arrival.outcome for arrival in decide_batch([item, item], ExistingRecords())] == ["new", "duplicate"]


def test_a_purged_item_does_not_come_back() -> None:
    item = make(url="https://lab.example/a")
    arrival = outcome(item, ExistingRecords(tombstones=frozenset({item.key})))
    assert (arrival.outcome, arrival.reason) == ("rejected", "purged before")


def test_a_paper_seen_at_a_hub_is_another_mention() -> None:
    known = stored(make(ARXIV, arxiv_id="2601.00001", version=1, summary="abstract", authors=["Ada Lovelace"]))
    arrival = outcome(make(HUB, url="https://hf.co/papers/2601.00001", title="Other", summary="hub's words"), known)
    assert (arrival.outcome, arrival.item_key, arrival.update_columns) == ("duplicate", "arxiv:2601.00001", {})
    assert arrival.mention_columns is not None
    assert arrival.mention_columns["title"] == "Other"


def test_a_mention_keeps_the_page_on_which_its_source_shows_the_paper() -> None:
    item = make(HUB, url="https://huggingface.co/papers/2601.00001?utm_source=x", summary="s")
    assert (item.url, item.build_mention_columns()["url"]) == (
        "https://arxiv.org/abs/2601.00001",
        "https://huggingface.co/papers/2601.00001",
    )
    assert outcome(item, stored(item)).mention_columns is None
    for source in (HUB, ARXIV):
        versioned = make(source, url="https://arxiv.org/pdf/2601.00001v3")
        assert versioned.build_mention_columns()["url"] == "https://arxiv.org/abs/2601.00001"


def test_arxiv_words_replace_those_of_others() -> None:
    known = stored(make(HUB, url="https://hf.co/papers/2601.00001", title="Nickname", summary="hub's words"))
    arrival = outcome(make(ARXIV, arxiv_id="2601.00001", version=1, summary="abstract"), known)
    assert arrival.outcome == "revised"
    assert (
        arrival.update_columns["title"],
        arrival.update_columns["summary"],
        arrival.update_columns["source_id"],
    ) == (
        TITLE,
        "abstract",
        "arxiv",
    )
    known = stored(make(ARXIV, arxiv_id="2601.00001", version=1, summary="abstract"), known=known)
    assert outcome(make(HUB, url="https://hf.co/papers/2601.00001", title="Nickname 2"), known).update_columns == {}


def test_a_new_version_revises_and_an_older_one_does_not() -> None:
    known = stored(make(ARXIV, arxiv_id="2601.00001", version=2, summary="two"))
    newer = outcome(make(ARXIV, arxiv_id="2601.00001", version=3, summary="three"), known)
    older = outcome(make(ARXIV, arxiv_id="2601.00001", version=1, summary="one"), known)
    assert (newer.outcome, newer.reason, newer.update_columns["version"]) == ("revised", "version 3", 3)
    assert (older.outcome, older.update_columns) == ("unchanged", {})


RSS = Source(id="rss", kind="arxiv-rss", categories=("cs.CL",))


def test_arxiv_s_facts_change_without_a_new_version() -> None:
    first = make(ARXIV, arxiv_id="2601.00001", version=1, comment="12 pages")
    known = stored(first)
    assert outcome(first, known).update_columns == {}
    later = make(ARXIV, arxiv_id="2601.00001", version=1, comment="12 pages, at a workshop", venue="Proc. X")
    arrival = outcome(later, known)
    assert (arrival.outcome, arrival.reason) == ("revised", "its facts changed")
    assert (arrival.update_columns["comment"], arrival.update_columns["venue"]) == (
        "12 pages, at a workshop",
        "Proc. X",
    )
    assert "title" not in arrival.update_columns
    assert outcome(later, stored(later, known=known)).outcome == "unchanged"


def test_announcements_take_nothing_away_and_the_paper_s_facts_come_after_them() -> None:
    whole = make(ARXIV, arxiv_id="2601.00001", version=1, summary="abstract", comment="At a workshop", updated=DAY)
    seen = make(RSS, arxiv_id="2601.00001", version=2, summary="abstract", announced=DAY)
    assert outcome(seen, stored(whole)).update_columns == {"announced": DAY}
    again = make(RSS, arxiv_id="2601.00001", version=3, summary="another abstract")
    known = stored(seen, known=stored(whole))
    assert outcome(again, known).update_columns == {}
    arrival = outcome(whole, stored(seen))
    assert arrival.outcome == "revised"
    assert (
        arrival.update_columns["comment"],
        arrival.update_columns["version"],
        arrival.update_columns["updated"],
    ) == (
        "At a workshop",
        1,
        DAY,
    )


def test_a_withdrawal_is_dated_by_the_version_that_says_so_else_by_the_day_it_was_seen() -> None:
    known = stored(make(ARXIV, arxiv_id="2601.00001", version=1))
    for version, day in ((2, DAY), (1, NOW)):
        gone = make(ARXIV, arxiv_id="2601.00001", version=version, updated=DAY, withdrawn=True)
        assert outcome(gone, known).update_columns["withdrawn"] == gone.build_item_columns()["withdrawn"] == day


def test_a_withdrawal_marks_the_item_and_only_a_new_version_takes_it_back() -> None:
    known = stored(make(ARXIV, arxiv_id="2601.00001", version=1))
    gone = make(ARXIV, arxiv_id="2601.00001", version=2, withdrawn=True)
    arrival = outcome(gone, known)
    assert (arrival.outcome, arrival.reason, arrival.update_columns["withdrawn"]) == ("revised", "withdrawn", NOW)
    known = stored(gone, known=known)
    assert "withdrawn" not in outcome(make(ARXIV, arxiv_id="2601.00001", version=2), known).update_columns
    assert outcome(make(ARXIV, arxiv_id="2601.00001", version=3), known).update_columns["withdrawn"] is None


def test_the_announcement_date_is_filled_in_and_only_moves_back() -> None:
    known = stored(make(ARXIV, arxiv_id="2601.00001", version=1))
    arrival = outcome(make(ARXIV, arxiv_id="2601.00001", version=1, announced=DAY), known)
    assert arrival.update_columns == {"announced": DAY}
    known = stored(make(ARXIV, arxiv_id="2601.00001", version=1, announced=DAY), known=known)
    assert outcome(make(ARXIV, arxiv_id="2601.00001", version=1, announced=NOW), known).update_columns == {}


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({"authors": ["A. Lovelace"], "published": DAY - timedelta(days=300)}, "same title and author"),
        ({"published": DAY + timedelta(days=2)}, "same title, near in time"),
        ({"authors": ["Grace Hopper"]}, ""),
        ({"published": DAY - timedelta(days=40)}, ""),
        ({"published": None}, ""),
        ({"title": "Weekly update"}, ""),
    ],
)
def test_a_title_merges_across_sources_only_with_an_author_or_a_date(found: dict[str, Any], reason: str) -> None:
    title = found.get("title", TITLE)
    known = stored(make(url="https://lab.example/a", authors=["Ada Lovelace"], title=title))
    arrival = outcome(make(HUB, url="https://hub.example/x", **found), known)
    assert (arrival.outcome, arrival.reason) == (("duplicate", reason) if reason else ("new", ""))


def test_two_arxiv_ids_never_merge_on_a_title() -> None:
    known = stored(make(ARXIV, arxiv_id="2601.00001", authors=["Ada Lovelace"]))
    assert outcome(make(ARXIV, arxiv_id="2601.00002", authors=["Ada Lovelace"]), known).outcome == "new"
    known = stored(make(url="https://lab.example/a"))
    known = stored(make(ARXIV, arxiv_id="2601.00001", version=1), known=known)
    assert outcome(make(ARXIV, arxiv_id="2601.00002", version=1), known).outcome == "new"


def test_a_merge_keeps_the_key_the_mention_had_by_itself() -> None:
    known = stored(make(url="https://lab.example/a"))
    arrival = outcome(make(HUB, url="https://hub.example/x"), known)
    assert arrival.item_key == "url:https://lab.example/a"
    assert arrival.mention_columns is not None
    assert arrival.mention_columns["own_key"] == "url:https://hub.example/x"
    assert arrival.aliases == {"url:https://hub.example/x": "same title, near in time"}


def test_a_split_mention_stays_with_its_item() -> None:
    item = make(HUB, url="https://hub.example/x")
    known = stored(make(url="https://lab.example/a"))
    apart = ExistingItem(9, item.key, "hub", TITLE, item.title_key, item.url, published=DAY, digest=item.digest)
    known.items[item.key] = apart
    known.mentions["hub", item.guid] = ExistingMention(item.key, item.mention_digest, item.url)
    assert outcome(item, known).item_key == item.key


def test_what_a_first_mention_lacked_is_filled_in_by_a_second() -> None:
    known = stored(make(url="https://lab.example/a", published=None))
    arrival = outcome(make(HUB, url="https://lab.example/a", summary="words", authors=["Ada Lovelace"]), known)
    assert arrival.outcome == "duplicate"
    assert (arrival.update_columns["summary"], arrival.update_columns["authors"]) == ("words", ["Ada Lovelace"])
    assert (arrival.update_columns["published"], arrival.update_columns["date_flag"]) == (DAY, None)
    assert arrival.update_columns["digest"]


def test_deciding_changes_nothing_it_was_given() -> None:
    known = stored(make(url="https://lab.example/a", summary="s"))
    before = repr(known)
    decide_batch([make(url="https://lab.example/a", summary="t"), make(HUB, url="https://hub.example/x")], known)
    assert repr(known) == before


def test_the_store_is_asked_for_all_that_deciding_needs() -> None:
    item = make(ARXIV, arxiv_id="2601.00001", doi="10.1145/abc")
    asked = collect_lookup_keys([item])
    assert asked.keys == {"arxiv:2601.00001", "doi:10.1145/abc"}
    assert (item.source_id, item.guid) in asked.mention_keys
    assert asked.title_keys == {item.title_key}
