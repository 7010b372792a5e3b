"""Nobody but the desk's own page in this machine's browser gets in."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx2
import pytest

from digest.web.server import DeskServer
from tests.web.workspace import PERIOD


@pytest.fixture
def base(desk: DeskServer) -> str:
    return f"http://127.0.0.1:{desk.port}"


@pytest.fixture
def inside(desk: DeskServer, base: str) -> Iterator[httpx2.Client]:
    """A client that came in by the token, as the page's own script speaks."""
    headers = {"Origin": base, "X-Desk": desk.secrets.form, "Accept": "application/json"}
    with httpx2.Client(base_url=base, timeout=30) as client:
        assert client.get(desk.url).status_code == 200
        client.headers.update(headers)
        yield client


def edit(client: httpx2.Client, **headers: str) -> httpx2.Response:
    version = client.get(f"/{PERIOD}/state").json()["version"]
    body = {"version": version, "action": "text", "field": "intro", "text": "Hello."}
    return client.post(f"/{PERIOD}/edit", json=body, headers=headers)


def test_the_page_s_own_request_is_taken(inside: httpx2.Client) -> None:
    assert edit(inside).status_code == 200


def test_an_answer_is_sent_at_once_and_not_held_back_for_the_last_ones_receipt(desk: DeskServer) -> None:
    accepted = desk.socket.proto  # asyncio sets TCP_NODELAY by it
    assert accepted == socket.IPPROTO_TCP


def test_without_the_token_nothing_is_shown(base: str) -> None:
    for path in (f"/{PERIOD}", f"/{PERIOD}/state", f"/{PERIOD}/preview/post", "/site/style.css"):
        assert httpx2.get(base + path).status_code == 403


def test_a_wrong_token_gives_no_cookie(base: str) -> None:
    answer = httpx2.get(f"{base}/enter?token=wrong&period={PERIOD}")
    assert answer.status_code == 403
    assert not answer.cookies


def test_the_cookie_is_for_this_site_and_no_script(desk: DeskServer) -> None:
    cookie = httpx2.get(desk.url).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert desk.secrets.token not in cookie


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1.evil.example"])
def test_another_host_name_is_refused_even_with_the_cookie(inside: httpx2.Client, host: str) -> None:
    assert inside.get(f"/{PERIOD}", headers={"Host": host, "Origin": f"http://{host}"}).status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", ""])
def test_a_request_from_another_page_is_refused(inside: httpx2.Client, origin: str) -> None:
    assert edit(inside, Origin=origin).status_code == 403


def test_a_post_without_an_origin_is_refused(inside: httpx2.Client) -> None:
    inside.headers.pop("Origin")
    assert edit(inside).status_code == 403


@pytest.mark.parametrize("key", ["", "wrong"])
def test_a_post_without_the_form_s_key_is_refused(inside: httpx2.Client, key: str) -> None:
    answer = edit(inside, **{"X-Desk": key})
    assert answer.status_code == 403
    assert "another run" in answer.text


def test_another_site_may_not_even_read(inside: httpx2.Client) -> None:
    assert inside.get(f"/{PERIOD}/state", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_a_body_that_is_too_long_is_refused(inside: httpx2.Client) -> None:
    assert inside.post(f"/{PERIOD}/edit", content=b" " * 1_000_001).status_code == 403


def test_every_answer_forbids_foreign_code_frames_and_storage(inside: httpx2.Client, base: str) -> None:
    for answer in (inside.get(f"/{PERIOD}"), inside.get("/static/desk.js"), httpx2.get(base + "/nowhere")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-frame-options"] == "SAMEORIGIN"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "body",
    [[], {}, {"version": "1"}, {"version": 1, "action": "drop"}, {"version": 10**9, "action": "open", "key": "1"}],
)
def test_a_body_that_is_no_edit_is_told_and_changes_nothing(inside: httpx2.Client, body: object) -> None:
    before = inside.get(f"/{PERIOD}/state").json()
    answer = inside.post(f"/{PERIOD}/edit", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert inside.get(f"/{PERIOD}/state").json() == before
