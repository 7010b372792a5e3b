"""Proxies of the environment and of sources.yaml, certificates, cookies, and hosts with several addresses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from digest.config.schema import NetworkConfig
from digest.errors import ConfigError, FetchError
from digest.http.backend import Stream, open_stream
from digest.http.client import Client
from digest.protocols import Request
from tests.http.server import Server, answer, redirect, serving
from tests.http.test_connections import lasting
from tests.mail.certificates import server_context


@pytest.fixture
async def proxy() -> AsyncIterator[Server]:
    async with serving() as running:
        running.otherwise = answer(200, [], b"proxied")
        yield running


async def resolve_publicly(host: str, port: int) -> Sequence[str]:
    return {"127.0.0.1": ["127.0.0.1"], "inside.example": ["10.0.0.7"]}.get(host, ["93.184.216.34"])


async def test_a_proxy_of_the_environment_is_asked_for_the_whole_address(
    proxy: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url())
    async with Client(resolver=resolve_publicly) as client:
        assert (await client(Request("http://feeds.example/rss"))).body == b"proxied"
    assert proxy.asked[0].path == "http://feeds.example/rss"


async def test_the_configured_proxy_comes_first_and_gets_its_credentials(
    proxy: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    network = NetworkConfig(proxy=f"http://me:hunter2@127.0.0.1:{proxy.port}")
    async with Client(resolver=resolve_publicly, network=network) as client:
        await client(Request("http://feeds.example/rss"))
    assert proxy.asked[0].headers["proxy-authorization"] == "Basic bWU6aHVudGVyMg=="


async def test_no_proxy_names_hosts_that_are_asked_directly(proxy: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    async with Client(network=NetworkConfig(proxy="http://127.0.0.1:9")) as client:
        assert (await client(Request(proxy.url("/direct"), allow_private=True))).status == 200
    assert proxy.asked[0].path == "/direct"


async def test_a_proxy_is_not_asked_for_a_private_address(proxy: Server) -> None:
    async with Client(resolver=resolve_publicly, network=NetworkConfig(proxy=proxy.url())) as client:
        with pytest.raises(FetchError, match="not a public address"):
            await client(Request("http://inside.example/"))
    assert not proxy.asked


async def test_a_name_that_only_the_proxy_can_resolve_is_left_to_it(proxy: Server) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        if host == "127.0.0.1":
            return [host]
        raise OSError("no DNS here")

    async with Client(resolver=resolve, network=NetworkConfig(proxy=proxy.url())) as client:
        assert (await client(Request("http://feeds.example/rss"))).body == b"proxied"


async def test_an_https_address_is_tunnelled_and_a_refused_tunnel_is_an_error(proxy: Server) -> None:
    proxy.otherwise = answer(403)
    async with Client(resolver=resolve_publicly, network=NetworkConfig(proxy=proxy.url())) as client:
        with pytest.raises(FetchError, match="cannot be connected to"):
            await client(Request("https://feeds.example/rss"))
    assert proxy.asked[0].path == "feeds.example:443"


async def test_a_proxy_of_another_kind_is_an_error_with_its_setting() -> None:
    async with Client(resolver=resolve_publicly, network=NetworkConfig(proxy="socks5://127.0.0.1:1")) as client:
        with pytest.raises(FetchError, match="not an http or https address"):
            await client(Request("http://feeds.example/rss"))


async def test_a_ca_file_is_trusted_beside_the_systems_certificates(tmp_path: Path) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async with lasting(server_context(tmp_path, "feeds.example")) as server:
        network = NetworkConfig(ca_file=str(tmp_path / "cert.pem"))
        async with Client(resolver=resolve, network=network) as client:
            request = Request(f"https://feeds.example:{server.port}/", allow_private=True)
            assert (await client(request)).body == b"ok"


async def test_a_ca_file_that_is_missing_is_a_configuration_error() -> None:
    async with Client(network=NetworkConfig(ca_file="/no/such/file.pem")) as client:
        with pytest.raises(ConfigError, match=r"network\.ca_file"):
            await client(Request("https://93.184.216.34/"))


async def test_a_cookie_of_a_redirect_is_sent_in_the_same_chain_only(proxy: Server) -> None:
    async def paywall(asked: object, writer: asyncio.StreamWriter) -> None:
        seen = proxy.asked[-1].headers.get("cookie")
        page = answer(200, [], b"ok") if seen else answer(302, [("Set-Cookie", "seen=1; Path=/"), ("Location", "/a")])
        await page(proxy.asked[-1], writer)

    proxy.paths["/a"] = paywall
    async with Client() as client:
        for _ in range(2):
            assert (await client(Request(proxy.url("/a"), allow_private=True))).body == b"ok"
    assert [asked.headers.get("cookie") for asked in proxy.asked] == [None, "seen=1", None, "seen=1"]


async def test_a_cookie_is_not_sent_to_another_host(proxy: Server) -> None:
    elsewhere = f"http://localhost:{proxy.port}/b"
    proxy.paths["/a"] = answer(302, [("Set-Cookie", "seen=1"), ("Location", elsewhere)])
    proxy.paths["/b"] = redirect(301, "/c")
    async with Client() as client:
        await client(Request(proxy.url("/a"), allow_private=True))
    assert [asked.headers.get("cookie") for asked in proxy.asked] == [None, None, None]


async def test_the_second_address_is_tried_beside_a_first_one_that_does_not_answer(proxy: Server) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["93.184.216.34", "93.184.216.35"]

    async def open_second(address: str, port: int) -> Stream:
        if address.endswith("34"):
            await asyncio.sleep(20)
        return await open_stream("127.0.0.1", port)

    async with Client(resolver=resolve, open_stream=open_second) as client:
        response = await client(Request(proxy.url(host="feeds.example"), deadline=5))
    assert response.elapsed_seconds < 2
