"""The client against a real server that misbehaves."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from digest.errors import FetchError, HostPausedError
from digest.http.backend import Stream, open_stream
from digest.http.client import Client
from digest.http.rate_limit import RateLimiter
from digest.protocols import Request, Response, Validators
from tests.http.server import Asked, Server, answer, redirect, serving

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Client(contact="https://example.org; mailto:a@example.org", clock=lambda: NOW) as opened:
        yield opened


def local(url: str, **facts: object) -> Request:
    return Request(url, allow_private=True, **facts)  # type: ignore[arg-type]


async def failure(client: Client, request: Request) -> FetchError:
    with pytest.raises(FetchError) as caught:
        await client(request)
    return caught.value


async def test_a_request_names_us_asks_for_gzip_and_carries_nothing_else(client: Client, server: Server) -> None:
    server.paths["/"] = answer(200, [("Set-Cookie", "id=1")], b"ok")
    for _ in range(2):
        assert (await client(local(server.url()))).body == b"ok"
    seen = server.asked[-1].headers
    assert seen["user-agent"] == "digest/0.1.0 (+https://example.org; mailto:a@example.org)"
    assert seen["accept-encoding"] == "gzip, br, zstd"
    assert not {"cookie", "referer", "authorization", "if-none-match", "a-im"} & set(seen)


async def test_the_answer_gives_status_url_lower_case_headers_and_decoded_body(client: Client, server: Server) -> None:
    headers = [("ETag", "bare-sha"), ("Content-Encoding", "gzip"), ("X-Twice", "a"), ("X-Twice", "b")]
    server.paths["/f"] = answer(200, headers, gzip.compress(b"<rss/>"))
    got = await client(local(server.url("/f#top")))
    assert (got.status, got.url, got.body) == (200, server.url("/f"), b"<rss/>")
    assert (got.headers["etag"], got.headers["x-twice"]) == ("bare-sha", "a, b")


@pytest.mark.parametrize("etag", ["bare", '"quoted"', 'W/"weak"', '"caf\xe9"', "W/weak without end"])
async def test_validators_go_back_byte_for_byte(client: Client, server: Server, etag: str) -> None:
    server.paths["/"] = answer(200, [("ETag", etag), ("Last-Modified", "yesterday, really")], b"ok")
    first = await client(local(server.url()))
    server.paths["/"] = answer(304)
    known = Validators(server.url(), first.headers["etag"], first.headers["last-modified"])
    second = await client(local(server.url(), validators=known))
    assert second.is_not_modified
    assert server.asked[-1].headers["if-none-match"] == etag
    assert server.asked[-1].headers["if-modified-since"] == "yesterday, really"


async def test_validators_are_sent_only_to_the_url_that_gave_them(client: Client, server: Server) -> None:
    server.paths |= {"/old": redirect(302, "/new"), "/new": answer(304)}
    await client(local(server.url("/old"), validators=Validators(server.url("/new"), "v1")))
    assert [asked.headers.get("if-none-match") for asked in server.asked] == [None, "v1"]


async def test_not_modified_without_being_asked_is_an_error(client: Client, server: Server) -> None:
    server.paths["/"] = answer(304)
    assert "without validators" in (await failure(client, local(server.url()))).message


async def test_not_modified_from_an_address_that_was_not_asked_that_is_an_error(client: Client, server: Server) -> None:
    server.paths["/f"] = answer(304)
    known = Validators(server.url("/elsewhere"), '"1"')
    with pytest.raises(FetchError, match="without validators"):
        await client(Request(server.url("/f"), validators=known, allow_private=True))


async def test_redirects_are_followed_and_told(client: Client, server: Server) -> None:
    server.paths |= {
        "/a": redirect(301, "b?x=1"),
        "/b?x=1": redirect(307, server.url("/c#frag")),
        "/c": answer(body=b"!"),
    }
    got = await client(local(server.url("/a")))
    assert (got.url, got.redirects) == (server.url("/c"), ((301, server.url("/b?x=1")), (307, server.url("/c"))))


async def test_a_redirect_circle_ends(client: Client, server: Server) -> None:
    server.paths |= {"/a": redirect(302, "/b"), "/b": redirect(302, "/a")}
    assert "in a circle" in (await failure(client, local(server.url("/a")))).message
    assert len(server.asked) == 2


async def test_endless_redirects_end(client: Client, server: Server) -> None:
    server.paths |= {f"/{n}": redirect(302, f"/{n + 1}") for n in range(50)}
    assert "more than 10 times" in (await failure(client, local(server.url("/0")))).message
    assert len(server.asked) == 11


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://example.org/", "javascript:alert(1)", "http://a:b/"])
async def test_a_redirect_away_from_http_is_refused(client: Client, server: Server, to: str) -> None:
    server.paths["/"] = redirect(302, to)
    assert "address" in (await failure(client, local(server.url()))).message


async def test_a_redirect_without_a_place_is_an_error(client: Client, server: Server) -> None:
    server.paths["/"] = answer(302)
    assert "without a Location header" in (await failure(client, local(server.url()))).message


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:{}/", "http://0x7f.1:{}/", "http://2130706433:{}/", "http://127.1:{}/", "http://[::ffff:7f00:1]:{}/",
     "http://localhost:{}/", "http://0:{}/", "http://[::1]:{}/", "http://017700000001:{}/"],
)  # fmt: skip
async def test_no_spelling_of_loopback_is_reached(client: Client, server: Server, url: str) -> None:
    error = await failure(client, Request(url.format(server.port)))
    assert "not a public address" in error.message
    assert "allow_private" in error.hint
    assert not server.asked


class ToLoopback:
    """Dials loopback whatever address it is given, and keeps the addresses."""

    def __init__(self) -> None:
        self.dialled: list[str] = []

    async def __call__(self, address: str, port: int) -> Stream:
        self.dialled.append(address)
        return await open_stream("127.0.0.1", port)


async def test_a_redirect_from_a_public_site_to_a_private_one_is_refused(server: Server) -> None:
    async def names(host: str, port: int) -> Sequence[str]:
        return ["93.184.216.34"] if host == "public.example" else ["10.0.0.7"]

    server.paths["/"] = redirect(302, server.url("/secret", host="inside.example"))
    connect = ToLoopback()
    async with Client(resolver=names, open_stream=connect) as client:
        error = await failure(client, Request(server.url(host="public.example")))
    assert "inside.example is at 10.0.0.7" in error.message
    assert connect.dialled == ["93.184.216.34"]


async def test_a_name_that_changes_its_address_after_the_check_gains_nothing(server: Server) -> None:
    """DNS rebinding: the first lookup is harmless, later ones point inside. There is one lookup per connection."""
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])

    async def rebinding(host: str, port: int) -> Sequence[str]:
        return next(answers)

    server.paths["/"] = answer(body=b"ok")
    connect = ToLoopback()
    async with Client(resolver=rebinding, open_stream=connect) as client:
        assert (await client(Request(server.url(host="rebinding.example")))).body == b"ok"
        error = await failure(client, Request(server.url(host="rebinding.example")))
    assert "not a public address" in error.message
    assert connect.dialled == ["93.184.216.34"]


async def test_of_several_addresses_only_the_public_ones_are_tried(server: Server) -> None:
    async def mixed(host: str, port: int) -> Sequence[str]:
        return ["169.254.169.254", "127.0.0.1"]

    server.paths["/"] = answer(body=b"ok")
    async with Client(resolver=mixed) as client:
        assert (await client(local(server.url(host="mixed.example")))).body == b"ok"


async def test_an_unknown_host_and_a_closed_port_are_told_apart(client: Client) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    assert "cannot be connected" in (await failure(client, local(f"http://127.0.0.1:{port}/"))).message

    async def nobody(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    async with Client(resolver=nobody) as lost:
        assert "cannot be found" in (await failure(lost, Request("http://gone.example/"))).message


async def test_a_slow_drip_ends_at_the_deadline(client: Client, server: Server) -> None:
    async def drip(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    server.paths["/"] = drip
    assert "longer than 0.2 seconds" in (await failure(client, local(server.url(), deadline=0.2))).message


async def test_the_deadline_covers_all_hops_together(client: Client, server: Server) -> None:
    server.delay = 0.15
    server.paths |= {"/a": redirect(302, "/b"), "/b": redirect(302, "/c"), "/c": answer(body=b"late")}
    assert "longer than" in (await failure(client, local(server.url("/a"), deadline=0.3))).message


async def test_a_gzip_bomb_stops_at_the_cap(client: Client, server: Server) -> None:
    server.paths["/"] = answer(200, [("Content-Encoding", "gzip")], gzip.compress(b"\0" * 30_000_000))
    error = await failure(client, local(server.url(), max_bytes=1_000_000))
    assert "larger than 1,000,000 bytes" in error.message


async def test_a_body_announced_too_large_is_not_read(client: Client, server: Server) -> None:
    server.paths["/"] = answer(200, length=10**12)
    assert "larger than" in (await failure(client, local(server.url(), deadline=5))).message


@pytest.mark.parametrize("headers", [[], [("Content-Encoding", "gzip")]])
async def test_a_truncated_body_is_an_error(client: Client, server: Server, headers: list[tuple[str, str]]) -> None:
    body = gzip.compress(b"hello world" * 100)[:-10] if headers else b"hel"
    server.paths["/"] = answer(200, headers, body, length=-1 if headers else 100)
    assert "broke off" in (await failure(client, local(server.url()))).message


@pytest.mark.parametrize("junk", [b"not http at all\r\n\r\n", b"", b"HTTP/1.1 two hundred\r\n\r\n"])
async def test_what_is_not_http_is_an_error(client: Client, server: Server, junk: bytes) -> None:
    async def talk(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(junk)

    server.paths["/"] = talk
    assert server.url() in (await failure(client, local(server.url()))).message


@pytest.mark.parametrize(
    ("status", "headers", "words", "wait"),
    [
        (401, [], "requires a login", None),
        (403, [], "refused access", None),
        (403, [("cf-mitigated", "challenge")], "browser check", None),
        (404, [], "not found", None),
        (410, [], "gone for good", None),
        (418, [], "unexpected status", None),
        (204, [], "unexpected status", None),
        (206, [], "unexpected status", None),
        (429, [("Retry-After", "30")], "fewer requests", 30.0),
        (503, [("Retry-After", "Wed, 04 Mar 2026 12:01:00 GMT")], "not available", 60.0),
        (503, [("Retry-After", "whenever")], "not available", None),
        (500, [("Retry-After", "30")], "failed", None),
    ],
)
async def test_an_error_answer_says_what_it_means(
    client: Client, server: Server, status: int, headers: list[tuple[str, str]], words: str, wait: float | None
) -> None:
    server.paths["/"] = answer(status, headers)
    error = await failure(client, local(server.url()))
    assert words in error.message
    assert (error.status, error.retry_after) == (status, wait)


async def test_what_a_server_does_not_understand_is_told_in_its_own_words(client: Client, server: Server) -> None:
    body = b"<feed><title>Feed error for query: cs.XX</title><entry><title>Bad archive 'cs.XX'.</title></entry></feed>"
    server.paths["/"] = answer(400, [], body)
    error = await failure(client, local(server.url()))
    assert "Bad archive 'cs.XX'." in error.message
    assert "categories" in error.hint


async def test_retry_after_on_a_good_answer_is_ignored(client: Client, server: Server) -> None:
    server.paths["/"] = answer(200, [("Retry-After", "3600")], b"ok")
    assert (await client(local(server.url()))).status == 200


@pytest.mark.parametrize("url", ["", "example.org/feed", "ftp://example.org", "http://", "\x00"])
async def test_what_is_not_an_http_address_is_refused_before_any_request(client: Client, url: str) -> None:
    assert "address" in (await failure(client, Request(url))).message


async def test_credentials_in_an_address_are_not_sent_and_not_told(client: Client, server: Server) -> None:
    server.paths["/"] = answer(404)
    error = await failure(client, local(f"http://me:hunter2@127.0.0.1:{server.port}/"))
    assert "hunter2" not in error.message
    assert "authorization" not in server.asked[0].headers


async def test_one_site_gets_at_most_two_requests_at_once(client: Client, server: Server) -> None:
    server.delay = 0.02
    server.paths["/"] = answer(body=b"ok")
    got = await asyncio.gather(*(client(local(server.url())) for _ in range(8)))
    assert [response.body for response in got] == [b"ok"] * 8
    assert server.most == 2


async def test_in_all_no_more_than_the_total_run_at_once(server: Server) -> None:
    server.delay = 0.02
    server.paths["/"] = answer(body=b"ok")

    async def names(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async with Client(rate_limiter=RateLimiter(max_requests=3), resolver=names) as client:
        await asyncio.gather(*(client(local(server.url(host=f"h{n}.example"))) for n in range(12)))
    assert server.most == 3


async def test_a_paused_site_gets_one_request_at_a_time_over_all_its_hosts(server: Server) -> None:
    loop = asyncio.get_running_loop()
    began: list[float] = []

    async def names(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async def note(asked: Asked, writer: asyncio.StreamWriter) -> None:
        began.append(loop.time())
        await answer(body=b"ok")(asked, writer)

    server.paths["/"] = note
    async with Client(rate_limiter=RateLimiter(site_pauses={"arxiv.org": 0.05}), resolver=names) as client:
        hosts = ("arxiv.org", "export.arxiv.org", "rss.arxiv.org")
        await asyncio.gather(*(client(local(server.url(host=host))) for host in hosts))
    assert server.most == 1
    assert all(later - earlier >= 0.05 for earlier, later in pairwise(began))


async def test_a_cancelled_request_gives_its_place_back(client: Client, server: Server) -> None:
    server.paths |= {"/slow": answer(length=5), "/": answer(body=b"ok")}
    server.delay = 0.05
    tasks = [asyncio.create_task(client(local(server.url("/slow")))) for _ in range(4)]
    await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    response: Response = await client(local(server.url()))
    assert response.body == b"ok"


HTML = [("Content-Type", "text/html; charset=utf-8")]


@pytest.mark.parametrize(
    "body",
    [
        b'<html><script id="anubis_challenge" type="application/json">{}</script>Making sure you are human</html>',
        b"<html><script>window._cf_chl_opt = {}</script></html>",
        b'<script src="https://geo.captcha-delivery.com/captcha/"></script>',
        b"<iframe src='/_Incapsula_Resource?x=1'></iframe>",
    ],
)
async def test_a_browser_check_in_place_of_a_page_is_an_error(client: Client, server: Server, body: bytes) -> None:
    server.paths["/"] = answer(200, HTML, body)
    error = await failure(client, local(server.url()))
    assert "browser check" in error.message
    assert error.status == 403


async def test_a_long_page_that_writes_about_browser_checks_is_read(client: Client, server: Server) -> None:
    server.paths["/"] = answer(200, HTML, b"<html>How anubis_challenge works" + b"." * 30_000)
    assert (await client(local(server.url()))).status == 200


async def test_a_page_that_only_forwards_on_its_site_is_followed(client: Client, server: Server) -> None:
    stub = b'<!doctype html><meta http-equiv="refresh" content="0; url=/new/?a=1&amp;b=2"><h1>Redirecting&hellip;</h1>'
    server.paths |= {"/old": answer(200, HTML, stub), "/new/?a=1&b=2": answer(200, HTML, b"the post")}
    response = await client(local(server.url("/old")))
    assert (response.body, response.url) == (b"the post", server.url("/new/?a=1&b=2"))


@pytest.mark.parametrize("target", ["https://elsewhere.example/", "/old", ""])
async def test_a_page_that_forwards_elsewhere_or_to_itself_is_kept(client: Client, server: Server, target: str) -> None:
    stub = f'<meta http-equiv="refresh" content="0; url={target}">'.encode()
    server.paths["/old"] = answer(200, HTML, stub)
    assert (await client(local(server.url("/old")))).body == stub


async def test_pages_that_forward_in_a_circle_are_an_error(client: Client, server: Server) -> None:
    for name, target in (("/a", "/b"), ("/b", "/a")):
        server.paths[name] = answer(200, HTML, f'<meta http-equiv=refresh content="0;url={target}">'.encode())
    assert "circle" in (await failure(client, local(server.url("/a")))).message


async def test_a_host_that_asks_for_a_pause_is_left_alone_but_for_the_same_request(
    client: Client, server: Server
) -> None:
    server.paths |= {"/a": answer(429, [("Retry-After", "3600")]), "/b": answer(body=b"ok")}
    await failure(client, local(server.url("/a")))
    error = await failure(client, local(server.url("/b")))
    assert isinstance(error, HostPausedError)
    assert error.retry_after
    assert 3500 < error.retry_after <= 3600
    assert [asked.path for asked in server.asked] == ["/a"]
    server.paths["/a"] = answer(body=b"ok")
    assert (await client(local(server.url("/a")))).body == b"ok"  # the caller waited as it saw fit
    assert (await client(local(server.url("/b")))).body == b"ok"
