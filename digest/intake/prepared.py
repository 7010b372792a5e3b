"""The value that stands between what a source gave and what the store keeps: one cleaned item with its identity."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from digest.text import hash_texts

MENTION_SUMMARY_CAP = 600  # letters of what a place says of a work; enough to quote it


@dataclass(slots=True)
class PreparedItem:
    """One found item, clean and capped. `aliases` are other keys of the same work; datetimes are aware and in UTC."""

    source_id: str
    guid: str
    key: str
    kind: str  # paper | post
    title: str
    title_source: str | None
    title_key: str
    url: str
    first_seen: datetime
    authors: list[str] = field(default_factory=list)
    summary: str = ""
    content: str = ""
    venue: str | None = None
    comment: str | None = None
    categories: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    published: datetime | None = None
    updated: datetime | None = None
    announced: datetime | None = None
    date_flag: str | None = None  # missing | implausible | backlog: undated, and already there at the first fetch
    version: int | None = None
    withdrawn: bool = False
    digest: str = ""
    aliases: tuple[str, ...] = ()
    source_page_url: str = ""  # where the source shows it, when that is not `url`: Hugging Face's page of a paper
    is_authority: bool = False  # arXiv itself speaks: its title, authors and abstract go before others'

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process as arguments in order: half the work of naming each field of each item."""
        return PreparedItem, _PREPARED_ITEM_VALUES(self)

    @property
    def arxiv_id(self) -> str | None:
        """The arXiv id, if it has one."""
        return self.key.removeprefix("arxiv:") if self.key.startswith("arxiv:") else None

    @property
    def withdrawn_at(self) -> datetime | None:
        """The day of the version that says so; where the first one does, the day it was seen."""
        if not self.withdrawn:
            return None
        return self.updated if self.updated and (self.version or 1) > 1 else self.first_seen

    @property
    def mention_url(self) -> str:
        """The address at which this source shows the work."""
        return self.source_page_url or self.url

    @property
    def mention_digest(self) -> str:
        """What the mention is known by: its words, and of arXiv's the facts, which change without a new version."""
        return (
            hash_texts(self.digest, self.venue or "", self.comment or "", *self.categories)
            if self.is_authority
            else self.digest
        )

    def build_metadata_columns(self) -> dict[str, Any]:
        """The columns of what arXiv says of a paper beside its text."""
        return {"venue": self.venue, "comment": self.comment, "categories": self.categories, "links": self.links}

    def build_text_columns(self) -> dict[str, Any]:
        """The columns of the item that a revision replaces."""
        return {
            "kind": self.kind,
            "title": self.title,
            "title_source": self.title_source,
            "title_key": self.title_key,
            "url": self.url,
            "authors": self.authors,
            "summary": self.summary,
            "content": self.content,
            "source_id": self.source_id,
            **self.build_metadata_columns(),
            "updated": self.updated,
            "version": self.version,
            "digest": self.digest,
        }

    def build_item_columns(self) -> dict[str, Any]:
        """All columns of a new item, ready for a bulk insert."""
        return {
            "key": self.key,
            **self.build_text_columns(),
            "published": self.published,
            "first_seen": self.first_seen,
            "announced": self.announced,
            "date_flag": self.date_flag,
            "withdrawn": self.withdrawn_at,
            "rewordings": 0,
            "merged_into": None,
        }

    def build_mention_columns(self) -> dict[str, Any]:
        """The mention's columns but for `item_id`, which the store fills in from the item's key."""
        return {
            "source_id": self.source_id,
            "guid": self.guid,
            "url": self.mention_url,
            "title": self.title,
            "published": self.published,
            "first_seen": self.first_seen,
            "digest": self.mention_digest,
            "own_key": self.key,
            "words": "" if self.is_authority else self.summary[:MENTION_SUMMARY_CAP],
        }


_PREPARED_ITEM_VALUES = attrgetter(*(each.name for each in fields(PreparedItem)))


@dataclass(frozen=True, slots=True)
class RejectedEntry:
    """A found item that cannot be kept, and why."""

    reason: str
    title: str = ""
    url: str = ""
