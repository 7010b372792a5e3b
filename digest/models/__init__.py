"""The tables: one definition serves as domain type and as schema. Datetimes are aware and in UTC."""

from __future__ import annotations

from digest.models.issues import Issue, IssueSnapshot, LinkCheck, Note, Pick, SheetVersion
from digest.models.items import Alias, Item, Mention, PossibleDuplicate, SourceState, State, Tombstone
from digest.models.judgements import Decision, ItemVector, Ranking, Tagging
from digest.models.ledger import Checkpoint, Count, Lease, ModelAnswer, ModelCall, Run, RunCount, Setting
from digest.models.readers import Confirmation, Delivery, Subscriber

__all__ = [
    "Alias",
    "Checkpoint",
    "Confirmation",
    "Count",
    "Decision",
    "Delivery",
    "Issue",
    "IssueSnapshot",
    "Item",
    "ItemVector",
    "Lease",
    "LinkCheck",
    "Mention",
    "ModelAnswer",
    "ModelCall",
    "Note",
    "Pick",
    "PossibleDuplicate",
    "Ranking",
    "Run",
    "RunCount",
    "Setting",
    "SheetVersion",
    "SourceState",
    "State",
    "Subscriber",
    "Tagging",
    "Tombstone",
]
