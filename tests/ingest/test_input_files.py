"""Files handed in by people and programs: odd lines are named and left out, never a traceback."""

from __future__ import annotations

import gzip
import json
from functools import partial
from pathlib import Path

import pytest

from digest.config.schema import Category, Taxonomy
from digest.errors import ConfigError, NotFoundError, ParseError
from digest.evaluation import evaluate_all_parts, evaluate_duplicates, evaluate_grounding
from digest.evaluation.files import match_file, rank_file, tag_file
from digest.ingest.add import load_json_objects, parse_json_objects, read_jsonl_bytes
from tests.llm.workspace import context

RECORDS = [
    {"record_id": "a", "title": "Attention is all you need", "url": "https://arxiv.org/abs/1706.03762"},
    {
        "record_id": 0,
        "title": "Attention Is All You Need",
        "arxiv_id": "1706.03762v3",
        "authors": "A Vaswani, N Shazeer",
    },
    {"record_id": "c", "title": None, "url": 5, "date": 20250101, "authors": 7},
    {},
]


def _write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_lines_that_are_no_objects_are_named_and_the_rest_is_read() -> None:
    rows, problems = parse_json_objects(b'{"a": "x\xe2\x80\xa8y"}\n\n  \n{bad\n[1]\n\xff\n' + b"[" * 100_000)
    assert rows == [{"a": "x\u2028y"}]
    assert problems == ["line 4: is not JSON", "line 5: is not a JSON object", "line 6: is not UTF-8 text",
                        "line 7: is not JSON"]  # fmt: skip


def test_a_file_is_unpacked_by_what_it_holds_not_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "plain.gz").write_bytes(b"{}")
    (tmp_path / "packed").write_bytes(gzip.compress(b"{}"))
    assert read_jsonl_bytes(tmp_path / "plain.gz") == read_jsonl_bytes(tmp_path / "packed") == b"{}"


@pytest.mark.parametrize("body", [gzip.compress(b"{}" * 99)[:-9], b"\x1f\x8b\x08" + b"\0" * 40], ids=["cut", "corrupt"])
def test_a_broken_archive_is_an_error_that_names_the_file(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(body)
    with pytest.raises(ParseError, match=r"x\.jsonl\.gz cannot be read"):
        read_jsonl_bytes(path)


def test_a_file_that_must_be_whole_is_refused_with_its_bad_lines(tmp_path: Path) -> None:
    path = _write(tmp_path / "x.jsonl", "{}", *["{bad"] * 7)
    with pytest.raises(ParseError, match=r"line 2: is not JSON; .*\(and 2 more\)") as caught:
        load_json_objects(path, "like this")
    assert caught.value.hint == "like this"


def test_odd_records_are_matched_and_broken_lines_leave_the_report_partial(tmp_path: Path) -> None:
    source = _write(tmp_path / "r.jsonl", *(json.dumps(row) for row in RECORDS), "{bad", "")
    report = match_file(source, tmp_path / "out")
    assert (report.state, report.problems) == ("partial", ["line 5: is not JSON"])
    rows = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert [row["record_id"] for row in rows] == ["a", "0", "c", "3"]
    assert [row["key"] for row in rows[:2]] == ["arxiv:1706.03762"] * 2
    assert rows[0]["group"] == rows[1]["group"]
    assert len({row["group"] for row in rows}) == 3


def test_names_given_as_one_line_are_the_same_as_a_list(tmp_path: Path) -> None:
    title = {"title": "A method for the retrieval of long documents", "date": "2025-03-01"}
    pair = [{"authors": "Ada Moss, Ben Reed", **title}, {"authors": ["Ada Moss", "Ben Reed"], **title}]
    source = _write(tmp_path / "r.jsonl", *(json.dumps(row) for row in pair))
    assert match_file(source, tmp_path / "out").numbers["works"] == 1


def test_papers_without_abstract_or_with_a_shared_id_are_tagged_line_by_line(tmp_path: Path) -> None:
    taxonomy = Taxonomy(categories=(Category(slug="rag", title="Retrieval", description="Retrieval for models."),))
    papers = [{"arxiv_id": "1", "title": "Retrieval"}, {"arxiv_id": "1", "title": "Search", "abstract": None},
              {"arxiv_id": 2, "title": "X"}, {"arxiv_id": "3", "title": ["X"]}]  # fmt: skip
    source = _write(tmp_path / "p.jsonl", "", *(json.dumps(row) for row in papers))
    report = tag_file(taxonomy, source, tmp_path / "out")
    assert [json.loads(line)["arxiv_id"] for line in (tmp_path / "out").read_text().splitlines()] == ["1", "1"]
    assert report.state == "partial"
    assert [problem.split(":")[0] for problem in report.problems] == ["line 4", "line 5"]


@pytest.mark.parametrize("line", ['{"a": {}, "b": {}}', '{"label": "same", "a": 1, "b": {}}', "{bad", ""])
def test_pairs_that_are_none_are_refused_with_the_shape_wanted(tmp_path: Path, line: str) -> None:
    with pytest.raises((ConfigError, ParseError)) as caught:
        evaluate_duplicates(_write(tmp_path / "pairs.jsonl", line))
    assert "{a, b, label}" in caught.value.hint


def test_texts_without_abstracts_cannot_be_made_untrue(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no abstracts"):
        evaluate_grounding(_write(tmp_path / "x.jsonl", '{"title": "T"}', '{"abstract": 5}'))


def test_eval_all_takes_the_files_a_folder_has_and_says_so_when_it_has_none(tmp_path: Path) -> None:
    place = context(tmp_path, lambda: None)
    with pytest.raises(ConfigError, match="none of the files"):
        evaluate_all_parts(place, tmp_path)
    _write(tmp_path / "labels.jsonl", '{"arxiv_id": "1", "title": "Retrieval", "label": "rag"}')
    assert set(evaluate_all_parts(place, tmp_path)) == {"golden", "grounding", "tagging"}


def test_an_answer_is_never_written_over_the_file_that_asked(tmp_path: Path) -> None:
    path = _write(tmp_path / "x.jsonl", '{"arxiv_id": "1", "title": "Jailbreaks", "record_id": "1"}')
    (tmp_path / "link.jsonl").symlink_to(path)
    before = path.read_bytes()
    taxonomy = Taxonomy(categories=(Category(slug="a", title="A", description="Jailbreaks of models"),))
    for target in (path, tmp_path / "link.jsonl", tmp_path / "." / "x.jsonl"):
        for run in (partial(tag_file, taxonomy, path), partial(match_file, path), partial(rank_file, path)):
            with pytest.raises(ConfigError, match="is the file to be read"):
                run(target)
    assert path.read_bytes() == before
    with pytest.raises(NotFoundError):
        match_file(tmp_path / "missing.jsonl", path)


def test_half_a_character_in_an_id_comes_back_as_it_was_given(tmp_path: Path) -> None:
    path = _write(tmp_path / "x.jsonl", r'{"arxiv_id": "\ud800", "record_id": "\ud800", "title": "Jailbreaks \ud800"}')
    ranked = partial(rank_file, interests="jailbreaks")
    for run, name in ((match_file, "record_id"), (ranked, "arxiv_id")):
        run(path, tmp_path / "out.jsonl")
        assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))[name] == "\ud800"
    category = Category(slug="a", title="A", description="Jailbreaks of models")
    tag_file(Taxonomy(categories=(category,)), path, tmp_path / "out.jsonl")
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))["arxiv_id"] == "\ud800"
