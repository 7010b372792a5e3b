"""HTTP client of everything that is fetched: one GET with redirects, a deadline, a size cap and one error tree.

httpcore2 speaks HTTP/1.1 and HTTP/2 and pools connections. Redirects are followed here, because each hop is
paced and checked like the first.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import replace
from datetime import UTC, datetime
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

import httpcore2
import httpx2

from digest import __version__
from digest.config.schema import NetworkConfig
from digest.errors import ConfigError, FetchError, HostPausedError
from digest.http.backend import Backend, OpenStream, Resolver, open_stream, resolve_allowed, resolve_host
from digest.http.caching import parse_retry_after
from digest.http.decompress import ACCEPTED_ENCODINGS, read_limited_body
from digest.http.rate_limit import RateLimiter
from digest.protocols import Clock, Request, Response
from digest.text import normalise_line
from digest.text.html import html_to_text
from digest.urls.stubs import find_meta_refresh, is_challenge

MAX_REDIRECTS = 10
MAX_IDLE_CONNECTIONS = 100
_IDLE_SECONDS = 15.0  # many servers close an idle connection soon after
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
_NO_RESPONSE = (httpcore2.ReadError, httpcore2.WriteError, httpcore2.RemoteProtocolError)
_NETWORK_ERRORS = (*_NO_RESPONSE, httpcore2.ConnectError, httpcore2.LocalProtocolError, httpcore2.ProxyError)


class Client:
    """A `Fetcher`. `contact` goes into the User-Agent; `rate_limiter` decides when; the rest is for tests."""

    def __init__(
        self,
        *,
        contact: str = "",
        rate_limiter: RateLimiter | None = None,
        network: NetworkConfig | None = None,
        resolver: Resolver = resolve_host,
        open_stream: OpenStream = open_stream,
        ssl_context: ssl.SSLContext | None = None,
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        self._network = network or NetworkConfig()
        self._proxies = getproxies_environment()
        self._resolver = resolver
        self._open_stream = open_stream
        self._ssl_context = ssl_context
        self._pools: dict[tuple[str, bool, str], httpcore2.AsyncConnectionPool] = {}
        self._pauses: dict[str, tuple[float, str]] = {}  # by host: when a pause ends, and the URL that met it
        self._rate_limiter = rate_limiter or RateLimiter()
        self._clock = clock
        self._headers = {
            "user-agent": f"digest/{__version__}" + (f" (+{contact})" if contact else ""),
            "accept": "*/*",
            "accept-encoding": ACCEPTED_ENCODINGS,
        }

    async def __call__(self, request: Request) -> Response:
        """Fetch, following redirects. Return 200, 203 and 304; raise FetchError for anything else."""
        url, elapsed = _parse_url(request.url), 0.0
        cookies = httpx2.Cookies()  # those of one redirect chain: paywalls send a reader in a circle to set one
        visited: set[tuple[str, str]] = set()
        redirects: list[tuple[int, str]] = []
        while True:
            cookie = _format_cookies(cookies, url)
            if (str(url), cookie) in visited:
                raise FetchError(f"{request.url} redirects in a circle", status=redirects[-1][0])
            visited.add((str(url), cookie))
            async with self._rate_limiter.acquire(str(url), request.deadline, request.min_pause):
                self._require_no_pause(request, url)
                started = time.monotonic()
                response = await self._send_within(request.deadline - elapsed, request, url, cookies)
                elapsed += time.monotonic() - started
                self._store_pause(request, url, response)
            forward = find_meta_refresh(response)
            if response.status not in _REDIRECT_STATUSES and not forward:
                is_conditional = request.validators is not None and request.validators.url == response.url
                if error := build_response_error(response, is_conditional=is_conditional, now=self._clock()):
                    raise error
                return replace(response, elapsed_seconds=elapsed, redirects=tuple(redirects))
            url = _resolve_redirect(url, response, forward)
            redirects.append((response.status, str(url)))
            if len(redirects) > MAX_REDIRECTS:
                raise FetchError(f"{request.url} redirects more than {MAX_REDIRECTS} times", status=response.status)

    def _require_no_pause(self, request: Request, url: httpx2.URL) -> None:
        """Raise HostPausedError while a host wants a pause, but for the request that it answered so."""
        end, paused_url = self._pauses.get(url.host, (0.0, ""))
        remaining = end - time.monotonic()
        if remaining > 0 and paused_url != request.url:
            message = f"{url.host} asked for fewer requests, so {url} was not requested"
            raise HostPausedError(message, "it is tried again later", status=429, retry_after=remaining)

    def _store_pause(self, request: Request, url: httpx2.URL, response: Response) -> None:
        wait = parse_retry_after(response.headers, self._clock()) if response.status == 429 else None
        if wait:
            self._pauses[url.host] = (time.monotonic() + wait, request.url)
        elif self._pauses.get(url.host, (0.0, ""))[1] == request.url:
            del self._pauses[url.host]

    async def aclose(self) -> None:
        """Close the connections."""
        for pool in self._pools.values():
            await pool.aclose()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    async def _send_within(
        self, seconds: float, request: Request, url: httpx2.URL, cookies: httpx2.Cookies
    ) -> Response:
        """Send one hop in what is left of the total deadline: a timeout per read never ends a slow drip."""
        try:
            async with asyncio.timeout(max(seconds, 0)):
                try:
                    return await self._send_request(request, url, cookies)
                except _NO_RESPONSE:  # a kept connection may end just when it is used again (RFC 9112, 9.3.1)
                    return await self._send_request(request, url, cookies)
        except TimeoutError as error:
            raise FetchError(f"{url} took longer than {request.deadline:g} seconds") from error
        except _NETWORK_ERRORS as error:
            raise FetchError(f"{url} {_describe_network_error(error)}") from error

    async def _send_request(self, request: Request, url: httpx2.URL, cookies: httpx2.Cookies) -> Response:
        pool = await self._choose_pool(url, request.allow_private)
        target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        async with pool.stream("GET", target, headers=self._build_headers(request, url, cookies)) as answer:
            headers = _join_headers(answer.headers)
            if answer.status in _REDIRECT_STATUSES:
                raw = httpx2.Response(answer.status, headers=answer.headers, request=httpx2.Request("GET", url))
                cookies.extract_cookies(raw)
                return Response(answer.status, str(url), headers, b"")
            try:
                body = await read_limited_body(answer.aiter_stream(), headers, request.max_bytes)
            except FetchError as error:
                raise FetchError(f"{url}: {error.message}", error.hint, status=answer.status) from error
            return Response(answer.status, str(url), headers, body)

    def _build_headers(self, request: Request, url: httpx2.URL, cookies: httpx2.Cookies) -> list[tuple[bytes, bytes]]:
        named = {name.lower(): value for name, value in request.headers.items()}
        headers = {"host": url.netloc.decode("ascii"), **self._headers, **named}
        origin = httpx2.URL(request.url)
        if (origin.scheme, origin.host, origin.port) == (url.scheme, url.host, url.port):
            headers |= {name.lower(): value for name, value in request.secret_headers.items()}
        if cookie := _format_cookies(cookies, url):
            headers["cookie"] = cookie
        if (validators := request.validators) and validators.url == str(url):
            headers |= {"if-none-match": validators.etag} if validators.etag else {}
            headers |= {"if-modified-since": validators.last_modified} if validators.last_modified else {}
        return [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]

    async def _choose_pool(self, url: httpx2.URL, allow_private: bool) -> httpcore2.AsyncConnectionPool:
        """Choose the connections for an address: through the proxy meant for it, or to a checked address.

        A proxy resolves the name itself, so a name that resolves here is checked before; others are left to the proxy.
        """
        proxy = self._network.proxy or self._proxies.get(url.scheme) or self._proxies.get("all") or ""
        if proxy and proxy_bypass_environment(url.host, self._proxies):
            proxy = ""
        port = url.port or (443 if url.scheme == "https" else 80)
        if proxy:
            try:
                await resolve_allowed(url.host, port, self._resolver, allow_private=allow_private)
            except FetchError as error:
                if not isinstance(error.__cause__, OSError):
                    raise
        key = (url.scheme, allow_private, proxy)
        if key not in self._pools:
            self._pools[key] = self._create_pool(*key)
        return self._pools[key]

    def _create_pool(self, scheme: str, allow_private: bool, proxy: str) -> httpcore2.AsyncConnectionPool:
        if scheme == "https" and self._ssl_context is None:  # only when needed: loading certificates takes 0.1 s
            self._ssl_context = create_ssl_context(self._network)
        allowed = None if proxy else allow_private
        return httpcore2.AsyncConnectionPool(
            ssl_context=self._ssl_context,
            proxy=_parse_proxy(proxy) if proxy else None,
            max_connections=None,
            max_keepalive_connections=MAX_IDLE_CONNECTIONS,
            keepalive_expiry=_IDLE_SECONDS,
            http2=True,
            network_backend=Backend(self._resolver, self._open_stream, allow_private=allowed),
        )


def create_ssl_context(network: NetworkConfig) -> ssl.SSLContext:
    """Trust the system's certificates or SSL_CERT_FILE, and `network.ca_file` beside them. Raises ConfigError."""
    context = httpx2.create_ssl_context()
    if network.ca_file:
        try:
            context.load_verify_locations(network.ca_file)
        except OSError as error:
            message = f"network.ca_file: {network.ca_file} holds no certificates: {error}"
            raise ConfigError(message, "name a PEM file") from error
    return context


def _parse_proxy(address: str) -> httpcore2.Proxy:
    url = httpx2.URL(address if "://" in address else f"http://{address}")
    if url.scheme not in ("http", "https") or not url.host:
        raise FetchError(f"the proxy {url.host or address} is not an http or https address", "set network.proxy")
    auth = (url.username, url.password) if url.username else None
    origin = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/")
    return httpcore2.Proxy(origin, auth=auth)


def _parse_url(text: str) -> httpx2.URL:
    """Parse an http or https address, without its fragment and credentials. Raises FetchError."""
    try:
        url = httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError) as error:
        raise FetchError(f"{text!r} is not an address: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise FetchError(f"{text!r} is not an http or https address", "write it in full, with https:// in front")
    return url.copy_with(fragment=None, username=None, password=None) if url.fragment or url.userinfo else url


def _resolve_redirect(url: httpx2.URL, response: Response, forward: str = "") -> httpx2.URL:
    raw = response.headers.get("location", "").strip().encode("latin-1")
    location = forward or raw.decode("utf-8", "replace")  # servers send raw UTF-8 paths
    if not location:
        raise FetchError(f"{url} sent a redirect without a Location header", status=response.status)
    try:
        return _parse_url(str(url.join(location)))
    except (httpx2.InvalidURL, ValueError) as error:
        raise FetchError(f"{url} redirects to {location!r}, which is not an address", status=response.status) from error


def _format_cookies(cookies: httpx2.Cookies, url: httpx2.URL) -> str:
    if not cookies:
        return ""
    request = httpx2.Request("GET", url)
    cookies.set_cookie_header(request)
    return str(request.headers.get("cookie", ""))


def _join_headers(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Map names to values, repeated ones joined. Latin-1 keeps every byte, so validators go back as they came."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _describe_network_error(error: Exception) -> str:
    if isinstance(error, httpcore2.ConnectError | httpcore2.ProxyError):
        return f"cannot be connected to: {error}"
    if isinstance(error, httpcore2.LocalProtocolError):
        return f"cannot be requested, the request is not valid HTTP: {error}"
    return f"broke off its response: {error}"


_STATUS_MESSAGES: dict[int, tuple[str, str]] = {
    400: ("rejected the request", "check the source's address, and the categories of an arXiv source"),
    401: ("requires a login", "private feeds cannot be read; remove the source or find a public address"),
    403: ("refused access", "open it in a browser; if it works there, the site blocks programs"),
    404: ("was not found", "look for the feed's new address on the site"),
    410: ("is gone for good", "remove the source or give its new address"),
    429: ("asked for fewer requests", "it is tried again later"),
    451: ("is withheld for legal reasons", ""),
    503: ("is not available now", "it is tried again later"),
}


def build_response_error(response: Response, *, is_conditional: bool, now: datetime) -> FetchError | None:
    """Build the error that a status means, or None. `is_conditional`: validators were sent along."""
    status, url = response.status, response.url
    if is_challenge(response):
        hint = "ask the site for a feed that programs may read"
        return FetchError(f"{url} is behind a browser check", hint, status=403 if status == 200 else status)
    if status in (200, 203) or (status == 304 and is_conditional):
        return None
    if status == 304:
        return FetchError(f"{url} answered 'not modified' to a request without validators", status=status)
    wait = parse_retry_after(response.headers, now) if status in (429, 503) else None
    fallback = "failed" if status >= 500 else "returned an unexpected status"
    problem, hint = _STATUS_MESSAGES.get(status, (fallback, ""))
    reason = ""
    if status == 400:  # arXiv's reason is a feed whose text names the category it does not know
        reason = normalise_line(html_to_text(response.body[:4000].decode("utf-8", "replace")))[:200]
    detail = f': "{reason}"' if reason else ""
    return FetchError(f"{url} {problem} (HTTP {status}){detail}", hint, status=status, retry_after=wait)
