"""Identity of a work by its URL or identifier."""

from __future__ import annotations

import re
from urllib.parse import unquote

from digest.urls.arxiv import extract_arxiv_id
from digest.urls.canonical import build_match_url

__all__ = [
    "build_match_url",
    "canonicalise_url",
    "extract_arxiv_id",
    "extract_doi",
    "extract_host",
    "extract_site",
    "find_arxiv_ids",
    "find_superseding_work",
    "is_http_url",
    "work_key",
]

# https://www.doi.org/doi-handbook/HTML/doi-name-syntax.html; publishers' pages that carry the DOI in their path.
_DOI = re.compile(
    r"(?:doi:\s*|info:doi/|https?://(?:dx\.|www\.)?doi\.org/(?:doi:)?"
    r"|https?://(?:dl\.acm\.org|(?:www\.)?science\.org|(?:www\.)?pnas\.org|onlinelibrary\.wiley\.com)/doi/(?:[a-z]+/)?"
    r"|https?://link\.springer\.com/(?:article|chapter|content/pdf)/"
    r"|https?://www\.(?:bio|med)rxiv\.org/content/)?"
    r"(10\.\d{4,9}/[^\s?#\"<>]+)",
    re.I,
)
_NATURE = re.compile(r"https?://(?:www\.)?nature\.com/articles/(s\d{5}-\d{3}-\d{5}-[\dx])", re.I)
_DOI_TAIL = re.compile(r"(?:\.pdf|\.full(?:\.pdf)?|\.abstract|[.,;:)\]}'/]+)$", re.I)
_PREPRINT_VERSION = re.compile(r"(?<=\d)v\d+$")


def work_key(url: str) -> str:
    """Identify a work: `arxiv:2601.01234`, else `doi:10...` in lower case, else `url:` and the match form."""
    if identifier := extract_arxiv_id(url):
        return f"arxiv:{identifier}"
    if name := extract_doi(url):
        return f"doi:{name}"
    return f"url:{build_match_url(url)}"


def extract_doi(text: str) -> str | None:
    """Extract the DOI, in lower case, of a resolver's or publisher's URL, `doi:...` or a bare DOI."""
    text = re.sub("%2f", "/", text.strip(), count=1, flags=re.I)
    if nature := _NATURE.match(text):
        return f"10.1038/{nature[1].lower()}"
    if "10." not in text or not (match := _DOI.match(text)):
        return None
    name = _DOI_TAIL.sub("", unquote(match[1]).lower()).rstrip(".,;:)]}'/")
    return _PREPRINT_VERSION.sub("", name) if name.startswith("10.1101/") else name
