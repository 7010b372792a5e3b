"""A pool in a file is ranked whole, by the taste of the curator who was asked for, and the report says whose it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from digest.errors import ConfigError
from digest.evaluation.files import rank_file
from digest.ranking.preference import load_default_preferences

SUBJECTS = {"crops": "Wheat yield from satellite images", "agents": "Web agents that plan and use tools"}
# Twelve papers on each subject a month; one curator picks the crops of both months, another the agents of one.
PICKS = [("2025-01", "farmer", "crops"), ("2025-02", "farmer", "crops"), ("2025-01", "coder", "agents")]


def _pool(month: str) -> str:
    papers = [
        {"arxiv_id": f"{month}.{subject}.{n}", "title": f"{title} {n}", "abstract": f"{title}, run {n}."}
        for subject, title in SUBJECTS.items()
        for n in range(12)
    ]
    return "".join(json.dumps(paper) + "\n" for paper in papers)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pools").mkdir()
    for month in ("2025-01", "2025-02"):
        (tmp_path / "pools" / f"{month}.jsonl").write_text(_pool(month))
    (tmp_path / "new.jsonl").write_text(_pool("2025-03"))
    rows = [
        {"month": month, "curator": who, "arxiv_id": f"{month}.{subject}.{n}"}
        for month, who, subject in PICKS
        for n in range(6)
    ]
    (tmp_path / "picks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


@pytest.mark.parametrize(
    ("asked", "whose", "liked"), [("", "farmer", "crops"), ("farmer", "farmer", "crops"), ("coder", "coder", "agents")]
)
def test_the_curator_asked_for_or_the_busiest_is_learned_from(folder: Path, asked: str, whose: str, liked: str) -> None:
    out = folder / "out.jsonl"
    report = rank_file(folder / "new.jsonl", out, learn=folder / "pools", picks=folder / "picks.jsonl", curator=asked)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert f"picks of {whose} among" in report.line
    assert all(liked in row["arxiv_id"] for row in rows[:12])
    assert len({row["arxiv_id"] for row in rows}) == 24
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)


def test_the_picks_of_one_curator_alone_are_learned_on_top_of_the_public_prior(folder: Path) -> None:
    lines = (folder / "picks.jsonl").read_text().splitlines(keepends=True)
    (folder / "picks.jsonl").write_text("".join(line for line in lines if "farmer" in line))
    plain = {"arxiv_id": "alone", "title": "A lemma on graphs", "categories": ["math.CO"]}
    many = {"arxiv_id": "many", "authors": [f"Ada {n}. Lovelace" for n in range(12)], "categories": ["cs.CL"]}
    with (folder / "new.jsonl").open("a") as file:
        file.writelines(json.dumps(row) + "\n" for row in (plain, plain | many))
    out = folder / "out.jsonl"
    report = rank_file(folder / "new.jsonl", out, learn=folder / "pools", picks=folder / "picks.jsonl")
    order = [json.loads(line)["arxiv_id"] for line in out.read_text().splitlines()]
    assert "on top of the public prior" in report.line
    subjects = [key.split(".")[1] for key in order if "." in key]
    assert subjects == ["crops"] * 12 + ["agents"] * 12
    assert order.index("many") < order.index("alone")  # of which the farmer's picks say nothing


def test_picks_that_made_the_public_prior_are_ranked_by_it_as_it_is_and_the_report_says_so(folder: Path) -> None:
    known = sorted(load_default_preferences().trained_on)[:12]
    titles = [f"{SUBJECTS['crops']} {n}" for n in range(12)]
    papers = [{"arxiv_id": key, "title": title} for key, title in zip(known, titles, strict=True)]
    (folder / "pools" / "2025-01.jsonl").write_text(
        "".join(json.dumps(paper) + "\n" for paper in papers) + _pool("2025-01")
    )
    picks = ({"month": "2025-01", "curator": "list", "arxiv_id": key} for key in known)
    (folder / "picks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in picks))
    asked, plain = folder / "asked.jsonl", folder / "plain.jsonl"
    report = rank_file(folder / "new.jsonl", asked, learn=folder / "pools", picks=folder / "picks.jsonl")
    rank_file(folder / "new.jsonl", plain)
    assert "by the public prior; the public prior was learned from 12 of these picks" in report.line
    assert asked.read_bytes() == plain.read_bytes()


def test_too_few_picks_to_prove_a_taste_are_learned_from_as_asked_and_the_report_says_so(folder: Path) -> None:
    report = rank_file(folder / "new.jsonl", folder / "out.jsonl", learn=folder / "pools", picks=folder / "picks.jsonl")
    assert "learned as asked, but not proved: 6 picks to learn from and 6 to judge by" in report.line


def test_a_curator_without_picks_is_refused_with_the_names_there_are(folder: Path) -> None:
    with pytest.raises(ConfigError, match="no picks of nobody") as refused:
        rank_file(
            folder / "new.jsonl",
            folder / "out.jsonl",
            learn=folder / "pools",
            picks=folder / "picks.jsonl",
            curator="nobody",
        )
    assert "coder, farmer" in (refused.value.hint or "")
    assert not (folder / "out.jsonl").exists()
