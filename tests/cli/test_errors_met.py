"""Errors that people met: each names the fact and the next step, once."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import yaml

from digest.cli.classify import _format_score
from digest.cli.output import group_problems
from digest.config.loader import parse_config
from digest.errors import ConfigError, RenderError
from digest.publishing.jekyll import serve_site
from tests.cli.test_commands import run
from tests.ops.workspace import configure


def test_a_source_id_used_twice_is_reported_at_the_second_ones_line() -> None:
    text = (
        "newsletter: {title: T}\ntaxonomy: {categories: [{slug: a, title: A, description: Everything about the letter a}]}\nsources:\n"
        "  - {id: one, kind: feed, url: https://a.example/feed}\n"
        "  - {id: two, kind: feed, url: https://b.example/feed}\n"
        "  - {id: one, kind: feed, url: https://c.example/feed}\n"
    )
    with pytest.raises(ConfigError, match=r"sources.yaml:6: sources\[2\].id: source id 'one' is used twice$"):
        parse_config(text, "sources.yaml")


def test_a_category_arxiv_does_not_have_and_an_undefined_variable_are_found_by_the_doctor(folder: Path) -> None:
    configure(folder, sources=[{"id": "arxiv", "kind": "arxiv", "categories": ["cs.CL", "cs.XX", "gr-qc"]}])
    (folder / "templates" / "post.md.j2").write_text("{{ newslettr.title }} {{ newsletter.title }}", encoding="utf-8")
    done = run("doctor", folder=folder)
    assert "arXiv has no category cs.XX" in done.stdout
    assert done.stdout.count("arXiv has no category") == 1
    assert "templates/post.md.j2 uses newslettr, which is not defined" in done.stdout
    assert done.returncode == 3


def test_a_port_in_use_is_named_before_jekyll_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(RenderError, match=f"port {port} is in use"):
            serve_site(tmp_path, port)


def test_a_problem_that_sources_share_is_printed_once() -> None:
    problems = [f"{name}: cannot reach the host {name}.example" for name in ("one", "two", "three")]
    assert group_problems([*problems, "four: HTTP 404", "something else: here"]) == [
        "3: cannot reach the host: one, two, three",
        "four: HTTP 404",
        "something else: here",
    ]


@pytest.mark.sqlite
def test_a_database_that_is_missing_beside_posts_is_not_made_in_silence(folder: Path) -> None:
    for path in folder.glob("digest.db*"):
        path.unlink()
    done = run("status", folder=folder)
    assert "digest.db is gone, and 1 posts are in site/_posts; a new database is made" in done.stderr
    assert "digest backup --restore FILE" in done.stderr


def test_the_draft_of_an_empty_month_is_not_done(folder: Path) -> None:
    done = run("draft", "2020-05", folder=folder)
    assert done.returncode == 3
    assert "2020-05 has no candidates" in done.stderr


def test_a_score_of_almost_nothing_has_no_sign() -> None:
    assert [_format_score(value) for value in (-0.001, 0.0, -0.5)] == ["0.00", "0.00", "-0.50"]


def test_one_issue_is_not_one_issues(folder: Path) -> None:
    line = run("status", folder=folder).stdout.splitlines()[0]
    assert line.endswith("in 1 issue")
    assert yaml.safe_load((folder / "sources.yaml").read_text(encoding="utf-8"))["sources"]
