"""Public sign-up and unsubscribe.

The endpoint readers meet: a form to sign up, and what stands behind the links in mails: yes, or one-click leaving.

It keeps no cookie and no log. A link opened by a mail scanner changes nothing; only the button's POST does (RFC 8058).

Sends what sign-ups queued, in a thread of its own, so that no answer waits for a mail server.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Awaitable, Callable, Collection
from html import escape
from ipaddress import ip_network
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from digest.context import Context
from digest.db.subscribers import find_subscriber_by_token, set_subscriber_state
from digest.errors import ConfigError, DigestError
from digest.i18n import Translations, load_translations
from digest.mail.message import load_sender_profile
from digest.mail.signup import format_topic_titles, request_signup
from digest.models.subscribers import Subscriber
from digest.web.security import ClientLimit

_WRONG_LINK_LIMIT = (20, 60.0)  # wrong links a client may try, and in how many seconds
_SIGNUP_LIMIT = (5, 600.0)  # the same for addresses a client may enter
_TOTAL_SIGNUP_LIMIT = (60, 3600.0)  # and all clients together, so that nobody's mailbox is filled through many machines
_MAX_BODY_BYTES = 4096
_PAGE_HEADERS = {
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


class SignupPages:
    """Answers for one newsletter's readers; `wake` is called when there is a confirmation to send."""

    def __init__(self, context: Context, wake: Callable[[], object], clock: Callable[[], float]) -> None:
        self._context, self._wake, self._newsletter = context, wake, context.config.newsletter
        self._translations: Translations = load_translations(self._newsletter.language)
        self._wrong_link_limit = ClientLimit(*_WRONG_LINK_LIMIT, clock)
        self._signup_limit, self._total_signup_limit = (
            ClientLimit(*_SIGNUP_LIMIT, clock),
            ClientLimit(*_TOTAL_SIGNUP_LIMIT, clock),
        )
        self._contact_address = load_sender_profile(self._newsletter, context.config.mail).address

    async def sign_up(self, request: Request, body: bytes) -> Response:
        """The form, and its answer, which is the same for every address there can be."""
        if request.method != "POST":
            return self._render_form()
        client, fields = _identify_client(request), parse_qs(body.decode("utf-8", "replace"))
        if self._signup_limit.is_reached(client) or self._total_signup_limit.is_reached(""):
            return _reject_too_many("Too many sign-ups", self._signup_limit)
        self._signup_limit.record_event(client)
        if not fields.get("website"):  # no person sees that field
            self._total_signup_limit.record_event("")
            address, topics = fields.get("address", [""])[0], self._filter_categories(fields.get("topic", []))
            try:
                await run_in_threadpool(request_signup, self._context, address, topics)
            except ConfigError:
                return self._render_form(self._translations["signup_wrong"], 400, address, topics)
            self._wake()
        return self._render_page(self._translations("signup_done", address=self._contact_address))

    def _filter_categories(self, topics: Collection[str]) -> list[str]:
        """Of the slugs in a form those that are categories: a form on a blog may be older than the taxonomy."""
        return [slug for slug in self._context.config.taxonomy.slugs if slug in topics]

    def _render_form(
        self, warning: str = "", status: int = 200, address: str = "", topics: Collection[str] = ()
    ) -> Response:
        w, told = self._translations, f'<p role="alert">{escape(warning)}</p>' if warning else ""
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
        return self._render_page(w("signup_ask", title=self._newsletter.title), form, status)

    async def confirm(self, request: Request, body: bytes) -> Response:
        return await self._handle_link(request, "confirm_ask", "confirm", "confirmed", self._activate)

    async def unsubscribe(self, request: Request, body: bytes) -> Response:
        return await self._handle_link(request, "unsubscribe_ask", "unsubscribe", "unsubscribed", self._unsubscribe)

    async def _handle_link(
        self, request: Request, question: str, button: str, done_text: str, change: Callable[[str], Subscriber | None]
    ) -> Response:
        client, token = _identify_client(request), request.path_params["token"]
        if self._wrong_link_limit.is_reached(client):
            return _reject_too_many("Too many wrong links", self._wrong_link_limit)
        reader = await run_in_threadpool(change if request.method == "POST" else self._load_subscriber, token)
        if reader is None:
            self._wrong_link_limit.record_event(client)
            return self._render_page(self._translations["link_unknown"], status=404)
        if request.method == "POST":
            return self._render_page(self._translations[done_text])
        chosen = format_topic_titles(self._context, reader) if button == "confirm" else ""
        told = f"<p>{escape(self._translations('confirm_topics', sections=chosen))}</p>" if chosen else ""
        return self._render_page(
            self._translations(question, title=self._newsletter.title),
            f'{told}<form method="post"><button>{escape(self._translations[button])}</button></form>',
        )

    def _load_subscriber(self, token: str) -> Subscriber | None:
        with self._context.db.read() as session:
            return find_subscriber_by_token(session, token)

    def _activate(self, token: str) -> Subscriber | None:
        """A link confirms who is pending; one who left comes back only through the editor."""
        return self._change_state(token, "active", ("pending",), "confirmed by mail")

    def _unsubscribe(self, token: str) -> Subscriber | None:
        return self._change_state(token, "unsubscribed", ("pending", "active", "bounced"), "left by link")

    def _change_state(self, token: str, state: str, from_states: tuple[str, ...], reason: str) -> Subscriber | None:
        with self._context.db.write() as session:
            reader = find_subscriber_by_token(session, token)
            if reader is not None and reader.state in from_states:
                set_subscriber_state(session, reader, state, self._context.now, reason)
        return reader

    def _render_page(self, text: str, form: str = "", status: int = 200) -> Response:
        return HTMLResponse(
            f'<!DOCTYPE html><html lang="{self._newsletter.language}"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(self._newsletter.title)}</title><style>{_STYLE}</style></head>"
            f"<body><main><h1>{escape(text)}</h1>{form}</main></body></html>",
            status,
            _PAGE_HEADERS,
        )


def create_signup_app(
    context: Context,
    *,
    prefix: str = "",
    wake: Callable[[], object] = lambda: None,
    clock: Callable[[], float] = time.monotonic,
) -> Starlette:
    """The ASGI application; `prefix` is the path of `mail.unsubscribe_url`, which a proxy may pass on or not.

    `clock` is what the limits go by, in seconds.
    """
    listener = SignupPages(context, wake, clock)
    answers = {"c/{token}": listener.confirm, "u/{token}": listener.unsubscribe, "subscribe": listener.sign_up}
    routes = [
        Route(f"{base}/{path}", _limit_body(answer), methods=["GET", "POST"])
        for base in {"", prefix.rstrip("/")}
        for path, answer in answers.items()
    ]
    return Starlette(routes=routes)


def _identify_client(request: Request) -> str:
    """The client's address; of IPv6 the network, for whoever has one address has 2⁶⁴ of them."""
    host = request.client.host if request.client else ""
    return str(ip_network(f"{host.partition('%')[0]}/64", strict=False)) if ":" in host else host


def _reject_too_many(text: str, limit: ClientLimit) -> Response:
    return PlainTextResponse(text, 429, {**_PAGE_HEADERS, "Retry-After": str(int(limit.window_seconds))})


def _limit_body(handler: Callable[[Request, bytes], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Hand on the body, and refuse one that is larger than any mail program or form sends."""

    async def checked(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_BODY_BYTES:
                return PlainTextResponse("Too large", 413, _PAGE_HEADERS)
        return await handler(request, body)

    return checked


_LOG = logging.getLogger("digest")
_INTERVAL_SECONDS = 60.0  # seconds between looks at what was put off


class ConfirmationSender:
    """Calls `post` when woken, and every minute; lives as long as the block."""

    def __init__(self, send: Callable[[], object], interval: float = _INTERVAL_SECONDS) -> None:
        self._send, self._interval = send, interval
        self._wake_event, self._is_stopped = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="postman", daemon=True)

    def wake(self) -> None:
        """There is something to send."""
        self._wake_event.set()

    def __enter__(self) -> Self:
        self._wake_event.set()  # what an earlier process left
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_stopped = True
        self._wake_event.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._wake_event.wait(self._interval)
            self._wake_event.clear()
            if self._is_stopped:
                return
            try:
                self._send()
            except DigestError as error:  # the disk, the settings: the next turn may do better
                _LOG.error("confirmations", extra={"facts": {"reason": error.message, "hint": error.hint}})
