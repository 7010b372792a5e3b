"""Identifiers, authors, withdrawals and addresses of papers, common to arXiv's three formats."""

from __future__ import annotations

import re
from typing import Any

from digest.sources.entries import Entry
from digest.text import normalise_line

_ID = re.compile(r"(?P<id>\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v(?P<version>\d{1,3}))?$")
# 0906.3336 is withdrawn without the flag of its source type: the comment has to be read.
_WITHDRAWN = re.compile(
    r"\b(?:this|the) (?:paper|article|submission|manuscript|version|work|preprint|note)\b[^.]{0,60}?"
    r"\b(?:is|was|has been|have been|being) (?:\w+ )?withdrawn\b|^\W*(?:paper |article )?withdrawn\b|\bwithdrawn by\b",
    re.I,
)
_PARENTHESES = re.compile(r"\([^()]*\)")
_MAX_NESTED_PARENTHESES = 3  # brackets in brackets: ((1) Lab (Town))
_SUFFIX = re.compile(r",\s+(?=(?:Jr|Sr|II|III|IV)\b)")
_NAME_SEPARATOR = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+|\s*;\s*|(?<=Collaboration):\s*")


def split_arxiv_id(text: str) -> tuple[str, int | None]:
    """Split an id, an oai: identifier or an abs address into the id and its version; "" when it is none.

    Old ids lose the subject class of their archive: math.CA/0611800 is math/0611800.
    """
    match = _ID.search(text.strip())
    if not match:
        return "", None
    bare = re.sub(r"\.[A-Z]{2}/", "/", match["id"])
    return bare, int(match["version"]) if match["version"] else None


def split_arxiv_authors(text: str) -> list[str]:
    """Split names out of one string such as `A, B and C (aff)`, without affiliations."""
    for _ in range(_MAX_NESTED_PARENTHESES):
        text = _PARENTHESES.sub(" ", text)
    text = _SUFFIX.sub(" ", normalise_line(text))
    names = (name.strip(" ,;:") for name in _NAME_SEPARATOR.split(text))
    return list(dict.fromkeys(name for name in names if name))


def is_withdrawal_comment(comment: str) -> bool:
    """Whether the comment of the current version says that the paper is withdrawn."""
    return bool(_WITHDRAWN.search(comment))


def build_abs_url(arxiv_id: str) -> str:
    return f"https://arxiv.org/abs/{arxiv_id}"


def build_pdf_url(arxiv_id: str) -> str:
    return f"https://arxiv.org/pdf/{arxiv_id}"


def build_paper(arxiv_id: str, version: int | None, comment: str, *, withdrawn: bool = False, **fields: Any) -> Entry:
    """Build the entry of a paper; its comment may say that it is withdrawn."""
    return Entry(
        guid=f"oai:arXiv.org:{arxiv_id}",
        url=build_abs_url(arxiv_id),
        links={"pdf": build_pdf_url(arxiv_id)},
        arxiv_id=arxiv_id,
        version=version,
        comment=comment or None,
        withdrawn=withdrawn or is_withdrawal_comment(comment),
        **fields,
    )
