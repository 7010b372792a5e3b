"""Public pages for sign-up, confirmation and one-click unsubscribe.

They set no cookie and write no log. A link opened by a mail scanner changes nothing; only a POST does (RFC 8058).
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

_WRONG_LINK_LIMIT = (20, 60.0)  # wrong links of a client, and the window in seconds
_SIGNUP_LIMIT = (5, 600.0)  # addresses that a client enters
_TOTAL_SIGNUP_LIMIT = (60, 3600.0)  # of all clients together, so that many machines cannot flood a mailbox
_MAX_BODY_BYTES = 4096
_LOG = logging.getLogger("digest")
_INTERVAL_SECONDS = 60.0  # between retries of delayed confirmations
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
    """The pages of one newsletter; `wake` is called when there is a confirmation to send."""

    def __init__(self, context: Context, wake: Callable[[], object], clock: Callable[[], float]) -> None:
        self._context, self._wake, self._newsletter = context, wake, context.config.newsletter
        self._translations: Translations = load_translations(self._newsletter.language)
        self._wrong_link_limit = ClientLimit(*_WRONG_LINK_LIMIT, clock)
        self._signup_limit = ClientLimit(*_SIGNUP_LIMIT, clock)
        self._total_signup_limit = ClientLimit(*_TOTAL_SIGNUP_LIMIT, clock)
        self._contact_address = load_sender_profile(self._newsletter, context.config.mail).address

    async def sign_up(self, request: Request, body: bytes) -> Response:
        """Show the form, or answer it, in the same way for every address."""
        if request.method != "POST":
            return self._render_form()
        client, fields = _identify_client(request), parse_qs(body.decode("utf-8", "replace"))
        if self._signup_limit.is_reached(client) or self._total_signup_limit.is_reached(""):
            return _reject_too_many("Too many sign-ups", self._signup_limit)
        self._signup_limit.record_event(client)
        if not fields.get("website"):  # a hidden field that only bots fill in
            self._total_signup_limit.record_event("")
            # A form on a blog may be older than the taxonomy.
            slugs, chosen = self._context.config.taxonomy.slugs, fields.get("topic", [])
            address, topics = fields.get("address", [""])[0], [slug for slug in slugs if slug in chosen]
            try:
                await run_in_threadpool(request_signup, self._context, address, topics)
            except ConfigError:
                return self._render_form(self._translations["signup_wrong"], 400, address, topics)
            self._wake()
        return self._render_page(self._translations("signup_done", address=self._contact_address))

    def _render_form(
        self, warning: str = "", status: int = 200, address: str = "", topics: Collection[str] = ()
    ) -> Response:
        translations, alert = self._translations, f'<p role="alert">{escape(warning)}</p>' if warning else ""
        boxes = "".join(
            f'<label><input type="checkbox" name="topic" value="{category.slug}"'
            f"{' checked' if category.slug in topics else ''}> {escape(category.title)}</label>"
            for category in self._context.config.taxonomy.categories
        )
        form = (
            f'{alert}<form method="post"><p><label for="address">{escape(translations["signup_address"])}</label>'
            '<input id="address" name="address" type="email" autocomplete="email" required maxlength="254" '
            f'value="{escape(address)}"></p><fieldset><legend>{escape(translations["signup_topics"])}</legend>{boxes}</fieldset>'
            '<p hidden><input name="website" tabindex="-1" autocomplete="off"></p>'
            f"<button>{escape(translations['signup'])}</button></form>"
        )
        return self._render_page(translations("signup_ask", title=self._newsletter.title), form, status)

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
        subscriber = await run_in_threadpool(change if request.method == "POST" else self._load_subscriber, token)
        if subscriber is None:
            self._wrong_link_limit.record_event(client)
            return self._render_page(self._translations["link_unknown"], status=404)
        if request.method == "POST":
            return self._render_page(self._translations[done_text])
        titles = format_topic_titles(self._context, subscriber) if button == "confirm" else ""
        topics = f"<p>{escape(self._translations('confirm_topics', sections=titles))}</p>" if titles else ""
        return self._render_page(
            self._translations(question, title=self._newsletter.title),
            f'{topics}<form method="post"><button>{escape(self._translations[button])}</button></form>',
        )

    def _load_subscriber(self, token: str) -> Subscriber | None:
        with self._context.db.read() as session:
            return find_subscriber_by_token(session, token)

    def _activate(self, token: str) -> Subscriber | None:
        """Confirm a pending subscriber; only the editor reactivates one who unsubscribed."""
        return self._change_state(token, "active", ("pending",), "confirmed by mail")

    def _unsubscribe(self, token: str) -> Subscriber | None:
        return self._change_state(token, "unsubscribed", ("pending", "active", "bounced"), "left by link")

    def _change_state(self, token: str, state: str, from_states: tuple[str, ...], reason: str) -> Subscriber | None:
        with self._context.db.write() as session:
            subscriber = find_subscriber_by_token(session, token)
            if subscriber is not None and subscriber.state in from_states:
                set_subscriber_state(session, subscriber, state, self._context.now, reason)
        return subscriber

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
    """Build the ASGI application; `prefix` is the path of `mail.unsubscribe_url`, which a proxy may strip.

    `clock` gives the seconds that the rate limits count.
    """
    pages = SignupPages(context, wake, clock)
    handlers = {"c/{token}": pages.confirm, "u/{token}": pages.unsubscribe, "subscribe": pages.sign_up}
    routes = [
        Route(f"{base}/{path}", _limit_body(handler), methods=["GET", "POST"])
        for base in {"", prefix.rstrip("/")}
        for path, handler in handlers.items()
    ]
    return Starlette(routes=routes)


def _identify_client(request: Request) -> str:
    """Return the client's IPv4 address, or its IPv6 network, in which one client has 2⁶⁴ addresses."""
    host = request.client.host if request.client else ""
    return str(ip_network(f"{host.partition('%')[0]}/64", strict=False)) if ":" in host else host


def _reject_too_many(text: str, limit: ClientLimit) -> Response:
    return PlainTextResponse(text, 429, {**_PAGE_HEADERS, "Retry-After": str(int(limit.window_seconds))})


def _limit_body(handler: Callable[[Request, bytes], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Read the body, and refuse one that is larger than any mail program or form sends."""

    async def handle(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_BODY_BYTES:
                return PlainTextResponse("Too large", 413, _PAGE_HEADERS)
        return await handler(request, body)

    return handle


class ConfirmationSender:
    """A thread that calls `send` when woken and every minute, so that no response waits for a mail server."""

    def __init__(self, send: Callable[[], object], interval: float = _INTERVAL_SECONDS) -> None:
        self._send, self._interval = send, interval
        self._wake_event, self._is_stopped = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="confirmations", daemon=True)

    def wake(self) -> None:
        """Send what is queued."""
        self._wake_event.set()

    def __enter__(self) -> Self:
        self._wake_event.set()  # an earlier process may have left some
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
            except DigestError as error:  # of the disk or the settings; retried
                _LOG.error("confirmations", extra={"facts": {"reason": error.message, "hint": error.hint}})
