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
from digest.ops.doctor import join_shared_findings
from digest.protocols import Finding
from digest.publishing.jekyll import serve_site
from digest.text import list_first_names
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
    (folder / "templates" / "post.md.j2").write_text(
        "{{ newslettr.title }} {{ newsletter.title }} {{ view.titel }} {{ view.title }} {{ view.highlights }}",
        encoding="utf-8",
    )
    done = run("doctor", folder=folder)
    assert "arXiv has no category cs.XX" in done.stdout
    assert done.stdout.count("arXiv has no category") == 1
    assert "templates/post.md.j2 uses newslettr, which is not defined" in done.stdout
    assert "templates/post.md.j2 uses view.titel, which is not defined" in done.stdout
    assert done.stdout.count("which is not defined") == 2
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
        "3 times: cannot reach the host: one, two, three",
        "four: HTTP 404",
        "something else: here",
    ]


@pytest.mark.sqlite
def test_a_database_that_is_missing_beside_posts_is_not_made_in_silence(folder: Path) -> None:
    for path in folder.glob("digest.db*"):
        path.unlink()
    done = run("status", folder=folder)
    assert "digest.db is gone, and 1 post is in site/_posts; a new database is made" in done.stderr
    assert "digest backup --restore FILE" in done.stderr
    later = run("doctor", folder=folder).stdout
    assert "warning  database: site/_posts holds 1 issue, and digest.db has no published issue" in later


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


def test_a_long_list_of_names_is_counted_after_the_fifth() -> None:
    names = [f"arxiv:2501.{number:05d}" for number in range(200)]
    assert list_first_names(names).endswith("arxiv:2501.00003, arxiv:2501.00004 and 195 more")
    assert list_first_names(names[:6]).count(",") == 5


def test_sources_without_a_network_are_one_finding_of_the_doctor() -> None:
    errors = [(name, f"the host {name}.example cannot be found") for name in ("one", "two", "three")]
    findings = [Finding("source", "bad", f"{name}: {error}", "check the network") for name, error in errors]
    alone = Finding("source", "bad", "four: HTTP 404", "correct the address")
    good = Finding("source", "good", "five: 3 items on its first page", "")
    assert join_shared_findings([*findings, alone, good]) == [
        Finding("source", "bad", "3 sources: the host cannot be found: one, two, three", "check the network"),
        alone,
        good,
    ]


def test_a_preview_on_a_port_in_use_prints_no_address(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("preview", "--port", str(taken.getsockname()[1]), folder=folder)
    assert done.stdout == ""
    assert "is in use" in done.stderr
    assert done.returncode == 1


def test_one_candidate_is_not_one_candidates(folder: Path) -> None:
    (folder / "one.jsonl").write_text('{"url": "https://a.example/b", "title": "A title", "published": "2019-03-02"}\n')
    run("add", "--jsonl", str(folder / "one.jsonl"), folder=folder)
    assert "2019-03: 1 candidate ranked;" in run("rank", "2019-03", folder=folder).stdout
