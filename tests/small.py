"""A small workspace of a few made-up papers, without network, for tests of single stages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from digest.app import Workspace, initialise

NOW = datetime(2025, 7, 3, 8, tzinfo=UTC)

# Made up, and so numbered: no real paper is described here.
PAPERS = (
    ("2506.00001", "Retrieval-augmented generation with graphs of documents", "2025-06-02"),
    ("2506.00002", "A benchmark for evaluating language model judges", "2025-06-03"),
    ("2506.00003", "Jailbreak attacks on aligned chat models", "2025-06-04"),
    ("2506.00004", "Multi-agent systems that plan and call tools", "2025-06-05"),
    ("2506.00005", "Low-rank fine-tuning of quantized transformers", "2025-06-06"),
    ("2506.00006", "Protein structure prediction with diffusion models", "2025-06-07"),
    ("2506.00007", "Clinical note summarization in hospitals", "2025-06-09"),
    ("2506.00008", "An open foundation language model: technical report", "2025-06-10"),
)
SENTENCES = "We introduce a method for {}. Experiments show that it improves accuracy by 12% over the baseline."


def workspace(folder: Path) -> Workspace:
    """A fresh workspace at a fixed moment."""
    initialise(folder)
    return Workspace(folder, clock=lambda: NOW)


def rows() -> list[dict[str, object]]:
    """The papers as lines of a file."""
    return [
        {
            "arxiv_id": arxiv_id,
            "title": title,
            "abstract": SENTENCES.format(title.lower()),
            "authors": ["Ada Lovelace", "Alan Turing"],
            "published": day,
            "source": "arxiv",
        }
        for arxiv_id, title, day in PAPERS
    ]


def write_jsonl(path: Path, lines: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def filled(folder: Path) -> Workspace:
    """A workspace that holds the papers, tagged and ranked."""
    made = workspace(folder)
    made.add_jsonl(write_jsonl(folder / "papers.jsonl", rows()))
    made.tag()
    made.rank("2025-06")
    return made
