"""A recap is made of the picks themselves: each once, by category or by month, with what set the months apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.drafts.model import Draft, DraftPick, DraftPrediction
from digest.drafts.parser import parse_draft
from digest.drafts.recap.build import build_recap_draft, compute_figures, find_missed_works, propose_highlights
from digest.drafts.recap.keywords import find_distinctive_keywords, propose_month_titles
from digest.drafts.recap.picks import PastPick, deduplicate_picks
from digest.drafts.writer import render_draft
from digest.i18n import load_translations

CATEGORIES = {"models": "Models", "agents": "Agents", "eval": "Evaluation"}
MONTHS = {f"2025-{n:02d}": f"{date(2025, n, 1):%B}" for n in range(1, 13)}
ENGLISH = load_translations("en")
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


def test_by_month_there_is_a_heading_and_a_closing_line_for_each_month() -> None:
    sheet = build("month")
    assert [section.slug for section in sheet.sections] == [f"m{month}" for month in MONTHS]
    assert sheet.sections[0].closing == "5 works in 3 categories."


@pytest.mark.parametrize(
    ("categories", "closing"),
    [
        ("models", "One work."),
        ("models models", "2 works."),
        ("models models rag", "3 works, 2 of them in Models."),
        ("models models rag rag", "4 works in 2 categories."),
        ("models models rag agents eval safety other", "7 works in 6 categories."),
    ],
)
def test_a_months_closing_line_names_a_category_only_where_it_leads(categories: str, closing: str) -> None:
    picks = [
        PastPick(DraftPick(f"k{n}", f"T{n}", "https://e.org"), category, "2025-01")
        for n, category in enumerate(categories.split())
    ]
    sheet = build_recap_draft(
        "2025", "T", WHEN, picks, {"models": "Models"}, {"2025-01": "January"}, ENGLISH, form="month"
    )
    assert sheet.sections[0].closing == closing
    assert len(build("both").sections) == 15


def test_a_month_is_named_by_what_set_its_picks_apart() -> None:
    picks = [past(n, m, title="Scaling data for language") for m in (1, 2, 3) for n in range(4)]
    picks += [past(10 + n, 2, title=f"GRPO reward {n} shaping") for n in range(4)]
    titles = propose_month_titles(picks, {month: MONTHS[month] for month in ("2025-01", "2025-02", "2025-03")})
    assert titles["2025-02"].startswith("February: ")
    assert "GRPO" in titles["2025-02"]
    assert "GRPO" not in titles["2025-01"]


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


def test_where_nothing_stands_out_the_highest_ranked_of_each_category_do_and_it_says_so() -> None:
    picks = [replace(work, score=float(place)) for place, work in enumerate(year())]
    highlights = propose_highlights(picks, ENGLISH)
    assert list(highlights) == [work.pick.key for work in reversed(picks)][:3]
    assert highlights[picks[-1].pick.key] == "Among the highest ranked of 2025-12."


def test_nothing_is_proposed_when_nothing_stands_out_and_nothing_was_ranked() -> None:
    assert propose_highlights(year(), ENGLISH) == {}


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
    picks = [past(n, 2, title=f"Prompt tricks {n}") for n in range(6)] + [
        past(n, 9, title=f"Agents {n}") for n in range(6)
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
    assert [section.slug for section in sheet.sections] == ["m2025-07", "m2025-08", "m2025-09"]
    assert parse_draft(render_draft(sheet)).predictions == tuple(bets)


def test_half_of_a_pair_is_no_term_but_the_pair_is() -> None:
    early = [f"Test-Time Compute in place {n}" for n in range(6)] + ["Small graders", "A small river"]
    late = [f"Rivers of stone in place {n}" for n in range(12)]
    terms = find_distinctive_keywords({"early": early, "late": late})
    assert [term.text for term in terms["early"]] == ["Test-Time Compute"]


def test_a_term_titles_the_month_it_sets_apart_most_in_one_spelling_and_what_only_opens_titles_none() -> None:
    picks = [past(n, 1, title=f"Agents at sea {n}") for n in range(6)] + [past(9, 1, title="Graphs of stone")]
    picks += [past(n, 2, title=f"An Agent in hills {n}") for n in range(3)]
    picks += [past(10 + n, 2, title=f"Bridging {name}: Teaching of it") for n, name in enumerate(("ice", "oil", "ore"))]
    picks += [past(n, 3, title=f"Tables of {n}") for n in range(6)]
    titles = propose_month_titles(picks, {month: MONTHS[month] for month in ("2025-01", "2025-02", "2025-03")})
    assert "Agents" in titles["2025-01"]
    assert "gent" not in titles["2025-02"]
    assert "Bridging" not in titles["2025-02"]
    assert "Teaching" not in titles["2025-02"]


def test_a_month_that_nothing_sets_apart_is_named_by_the_first_of_its_works() -> None:
    picks = [past(n, m, title=f"{'Quiet' if m == 1 else 'Loud'} work: a subtitle") for m in (1, 2) for n in range(2)]
    only = [work for work in picks if work.month == "2025-01"]
    assert propose_month_titles(only, {"2025-01": "January"}) == {"2025-01": "January: Quiet work"}


def test_there_are_three_highlights_where_there_are_three_works_though_one_category_holds_all_that_stand_out() -> None:
    picks = [replace(past(n, 1 + n), score=float(n)) for n in range(6)]
    marked = [replace(work, pick=replace(work.pick, highlight="fine")) for work in picks[:4]]
    assert list(propose_highlights(marked + picks[4:], ENGLISH).values()) == ["fine"] * 3
    alone = propose_highlights([*marked[:1], *picks[1:]], ENGLISH)
    assert list(alone.values()) == [
        "fine",
        "Among the highest ranked of 2025-06.",
        "Among the highest ranked of 2025-05.",
    ]
    assert len(propose_highlights(marked[:1], ENGLISH)) == 1
