"""A small workspace on the machine's own disk: made in a second, with items, an issue on its way, readers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import yaml

from digest.app import Workspace, initialise
from digest.drafts.parser import parse_draft
from digest.drafts.writer import render_draft

NOW = datetime(2026, 2, 4, 9, tzinfo=UTC)
MONTH = "2026-01"
_TITLES = (
    "Long-context transformers with sparse attention",
    "A benchmark for agents that use tools",
    "Red-teaming large language models at scale",
    "Diffusion models for protein design",
    "Reward hacking in reinforcement learning from human feedback",
    "Quantised inference on small devices",
    "Robots that learn manipulation from video",
    "An open-weights model of seven billion parameters",
)


def rows(month: str = MONTH) -> str:
    """Works of a month as `digest add --jsonl` takes them."""
    return "".join(
        json.dumps(
            {
                "title": f"{title}, {round_} study of {month}",
                "url": f"https://papers.example/{month}/{number}-{round_}",
                "authors": [f"Ada Author{number}{round_}"],
                "published": f"{month}-{number + 2:02d}T10:00:00+00:00",
                "summary": f"We study {title.lower()}. Our method improves results on {number + 3} public data sets.",
            }
        )
        + "\n"
        for round_ in ("first", "second")
        for number, title in enumerate(_TITLES)
    )


def made(folder: Path) -> Path:
    """A workspace without items: no source is enabled but one that nobody asks."""
    initialise(folder)
    config = yaml.safe_load((folder / "sources.yaml").read_text(encoding="utf-8"))
    config["newsletter"] |= {"title": "Small", "url": "https://small.example", "timezone": "Europe/Madrid"}
    config["sources"] = [{"id": "blog", "kind": "feed", "url": "https://blog.example/feed", "enabled": False}]
    config["model"] = {"provider": "local"}
    (folder / "sources.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    (folder / "month.jsonl").write_text(rows(), encoding="utf-8")
    return folder


def configure(folder: Path, **sections: object) -> None:
    """Change values of sources.yaml, section by section; a list replaces what is there."""
    path = folder / "sources.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name, values in sections.items():
        config[name] = config.get(name, {}) | values if isinstance(values, dict) else values
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def opened(folder: Path, now: datetime = NOW) -> Workspace:
    return Workspace(folder, clock=lambda: now)


def edit(folder: Path) -> None:
    """What a person does to the sheet: an introduction, and no headings without picks."""
    path = folder / "site" / "_drafts" / f"{MONTH}.md"
    sheet = parse_draft(path.read_text(encoding="utf-8"))
    sections = tuple(section for section in sheet.sections if section.entries)
    path.write_text(render_draft(replace(sheet, intro="A month.", sections=sections)), encoding="utf-8")


def waiting(folder: Path) -> Path:
    """A workspace with a month added, tagged, ranked and drafted; a person has written its introduction."""
    made(folder)
    with opened(folder) as workspace:
        workspace.add_jsonl(folder / "month.jsonl")
        workspace.tag()
        workspace.rank(MONTH)
        workspace.draft(MONTH)
    edit(folder)
    return folder


def drafted(folder: Path) -> Path:
    """A workspace whose month is published, and two readers."""
    waiting(folder)
    with opened(folder) as workspace:
        workspace.approve(MONTH, by="Ada", accept_gaps=True)
        workspace.publish(MONTH)
        for reader in ("ada@example.org", "grace@example.org"):
            workspace.add_subscriber(reader, confirmed=True)
    return folder
