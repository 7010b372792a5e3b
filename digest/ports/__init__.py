"""Protocols, and the values that cross them. No behaviour beyond what a value knows of itself."""

from digest.ports.delivery import Document, Message, Transport
from digest.ports.issue import IssueView, Neighbour, PickView, SectionView
from digest.ports.language import BatchModel, Classification, Completion, ExtractedQuote, Model, Prompt, TagInput, Usage
from digest.ports.telling import Clock, Finding, NullProgress, Progress, Report
from digest.ports.wire import (
    UNTITLED_TITLE,
    Entry,
    Fetcher,
    Page,
    ParsedFeed,
    Request,
    Response,
    SelectorsLike,
    SourceLike,
    Validators,
)

__all__ = [
    "UNTITLED_TITLE",
    "BatchModel",
    "Classification",
    "Clock",
    "Completion",
    "Document",
    "Entry",
    "ExtractedQuote",
    "Fetcher",
    "Finding",
    "IssueView",
    "Message",
    "Model",
    "Neighbour",
    "NullProgress",
    "Page",
    "ParsedFeed",
    "PickView",
    "Progress",
    "Prompt",
    "Report",
    "Request",
    "Response",
    "SectionView",
    "SelectorsLike",
    "SourceLike",
    "TagInput",
    "Transport",
    "Usage",
    "Validators",
]
