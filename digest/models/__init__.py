"""The tables: one definition serves as domain type and as schema. Datetimes are aware and in UTC."""

from __future__ import annotations

from digest.models.issues import DraftVersion, Issue, IssueSnapshot, LinkCheck, Pick, Prediction
from digest.models.items import Alias, FetchState, Item, Mention, PossibleDuplicate, SourceState, Tombstone
from digest.models.judgements import Decision, ItemVector, Ranking, Tagging
from digest.models.ledger import CachedAnswer, Checkpoint, KeyValue, LLMCall, Lock, Run, SourceResult, SourceResultRow
from digest.models.readers import Confirmation, Delivery, Subscriber

__all__ = [
    "Alias",
    "CachedAnswer",
    "Checkpoint",
    "Confirmation",
    "Decision",
    "Delivery",
    "DraftVersion",
    "FetchState",
    "Issue",
    "IssueSnapshot",
    "Item",
    "ItemVector",
    "KeyValue",
    "LLMCall",
    "LinkCheck",
    "Lock",
    "Mention",
    "Pick",
    "PossibleDuplicate",
    "Prediction",
    "Ranking",
    "Run",
    "SourceResult",
    "SourceResultRow",
    "SourceState",
    "Subscriber",
    "Tagging",
    "Tombstone",
]
