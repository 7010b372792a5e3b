"""Routes of the desk: the page, its panes, edits, approval and preview."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from mimetypes import guess_type
from pathlib import Path
from secrets import compare_digest
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from digest.context import Context
from digest.drafts.attribution import add_blurb_alternative
from digest.drafts.editing import CurrentDraft, edit_draft, load_current_draft
from digest.errors import ConfigError, DigestError
from digest.periods import Period
from digest.publishing.approve import approve_issue, revoke_approval
from digest.publishing.checks import check_draft_links, check_release
from digest.publishing.render.templates import render_template
from digest.web.editor.actions import ACTIONS, parse_edit_request
from digest.web.editor.preview import render_mail_preview, render_mail_text_preview, render_post_preview
from digest.web.editor.release import render_issue_list, render_release_pane, run_release_step
from digest.web.editor.view_models import (
    load_editor_sections,
    load_filters,
    load_shortlist_page,
    save_triage,
    summarise_draft,
)
from digest.web.security import MAIL_POLICY, DeskSecrets, make_cookie_name, refuse_request

_STATUS_BY_EXIT_CODE = {2: 400, 4: 409}  # 422 for the others
PageHandler = Callable[[Context, Period, Any], Response]


def create_desk_app(context: Context, secrets: DeskSecrets, port: int) -> Starlette:
    """Build the desk without its guard."""
    pages = _DeskPages(context, secrets, port)
    reads: dict[str, PageHandler] = {
        "": pages.show_page,
        "/state": pages.show_state,
        "/shortlist": pages.show_shortlist,
        "/issue": pages.show_issue,
        "/gates": pages.show_checks,
        "/release": pages.show_release,
        "/preview/post": pages.preview_post,
        "/preview/mail": pages.preview_mail,
        "/preview/text": pages.preview_mail_text,
    }
    writes: dict[str, PageHandler] = {
        "/edit": pages.edit_draft,
        "/triage": pages.triage,
        "/words": pages.offer_alternatives,
        "/approve": pages.approve_draft,
        "/links": pages.check_draft_links,
        "/reopen": pages.reopen_draft,
        "/release": pages.release,
    }
    routes = [
        Route(f"/{{period}}{path}", pages.handle_get(handler), methods=["GET"]) for path, handler in reads.items()
    ]
    routes += [
        Route(f"/{{period}}{path}", pages.handle_post(handler), methods=["POST"]) for path, handler in writes.items()
    ]
    static = Route("/static/{name:path}", _serve_files(Path(__file__).parents[1] / "static"))
    style = Route("/site/{name:path}", _serve_files(context.site_folder / "assets"))
    return Starlette(
        routes=[Route("/enter", pages.enter), Route("/", pages.show_issues), static, style, *routes],
        exception_handlers={DigestError: _render_error},
    )


def _serve_files(folder: Path) -> Callable[[Request], Response]:
    """Serve the small files of a folder, read at once so that no file stays open."""
    home = folder.resolve()

    def answer(request: Request) -> Response:
        path = (home / request.path_params["name"]).resolve()
        if not path.is_relative_to(home) or not path.is_file():
            return PlainTextResponse("not found\n", 404)
        return Response(path.read_bytes(), media_type=guess_type(path.name)[0] or "application/octet-stream")

    return answer


def _render_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DigestError)
    status = _STATUS_BY_EXIT_CODE.get(error.exit_code, 422)
    values = {"error": error.message, "hint": error.hint}
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse(values, status)
    return HTMLResponse(render_template("desk/error.html.j2", {}, **values), status)


class _DeskPages:
    """The handlers; each reads the database and the draft file again."""

    def __init__(self, context: Context, secrets: DeskSecrets, port: int) -> None:
        self._context = context
        self._secrets = secrets
        self._cookie_name = make_cookie_name(port)

    def handle_get(self, handler: PageHandler) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            period = self._context.parse_period(request.path_params["period"])
            return await run_in_threadpool(handler, self._context, period, request.query_params)

        return answer

    def handle_post(self, handler: PageHandler) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            period = self._context.parse_period(request.path_params["period"])
            try:
                body = json.loads(await request.body())
            except ValueError as error:
                raise ConfigError("the request is not JSON", "load the page again") from error
            return await run_in_threadpool(handler, self._context, period, body)

        return answer

    async def enter(self, request: Request) -> Response:
        """Exchange the token for a cookie; the page between makes the next request same-site, for SameSite=Strict."""
        if not compare_digest(request.query_params.get("token", "").encode(), self._secrets.token.encode()):
            return refuse_request("open the address that `digest desk` printed", request.headers)
        period = self._context.parse_period(request.query_params.get("period", "last"))
        response = HTMLResponse(render_template("desk/enter.html.j2", {}, period=period.name))
        response.set_cookie(self._cookie_name, self._secrets.cookie, httponly=True, samesite="strict")
        return response

    async def show_issues(self, request: Request) -> Response:
        return HTMLResponse(await run_in_threadpool(render_issue_list, self._context))

    def show_release(self, context: Context, period: Period, query: Any) -> Response:
        return HTMLResponse(render_release_pane(context, period))

    def release(self, context: Context, period: Period, body: Any) -> Response:
        report = run_release_step(context, period, body)
        details = [*report.problems, *report.numbers.get("paths", ())]
        current = load_current_draft(context, period)
        return _render_issue_pane(context, period, current, report.line, details)

    def show_page(self, context: Context, period: Period, query: Any) -> Response:
        current = load_current_draft(context, period)
        page = render_template(
            "desk/page.html.j2",
            {},
            period=period.name,
            key=self._secrets.form,
            newsletter=context.config.newsletter,
            author=context.config.newsletter.author,
            filters=load_filters(context, period),
            query=dict(query),
            model=context.model_summary,
            listing=load_shortlist_page(context, period, current.draft, query),
            **_build_issue_values(context, period, current),
        )
        return HTMLResponse(page)

    def show_state(self, context: Context, period: Period, query: Any) -> Response:
        current = load_current_draft(context, period)
        return JSONResponse({"version": current.version, "state": current.state})

    def show_shortlist(self, context: Context, period: Period, query: Any) -> Response:
        draft = load_current_draft(context, period).draft
        listing = load_shortlist_page(context, period, draft, query)
        return HTMLResponse(render_template("desk/rows.html.j2", {}, listing=listing))

    def show_issue(self, context: Context, period: Period, query: Any) -> Response:
        return _render_issue_pane(context, period, load_current_draft(context, period))

    def show_checks(self, context: Context, period: Period, query: Any) -> Response:
        current = load_current_draft(context, period)
        problems = check_release(context, period, current.draft).problems
        values = {"problems": problems, "state": current.state, "kinds": {problem.rule for problem in problems}}
        author = context.config.newsletter.author
        return HTMLResponse(render_template("desk/gates.html.j2", {}, author=author, **values))

    def edit_draft(self, context: Context, period: Period, body: Any) -> Response:
        version, action, fields = parse_edit_request(context, period, body)
        return _render_issue_pane(context, period, edit_draft(context, period, version, ACTIONS[action](fields)))

    def triage(self, context: Context, period: Period, body: Any) -> Response:
        name, keys = body.get("name"), body.get("keys")
        if name not in ("maybe", "seen") or not isinstance(keys, list):
            raise ConfigError("the request is not a triage mark", "load the page again")
        marked = save_triage(context, period, name, [str(key) for key in keys], is_set=body.get("set") is not False)
        return JSONResponse({name: marked})

    def offer_alternatives(self, context: Context, period: Period, body: Any) -> Response:
        is_added = add_blurb_alternative(context, period, str(body.get("key", "")))
        message = "An alternative is below the blurb." if is_added else "No other text is available."
        return _render_issue_pane(context, period, load_current_draft(context, period), message)

    def approve_draft(self, context: Context, period: Period, body: Any) -> Response:
        if load_current_draft(context, period).version != body.get("version"):
            raise ConfigError("the draft has changed since you read it", "load the page again, then approve")
        sign, gaps = body.get("sign") is True, body.get("accept_gaps") is True
        report = approve_issue(context, period, sign=sign, accept_gaps=gaps, should_check_links=True)
        message = "; ".join([report.line, *report.problems])
        return _render_issue_pane(context, period, load_current_draft(context, period), message)

    def check_draft_links(self, context: Context, period: Period, body: Any) -> Response:
        current = load_current_draft(context, period)
        answers = check_draft_links(context, current.draft)
        message = f"{answers.request_count} links checked, {len(answers.dead_links)} dead or moved"
        message += f"; {answers.summary}" if answers.summary else ""
        return _render_issue_pane(context, period, current, message)

    def reopen_draft(self, context: Context, period: Period, body: Any) -> Response:
        revoke_approval(context, period)
        return _render_issue_pane(context, period, load_current_draft(context, period), f"{period} is a draft again")

    def preview_post(self, context: Context, period: Period, query: Any) -> Response:
        return HTMLResponse(render_post_preview(context, period))

    def preview_mail(self, context: Context, period: Period, query: Any) -> Response:
        return HTMLResponse(render_mail_preview(context, period), headers={"Content-Security-Policy": MAIL_POLICY})

    def preview_mail_text(self, context: Context, period: Period, query: Any) -> Response:
        return HTMLResponse(render_mail_text_preview(context, period))


def _build_issue_values(context: Context, period: Period, current: CurrentDraft) -> dict[str, Any]:
    return {
        "sheet": current.draft,
        "blocks": load_editor_sections(context, period, current.draft),
        "editable": current.state == "draft",
        **summarise_draft(current),
    }


def _render_issue_pane(
    context: Context, period: Period, current: CurrentDraft, message: str = "", details: Sequence[str] = ()
) -> Response:
    """Render the issue's pane, with the values that the rest of the page shows."""
    values = _build_issue_values(context, period, current)
    if current.conflicts:
        message = "Somebody else changed the same text; both versions are shown."
    return JSONResponse(
        {
            "html": render_template("desk/issue.html.j2", {}, period=period.name, **values),
            "said": message,
            "details": list(details),
            **{name: values[name] for name in ("version", "state", "picks", "marks")},
        }
    )
