"""The endpoint behind the links in mails: a reader confirms a subscription, or leaves with one click (RFC 8058).

It keeps no cookie and no log. A link opened by a mail scanner changes nothing; only the button's POST does.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable
from html import escape

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from digest.config import Newsletter
from digest.models import Subscriber
from digest.ports import Clock
from digest.render import Words, words
from digest.store import readers
from digest.store.database import Database

_WRONG, _WITHIN = 20, 60.0  # wrong links a client may try, and in how many seconds
_CLIENTS = 10_000
_BODY = 4096
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
_STYLE = (
    ":root{color-scheme:light dark}body{max-width:34rem;margin:18vh auto;padding:0 1.25rem;"
    "font:1.125rem/1.6 Charter,Georgia,serif;background:#fbf9f5;color:#211f1b}"
    "h1{font-size:1.5rem;line-height:1.25}button{font:inherit;padding:.6rem 1.4rem;border:0;border-radius:4px;"
    "background:#96391f;color:#fff;cursor:pointer}"
    "@media(prefers-color-scheme:dark){body{background:#171614;color:#e9e4da}button{background:#eb9474;color:#171614}}"
)


class Guesses:
    """How many wrong links each client tried of late; a right one is never counted."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tried: dict[str, deque[float]] = {}

    def too_many(self, client: str) -> bool:
        tried = self._tried.get(client, deque[float]())
        while tried and tried[0] < self._clock() - _WITHIN:
            tried.popleft()
        return len(tried) >= _WRONG

    def wrong(self, client: str) -> None:
        if len(self._tried) >= _CLIENTS:
            self._tried.pop(next(iter(self._tried)))
        self._tried.setdefault(client, deque(maxlen=_WRONG)).append(self._clock())


class Listener:
    """Answers for one newsletter's readers."""

    def __init__(self, db: Database, newsletter: Newsletter, clock: Clock, guesses: Guesses | None = None) -> None:
        self._db, self._newsletter, self._clock = db, newsletter, clock
        self._words: Words = words(newsletter.language)
        self._guesses = guesses or Guesses()

    async def confirm(self, request: Request) -> Response:
        return await self._answer(request, "confirm_ask", "confirm", "confirmed", self._activate)

    async def leave(self, request: Request) -> Response:
        return await self._answer(request, "unsubscribe_ask", "unsubscribe", "unsubscribed", self._suppress)

    async def _answer(
        self, request: Request, question: str, button: str, done: str, act: Callable[[str], bool]
    ) -> Response:
        client, token = request.client.host if request.client else "", request.path_params["token"]
        if self._guesses.too_many(client):
            return PlainTextResponse("Too many wrong links", 429, {**_HEADERS, "Retry-After": str(int(_WITHIN))})
        known = await run_in_threadpool(act if request.method == "POST" else self._knows, token)
        if not known:
            self._guesses.wrong(client)
            return self._page(self._words["link_unknown"], status=404)
        if request.method == "POST":
            return self._page(self._words[done])
        return self._page(self._words(question, title=self._newsletter.title), self._words[button])

    def _knows(self, token: str) -> bool:
        with self._db.read() as session:
            return readers.by_token(session, token) is not None

    def _activate(self, token: str) -> bool:
        """A link confirms who is pending; one who left comes back only through the editor."""
        return self._move(token, "active", ("pending",), "confirmed by mail")

    def _suppress(self, token: str) -> bool:
        return self._move(token, "unsubscribed", ("pending", "active", "bounced"), "left by link")

    def _move(self, token: str, state: str, of: tuple[str, ...], reason: str) -> bool:
        with self._db.write() as session:
            reader: Subscriber | None = readers.by_token(session, token)
            if reader is not None and reader.state in of:
                readers.move(session, reader, state, self._clock(), reason)
        return reader is not None

    def _page(self, text: str, button: str = "", status: int = 200) -> Response:
        form = f'<form method="post"><button>{escape(button)}</button></form>' if button else ""
        return HTMLResponse(
            f'<!DOCTYPE html><html lang="{self._newsletter.language}"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(self._newsletter.title)}</title><style>{_STYLE}</style></head>"
            f"<body><main><h1>{escape(text)}</h1>{form}</main></body></html>",
            status,
            _HEADERS,
        )


def application(
    db: Database, newsletter: Newsletter, clock: Clock, *, prefix: str = "", guesses: Guesses | None = None
) -> Starlette:
    """The ASGI application; `prefix` is the path of `mail.unsubscribe_url`, which a proxy may pass on or not."""
    listener = Listener(db, newsletter, clock, guesses)
    routes = [
        Route(f"{base}/{letter}/{{token}}", _small(answer), methods=["GET", "POST"])
        for base in {"", prefix.rstrip("/")}
        for letter, answer in (("c", listener.confirm), ("u", listener.leave))
    ]
    return Starlette(routes=routes)


def _small(answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Refuse bodies that are larger than any mail program sends; the body itself is never needed."""

    async def checked(request: Request) -> Response:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > _BODY:
                return PlainTextResponse("Too large", 413, _HEADERS)
        return await answer(request)

    return checked
