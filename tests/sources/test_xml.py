"""No entity of a stranger's document opens a file or grows, wherever its declaration stands; plain ones are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.sources.feeds.xml import parse_xml

LATE = b"<!--" + b"x" * 30_000 + b"-->"  # the declaration is looked for at the beginning, where it belongs


def said(declarations: bytes, text: bytes, *, recover: bool, before: bytes = b"") -> str:
    root = parse_xml(before + b"<!DOCTYPE r [" + declarations + b"]><r>" + text + b"</r>", should_recover=recover)
    return "".join(root.itertext())


@pytest.mark.parametrize("recover", [False, True])
@pytest.mark.parametrize("before", [b"", LATE], ids=["early", "late"])
@pytest.mark.parametrize("more", [b"", b'<!ENTITY q "]">'], ids=["plain", "with a bracket"])
def test_a_file_that_an_entity_names_is_not_read(tmp_path: Path, recover: bool, before: bytes, more: bytes) -> None:
    (tmp_path / "secret").write_text("SECRET")
    entity = b'<!ENTITY x SYSTEM "' + (tmp_path / "secret").as_uri().encode() + b'">'
    assert said(more + entity, b"a&x;b", recover=recover, before=before) == "a&x;b"


@pytest.mark.parametrize("recover", [False, True])
@pytest.mark.parametrize("before", [b"", LATE], ids=["early", "late"])
def test_an_entity_made_of_entities_stays_its_name(recover: bool, before: bytes) -> None:
    assert said(b'<!ENTITY b "y"><!ENTITY a "x&b;">', b"&a;", recover=recover, before=before) == "&a;"


def test_an_entity_of_plain_text_is_read() -> None:
    assert said(b'<!ENTITY who "Ada">', b"&who; &eacute; &amp;", recover=False) == "Ada \u00e9 &"
