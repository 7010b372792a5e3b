"""The project's own judgements of papers, which the tagger learns from beside the lists."""

from __future__ import annotations

import re

import pytest

from digest.config.schema import Taxonomy
from digest.evaluation.labels import parse_labelled_papers, read_golden_set
from tests.bench.tagger_data import OWN


@pytest.fixture
def rows() -> list[list[str]]:
    return [line.split("\t") for line in OWN.read_text().splitlines() if not line.startswith(("#", "arxiv_id"))]


def test_every_judgement_names_one_arxiv_paper_once(rows: list[list[str]]) -> None:
    names = [name for name, _ in rows]
    assert names == sorted(set(names))
    assert all(re.fullmatch(r"\d{4}\.\d{5}", name) for name in names)


def test_every_judgement_is_of_categories_the_default_taxonomy_has(rows: list[list[str]], taxonomy: Taxonomy) -> None:
    said = {slug for _, labels in rows for slug in labels.split("+")}
    assert said == set(taxonomy.slugs)


def test_no_paper_of_the_golden_set_is_learned_from(rows: list[list[str]]) -> None:
    assert not {name for name, _ in rows} & {paper.key for paper in parse_labelled_papers(read_golden_set())}
