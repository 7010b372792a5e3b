"""What is released is what was tested: dependencies are pinned in their bounds; a job that may write runs no code."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LINES = (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()
PINS = {canonicalize_name(name): version for name, version in (line.split("==") for line in LINES)}
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DECLARED = [
    Requirement(line)
    for lines in (
        PROJECT["project"]["dependencies"],
        PROJECT["build-system"]["requires"],
        *PROJECT["project"]["optional-dependencies"].values(),
    )
    for line in lines
    if not line.startswith("digest-newsletter")
]


def test_each_line_of_the_pins_names_one_release_once() -> None:
    assert [line for line in LINES if not re.fullmatch(r"[\w.-]+==\d[\w.]*", line)] == []
    assert len(PINS) == len(LINES)


@pytest.mark.parametrize("wanted", DECLARED, ids=str)
def test_what_is_declared_has_a_lower_bound_and_a_pin_within_its_bounds(wanted: Requirement) -> None:
    assert any(one.operator in (">=", "==") for one in wanted.specifier)
    assert wanted.specifier.contains(PINS[canonicalize_name(wanted.name)])


def needed(name: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]]) -> Iterator[Requirement]:
    """What an installed distribution needs here, and what that needs; each once."""
    if (name, extras) in seen:
        return
    seen.add((name, extras))
    for line in distribution(name).requires or []:
        wanted = Requirement(line)
        if wanted.marker and not any(wanted.marker.evaluate({"extra": extra}) for extra in (*extras, "")):
            continue
        yield wanted
        yield from needed(wanted.name, frozenset(wanted.extras), seen)


def test_whatever_is_needed_is_pinned_and_its_release_is_one_that_all_who_need_it_accept() -> None:
    wanted = [
        one
        for one in needed("digest-newsletter", frozenset({"dev", "dkim", "docs"}), set())
        if one.name != "digest-newsletter"
    ]
    assert sorted({one.name for one in wanted if canonicalize_name(one.name) not in PINS}) == []
    assert [
        str(one) for one in wanted if not one.specifier.contains(PINS[canonicalize_name(one.name)], prereleases=True)
    ] == []
    assert len(wanted) > 100


def test_where_ci_runs_what_is_installed_is_what_is_pinned() -> None:
    if not os.environ.get("CI"):
        pytest.skip("a person's environment may be newer than the pins")
    other = {}
    for name, version in PINS.items():
        try:
            found = distribution(name).version
        except PackageNotFoundError:  # the peers of the bench
            continue
        if found != version:
            other[name] = found
    assert other == {}


def test_the_python_versions_that_are_named_are_those_that_are_tested() -> None:
    flow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))
    tested = flow["jobs"]["check"]["strategy"]["matrix"]["python"]
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"]))
    assert named == tested
    assert PROJECT["project"]["requires-python"] == f">={tested[0]}"


@pytest.mark.parametrize("path", sorted(ROOT.glob(".github/workflows/*.yml")), ids=lambda path: path.name)
def test_a_job_that_may_write_runs_nothing_that_was_checked_out_or_installed(path: Path) -> None:
    flow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert flow["permissions"] == {"contents": "read"}
    for name, job in flow["jobs"].items():
        steps = job["steps"]
        used = [step["uses"].split("@")[0] for step in steps if "uses" in step]
        if "permissions" in job:
            assert used[0] == "actions/download-artifact", name
            assert set(used[1:]) <= {"pypa/gh-action-pypi-publish"}, name
        for step in steps:
            assert "${{" not in step.get("run", ""), name  # what others name is no part of a script
            if step.get("uses", "").startswith("actions/checkout"):
                assert step["with"]["persist-credentials"] is False
