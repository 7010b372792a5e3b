"""httpx2 client: redirects, deadline, size cap, conditional GET, errors.

One GET, safely: checked addresses, redirects by hand, a total deadline, a cap on decoded bytes, one error tree.

Of httpx only the addresses are used: its client keeps cookies, reads the environment and follows redirects by rules of
its own, and its transport has no place for a check of what is dialled.

Which answers are errors, in words a person can act on.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from types import TracebackType

import httpx

from digest import __version__
from digest.errors import FetchError
from digest.http.backend import (
    ConnectionPool,
    OpenConnection,
    Origin,
    RawHeaders,
    Resolver,
    StreamedResponse,
    TransportError,
    open_connection,
    resolve_host,
)
from digest.http.caching import parse_retry_after
from digest.http.decompress import read_limited_body
from digest.http.rate_limit import RateLimiter
from digest.protocols import Clock, Request, Response
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


MAX_REDIRECTS = 10
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})


class Client:
    """A `Fetcher`. `contact` goes into the User-Agent; `pacer` decides when; the rest is for tests."""

    def __init__(
        self,
        *,
        contact: str = "",
        rate_limiter: RateLimiter | None = None,
        resolver: Resolver = resolve_host,
        open_connection: OpenConnection = open_connection,
        ssl_context: ssl.SSLContext | None = None,
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        secured = cache(lambda: _set_alpn(ssl_context or httpx.create_ssl_context(trust_env=False)))
        self._public = ConnectionPool(secured, resolver, open_connection, allow_private=False)
        self._private = ConnectionPool(secured, resolver, open_connection, allow_private=True)
        self._rate_limiter = rate_limiter or RateLimiter()
        self._clock = clock
        self._headers = {
            "user-agent": f"digest/{__version__}" + (f" (+{contact})" if contact else ""),
            "accept": "*/*",
            "accept-encoding": "gzip",
        }

    async def __call__(self, request: Request) -> Response:
        """Fetch, following redirects. Gives 200, 203 and 304; anything else raises FetchError."""
        url, spent = _parse_url(request.url), 0.0
        seen = {str(url)}
        hops: list[tuple[int, str]] = []
        while True:
            async with self._rate_limiter.acquire(str(url), request.deadline, request.min_pause):
                began = time.monotonic()
                answer = await self._send_within_deadline(request, url, request.deadline - spent)
                spent += time.monotonic() - began
            if answer.status not in _REDIRECT_STATUSES:
                return self._check_response(request, answer, tuple(hops), spent)
            url = _resolve_redirect(url, answer)
            hops.append((answer.status, str(url)))
            if len(hops) > MAX_REDIRECTS:
                raise FetchError(f"{request.url} redirects more than {MAX_REDIRECTS} times", status=answer.status)
            if str(url) in seen:
                raise FetchError(
                    f"{request.url} redirects in a circle", "such sites often want cookies", status=answer.status
                )
            seen.add(str(url))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._public.aclose()
        await self._private.aclose()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _send_within_deadline(self, request: Request, url: httpx.URL, seconds: float) -> Response:
        """One hop in what is left of the total deadline. httpx's timeouts are per read: a slow drip passes them."""
        try:
            async with asyncio.timeout(max(seconds, 0)):
                return await self._send_request(request, url)
        except TimeoutError as error:
            raise FetchError(f"{url} took longer than {request.deadline:g} seconds") from error

    async def _send_request(self, request: Request, url: httpx.URL) -> Response:
        transport = self._private if request.allow_private else self._public
        try:
            async with transport.open_response(
                _parse_origin(url), url.raw_path, self._build_headers(request, url)
            ) as answer:
                headers = _join_headers(answer.headers)
                redirect = answer.status in _REDIRECT_STATUSES
                body = b"" if redirect else await self._read_body(answer, headers, request, url)
        except TransportError as error:
            raise FetchError(f"{url} {error}") from error
        return Response(answer.status, str(url), headers, body)

    def _build_headers(self, request: Request, url: httpx.URL) -> RawHeaders:
        named = {name.lower(): value for name, value in request.headers.items()}
        headers = {"host": url.netloc.decode("ascii"), **self._headers, **named}
        if (known := request.validators) and known.url == str(url):
            if known.etag:
                headers["if-none-match"] = known.etag
            if known.last_modified:
                headers["if-modified-since"] = known.last_modified
        return [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]

    async def _read_body(
        self, answer: StreamedResponse, headers: Mapping[str, str], request: Request, url: httpx.URL
    ) -> bytes:
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > request.max_bytes:
            raise FetchError(f"{url}: the answer is larger than {request.max_bytes:,} bytes", status=answer.status)
        try:
            return await read_limited_body(answer.body, headers.get("content-encoding", ""), request.max_bytes)
        except FetchError as error:
            raise FetchError(f"{url}: {error.message}", error.hint, status=answer.status) from error

    def _check_response(
        self, request: Request, answer: Response, hops: tuple[tuple[int, str], ...], spent: float
    ) -> Response:
        conditional = request.validators is not None and request.validators.url == answer.url
        if error := build_response_error(answer, is_conditional=conditional, now=self._clock()):
            raise error
        return Response(answer.status, answer.url, answer.headers, answer.body, spent, hops)


def _set_alpn(tls: ssl.SSLContext) -> ssl.SSLContext:
    tls.set_alpn_protocols(["http/1.1"])
    return tls


def _parse_url(text: str) -> httpx.URL:
    """An http or https address without fragment and credentials. Raises FetchError."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchError(f"{text!r} is not an address: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise FetchError(f"{text!r} is not an http or https address", "write it whole, with https:// in front")
    return url.copy_with(fragment=None, username=None, password=None) if url.fragment or url.userinfo else url


def _resolve_redirect(url: httpx.URL, answer: Response) -> httpx.URL:
    raw = answer.headers.get("location", "").strip().encode("latin-1")
    location = raw.decode("utf-8", "replace")  # servers send raw UTF-8 paths
    if not location:
        raise FetchError(f"{url} redirects to nowhere", status=answer.status)
    try:
        return _parse_url(str(url.join(location)))
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchError(f"{url} redirects to {location!r}, which is not an address", status=answer.status) from error


def _parse_origin(url: httpx.URL) -> Origin:
    secure = url.scheme == "https"
    return Origin(secure, url.raw_host.decode("ascii"), url.port or (443 if secure else 80))


def _join_headers(headers: RawHeaders) -> dict[str, str]:
    """By name, repeated ones joined. Latin-1 keeps every byte, so that validators go back as they came."""
    joined: dict[str, str] = {}
    for name, value in ((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers):
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined
