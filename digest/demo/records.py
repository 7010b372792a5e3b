"""The recorded facts: real works and announcements of 2025. The summaries are the project's own words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class RecordedWork:
    """A paper as arXiv lists it."""

    arxiv_id: str
    title: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    published: datetime
    summary: str


@dataclass(frozen=True, slots=True)
class RecordedPost:
    """An announcement as its publisher lists it."""

    title: str
    url: str
    published: datetime
    author: str
    summary: str


@dataclass(frozen=True, slots=True)
class Publisher:
    """A source of posts, and the form its recording is served in: rss, atom, json or page."""

    slug: str
    name: str
    home: str
    form: str
    weight: float = 1.0


RECORDED_PUBLISHERS = {
    p.slug: p
    for p in (
        Publisher("openai-research", "OpenAI", "https://openai.com/news/", "rss", 1.4),
        Publisher("mistral-news", "Mistral AI", "https://mistral.ai/news/", "rss", 1.2),
        Publisher("meta-ai-blog", "Meta AI", "https://ai.meta.com/blog/", "rss", 1.2),
        Publisher("aisi-blog", "UK AI Security Institute", "https://www.aisi.gov.uk/blog", "rss"),
        Publisher("pinecone-blog", "Pinecone", "https://www.pinecone.io/blog/", "rss", 0.8),
        Publisher("chip-huyen", "Chip Huyen", "https://huyenchip.com/", "rss", 1.3),
        Publisher("lilian-weng", "Lil'Log", "https://lilianweng.github.io/", "rss", 1.5),
        Publisher("deepmind-blog", "Google DeepMind", "https://deepmind.google/blog/", "atom", 1.4),
        Publisher("simon-willison", "Simon Willison", "https://simonwillison.net/", "atom"),
        Publisher("transluce", "Transluce", "https://transluce.org/", "atom"),
        Publisher("far-ai", "FAR.AI", "https://www.far.ai/", "atom"),
        Publisher("thinking-machines", "Thinking Machines Lab", "https://thinkingmachines.ai/blog/", "atom", 1.2),
        Publisher("groq-blog", "Groq", "https://groq.com/blog", "json", 0.7),
        Publisher("cohere-blog", "Cohere", "https://cohere.com/blog", "json"),
        Publisher("timaeus-research", "Timaeus", "https://timaeus.co/", "json"),
        Publisher("goodfire-research", "Goodfire", "https://www.goodfire.ai/", "json"),
        Publisher("anthropic-news", "Anthropic", "https://www.anthropic.com/news", "page", 1.4),
        Publisher(
            "anthropic-engineering", "Anthropic Engineering", "https://www.anthropic.com/engineering", "page", 1.2
        ),
        Publisher("claude-blog", "Claude", "https://claude.com/blog", "page"),
        Publisher("xai-news", "xAI", "https://x.ai/news", "page"),
    )
}


@lru_cache(maxsize=1)
def load_recorded_works() -> tuple[RecordedWork, ...]:
    """All recorded papers, by date."""
    return tuple(
        RecordedWork(
            arxiv_id=row["arxiv_id"],
            title=row["title"],
            authors=tuple(row["authors"]),
            categories=tuple(row["categories"]),
            published=_parse_moment(row["published"]),
            summary=row.get("summary", ""),
        )
        for row in _load_rows("works.jsonl")
    )


def load_recorded_posts(publisher: str) -> tuple[RecordedPost, ...]:
    """A publisher's recorded announcements, newest first."""
    rows = [row for row in _load_rows("posts.jsonl") if row["source"] == publisher]
    made = [
        RecordedPost(
            row["title"], row["url"], _parse_moment(row["published"]), row.get("author", ""), row.get("summary", "")
        )
        for row in rows
    ]
    return tuple(sorted(made, key=lambda post: (post.published, post.url), reverse=True))


@lru_cache(maxsize=2)
def _load_rows(name: str) -> list[dict[str, Any]]:
    text = (resources.files("digest") / "demo" / "recorded" / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _parse_moment(text: str) -> datetime:
    """A date stands for its noon: no time zone moves it into another month."""
    if len(text) == 10:
        text += "T12:00:00+00:00"
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
