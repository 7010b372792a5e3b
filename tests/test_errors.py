"""Errors as a set: each raised anywhere says what happened and what to do, in the same manner."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest import errors
from digest.errors import DigestError

ROOT = Path(__file__).resolve().parents[1]
# What a source or a model did has no cure of ours; the report tells it beside the source's name, and goes on.
THEIRS = {"FetchError", "ParseError", "ModelOutputError"}
TREE = {name for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, DigestError)}


def raised() -> Iterator[tuple[str, ast.Call]]:
    """Each construction of an error of the tree, and where it stands."""
    for path in sorted((ROOT / "digest").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TREE:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


ALL = list(raised())


def words(node: ast.expr) -> str:
    """The literal parts of a text."""
    return "".join(str(part.value) for part in ast.walk(node) if isinstance(part, ast.Constant))


def hint(call: ast.Call) -> ast.expr | None:
    named = [keyword.value for keyword in call.keywords if keyword.arg == "hint"]
    return named[0] if named else call.args[1] if len(call.args) > 1 else None


def test_the_tree_is_raised_all_over_the_program() -> None:
    assert len(ALL) > 100
    assert {call.func.id for _, call in ALL if isinstance(call.func, ast.Name)} >= TREE - {
        "DigestError", "SourceError", "ModelError"
    }  # fmt: skip


@pytest.mark.parametrize(("place", "call"), ALL, ids=[place for place, _ in ALL])
def test_each_error_has_a_message_and_a_hint(place: str, call: ast.Call) -> None:
    assert isinstance(call.func, ast.Name)
    message, cure = words(call.args[0]), hint(call)
    empty = cure is None or (isinstance(cure, ast.Constant) and not cure.value)
    assert not empty or call.func.id in THEIRS, f"{message!r} names no cure"
    for text in (message, words(cure) if cure else ""):
        assert not re.search(r"[^.][.!]$|please", text), f"{text!r}: a message is a clause, not a plea"


@pytest.mark.parametrize("name", sorted(TREE))
def test_each_error_keeps_message_hint_and_an_exit_code(name: str) -> None:
    error = getattr(errors, name)("it broke", "mend it")
    assert (str(error), error.message, error.hint) == ("it broke", "it broke", "mend it")
    assert error.exit_code in (1, 2, 3, 4)
    assert inspect.getdoc(type(error))
