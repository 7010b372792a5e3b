"""A recap is made of the picks themselves: each once, by category or by month, with what set the months apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.drafts.model import Draft, DraftPick, DraftPrediction
from digest.drafts.parser import parse_draft
from digest.drafts.propose import format_issue_title
from digest.drafts.recap.build import (
    MonthSummary,
    build_recap_draft,
    compute_figures,
    find_missed_works,
    propose_highlights,
)
from digest.drafts.recap.favourites import select_favourites
from digest.drafts.recap.keywords import find_distinctive_keywords
from digest.drafts.recap.month_chapters import MonthChapter, build_month_chapter, mark_introduced_picks
from digest.drafts.recap.picks import PastPick, deduplicate_picks
from digest.drafts.writer import render_draft
from digest.i18n import load_translations
from digest.models.issues import Issue
from digest.periods import Period
from tests import workbench

CATEGORIES = {"models": "Models", "agents": "Agents", "eval": "Evaluation"}
MONTHS = {f"2025-{n:02d}": f"{date(2025, n, 1):%B}" for n in range(1, 13)}
ENGLISH = load_translations("en")
MARCH = Period((2025, 3), (2025, 3))
WHEN = datetime(2026, 1, 2, tzinfo=UTC)


def past(number: int, month: int, category: str = "models", title: str = "A title") -> PastPick:
    pick = DraftPick(
        f"arxiv:25{month:02d}.{number:05d}", title, "https://x.org/", "A et al.", "words", engine="abstract"
    )
    return PastPick(pick, category, f"2025-{month:02d}", date(2025, month, 1 + number % 28))


def year() -> list[PastPick]:
    return [past(n, m, list(CATEGORIES)[n % 3], f"Work {n} of {m}") for m in range(1, 13) for n in range(5)]


def build(form: str, picks: list[PastPick] | None = None) -> Draft:
    return build_recap_draft("2025", "2025", WHEN, picks or year(), CATEGORIES, MONTHS, ENGLISH, form=form)  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 12), st.sampled_from([*CATEGORIES, "gone"]))), st.data())
def test_every_pick_stands_exactly_once_in_any_form(drawn: list[tuple[int, int, str]], data: st.DataObject) -> None:
    picks = [past(*values) for values in drawn]
    sheet = build(data.draw(st.sampled_from(["category", "month", "both"])), picks)
    keys = [pick.key for _, pick in sheet.iter_picks()]
    assert sorted(keys) == sorted({work.pick.key for work in (picks or year())})
    assert parse_draft(render_draft(sheet)) == sheet


def test_sections_follow_the_taxonomy_and_items_their_dates() -> None:
    sheet = build("category")
    assert [section.slug for section in sheet.sections] == list(CATEGORIES)
    dates = [pick.key[6:10] for pick in sheet.sections[0].picks]
    assert dates == sorted(dates)


def test_terms_are_counted_once_a_text_and_need_two_texts() -> None:
    groups = {
        "a": ["tool tool tool", "quiet tool", "tool", "agents"],
        "b": ["more graphs", "big graphs", "graphs", "scale"],
    }
    highlights = find_distinctive_keywords(groups)
    assert [(term.text, term.count) for term in highlights["a"]] == [("tool", 3)]
    assert [(term.text, term.count) for term in highlights["b"]] == [("graphs", 3)]


def test_one_group_alone_is_not_set_apart() -> None:
    assert find_distinctive_keywords({"a": ["tool", "tool"], "b": []}) == {"a": [], "b": []}


def test_highlights_are_what_the_editor_marked_then_what_others_named_two_a_category_at_most() -> None:
    picks = year()
    picks[0] = replace(picks[0], pick=replace(picks[0].pick, highlight="the first of its kind"))
    picks[3], picks[6], picks[9] = (replace(picks[n], mentions=4) for n in (3, 6, 9))
    picks[4] = replace(picks[4], mentions=9, withdrawn=date(2025, 6, 1))
    highlights = propose_highlights(picks, ENGLISH)
    assert highlights[picks[0].pick.key] == "the first of its kind"
    assert picks[4].pick.key not in highlights
    assert {work.category for work in picks if work.pick.key in highlights and work.category == "models"} == {"models"}
    assert sum(work.category == "models" for work in picks if work.pick.key in highlights) <= 2
    assert "Named by 4 sources." in highlights.values()


def test_nothing_is_highlighted_when_nothing_is_marked_however_it_was_ranked() -> None:
    assert propose_highlights([replace(work, score=float(n)) for n, work in enumerate(year())], ENGLISH) == {}


def test_a_work_that_came_back_stands_where_it_was_first_with_its_last_words() -> None:
    first = past(1, 3)
    again = replace(first, month="2025-09", pick=replace(first.pick, blurb="newer", update_of="2025-03"))
    (work,) = deduplicate_picks([again, first])
    assert (work.month, work.pick.blurb, work.pick.update_of) == ("2025-03", "newer", None)


def test_withdrawn_superseded_and_unpublished_works_say_so() -> None:
    picks = [
        replace(past(1, 1), withdrawn=date(2025, 6, 1)),
        replace(past(2, 2), superseded_by="arxiv:2509.00001"),
        replace(past(3, 3), is_from_ranking=True),
    ]
    bylines = [pick.facts for _, pick in build("category", picks).iter_picks()]
    assert bylines == [
        "A et al. · in January · Withdrawn on 2025-06-01",
        "A et al. · in February · Superseded by arxiv:2509.00001",
        "A et al. · From the ranking of March, which was never published",
    ]
    assert compute_figures(picks, {}).unpublished == ["2025-03"]


def test_figures_count_the_year() -> None:
    picks = year()
    picks[7] = replace(picks[7], mentions=5)
    figures = compute_figures(picks, dict.fromkeys(MONTHS, 900))
    assert figures.months["2025-03"] == {"read": 900, "kept": 5}
    assert figures.categories == {"agents": 24, "models": 24, "eval": 12}
    assert figures.most_mentioned == [(picks[7].pick.key, 5)]
    assert (figures.first, figures.last) == ("arxiv:2501.00000", "arxiv:2512.00004")


def test_terms_that_rose_and_fell_are_told() -> None:
    picks = [past(n, 2, title=f"Prompt tricks {n}") for n in range(30)] + [
        past(n, 9, title=f"Agents {n}") for n in range(30)
    ]
    figures = compute_figures(picks, dict.fromkeys(MONTHS, 1))
    assert [term.text for term in figures.rose] == ["Agents"]
    assert [term.text for term in figures.fell] == ["Prompt tricks"]


def test_missed_works_are_those_others_named_most() -> None:
    assert find_missed_works({"a": 5, "b": 9, "c": 1, "d": 9}, ["b"]) == ["d", "a"]


def test_a_recap_of_a_quarter_has_its_months_alone_and_carries_the_bets() -> None:
    months = {month: MONTHS[month] for month in ("2025-07", "2025-08", "2025-09")}
    picks = [work for work in year() if work.month in months]
    bets = [DraftPrediction(1, "Agents will pay")]
    sheet = build_recap_draft("2025-Q3", "Q3", WHEN, picks, CATEGORIES, months, ENGLISH, form="month", predictions=bets)
    assert [section.slug for section in sheet.sections] == ["jul", "aug", "sep"]
    assert parse_draft(render_draft(sheet)).predictions == tuple(bets)


def test_half_of_a_pair_is_no_term_but_the_pair_is() -> None:
    early = [f"Test-Time Compute in place {n}" for n in range(6)] + ["Small graders", "A small river"]
    late = [f"Rivers of stone in place {n}" for n in range(12)]
    terms = find_distinctive_keywords({"early": early, "late": late})
    assert [term.text for term in terms["early"]] == ["Test-Time Compute"]


def test_a_trend_needs_eight_texts_and_a_clear_difference() -> None:
    picks = [past(n, 2, title=f"Prompt tricks {n}") for n in range(7)] + [
        past(n, 9, title=f"Agents {n}") for n in range(7)
    ]
    figures = compute_figures(picks, dict.fromkeys(MONTHS, 1))
    assert (figures.rose, figures.fell) == ([], [])


def test_a_month_without_the_editors_text_is_its_name_and_nothing_is_counted() -> None:
    january = build("month").sections[0]
    assert (january.title, january.intro, january.closing) == ("January", "", "")
    assert len(build("both").sections) == 15


@pytest.mark.parametrize("form", ["month", "both"])
def test_a_months_title_prose_and_closing_are_carried_verbatim(form: str) -> None:
    prose = "Two things *mattered*.\n\n- [one](https://x.org/)\n\n**Models**\n\nA section."
    chapters = {"2025-03": MonthChapter("The month of the small", prose, "Then it was April.")}
    summaries = {month: MonthSummary("A sentence.", "a-model") for month in ("2025-03", "2025-04")}
    options: dict[str, Any] = {"form": form, "chapters": chapters, "month_summaries": summaries}
    draft = build_recap_draft("2025", "2025", WHEN, year(), CATEGORIES, MONTHS, ENGLISH, **options)
    march, april = (section for section in draft.sections if section.slug in ("mar", "apr"))
    assert (march.title, march.intro, march.engine) == ("March: The month of the small", prose, "")
    assert march.closing == "Then it was April."
    assert (april.title, april.intro, april.engine) == ("April", "A sentence.", "a-model")
    assert parse_draft(render_draft(draft)) == draft


def test_a_chapter_is_what_the_editor_wrote_in_the_issue() -> None:
    config = workbench.config([])
    default = format_issue_title(config, MARCH)
    sections = [
        {"slug": "models", "title": "Models", "note": "Mine.", "closing": "So far."},
        {"slug": "eval", "title": "Evaluation", "note": "A model's.", "engine": "a-model"},
    ]
    texts = {"title": f"{default} – Small is back", "intro": "First.", "outro": "Last.", "atom_id": "tag:x"}
    issue = Issue(period="2025-03", kind="monthly", created=WHEN, sections=sections, **texts)  # type: ignore[arg-type]
    chapter = build_month_chapter(config, MARCH, issue)
    assert chapter == MonthChapter("Small is back", "First.\n\n**Models**\n\nMine.\n\nSo far.", "Last.")
    issue.title, issue.outro = default, "Last.\n\nReally."
    plain = build_month_chapter(config, MARCH, issue)
    assert (plain.title, plain.closing) == ("", "")
    assert plain.text.endswith("Last.\n\nReally.")


def test_favourites_are_the_marked_and_named_works_and_the_rest_is_one_line() -> None:
    picks = year()
    picks[7] = replace(
        picks[7], pick=replace(picks[7].pick, origin="editor", blurb="What it is. **Read it if you serve models.**")
    )
    picks[20] = replace(picks[20], mentions=4)
    picks[33] = replace(picks[33], pick=replace(picks[33].pick, highlight="first"), withdrawn=date(2025, 9, 1))
    favourites = select_favourites(picks, 12)
    assert len(favourites.reasons) == 12
    assert favourites.reasons[picks[7].pick.key] == "your verdict, your own words"
    assert favourites.reasons[picks[20].pick.key] == "named by 4 sources"
    assert picks[33].pick.key not in favourites.reasons
    draft = build_recap_draft(
        "2025", "2025", WHEN, picks, CATEGORIES, MONTHS, ENGLISH, form="month", favourites=favourites
    )
    shown = {pick.key: pick for _, pick in draft.iter_picks()}
    assert {key for key, pick in shown.items() if not pick.note} == favourites.reasons.keys()
    assert "kept: named by 4 sources" in shown[picks[20].pick.key].facts
    assert all(pick.blurb == "" for pick in shown.values() if pick.note)


def test_favourites_are_balanced_over_months_and_categories_and_ties_are_not_told_apart_by_key() -> None:
    picks = year()
    favourites = select_favourites(picks, 24)
    kept = [work for work in picks if favourites.is_kept(work)]
    assert set(Counter(work.month for work in kept).values()) == {2}
    counts = Counter(work.category for work in kept)
    assert all(abs(counts[name] - 24 * share) <= 2 for name, share in (("models", 0.4), ("agents", 0.4), ("eval", 0.2)))
    renamed = [replace(work, pick=replace(work.pick, key=f"z{99 - n}")) for n, work in enumerate(picks)]
    again = select_favourites(renamed, 24)
    assert [again.is_kept(work) for work in renamed] == [favourites.is_kept(work) for work in picks]


@given(
    st.integers(1, 80),
    st.lists(st.tuples(st.integers(0, 6), st.integers(1, 12), st.sampled_from([*CATEGORIES])), min_size=1),
)
def test_as_many_favourites_are_kept_as_there_are_up_to_the_number(
    count: int, drawn: list[tuple[int, int, str]]
) -> None:
    picks = deduplicate_picks(past(*values) for values in drawn)
    assert len(select_favourites(picks, count).reasons) == min(count, len(picks))


def test_a_work_that_the_introduction_of_its_month_links_is_a_favourite() -> None:
    picks = [replace(work, pick=replace(work.pick, url=f"https://x.org/{work.pick.key}")) for work in year()]
    chapters = {"2025-03": MonthChapter("", f"Of all of them [this one]({picks[12].pick.url}) stays.")}
    marked = mark_introduced_picks(picks, chapters)
    assert [work.pick.key for work in marked if work.is_introduced] == [picks[12].pick.key]
    assert select_favourites(marked, 5).reasons[picks[12].pick.key] == "named in your introduction"
