"""Tables of issues: their picks, every version of their drafts, snapshots, predictions and link checks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from digest.models import json_column


class Issue(SQLModel, table=True):
    """One newsletter, monthly or yearly, by period. States: draft, approved, published, sent."""

    id: int = Field(default=None, primary_key=True)
    period: str = Field(unique=True)
    kind: str = "monthly"  # monthly | yearly | range
    form: str = "category"  # category | month | both: how a recap is laid out
    title: str
    subject: str = ""  # of its mail, else the title
    preheader: str = ""
    intro: str = ""
    outro: str = ""
    # In order, with headings and prose of the editor: [{"slug", "title", "note", "engine", "closing"}]
    sections: list[dict[str, Any]] = json_column(list)
    state: str = Field(default="draft", index=True)
    atom_id: str
    # As it was when the issue was drafted: {"version", "categories": [...]}
    taxonomy: dict[str, Any] = json_column(dict)
    engines: list[str] = json_column(list)  # who tagged, ranked and wrote: one line each
    numbers: dict[str, Any] = json_column(dict)  # read, kept, by source
    corrections: list[dict[str, Any]] = json_column(list)
    created: datetime
    approved: datetime | None = None
    approved_by: str | None = None
    published: datetime | None = None  # fixed at the first publication
    updated: datetime | None = None  # changes only with what readers see
    content_digest: str = ""  # of the newest snapshot
    draft_digest: str = ""  # of the draft that was approved
    sent: datetime | None = None


class Pick(SQLModel, table=True):
    """An item chosen for an issue, with the issue's words on it."""

    __table_args__ = (UniqueConstraint("issue_id", "item_id"),)
    id: int = Field(default=None, primary_key=True)
    issue_id: int = Field(foreign_key="issue.id", index=True)
    item_id: int = Field(foreign_key="item.id", index=True)
    category: str
    position: int
    title: str | None = None  # the editor's own title, else the item's
    url: str | None = None  # the editor's own link, in place of an item's that is dead
    blurb: str = ""
    origin: str = "source"  # source | model | editor
    engine: str = ""  # who wrote a model's blurb
    grounding_status: str = "quoted"  # quoted | grounded | flagged | editor
    flags: list[str] = json_column(list)  # the strings without support
    evidence: list[str] = json_column(list)
    verdict: str = ""  # the editor's judgement, one line of Markdown
    versions: list[dict[str, Any]] = json_column(list)  # earlier and alternative blurbs
    is_brief: bool = False  # an "also noted" one-liner
    highlight: str | None = None
    update_of: str | None = None  # the period it was covered in before
    signed_by: str | None = None
    signed: datetime | None = None


class DraftVersion(SQLModel, table=True):
    """A version of a draft that the program wrote or read; `origin` is generated, editor, desk or merged."""

    __tablename__ = "draft_version"
    id: int = Field(default=None, primary_key=True)
    period: str = Field(index=True)
    origin: str
    text: str
    digest: str
    at: datetime


class IssueSnapshot(SQLModel, table=True):
    """An issue as readers saw it from a moment on: its view as JSON. Pages are rendered from the newest."""

    __tablename__ = "issue_snapshot"
    id: int = Field(default=None, primary_key=True)
    issue_id: int = Field(foreign_key="issue.id", index=True)
    view: dict[str, Any] = json_column(dict)
    at: datetime


class Prediction(SQLModel, table=True):
    """A prediction to score in the year in review."""

    id: int = Field(default=None, primary_key=True)
    year: int = Field(index=True)
    text: str
    outcome: str = "open"  # open | right | wrong
    at: datetime


class LinkCheck(SQLModel, table=True):
    """The last result of a link in an issue, so that it is not requested again too soon."""

    __tablename__ = "link_check"
    url: str = Field(primary_key=True)
    status: int | None = None
    final_url: str | None = None
    error: str | None = None
    at: datetime
