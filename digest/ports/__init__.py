"""Protocols, and the values that cross them. No behaviour beyond what a value knows of itself."""

from digest.ports.delivery import Document, Message, Transport
from digest.ports.issue import IssueView, Neighbour, PickView, SectionView
from digest.ports.language import BatchModel, Completion, Model, Prompt, Quote, TagInput, Usage, Verdict
from digest.ports.telling import Clock, Finding, Progress, Report, Silent
from digest.ports.wire import (
    UNTITLED,
    Fetcher,
    Found,
    Page,
    ParsedFeed,
    Request,
    Response,
    SelectorsLike,
    SourceLike,
    Validators,
)

__all__ = [
    "UNTITLED",
    "BatchModel",
    "Clock",
    "Completion",
    "Document",
    "Fetcher",
    "Finding",
    "Found",
    "IssueView",
    "Message",
    "Model",
    "Neighbour",
    "Page",
    "ParsedFeed",
    "PickView",
    "Progress",
    "Prompt",
    "Quote",
    "Report",
    "Request",
    "Response",
    "SectionView",
    "SelectorsLike",
    "Silent",
    "SourceLike",
    "TagInput",
    "Transport",
    "Usage",
    "Validators",
    "Verdict",
]
