"""The endpoint readers meet: a form to sign up, and what stands behind the links in mails: yes, or one-click leaving.

It keeps no cookie and no log. A link opened by a mail scanner changes nothing; only the button's POST does (RFC 8058).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection
from html import escape
from ipaddress import ip_network
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from digest.desk.limits import Limit
from digest.errors import ConfigError
from digest.mail import letterhead
from digest.models import Subscriber
from digest.pipeline import confirming
from digest.pipeline.context import Context
from digest.render import Words, words
from digest.store import readers

_WRONG = (20, 60.0)  # wrong links a client may try, and in how many seconds
_SIGN_UPS = (5, 600.0)  # the same for addresses a client may enter
_ALL_SIGN_UPS = (60, 3600.0)  # and all clients together, so that nobody's mailbox is filled through many machines
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
    "h1{font-size:1.5rem;line-height:1.25}label{display:block}fieldset{margin:0 0 1.2rem;padding:0;border:0}"
    "legend{padding:0 0 .3rem}input[name=address]{box-sizing:border-box;width:100%;font:inherit;"
    "padding:.5rem .7rem;border:1px solid #8a8275;border-radius:4px;background:transparent;color:inherit}"
    "button{font:inherit;padding:.6rem 1.4rem;border:0;border-radius:4px;"
    "background:#96391f;color:#fff;cursor:pointer}"
    "@media(prefers-color-scheme:dark){body{background:#171614;color:#e9e4da}button{background:#eb9474;color:#171614}}"
)


class Listener:
    """Answers for one newsletter's readers; `wake` is called when there is a confirmation to send."""

    def __init__(self, context: Context, wake: Callable[[], object], clock: Callable[[], float]) -> None:
        self._context, self._wake, self._newsletter = context, wake, context.config.newsletter
        self._words: Words = words(self._newsletter.language)
        self._guesses = Limit(*_WRONG, clock)
        self._sign_ups, self._all_sign_ups = Limit(*_SIGN_UPS, clock), Limit(*_ALL_SIGN_UPS, clock)
        self._contact = letterhead(self._newsletter, context.config.mail).address

    async def sign_up(self, request: Request, body: bytes) -> Response:
        """The form, and its answer, which is the same for every address there can be."""
        if request.method != "POST":
            return self._form()
        client, fields = _client(request), parse_qs(body.decode("utf-8", "replace"))
        if self._sign_ups.reached(client) or self._all_sign_ups.reached(""):
            return _later("Too many sign-ups", self._sign_ups)
        self._sign_ups.count(client)
        if not fields.get("website"):  # no person sees that field
            self._all_sign_ups.count("")
            address, topics = fields.get("address", [""])[0], self._known(fields.get("topic", []))
            try:
                await run_in_threadpool(confirming.sign_up, self._context, address, topics)
            except ConfigError:
                return self._form(self._words["signup_wrong"], 400, address, topics)
            self._wake()
        return self._page(self._words("signup_done", address=self._contact))

    def _known(self, topics: Collection[str]) -> list[str]:
        """Of the slugs in a form those that are categories: a form on a blog may be older than the taxonomy."""
        return [slug for slug in self._context.config.taxonomy.slugs if slug in topics]

    def _form(self, warning: str = "", status: int = 200, address: str = "", topics: Collection[str] = ()) -> Response:
        w, told = self._words, f'<p role="alert">{escape(warning)}</p>' if warning else ""
        boxes = "".join(
            f'<label><input type="checkbox" name="topic" value="{category.slug}"'
            f"{' checked' if category.slug in topics else ''}> {escape(category.title)}</label>"
            for category in self._context.config.taxonomy.categories
        )
        form = (
            f'{told}<form method="post"><p><label for="address">{escape(w["signup_address"])}</label>'
            '<input id="address" name="address" type="email" autocomplete="email" required maxlength="254" '
            f'value="{escape(address)}"></p><fieldset><legend>{escape(w["signup_topics"])}</legend>{boxes}</fieldset>'
            '<p hidden><input name="website" tabindex="-1" autocomplete="off"></p>'
            f"<button>{escape(w['signup'])}</button></form>"
        )
        return self._page(w("signup_ask", title=self._newsletter.title), form, status)

    async def confirm(self, request: Request, body: bytes) -> Response:
        return await self._answer(request, "confirm_ask", "confirm", "confirmed", self._activate)

    async def leave(self, request: Request, body: bytes) -> Response:
        return await self._answer(request, "unsubscribe_ask", "unsubscribe", "unsubscribed", self._suppress)

    async def _answer(
        self, request: Request, question: str, button: str, done: str, act: Callable[[str], Subscriber | None]
    ) -> Response:
        client, token = _client(request), request.path_params["token"]
        if self._guesses.reached(client):
            return _later("Too many wrong links", self._guesses)
        reader = await run_in_threadpool(act if request.method == "POST" else self._reader, token)
        if reader is None:
            self._guesses.count(client)
            return self._page(self._words["link_unknown"], status=404)
        if request.method == "POST":
            return self._page(self._words[done])
        chosen = confirming.sections(self._context, reader) if button == "confirm" else ""
        told = f"<p>{escape(self._words('confirm_topics', sections=chosen))}</p>" if chosen else ""
        return self._page(
            self._words(question, title=self._newsletter.title),
            f'{told}<form method="post"><button>{escape(self._words[button])}</button></form>',
        )

    def _reader(self, token: str) -> Subscriber | None:
        with self._context.db.read() as session:
            return readers.by_token(session, token)

    def _activate(self, token: str) -> Subscriber | None:
        """A link confirms who is pending; one who left comes back only through the editor."""
        return self._move(token, "active", ("pending",), "confirmed by mail")

    def _suppress(self, token: str) -> Subscriber | None:
        return self._move(token, "unsubscribed", ("pending", "active", "bounced"), "left by link")

    def _move(self, token: str, state: str, of: tuple[str, ...], reason: str) -> Subscriber | None:
        with self._context.db.write() as session:
            reader = readers.by_token(session, token)
            if reader is not None and reader.state in of:
                readers.move(session, reader, state, self._context.now, reason)
        return reader

    def _page(self, text: str, form: str = "", status: int = 200) -> Response:
        return HTMLResponse(
            f'<!DOCTYPE html><html lang="{self._newsletter.language}"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(self._newsletter.title)}</title><style>{_STYLE}</style></head>"
            f"<body><main><h1>{escape(text)}</h1>{form}</main></body></html>",
            status,
            _HEADERS,
        )


def application(
    context: Context,
    *,
    prefix: str = "",
    wake: Callable[[], object] = lambda: None,
    clock: Callable[[], float] = time.monotonic,
) -> Starlette:
    """The ASGI application; `prefix` is the path of `mail.unsubscribe_url`, which a proxy may pass on or not.

    `clock` is what the limits go by, in seconds.
    """
    listener = Listener(context, wake, clock)
    answers = {"c/{token}": listener.confirm, "u/{token}": listener.leave, "subscribe": listener.sign_up}
    routes = [
        Route(f"{base}/{path}", _small(answer), methods=["GET", "POST"])
        for base in {"", prefix.rstrip("/")}
        for path, answer in answers.items()
    ]
    return Starlette(routes=routes)


def _client(request: Request) -> str:
    """The client's address; of IPv6 the network, for whoever has one address has 2⁶⁴ of them."""
    host = request.client.host if request.client else ""
    return str(ip_network(f"{host.partition('%')[0]}/64", strict=False)) if ":" in host else host


def _later(text: str, limit: Limit) -> Response:
    return PlainTextResponse(text, 429, {**_HEADERS, "Retry-After": str(int(limit.within))})


def _small(answer: Callable[[Request, bytes], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Hand on the body, and refuse one that is larger than any mail program or form sends."""

    async def checked(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _BODY:
                return PlainTextResponse("Too large", 413, _HEADERS)
        return await answer(request, body)

    return checked
