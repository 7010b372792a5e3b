"""Which answers are errors, in words a person can act on."""

from __future__ import annotations

from datetime import datetime

from digest.errors import FetchError
from digest.fetch.schedule import retry_after
from digest.ports import Response
from digest.text import from_html, one_line

_WORDS: dict[int, tuple[str, str]] = {
    400: ("does not understand the question", "check the source's address, and the categories of an arXiv source"),
    401: ("wants a login", "private feeds cannot be read; remove the source or find a public address"),
    403: ("refuses us", "open it in a browser; if it works there, the site blocks programs"),
    404: ("is not there", "look for the feed's new address on the site"),
    410: ("is gone for good", "remove the source or give its new address"),
    429: ("asks us to slow down", "it is tried again later"),
    451: ("is withheld for legal reasons", ""),
    503: ("is not available now", "it is tried again later"),
}
_READABLE = frozenset({200, 203})


def refusal(answer: Response, *, conditional: bool, now: datetime) -> FetchError | None:
    """The error an answer amounts to, or None when it can be read. `conditional`: validators were sent along."""
    status = answer.status
    if answer.headers.get("cf-mitigated") == "challenge":
        return FetchError(
            f"{answer.url} is behind a browser check (Cloudflare)",
            "ask the site for a feed programs may read",
            status=status,
        )
    if status in _READABLE or (status == 304 and conditional):
        return None
    if status == 304:
        return FetchError(f"{answer.url} says 'not modified', but was not asked that", status=status)
    wait = retry_after(answer.headers, now) if status in (429, 503) else None
    words, hint = _WORDS.get(status, ("failed" if status >= 500 else "answered oddly", ""))
    said = _said(answer) if status == 400 else ""
    return FetchError(f"{answer.url} {words} (HTTP {status}){said}", hint, status=status, retry_after=wait)


def _said(answer: Response) -> str:
    """What the server gave as its reason: arXiv's is a feed whose text names the category it does not know."""
    words = one_line(from_html(answer.body[:4000].decode("utf-8", "replace")))
    return f': "{words[:200]}"' if words else ""
