"""A review is built from what was published, else imported, else ranked, and says which; through the real Jekyll."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from sqlmodel import Session, select

from digest.app import Workspace
from digest.db.issues import add_prediction, get_issue, load_covered_in, load_picks, load_predictions
from digest.demo import DemoResult
from digest.drafts.archive import import_archive, read_archive
from digest.drafts.parser import parse_draft
from digest.drafts.writer import render_draft
from digest.errors import CheckFailedError
from digest.models.items import Item, Mention
from digest.models.predictions import Decision, Ranking
from digest.publishing.jekyll import build_site
from digest.text import slugify
from tests.conftest import need_tool

LATER = datetime(2026, 2, 3, 9, tzinfo=UTC)
IMPORTED = {"blurb": "My words of then.", "markdown": "My words of *then*."}


def opened(folder: Path) -> Workspace:
    return Workspace(folder, clock=lambda: LATER)


def unpublish(session: Session, period: str) -> list[int]:
    """Take an issue back to a draft, as if it had never gone out; gives the works it held."""
    issue = get_issue(session, period)
    issue.state = "draft"
    session.add(issue)
    return [item.id for _, item in load_picks(session, issue.id)]


@pytest.fixture
def thin(workspace_folder: Path) -> Path:
    """April published, May only ranked, June only imported."""
    with opened(workspace_folder) as workspace, workspace.db.write() as session:
        unpublish(session, "2025-05")
        works = unpublish(session, "2025-06")[:3]
        session.add_all(
            Decision(item_id=n, period="2025-06", verdict="pick", detail=IMPORTED, origin="import", at=LATER)
            for n in works
        )
    return workspace_folder


def published(folder: Path, period: str, form: str) -> BeautifulSoup:
    """The review's page, as Jekyll builds it."""
    with opened(folder) as workspace:
        workspace.recap(period, form)
        sheet = folder / "site" / "_drafts" / f"{period}.md"
        sheet.write_text(render_draft(replace(parse_draft(sheet.read_text()), intro="A quarter.")))
        workspace.approve(period, by="Ana")
        workspace.publish(period)
    need_tool("jekyll")
    built = build_site(folder / "site")
    return BeautifulSoup((built / "review" / period.lower() / "index.html").read_text(), "html.parser")


@pytest.mark.parametrize("form", ["category", "month", "both"])
def test_every_pick_is_on_the_built_page_once(thin: Path, form: str) -> None:
    page = published(thin, "2025-Q2", form)
    with opened(thin) as workspace, workspace.db.read() as session:
        issue = get_issue(session, "2025-Q2")
        picks = load_picks(session, issue.id)
    anchors = {slugify(item.key) for _, item in picks}
    assert len(anchors) == len(picks) > 20
    assert all(len(page.select(f"[id='{anchor}']")) == 1 for anchor in anchors)
    assert {pick.category for pick, _ in picks} <= {c.slug for c in Workspace(thin).config.taxonomy.categories}


def test_a_month_that_was_never_published_says_so_and_imported_words_are_the_editors(thin: Path) -> None:
    with opened(thin) as workspace:
        assert "taken from the ranking: 2025-05" in workspace.recap("2025-Q2", "month").line
    page = published(thin, "2025-Q2", "month")
    marks = [mark.get_text() for mark in page.select(".mark")]
    marked = [mark for mark in marks if mark == "From the ranking of May 2025, which was never published"]
    may = page.find(id="may")
    assert may is not None
    assert len(marked) > 5
    assert str(page).count("My words of <em>then</em>.") == 3
    assert page.find(id="jun") is not None


def test_a_work_of_two_months_stands_in_the_first_on_the_sheet_and_on_the_page(workspace_folder: Path) -> None:
    with opened(workspace_folder) as workspace, workspace.db.write() as session:
        july, august = (get_issue(session, period).id for period in ("2025-07", "2025-08"))
        pick, item = load_picks(session, july)[0]
        again = pick.model_dump() | {"id": None, "issue_id": august, "position": 99, "update_of": "2025-07"}
        session.add(type(pick)(**again))
        key = item.key
    page = published(workspace_folder, "2025-Q3", "month")
    sheet = parse_draft((workspace_folder / "site" / "_drafts" / "2025-Q3.md").read_text())
    held = {section.slug for section, one in sheet.iter_picks() if one.key == key}
    heading = page.find(id=slugify(key))
    assert held == {"jul"}
    assert heading is not None
    assert heading.find_previous("h2")["id"] == "jul"  # type: ignore[index]


def test_a_month_shows_its_works_in_the_order_of_the_sheet(thin: Path) -> None:
    page = published(thin, "2025-Q2", "month")
    with opened(thin) as workspace, workspace.db.read() as session:
        picks = load_picks(session, get_issue(session, "2025-Q2").id)
    full = [slugify(item.key) for pick, item in picks if not pick.is_brief]
    assert [str(heading["id"]) for heading in page.select("h3[id]")] == full


@pytest.mark.parametrize(("first", "then"), [("both", "month"), ("month", "category"), ("category", "both")])
def test_a_review_appears_in_the_form_it_was_drafted_in_last(workspace_folder: Path, first: str, then: str) -> None:
    with opened(workspace_folder) as workspace:
        workspace.recap("2025-Q3", first)
    page = published(workspace_folder, "2025-Q3", then)
    contents = [str(link["href"]) for link in page.select("#contents + ul a")]
    assert ("#agents" in contents) == (then != "month")
    assert ("#jul" in contents) == (then == "month")
    assert ("#months" in contents) == (then == "both")


def test_the_editor_says_in_the_sheet_which_form_a_review_has(workspace_folder: Path) -> None:
    with opened(workspace_folder) as workspace:
        workspace.recap("2025-Q3", "both")
        file = workspace_folder / "site" / "_drafts" / "2025-Q3.md"
        file.write_text(file.read_text().replace("form: both", "form: category", 1))
        workspace.recap("2025-Q3")
        with workspace.db.read() as session:
            assert get_issue(session, "2025-Q3").form == "category"
        assert "\nform: category\n" in file.read_text()


def test_a_review_of_ranked_months_alone_highlights_nothing_and_invents_no_title(workspace_folder: Path) -> None:
    with opened(workspace_folder) as workspace:
        with workspace.db.write() as session:
            for period in ("2025-07", "2025-08", "2025-09"):
                unpublish(session, period)
        workspace.recap("2025-Q3", "month")
    draft = parse_draft((workspace_folder / "site" / "_drafts" / "2025-Q3.md").read_text())
    assert [pick.highlight for _, pick in draft.iter_picks() if pick.highlight is not None] == []
    assert [section.title for section in draft.sections] == ["July 2025", "August 2025", "September 2025"]
    assert [section.closing for section in draft.sections] == ["", "", ""]


def test_a_quarter_carries_the_text_of_its_months_and_keeps_as_many_works_as_asked(workspace_folder: Path) -> None:
    with opened(workspace_folder) as workspace:
        with workspace.db.write() as session:
            for month in ("07", "08", "09"):
                issue = get_issue(session, f"2025-{month}")
                issue.intro, issue.outro = (
                    f"What I made of month {month}.\n\nIn two paragraphs.",
                    f"So much for {month}.",
                )
                issue.title = f"A title of {month}"
        report = workspace.recap("2025-Q3", "month", keep=30)
        again = workspace.draft("2025-Q3")
    draft = parse_draft((workspace_folder / "site" / "_drafts" / "2025-Q3.md").read_text())
    assert "30 kept in full" in report.line
    assert "30 kept in full" in again.line  # a draft made again keeps as many
    assert draft.sections[0].title == "July 2025: A title of 07"
    assert [section.intro.split("\n")[0] for section in draft.sections] == [
        f"What I made of month {month}." for month in ("07", "08", "09")
    ]
    assert [section.closing for section in draft.sections] == [f"So much for {month}." for month in ("07", "08", "09")]
    shown = [pick for _, pick in draft.iter_picks()]
    assert len([pick for pick in shown if not pick.note]) == 30
    assert all(pick.blurb == "" for pick in shown if pick.note)
    page = published(workspace_folder, "2025-Q3", "month")
    assert "What I made of month 08." in page.get_text()
    assert "So much for 09." in page.get_text()


def past_issues(folder: Path, blurbs: str) -> None:
    """Two issues of 2024, imported; `words` stand on each of their 24 items."""
    posts = folder / "past"
    posts.mkdir()
    for name, month in (("April", "04"), ("May", "05")):
        front = f"---\ntitle: AI research digest, {name} 2024\ndate: 2024-{month}-28\n---\n"
        lists = [
            f"\n## {heading}\n\n"
            + "\n".join(f"- [{heading} {n}](https://old.example/{month}{heading}{n}): {blurbs}" for n in range(4))
            for heading in ("Agents", "RAG", "Safety")
        ]
        (posts / f"2024-{month}-28-past.md").write_text(front + "\n".join(lists), encoding="utf-8")
    with opened(folder) as workspace:
        import_archive(workspace.context, read_archive(workspace.context, [str(posts)], {}))


def test_imported_issues_count_as_kept_and_say_nothing_of_what_was_read_for_them(workspace_folder: Path) -> None:
    past_issues(workspace_folder, "words on it.")
    page = published(workspace_folder, "2024-Q2", "both")
    assert " ".join(page.select(".figures")[0].get_text(" ").split()) == "24 Kept"
    assert [title.get_text() for title in page.select(".chart figcaption")] == ["Picks by category", "Kept by month"]


def test_a_range_says_which_of_its_months_held_nothing(workspace_folder: Path) -> None:
    with opened(workspace_folder) as workspace:
        report = workspace.recap("2025-11..2026-03")
    assert report.line.endswith("; no work of 2026-01, 2026-02, 2026-03")


PAST = r"a **bold** and *set* `x|y`, 2\*3\*4, x_y_z, a \< b, \[no\]\(link\), \{\{ gone }} and \`."
SAID = "a bold and set x|y, 2*3*4, x_y_z, a < b, [no](link), {{ gone }} and `."


def test_imported_words_are_set_as_they_were_and_show_every_sign_in_page_and_feed(workspace_folder: Path) -> None:
    past_issues(workspace_folder, PAST)
    page = published(workspace_folder, "2024-Q2", "both")
    feed = BeautifulSoup((workspace_folder / "site" / "feed.xml").read_text(), "xml")
    entry = next(pick for pick in feed.select("entry") if "2024-q2" in str(pick.select("link")))
    for shown in (page, BeautifulSoup(entry.select("content")[0].get_text(), "html.parser")):
        assert " ".join(shown.get_text().split()).count(SAID) >= 24
        assert str(shown).count("a <strong>bold</strong> and <em>set</em> <code>x|y</code>") >= 24


def test_words_of_an_older_import_that_kept_them_plain_are_the_words_they_are(thin: Path) -> None:
    with opened(thin) as workspace:
        with workspace.db.write() as session:
            for row in session.exec(select(Decision).where(Decision.origin == "import")):
                row.detail = {"blurb": "No *stars* [in](them)."}
        workspace.recap("2025-Q2", "month")
    sheet = parse_draft((thin / "site" / "_drafts" / "2025-Q2.md").read_text())
    assert sum(pick.blurb == r"No \*stars\* \[in\](them)." for _, pick in sheet.iter_picks()) == 3


def test_a_range_holds_the_works_of_its_months(workspace_folder: Path) -> None:
    with opened(workspace_folder) as workspace:
        workspace.recap("2025-07..2025-08", "both")
        with workspace.db.read() as session:
            held, july, august = (
                {item.key for _, item in load_picks(session, get_issue(session, period).id)}
                for period in ("2025-07..2025-08", "2025-07", "2025-08")
            )
    assert held == july | august


@pytest.mark.parametrize("form", ["category", "month"])
def test_a_review_is_drafted_again_as_the_review_it_is(workspace_folder: Path, form: str) -> None:
    with opened(workspace_folder) as workspace:
        workspace.recap("2025-Q3", form)
        sheet = workspace_folder / "site" / "_drafts" / "2025-Q3.md"
        sheet.write_text(before := sheet.read_text(encoding="utf-8").replace("July", "Our July", 1), encoding="utf-8")
        workspace.draft("2025-Q3", dry_run=True)
        assert sheet.read_text(encoding="utf-8") == before
        workspace.draft("2025-Q3")
        again = sheet.read_text(encoding="utf-8")
        assert again == before


def test_a_work_that_many_named_and_nobody_picked_is_told_as_missed(workspace_folder: Path) -> None:
    with opened(workspace_folder) as workspace:
        with workspace.db.write() as session:
            picked = load_covered_in(session, "")
            ranked = session.exec(select(Ranking).where(Ranking.period == "2025-08")).all()
            overlooked = next(row.item_id for row in ranked if row.item_id not in picked)
            session.add_all(
                Mention(item_id=n, source_id=f"list-{k}", guid=f"{n}", url="", title="", first_seen=LATER)
                for k in range(3)
                for n in (overlooked, next(iter(picked)))
            )
            session.flush()
        page = published(workspace_folder, "2025-Q3", "category")
        with workspace.db.read() as session:
            title = session.get_one(Item, overlooked).title
    told = [" ".join(link.get_text().split()) for link in page.select("#missed + ul li > a")]
    assert told == [" ".join(title.split())]


def test_the_editor_says_what_stands_among_the_missed_and_with_which_words(workspace_folder: Path) -> None:
    with opened(workspace_folder) as workspace:
        with workspace.db.write() as session:
            picked = load_covered_in(session, "")
            ranked = session.exec(select(Ranking).where(Ranking.period == "2025-08")).all()
            first, second = [row.item_id for row in ranked if row.item_id not in picked][:2]
            session.add_all(
                Mention(item_id=n, source_id=f"list-{k}", guid=f"{n}", url="", title="", first_seen=LATER)
                for k in range(3)
                for n in (first, second)
            )
        workspace.recap("2025-Q3", "category")
        file = workspace_folder / "site" / "_drafts" / "2025-Q3.md"
        sheet = parse_draft(file.read_text())
        assert len(sheet.missed) == 2
        stored = replace(sheet.missed[0], editor_text="I *slept*.")
        file.write_text(render_draft(replace(sheet, missed=(stored, replace(sheet.missed[1], mark="-")), intro="So.")))
        workspace.recap("2025-Q3", "category")
        assert parse_draft(file.read_text()).missed[0].editor_text == "I *slept*."
        workspace.approve("2025-Q3", by="Ana")
        workspace.publish("2025-Q3")
    post = next((workspace_folder / "site" / "_posts").glob("*-2025-Q3.md")).read_text()
    section = post.partition("{#missed}")[2].partition("##")[0]
    assert section.count("\n- ") == 1
    assert "I <em>slept</em>." in section


def test_months_that_were_never_ranked_are_ranked_for_the_review_and_it_says_so(workspace_folder: Path) -> None:
    with opened(workspace_folder) as workspace:
        with workspace.db.write() as session:
            unpublish(session, "2025-05")
            for row in session.exec(select(Ranking).where(Ranking.period == "2025-05")):
                session.delete(row)
        line = workspace.recap("2025-Q2", "month").line
    assert "taken from the ranking: 2025-05" in line
    assert "ranked for it just now: 2025-05" in line


def test_a_review_speaks_the_newsletters_language(workspace_folder: Path) -> None:
    sources = workspace_folder / "sources.yaml"
    sources.write_text(sources.read_text().replace("language: en", "language: de"))
    with opened(workspace_folder) as workspace:
        workspace.recap("2025-Q3", "month")
    text = (workspace_folder / "site" / "_drafts" / "2025-Q3.md").read_text()
    assert "## Juli 2025" in text
    assert "· in August 2025" in text


def test_a_bet_is_asked_for_at_the_years_end_and_its_answer_is_published(workspace_folder: Path) -> None:
    texts = ("Small models run most agents.", "Retrieval is over", "Nobody reads 2025.")
    with opened(workspace_folder) as workspace:
        with workspace.db.write() as session:
            unpublish(session, "2025")
            for text in texts:
                add_prediction(session, 2025, text, LATER)
        workspace.recap("2025", "category")
        path = workspace_folder / "site" / "_drafts" / "2025.md"
        asked = parse_draft(path.read_text()).predictions
        assert [(note.text, note.outcome) for note in asked] == [(text, "open") for text in texts]
        answered = path.read_text().replace("- open: Small", "- right: Small").replace("- open: Retr", "- wrong: Retr")
        answered = answered.replace(" <!-- note=2 -->", " <!-- note=2 --> It is *not*.")
        path.write_text(answered)
        workspace.recap("2025", "category")  # a new draft asks no answered bet again
        sheet = replace(parse_draft(path.read_text()), intro="A year.")
        path.write_text(render_draft(sheet))
        workspace.approve("2025", by="Ana")
        workspace.publish("2025")
        with workspace.db.read() as session:
            stored = {note.text: note.outcome for note in load_predictions(session, 2025)}
    assert list(stored.values()) == ["right", "wrong", "open"]
    (post,) = (workspace_folder / "site" / "_posts").glob("*-2025.md")
    lines = post.read_text().splitlines()
    for text, outcome in stored.items():
        (line,) = (line for line in lines if text in line)
        assert outcome in line.lower()
        assert (" – It is" in line) == (outcome == "wrong")


def test_nothing_to_review_is_told(workspace_folder: Path) -> None:
    text = "nothing of 2024-Q1 was published, imported or ranked"
    with opened(workspace_folder) as workspace, pytest.raises(CheckFailedError, match=text):
        workspace.recap("2024-Q1")


def test_no_page_of_the_built_demo_weighs_more_than_130_kb(jekyll_site: Path) -> None:
    sizes = {page.relative_to(jekyll_site).as_posix(): page.stat().st_size for page in jekyll_site.rglob("*.html")}
    assert len(sizes) > 20
    assert {name: size for name, size in sizes.items() if size >= 130_000} == {}


def test_the_year_of_the_demo_is_one_page_of_chapters_and_favourites(
    told: tuple[Path, DemoResult], jekyll_site: Path
) -> None:
    with opened(told[0]) as workspace, workspace.db.read() as session:
        picks = load_picks(session, get_issue(session, "2025").id)
    page = BeautifulSoup((jekyll_site / "2025/review/index.html").read_text(), "html.parser")
    anchors = {slugify(item.key) for _, item in picks}
    assert len(anchors) > 200
    assert all(len(page.select(f"[id='{anchor}']")) == 1 for anchor in anchors)
    assert len([pick for pick, _ in picks if not pick.is_brief]) == 50
    assert 2_500 <= len(page.get_text(" ").split()) <= 9_000


def test_a_work_withdrawn_since_is_marked_in_a_review_and_does_not_stand_in_its_way(workspace_folder: Path) -> None:
    with opened(workspace_folder) as workspace:
        with workspace.db.write() as session:
            issue = get_issue(session, "2025-05")
            gone = load_picks(session, issue.id)[0][1]
            gone.withdrawn, key = LATER, gone.key
            session.add(gone)
        workspace.recap("2025-Q2", "category")
        sheet = workspace_folder / "site" / "_drafts" / "2025-Q2.md"
        sheet.write_text(render_draft(replace(parse_draft(sheet.read_text()), intro="A quarter.")))
        workspace.approve("2025-Q2", by="Ana")
        workspace.publish("2025-Q2")
        with workspace.db.read() as session:
            review = get_issue(session, "2025-Q2")
            assert key in {item.key for _, item in load_picks(session, review.id)}
    post = next((workspace_folder / "site" / "_posts").glob("*-2025-Q2.md")).read_text()
    assert post.count("Withdrawn on") == 1


def test_the_editors_move_of_a_pick_to_another_section_of_a_review_stands(workspace_folder: Path) -> None:
    with opened(workspace_folder) as workspace:
        workspace.recap("2025-Q2", "both")
        path = workspace_folder / "site" / "_drafts" / "2025-Q2.md"
        sheet = parse_draft(path.read_text())
        home, away = sheet.sections[:2]
        moved = home.picks[0]
        sections = (
            replace(home, entries=home.entries[1:]),
            replace(away, entries=(*away.entries, moved)),
            *sheet.sections[2:],
        )
        path.write_text(render_draft(replace(sheet, intro="A quarter.", sections=sections)))
        workspace.approve("2025-Q2", by="Ana")
        with workspace.db.read() as session:
            review = get_issue(session, "2025-Q2")
            places = {item.key: pick.category for pick, item in load_picks(session, review.id)}
    assert places[moved.key] == away.slug
    assert {places[pick.key] for pick in home.picks[1:]} == {home.slug}
