"""Single stages on a small workspace: add, tag, correct, rank, merge and split, draft, approve, import."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlmodel import select

from digest.app import Workspace
from digest.db.issues import get_issue, load_covered_in
from digest.db.items import get_item, load_item_mentions, load_period_items
from digest.db.key_value import save_value
from digest.db.runs import count_unexplained, load_source_results
from digest.drafts.archive import import_archive, read_archive
from digest.drafts.parser import parse_draft
from digest.drafts.writer import render_draft
from digest.errors import CheckFailedError, ConfigError, NotFoundError
from digest.models.items import Mention
from digest.models.predictions import Decision
from digest.ranking.stage import learn_preferences, load_preferences
from digest.tagging.items import correct_category, describe_item, merge_items_by_name, split_item_by_name
from digest.tagging.stage import preview_retag
from tests.small import filled, rows, workspace, write_jsonl


def test_a_file_is_added_once_and_every_bad_line_is_named(tmp_path: Path) -> None:
    with workspace(tmp_path) as made:
        path = write_jsonl(tmp_path / "in.jsonl", [*rows(), {"authors": ["nobody"]}, {"title": 7}])
        with path.open("a") as file:
            file.write("not json\n")
        report = made.add_jsonl(path)
        assert report.state == "partial"
        assert report.numbers["found"] == 11
        assert report.numbers["new"] == 8
        assert report.numbers["rejected"] == 3
        assert [problem.split(":")[1] for problem in report.problems] == ["9", "10", "11"]
        again = made.add_jsonl(write_jsonl(tmp_path / "again.jsonl", rows()))
        assert (again.numbers.get("new", 0), again.numbers["unchanged"]) == (0, 8)
        with made.db.read() as session:
            counts = load_source_results(session, again.run_id or 0)
        assert all(count_unexplained(count) == 0 for count in counts)


def test_a_file_of_many_batches_is_read_by_another_process_and_counted_as_one(tmp_path: Path) -> None:
    many: list[dict[str, object]] = [
        {"title": f"Paper {n} on small models", "arxiv_id": f"2506.{n:05}", "source": "mine" if n % 2 else ""}
        for n in range(4_100)
    ]
    many[3_000] = {"authors": ["no title"]}
    with workspace(tmp_path) as made:
        report = made.add_jsonl(write_jsonl(tmp_path / "in.jsonl", many))
        assert report.numbers == {"found": 4_100, "new": 4_099, "rejected": 1}
        assert [problem.split(":")[1] for problem in report.problems] == ["3001"]
        with made.db.read() as session:
            counts = load_source_results(session, report.run_id or 0)
        assert {count.source_id: count.new for count in counts} == {"mine": 2_050, "manual": 2_049}
        assert all(count_unexplained(count) == 0 for count in counts)


def test_a_file_without_a_line_adds_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n\n")
    with workspace(tmp_path) as made:
        assert made.add_jsonl(tmp_path / "empty.jsonl").numbers == {}


def test_a_packed_file_is_read_and_a_broken_one_is_named(tmp_path: Path) -> None:
    with workspace(tmp_path) as made:
        packed = tmp_path / "in.jsonl.gz"
        packed.write_bytes(gzip.compress("\n".join(json.dumps(row) for row in rows()).encode()))
        assert made.add_jsonl(packed).numbers["new"] == 8
        packed.write_bytes(packed.read_bytes()[:40])
        with pytest.raises(ConfigError, match="cannot be read"):
            made.add_jsonl(packed)


def test_what_is_found_again_is_not_tagged_again_but_a_revision_is(tmp_path: Path) -> None:
    with filled(tmp_path) as made:
        assert made.tag().numbers["tagged"] == 0
        changed = rows()
        changed[0]["abstract"] = "We introduce something else entirely about retrieval."
        made.add_jsonl(write_jsonl(tmp_path / "changed.jsonl", changed))
        assert made.tag().numbers["tagged"] == 1
        assert made.tag(again=True).numbers["tagged"] == 8


def test_the_editors_word_on_a_category_goes_before_the_taggers(tmp_path: Path) -> None:
    with filled(tmp_path) as made:
        correct_category(made.context, "arxiv:2506.00007", "Safety")
        shown = describe_item(made.context, "arxiv:2506.00007")
        assert {"editor", "embedded"} == {verdict["engine"] for verdict in shown["verdicts"]}
        assert "taught by 1 correction of yours" in made.tag(again=True).line
        assert "This machine's own tagger and quotations" in made.draft("2025-06").line
        sheet = (tmp_path / "site" / "_drafts" / "2025-06.md").read_text()
        assert sheet.index("{#safety}") < sheet.index("Clinical note summarization") < sheet.index("{#eval}")
        with pytest.raises(NotFoundError, match="no category"):
            correct_category(made.context, "arxiv:2506.00007", "saftey-ish")


def test_retagging_can_be_rehearsed(tmp_path: Path) -> None:
    with filled(tmp_path) as made:
        told = preview_retag(made.context)
        assert told.numbers == {"items": 8, "moved": 0, "moves": []}


def test_reasons_add_up_to_the_score(tmp_path: Path) -> None:
    with filled(tmp_path) as made:
        told = made.explain("2025-06", "arxiv:2506.00001")
        assert told["of"] == 8
        assert sum(reason["part"] for reason in told["reasons"]) == pytest.approx(told["score"], abs=0.01)
        with pytest.raises(NotFoundError, match="not a candidate"):
            made.explain("2025-05", "arxiv:2506.00001")


def test_without_picks_the_public_prior_ranks_and_says_so(tmp_path: Path) -> None:
    with filled(tmp_path) as made:
        taste, sentence = load_preferences(made.context)
        assert taste is None
        assert "public prior" in sentence
        assert "public prior" in made.rank("2025-06").line


def test_a_taste_that_an_earlier_version_learned_is_not_used_until_it_is_learned_anew(tmp_path: Path) -> None:
    with filled(tmp_path) as made:
        with made.db.write() as session:
            old = {"of": "picks", "sentence": "learned taste on", "taste": "b2xk"}
            save_value(session, "taste", old, made.context.now)
        assert load_preferences(made.context)[0] is None
        assert "another version" in made.rank("2025-06").line
        learn_preferences(made.context)
        assert "another version" not in made.rank("2025-06").line


def test_a_merge_is_taken_back_whole(tmp_path: Path) -> None:
    with filled(tmp_path) as made:
        post: dict[str, object] = {
            "url": "https://lab.example/graphs",
            "title": "Graphs of documents",
            "published": "2025-06-02",
        }
        made.add_jsonl(write_jsonl(tmp_path / "post.jsonl", [post]))
        with made.db.read() as session:
            (found,) = [i for i in load_period_items(session, *_june(made)) if i.key.startswith("url:")]
        merge_items_by_name(made.context, found.key, "arxiv:2506.00001")
        with made.db.read() as session:
            assert get_item(session, found.key).key == "arxiv:2506.00001"
            assert len(load_item_mentions(session, 1)) == 2
        split_item_by_name(made.context, found.key)
        with made.db.read() as session:
            assert get_item(session, found.key).id == found.id
            owners = session.exec(select(Mention.item_id).where(Mention.own_key == found.key)).all()
        assert owners == [found.id]


def _june(made: Workspace) -> tuple[datetime, datetime]:
    context = made.context
    period = context.parse_period("2025-06")
    return period.start(context.zone), period.end(context.zone)


def test_a_sheet_without_an_introduction_is_refused_with_the_cure(tmp_path: Path) -> None:
    with filled(tmp_path) as made:
        made.draft("2025-06")
        with pytest.raises(CheckFailedError, match="no introduction") as caught:
            made.approve("2025-06")
        assert "2025-06" in caught.value.message
        assert caught.value.exit_code == 4


@pytest.mark.parametrize(("letters", "outcome"), [(30_000, "fine"), (75_000, "told"), (110_000, "refused")])
def test_a_mail_that_gmail_would_cut_is_refused_and_one_near_it_told(
    tmp_path: Path, letters: int, outcome: str
) -> None:
    with filled(tmp_path) as made:
        made.draft("2025-06")
        path = tmp_path / "site" / "_drafts" / "2025-06.md"
        words = "é" * 100 + "a" * (letters - 600)  # é travels as six bytes
        path.write_text(path.read_text().replace("-->\n\n##", f"-->\n\n{words}\n\n##", 1))
        if outcome == "refused":
            with pytest.raises(CheckFailedError, match="Gmail hides"):
                made.check("2025-06", accept_gaps=True)
            return
        for report in (made.check("2025-06", accept_gaps=True), made.approve("2025-06", accept_gaps=True)):
            assert ["102,400" in line for line in report.problems] == ([True] if outcome == "told" else [])


def test_prose_outside_the_subset_is_told_with_its_line_whether_or_not_the_issue_may_go(tmp_path: Path) -> None:
    told = "site/_drafts/2025-06.md, line {}: a numbered list is outside the allowed subset"
    with filled(tmp_path) as made:
        made.draft("2025-06")
        path = tmp_path / "site" / "_drafts" / "2025-06.md"
        drafted = path.read_text().replace("-->\n\n##", "-->\n\n1. first\n\n##", 1)
        path.write_text(re.sub(r"(<!-- key=\S+) from=.*-->\n[^#]*", r"\1 from=editor -->\n\n", drafted, count=1))
        line = drafted[: drafted.index("1. first")].count("\n") + 1
        with pytest.raises(CheckFailedError, match="has no blurb") as refused:
            made.check("2025-06", accept_gaps=True)
        assert told.format(line) in str(refused.value)
        path.write_text(drafted)
        for report in (made.check("2025-06", accept_gaps=True), made.approve("2025-06", accept_gaps=True)):
            assert report.problems == [told.format(line)]


def test_an_approval_is_taken_back_until_readers_have_the_issue(tmp_path: Path) -> None:
    with filled(tmp_path) as made:
        made.draft("2025-06")
        with pytest.raises(CheckFailedError, match="still a draft and cannot be returned"):
            made.withdraw_approval("2025-06")
        sheet = tmp_path / "site" / "_drafts" / "2025-06.md"
        sheet.write_text(sheet.read_text().replace("\n## ", "\nHello.\n\n## ", 1))
        made.approve("2025-06", accept_gaps=True)
        with pytest.raises(CheckFailedError, match="cannot be drafted again"):
            made.draft("2025-06")
        made.withdraw_approval("2025-06")
        made.draft("2025-06")
        assert "Hello." in sheet.read_text()
        made.approve("2025-06", accept_gaps=True)
        made.publish("2025-06")
        with pytest.raises(CheckFailedError, match="published and cannot be returned"):
            made.withdraw_approval("2025-06")


def test_a_models_words_are_held_to_their_source_though_the_line_about_it_was_deleted(tmp_path: Path) -> None:
    with filled(tmp_path) as made:
        made.draft("2025-06")
        path = tmp_path / "site" / "_drafts" / "2025-06.md"
        sheet = replace(parse_draft(path.read_text(encoding="utf-8")), intro="Hello.")
        here = next(section for section in sheet.sections if section.picks)
        for blurb, says in (("It gains 987 points.", "987"), ("It improves accuracy by 12%.", "")):
            one = replace(here.picks[0], blurb=blurb, origin="model", engine="gemini-x", flags=())
            new = tuple(replace(s, entries=(one, *s.entries[1:])) if s is here else s for s in sheet.sections)
            path.write_text(render_draft(replace(sheet, sections=new)), encoding="utf-8")
            if says:
                with pytest.raises(CheckFailedError, match="not in the source: “number: 987"):
                    made.approve("2025-06", accept_gaps=True)
            else:
                made.approve("2025-06", accept_gaps=True)


def test_moves_rejects_and_rewrites_are_remembered_as_decisions(tmp_path: Path) -> None:
    with filled(tmp_path) as made:
        made.draft("2025-06")
        path = tmp_path / "site" / "_drafts" / "2025-06.md"
        text = path.read_text().replace("-->\n\n##", "-->\n\nThis was June.\n\n##", 1)
        gone = text.index("### [Jailbreak")
        end = text.index("\n## ", gone)
        path.write_text(text[:gone] + "Nothing worth a line this month.\n" + text[end:])
        made.approve("2025-06", accept_gaps=True)
        with made.db.read() as session:
            decided = {(d.verdict, d.item_id) for d in session.exec(select(Decision))}
        assert ("reject", 3) in decided
        made.publish("2025-06")
        with made.db.read() as session:
            assert get_issue(session, "2025-06").intro == "This was June."


def test_past_issues_become_decisions_and_covered_works(tmp_path: Path) -> None:
    posts = tmp_path / "_posts"
    posts.mkdir()
    listed = {
        "RAG": [("Retrieval-augmented generation with graphs of documents", "https://arxiv.org/abs/2506.00001")],
        "AI Security and alignment": [],
        "Agents": [],
    }
    for heading, items in listed.items():
        items += [(f"{heading} {n}", f"https://example.org/{heading[:2].lower()}/{n}") for n in range(4)]
    sections = [
        f"## {heading}\n\n" + "\n".join(f"- [{title}]({url}): words on it." for title, url in items)
        for heading, items in listed.items()
    ]
    front = "---\ntitle: AI research digest, May 2025\ndate: 2025-05-31\n---\n\n"
    (posts / "2025-05-31-may.md").write_text(front + "\n\n".join(sections), encoding="utf-8")
    with filled(tmp_path) as made:
        read = read_archive(made.context, [str(posts)], {"AI Security and alignment": "safety"})
        assert sum(len(one.items) for one in read) == 13
        assert import_archive(made.context, read).numbers["kept"] == 13
        assert import_archive(made.context, read).numbers["kept"] == 13
        with made.db.read() as session:
            decided = session.exec(select(Decision).where(Decision.origin == "import")).all()
            covered = load_covered_in(session, "2025-06")
        assert Counter(d.category for d in decided) == {"rag": 5, "safety": 4, "agents": 4}
        assert covered[1] == "2025-05"
        made.rank("2025-06")
        made.draft("2025-06")
        sheet = (tmp_path / "site" / "_drafts" / "2025-06.md").read_text()
        assert "already covered in 2025-05" in sheet.lower()
