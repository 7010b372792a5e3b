"""Access control of the desk, and rate limits of the sign-up pages."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from http.cookies import CookieError, SimpleCookie
from secrets import compare_digest, token_urlsafe

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 1_000_000  # bytes of a request's body
_PUBLIC_PATHS = ("/static/", "/enter")  # `/enter` checks the token itself
_CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
# The styles of mail are inline; only its preview may have them, and no scripts, forms or foreign pictures.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)
_SECURITY_HEADERS = {
    "Content-Security-Policy": _CONTENT_POLICY,
    "X-Frame-Options": "SAMEORIGIN",  # the preview is a frame of the desk
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_REFUSAL_PAGE = (
    '<!doctype html><html lang="en"><meta name="color-scheme" content="light dark">'
    '<meta name="viewport" content="width=device-width"><title>digest desk: refused</title>'
    "<main><h1>Refused</h1><p>refused: {}</p></main></html>"
)


@dataclass(frozen=True)
class DeskSecrets:
    """The secrets of one run of the desk: the token of the address, its cookie, and the form's key."""

    token: str = field(default_factory=lambda: token_urlsafe(32))
    cookie: str = field(default_factory=lambda: token_urlsafe(32))
    form: str = field(default_factory=lambda: token_urlsafe(32))


class AccessGuard:
    """ASGI middleware that refuses requests that do not come from the desk's own page."""

    def __init__(self, app: ASGIApp, secrets: DeskSecrets, port: int) -> None:
        self._app = app
        self._secrets = secrets
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        self.cookie_name = make_cookie_name(port)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        reason = self._find_refusal_reason(scope)
        app = refuse_request(reason, Headers(scope=scope)) if reason else self._app
        await app(scope, receive, _add_security_headers(send))

    def _find_refusal_reason(self, scope: Scope) -> str:
        """Return why a request is refused; empty when it is the desk's own."""
        headers, path, method = Headers(scope=scope), scope["path"], scope["method"]
        host = headers.get("host", "")
        if host not in self._hosts:  # DNS rebinding
            return "this host name is not the desk's"
        origin = headers.get("origin")
        if (origin is not None or method not in ("GET", "HEAD")) and origin != f"http://{host}":
            return "the request comes from another page"
        if path.startswith(_PUBLIC_PATHS):
            return ""
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return "the request comes from another site"
        if not compare_digest(_read_cookie(headers, self.cookie_name).encode(), self._secrets.cookie.encode()):
            return "open the address that `digest desk` printed"
        if method in ("GET", "HEAD"):
            return ""
        if not compare_digest(headers.get("x-desk", "").encode(), self._secrets.form.encode()):
            return "the page is from another run of the desk; load it again"
        length = headers.get("content-length", "")
        return "" if length.isdigit() and int(length) <= MAX_BODY_BYTES else "the request is too long"


def refuse_request(reason: str, headers: Headers) -> Response:
    """Refuse a request: with a page for a browser, in plain text for programs."""
    if "text/html" in headers.get("accept", ""):
        return HTMLResponse(_REFUSAL_PAGE.format(escape(reason)), 403)
    return PlainTextResponse(f"refused: {reason}\n", 403)


def make_cookie_name(port: int) -> str:
    """Name the cookie by port, because cookies of two desks on one host would collide."""
    return f"digest_desk_{port}"


def _read_cookie(headers: Headers, name: str) -> str:
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return cookie.value if cookie else ""


def _add_security_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _SECURITY_HEADERS.items():
                headers.setdefault(name, value)  # the mail preview sets its own policy
        await send(message)

    return send_with_headers


_MAX_CLIENTS = 10_000


class ClientLimit:
    """A limit of `max_events` in `window_seconds` for each client, in memory only."""

    def __init__(self, max_events: int, window_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_events, self.window_seconds, self._clock = max_events, window_seconds, clock
        self._events: dict[str, deque[float]] = {}

    def is_reached(self, client: str) -> bool:
        counted = self._events.get(client, deque[float]())
        while counted and counted[0] < self._clock() - self.window_seconds:
            counted.popleft()
        return len(counted) >= self._max_events

    def record_event(self, client: str) -> None:
        if client not in self._events and len(self._events) >= _MAX_CLIENTS:
            self._events.pop(next(iter(self._events)))
        self._events.setdefault(client, deque(maxlen=self._max_events)).append(self._clock())
