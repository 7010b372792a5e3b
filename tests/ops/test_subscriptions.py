"""Subscriptions of another reader come into sources.yaml, and nothing that stands there changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.config.loader import load_config
from digest.errors import ConfigError
from digest.ops.workspace import append_source_lines, plan_opml_import
from digest.sources.opml import write_opml

BEFORE = """# mine
newsletter: {title: T}
sources:
  # labs
  - {id: lab, kind: feed, url: "https://lab.example/feed"}  # good one
  - id: old
    kind: page
    url: https://old.example/blog
    selectors:
      item: "li"

# what follows stays
taxonomy: {categories: [{slug: models, title: Models, description: New models}]}
"""
OPML = """<opml version="2.0"><body><outline text="Blogs">
<outline text="It's &quot;new&quot;: A &#246;" xmlUrl="https://a.example/feed"/><outline text="Lab" xmlUrl="https://b.example/feed"/>
<outline text="Lab" xmlUrl="https://lab.example/feed"/></outline></body></opml>"""


def workspace(folder: Path, text: str = BEFORE) -> Path:
    (folder / "feeds.opml").write_text(OPML, encoding="utf-8")
    path = folder / "sources.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("text", [BEFORE, BEFORE.replace("  - ", "- "), BEFORE.replace("\n\n# what follows stays", "")])
def test_new_feeds_stand_behind_the_last_source_and_the_rest_stays(tmp_path: Path, text: str) -> None:
    path = workspace(tmp_path, text.replace("\n    ", "\n  ") if "\n- " in text else text)
    before = path.read_text(encoding="utf-8").splitlines()
    fresh, there, _ = plan_opml_import(load_config(path), tmp_path / "feeds.opml")
    assert (len(fresh), len(there)) == (2, 1)
    append_source_lines(path, fresh)
    after = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in after if line in before] == before
    found = [(source.id, source.name, source.url) for source in load_config(path).sources][2:]
    assert found == [
        ("it-s-new-a-o", 'It\'s "new": A ö', "https://a.example/feed"),
        ("lab-2", "Lab", "https://b.example/feed"),
    ]
    assert plan_opml_import(load_config(path), tmp_path / "feeds.opml")[0] == []


def test_what_was_exported_comes_back_with_its_kind(tmp_path: Path) -> None:
    path = workspace(tmp_path)
    sources = load_config(path).sources
    (tmp_path / "feeds.opml").write_bytes(write_opml(sources))
    other = workspace(tmp_path, BEFORE.replace("lab.example", "else.example").replace("old.example", "other.example"))
    (tmp_path / "feeds.opml").write_bytes(write_opml(sources))
    append_source_lines(other, plan_opml_import(load_config(other), tmp_path / "feeds.opml")[0])
    assert [(source.kind, source.url) for source in load_config(other).sources][2:] == [
        ("feed", "https://lab.example/feed"),
        ("page", "https://old.example/blog"),
    ]


def test_without_a_list_to_add_to_nothing_is_written(tmp_path: Path) -> None:
    path = workspace(tmp_path, 'newsletter: {title: T}\nsources: [{id: a, kind: feed, url: "https://x.example/f"}]\n')
    text = path.read_bytes()
    with pytest.raises(ConfigError, match="no list of sources"):
        append_source_lines(path, ["{id: b, kind: feed, url: https://b.example}"])
    assert path.read_bytes() == text
