"""Issues to render: facts of real works, words of our own."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from digest.config.schema import Category, Newsletter, SiteConfig, Taxonomy
from digest.publishing.issue_view import IssueView, PickView, SectionView

NEWSLETTER = Newsletter(
    title="The Reading Room",
    author="Ana Ferrer",
    url="https://example.org",
    base_path="/digest",
    description="A monthly reading of AI research.",
)
SITE = SiteConfig()
TAXONOMY = Taxonomy(
    categories=(
        Category(slug="models", title="Models", description="New language models and how they are trained"),
        Category(slug="rag", title="Retrieval", description="Retrieval and grounding of answers"),
    )
)


def pick(number: int = 1, **changes: Any) -> PickView:
    """A pick that differs by its number."""
    values: dict[str, Any] = {
        "key": f"arxiv:2506.{number:05d}",
        "anchor": f"arxiv-2506-{number:05d}",
        "title": f"Work number {number}",
        "url": f"https://arxiv.org/abs/2506.{number:05d}",
        "authors": ["Ada Lovelace", "Charles Babbage", "Mary Somerville"],
        "category": "models",
        "published": date(2025, 6, 12),
        "venue": f"arXiv 2506.{number:05d}",
        "blurb": "We present an engine that computes.",
        "links": {"pdf": f"https://arxiv.org/pdf/2506.{number:05d}"},
    }
    return PickView(**(values | changes))


def issue(period: str = "2025-06", **changes: Any) -> IssueView:
    """A monthly issue with two sections, unless told otherwise."""
    year, _, month = period.partition("-")
    at = datetime(int(year) + (month in ("", "12")), int(month or 12) % 12 + 1, 3, 8, tzinfo=UTC)
    values: dict[str, Any] = {
        "period": period,
        "kind": "monthly" if month else "yearly",
        "form": "category",
        "title": f"AI research digest: {period}",
        "path": f"/{year}/{month}/digest/" if month else f"/{year}/review/",
        "atom_id": f"tag:example.org,2025:digest/{'monthly' if month else 'yearly'}/{period}",
        "published": at,
        "updated": at,
        "intro": "A *quiet* month, [seen](/archive/) from afar.",
        "description": "A quiet month, seen from afar.",
        "sections": [
            SectionView(
                "models", "Models", "models", picks=[pick(1, highlight="Read this first."), pick(2, note=True)]
            ),
            SectionView("rag", "Retrieval", "rag", picks=[pick(3, category="rag")]),
        ],
        "numbers": {"read": 8123, "kept": 412, "sources": [{"name": "arXiv cs.CL", "read": 3120, "kept": 180}]},
    }
    return IssueView(**(values | changes))
