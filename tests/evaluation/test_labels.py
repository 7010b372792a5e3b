"""Reading papers and labels, writing verdicts."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from digest.errors import ParseError
from digest.evaluation.labels import LabelledPaper, parse_labelled_papers, parse_unlabelled_papers, tag_jsonl
from digest.protocols import Classification, TagInput


class Fixed:
    """Says the same of every input."""

    def tag(self, inputs: Sequence[TagInput]) -> list[Classification]:
        return [Classification("rag", None, 0.91234) for _ in inputs]


def lines(*rows: object) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def test_one_label_a_set_of_labels_and_a_golden_category_are_read_alike() -> None:
    data = lines(
        {"arxiv_id": "1", "title": "A", "abstract": "B", "label": "rag", "source_list": ["x/y"]},
        {"arxiv_id": "2", "title": "C", "acceptable": ["rag", "eval"]},
        {"arxiv_id": "3", "title": "D", "category": "safety"},
    )
    assert parse_labelled_papers(data) == [
        LabelledPaper("1", TagInput("A", "B"), ("rag",), ("x/y",)),
        LabelledPaper("2", TagInput("C", ""), ("rag", "eval")),
        LabelledPaper("3", TagInput("D", ""), ("safety",)),
    ]


def test_a_label_file_with_bad_lines_is_refused_with_their_numbers() -> None:
    data = lines({"arxiv_id": "1", "title": "A"}) + b"\n\nnonsense\n[1]"
    with pytest.raises(ParseError) as caught:
        parse_labelled_papers(data)
    assert [part.split(":")[0] for part in caught.value.message.split("; ")] == ["line 1", "line 3", "line 4"]


def test_of_many_bad_lines_the_first_five_are_named() -> None:
    with pytest.raises(ParseError, match=r"line 5: is not JSON \(and 3 more\)"):
        parse_labelled_papers(b"x\n" * 8)


def test_bad_lines_of_papers_are_left_out_and_named_and_the_rest_is_read() -> None:
    data = lines({"arxiv_id": "1", "title": "A", "abstract": None}, {"arxiv_id": "2", "title": " "}, {"title": "C"})
    papers, problems = parse_unlabelled_papers(data)
    assert papers == [("1", TagInput("A", ""))]
    assert problems == ["line 2: has no text under 'title'", "line 3: has no text under 'arxiv_id'"]


def test_a_tagged_file_has_a_line_for_each_good_paper_in_order() -> None:
    data = lines({"arxiv_id": "2", "title": "B"}, {"arxiv_id": "1", "title": "Ä"})
    out, problems = tag_jsonl(data, Fixed().tag)
    assert [json.loads(line) for line in out.splitlines()] == [
        {"arxiv_id": "2", "category": "rag", "secondary": None, "confidence": 0.9123},
        {"arxiv_id": "1", "category": "rag", "secondary": None, "confidence": 0.9123},
    ]
    assert problems == []


def test_an_empty_file_is_tagged_as_an_empty_file() -> None:
    assert tag_jsonl(b"", Fixed().tag) == (b"", [])
