"""A source's login comes from the environment and goes to its own site only."""

from __future__ import annotations

import pytest

from digest.config.schema import Source
from digest.errors import FetchError
from digest.http.client import Client
from digest.protocols import Request
from digest.sources.login import add_login
from tests.http.server import answer, redirect, serving

SOURCE = Source(id="wiki", kind="feed", url="https://wiki.example/feed", auth_env="WIKI_LOGIN")


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        ("ann:s3cret", {"Authorization": "Basic YW5uOnMzY3JldA=="}),
        ("ann:pa:ss", {"Authorization": "Basic YW5uOnBhOnNz"}),
        ("Bearer abc.def", {"Authorization": "Bearer abc.def"}),
        ("X-Api-Key: abc", {"X-Api-Key": "abc"}),
    ],
)
def test_a_login_becomes_a_header(value: str, headers: dict[str, str]) -> None:
    request = add_login(Request("https://wiki.example/feed"), SOURCE, {"WIKI_LOGIN": value})
    assert request.secret_headers == headers
    assert value.rpartition(" ")[2] not in repr(request)


@pytest.mark.parametrize("value", ["", "justaword", "a\x00:b"])
def test_a_variable_without_a_login_is_an_error_that_does_not_show_it(value: str) -> None:
    with pytest.raises(FetchError, match="WIKI_LOGIN") as caught:
        add_login(Request("https://wiki.example/feed"), SOURCE, {"WIKI_LOGIN": value})
    assert not value or value not in caught.value.message


def test_other_sites_and_sources_without_a_login_get_none() -> None:
    environ = {"WIKI_LOGIN": "ann:s3cret"}
    assert not add_login(Request("https://elsewhere.example/feed"), SOURCE, environ).secret_headers
    plain = SOURCE.model_copy(update={"auth_env": ""})
    assert not add_login(Request("https://wiki.example/feed"), plain, environ).secret_headers


async def test_a_login_does_not_follow_a_redirect_to_another_origin() -> None:
    async with serving() as server, Client() as client:
        server.paths |= {
            "/a": redirect(302, "/b"),
            "/b": redirect(302, server.url("/c", host="localhost")),
            "/c": answer(body=b"ok"),
        }
        await client(Request(server.url("/a"), allow_private=True, secret_headers={"Authorization": "Bearer x"}))
    assert [asked.headers.get("authorization") for asked in server.asked] == ["Bearer x", "Bearer x", None]
