"""Which answers are errors, in words a person can act on."""

from __future__ import annotations

from datetime import datetime

from digest.errors import FetchError
from digest.fetch.schedule import parse_retry_after
from digest.ports import Response
from digest.text import html_to_text, normalise_line

_STATUS_MESSAGES: dict[int, tuple[str, str]] = {
    400: ("does not understand the question", "check the source's address, and the categories of an arXiv source"),
    401: ("wants a login", "private feeds cannot be read; remove the source or find a public address"),
    403: ("refuses us", "open it in a browser; if it works there, the site blocks programs"),
    404: ("is not there", "look for the feed's new address on the site"),
    410: ("is gone for good", "remove the source or give its new address"),
    429: ("asks us to slow down", "it is tried again later"),
    451: ("is withheld for legal reasons", ""),
    503: ("is not available now", "it is tried again later"),
}
_SUCCESS_STATUSES = frozenset({200, 203})


def build_response_error(response: Response, *, is_conditional: bool, now: datetime) -> FetchError | None:
    """The error an answer amounts to, or None when it can be read. `conditional`: validators were sent along."""
    status = response.status
    if response.headers.get("cf-mitigated") == "challenge":
        return FetchError(
            f"{response.url} is behind a browser check (Cloudflare)",
            "ask the site for a feed programs may read",
            status=status,
        )
    if status in _SUCCESS_STATUSES or (status == 304 and is_conditional):
        return None
    if status == 304:
        return FetchError(f"{response.url} says 'not modified', but was not asked that", status=status)
    wait = parse_retry_after(response.headers, now) if status in (429, 503) else None
    words, hint = _STATUS_MESSAGES.get(status, ("failed" if status >= 500 else "answered oddly", ""))
    said = _extract_error_text(response) if status == 400 else ""
    return FetchError(f"{response.url} {words} (HTTP {status}){said}", hint, status=status, retry_after=wait)


def _extract_error_text(response: Response) -> str:
    """What the server gave as its reason: arXiv's is a feed whose text names the category it does not know."""
    words = normalise_line(html_to_text(response.body[:4000].decode("utf-8", "replace")))
    return f': "{words[:200]}"' if words else ""
