"""Recorded facts: real works and announcements of 2025, with summaries in the project's own words."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from digest.errors import NotFoundError


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
    """A source of posts, and the form of its document: rss, atom, json or page."""

    slug: str
    name: str
    home: str
    form: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class RecordedChapter:
    """What an editor would write on a month: a title, an introduction in Markdown, a closing sentence."""

    title: str
    intro: str
    closing: str


@cache
def _load_rows(name: str) -> list[dict[str, Any]]:
    text = (resources.files("digest") / "demo" / "recorded" / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


RECORDED_PUBLISHERS = {row["slug"]: Publisher(**row) for row in _load_rows("publishers.jsonl")}


@cache
def load_recorded_works() -> tuple[RecordedWork, ...]:
    """Load all recorded papers, by date."""
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
    """Load a publisher's recorded announcements, newest first."""
    posts = [
        RecordedPost(
            row["title"], row["url"], _parse_moment(row["published"]), row.get("author", ""), row.get("summary", "")
        )
        for row in _load_rows("posts.jsonl")
        if row["source"] == publisher
    ]
    return tuple(sorted(posts, key=lambda post: (post.published, post.url), reverse=True))


def load_recorded_chapter(month: str) -> RecordedChapter:
    """Load what an editor would write on a month; each [[name]] becomes a link to the work whose title begins so."""
    (row,) = (row for row in _load_rows("chapters.jsonl") if row["month"] == month)
    intro = re.sub(r"\[\[(.+?)\]\]", lambda match: f"[{match[1]}]({_find_address(match[1])})", row["intro"])
    return RecordedChapter(row["title"], intro, row["closing"])


def _find_address(name: str) -> str:
    works = ((work.title, f"https://arxiv.org/abs/{work.arxiv_id}") for work in load_recorded_works())
    posts = ((post.title, post.url) for slug in RECORDED_PUBLISHERS for post in load_recorded_posts(slug))
    address = next((url for title, url in (*works, *posts) if title.startswith(name)), None)
    if address is None:
        raise NotFoundError(f"no recorded work is called {name!r}", "give the beginning of a recorded title")
    return address


def _parse_moment(text: str) -> datetime:
    """Parse a time; a date becomes its noon, which no time zone moves to another month."""
    if len(text) == 10:
        text += "T12:00:00+00:00"
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
