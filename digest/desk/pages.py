"""The desk's addresses: the page, its panes, edits, approval, and the preview."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from mimetypes import guess_type
from pathlib import Path
from secrets import compare_digest
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from digest.desk import values
from digest.desk.actions import ACTIONS, asked
from digest.desk.guard import MAIL_POLICY, Keys, cookie_name, refusal
from digest.desk.preview import mail_html, mail_text, post_page
from digest.errors import ConfigError, DigestError
from digest.periods import Period
from digest.pipeline import editing
from digest.pipeline.approve import approve, take_back
from digest.pipeline.context import Context
from digest.pipeline.editing import Current
from digest.pipeline.gates import ask_links, problems
from digest.pipeline.wording import other_words
from digest.render.templating import render

_STATUS = {2: 400, 4: 409}  # by the error's exit code; what is left is 422
Work = Callable[[Context, Period, Any], Response]


def application(context: Context, keys: Keys, port: int) -> Starlette:
    """The desk without its guard."""
    pages = _Pages(context, keys, port)
    reads: dict[str, Work] = {
        "": pages.page,
        "/state": pages.state,
        "/shortlist": pages.shortlist,
        "/issue": pages.issue,
        "/gates": pages.gates,
        "/preview/post": pages.post,
        "/preview/mail": pages.mail,
        "/preview/text": pages.text,
    }
    writes: dict[str, Work] = {
        "/edit": pages.edit,
        "/words": pages.words,
        "/approve": pages.approve,
        "/links": pages.links,
        "/reopen": pages.reopen,
    }
    routes = [Route(f"/{{period}}{path}", pages.read(work), methods=["GET"]) for path, work in reads.items()]
    routes += [Route(f"/{{period}}{path}", pages.write(work), methods=["POST"]) for path, work in writes.items()]
    static = Route("/static/{name:path}", _files(Path(__file__).parent / "static"))
    style = Route("/site/{name:path}", _files(context.site / "assets"))
    return Starlette(
        routes=[Route("/enter", pages.enter), static, style, *routes],
        exception_handlers={DigestError: _told},
    )


def _files(folder: Path) -> Callable[[Request], Response]:
    """The few small files of a folder; whole, so that a browser that leaves does not leave one open."""
    home = folder.resolve()

    def answer(request: Request) -> Response:
        path = (home / request.path_params["name"]).resolve()
        if not path.is_relative_to(home) or not path.is_file():
            return PlainTextResponse("not here\n", 404)
        return Response(path.read_bytes(), media_type=guess_type(path.name)[0] or "application/octet-stream")

    return answer


def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, DigestError)
    status = _STATUS.get(error.exit_code, 422)
    told = {"error": error.message, "hint": error.hint}
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse(told, status)
    return HTMLResponse(render("desk/error.html.j2", {}, **told), status)


class _Pages:
    """The answers, each from the store and the sheet as they are now; nothing is remembered between two requests."""

    def __init__(self, context: Context, keys: Keys, port: int) -> None:
        self._context = context
        self._keys = keys
        self._cookie = cookie_name(port)

    def read(self, work: Work) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            period = self._context.period(request.path_params["period"])
            return await run_in_threadpool(work, self._context, period, request.query_params)

        return answer

    def write(self, work: Work) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            period = self._context.period(request.path_params["period"])
            try:
                body = json.loads(await request.body())
            except ValueError as error:
                raise ConfigError("the request is not JSON", "load the page again") from error
            return await run_in_threadpool(work, self._context, period, body)

        return answer

    async def enter(self, request: Request) -> Response:
        """Change the token for a cookie. A page in between makes the next step the desk's own, as Strict wants it."""
        if not compare_digest(request.query_params.get("token", "").encode(), self._keys.token.encode()):
            return refusal("open the address that `digest desk` printed", request.headers)
        period = self._context.period(request.query_params.get("period", "last"))
        response = HTMLResponse(render("desk/enter.html.j2", {}, period=period.name))
        response.set_cookie(self._cookie, self._keys.cookie, httponly=True, samesite="strict")
        return response

    def page(self, context: Context, period: Period, query: Any) -> Response:
        current = editing.load(context, period)
        shown = render(
            "desk/page.html.j2",
            {},
            period=period.name,
            key=self._keys.form,
            newsletter=context.config.newsletter,
            author=context.config.newsletter.author,
            filters=values.filters(context, period),
            query=dict(query),
            model=context.model_line,
            listing=values.listing(context, period, current.sheet, query),
            **_issue(context, period, current),
        )
        return HTMLResponse(shown)

    def state(self, context: Context, period: Period, query: Any) -> Response:
        current = editing.load(context, period)
        return JSONResponse({"version": current.version, "state": current.state})

    def shortlist(self, context: Context, period: Period, query: Any) -> Response:
        sheet = editing.load(context, period).sheet
        return HTMLResponse(render("desk/rows.html.j2", {}, listing=values.listing(context, period, sheet, query)))

    def issue(self, context: Context, period: Period, query: Any) -> Response:
        return _panes(context, period, editing.load(context, period))

    def gates(self, context: Context, period: Period, query: Any) -> Response:
        current = editing.load(context, period)
        found = problems(context, period, current.sheet)
        shown = render(
            "desk/gates.html.j2",
            {},
            problems=found,
            state=current.state,
            author=context.config.newsletter.author,
            kinds={problem.gate for problem in found},
        )
        return HTMLResponse(shown)

    def edit(self, context: Context, period: Period, body: Any) -> Response:
        version, action, fields = asked(context, period, body)
        return _panes(context, period, editing.edit(context, period, version, ACTIONS[action](fields)))

    def words(self, context: Context, period: Period, body: Any) -> Response:
        found = other_words(context, period, str(body.get("key", "")))
        said = "Other words are below the blurb." if found else "There were no other words to be had."
        return _panes(context, period, editing.load(context, period), said)

    def approve(self, context: Context, period: Period, body: Any) -> Response:
        if editing.load(context, period).version != body.get("version"):
            raise ConfigError("the sheet has changed since you read it", "read it again, then approve")
        sign, gaps = body.get("sign") is True, body.get("accept_gaps") is True
        report = approve(context, period, sign=sign, accept_gaps=gaps, links=True)
        return _panes(context, period, editing.load(context, period), "; ".join([report.line, *report.problems]))

    def links(self, context: Context, period: Period, body: Any) -> Response:
        current = editing.load(context, period)
        answers = ask_links(context, current.sheet)
        said = f"{answers.asked} links asked, {len(answers.bad)} dead or moved"
        return _panes(context, period, current, f"{said}; {answers.line}" if answers.line else said)

    def reopen(self, context: Context, period: Period, body: Any) -> Response:
        take_back(context, period)
        return _panes(context, period, editing.load(context, period), f"{period} is a draft again")

    def post(self, context: Context, period: Period, query: Any) -> Response:
        return HTMLResponse(post_page(context, period))

    def mail(self, context: Context, period: Period, query: Any) -> Response:
        return HTMLResponse(mail_html(context, period), headers={"Content-Security-Policy": MAIL_POLICY})

    def text(self, context: Context, period: Period, query: Any) -> Response:
        return HTMLResponse(mail_text(context, period))


def _issue(context: Context, period: Period, current: Current) -> dict[str, Any]:
    return {
        "sheet": current.sheet,
        "blocks": values.blocks(context, period, current.sheet),
        "editable": current.state == "draft",
        **values.counts(current),
    }


def _panes(context: Context, period: Period, current: Current, said: str = "") -> Response:
    """The issue's pane anew, and what the rest of the page needs to follow."""
    shown = _issue(context, period, current)
    conflicts = [f"{one.field} of {one.where}" for one in current.conflicts]
    if conflicts:
        said = "Somebody else changed the same words; theirs are kept beside yours."
    return JSONResponse(
        {
            "html": render("desk/issue.html.j2", {}, period=period.name, **shown),
            "said": said,
            **{name: shown[name] for name in ("version", "state", "picks", "marks")},
        }
    )
