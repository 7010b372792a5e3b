"""The headings of an imported review become a proposed taxonomy that sources.yaml can hold."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from digest.app import Workspace, initialise
from digest.config.schema import Taxonomy
from digest.drafts.archive import import_archive, propose_taxonomy, read_archive
from digest.errors import NotFoundError
from tests.archive.test_review import BY_CATEGORY, BY_MONTH

NOW = datetime(2026, 2, 3, 9, tzinfo=UTC)


def propose(folder: Path, name: str, text: str, maps: dict[str, str]) -> Taxonomy:
    (folder / name).write_text(text, encoding="utf-8")
    initialise(folder / "w")
    with Workspace(folder / "w", clock=lambda: NOW) as workspace:
        import_archive(workspace.context, read_archive(workspace.context, [str(folder / name)], {}))
        return Taxonomy(**yaml.safe_load(propose_taxonomy(workspace.context, maps))["taxonomy"])


def test_headings_with_lists_become_categories_and_a_mapped_one_is_ours(tmp_path: Path) -> None:
    taxonomy = propose(tmp_path, "2023-12-28-read.html", BY_CATEGORY, {"Agents": "agents"})
    assert taxonomy.version == 2
    assert [(c.slug, c.title) for c in taxonomy.categories] == [
        ("agents", "Agents"), ("retrieval", "Retrieval"), ("rivers", "Rivers"),
    ]  # fmt: skip
    agents, _, rivers = taxonomy.categories
    assert "Rivers" in rivers.description
    assert rivers.exemplars == tuple(f"Work {n} on Rivers" for n in range(4))
    assert "Rivers" not in agents.description


def test_months_are_no_categories(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no imported review sorts works under headings"):
        propose(tmp_path, "2024-12-30-year.md", BY_MONTH, {})
