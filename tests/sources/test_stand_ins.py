"""What a server sends in place of a page is never kept as a post, and a post that writes about such pages is."""

from __future__ import annotations

import pytest

from digest.errors import FetchError
from digest.protocols import Response
from digest.sources.html.article import parse_article
from digest.urls.stubs import find_meta_refresh

ASKED = "https://lab.example/posts/planning"
HTML = {"content-type": "text/html; charset=utf-8"}


def page(title: str, body: str = "<p>Loading</p>") -> bytes:
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1>{body}</body></html>".encode()


@pytest.mark.parametrize(
    ("title", "url", "body", "what"),
    [
        ("Sign in to Lab", ASKED, "<form><input type=password></form>", "sign-in"),
        ("Anmelden", ASKED, "<form><input name=p type='password'></form>", "sign-in"),
        ("Lab", "https://lab.example/login?next=/posts/planning", "<p>Hello</p>" * 9, "sign-in"),
        ("Lab", "https://lab.example/users/sign_in", "<p>Hello</p>", "sign-in"),
        ("404", ASKED, "<p>Nothing</p>", "not found"),
        ("404 - Page not found | Lab", ASKED, "<p>Nothing</p>", "not found"),
        ("Page not found", ASKED, "<p>Nothing</p>", "not found"),
        ("Seite nicht gefunden", ASKED, "<p>Nichts</p>", "not found"),
        ("Page introuvable - Lab", ASKED, "<p>Rien</p>", "not found"),
        ("Lab", "https://lab.example/", "<p>Welcome</p>" * 9, "home page"),
        ("Just a moment...", ASKED, "<p>Wait</p>", "browser check"),
        ("Making sure you're not a bot!", ASKED, "<p>Wait</p>", "browser check"),
        ("Attention Required! | Cloudflare", ASKED, "<p>Wait</p>", "browser check"),
        ("Redirecting…", ASKED, "<a href='/x'>Click here</a>", "forwards"),
        ("Moved Permanently", ASKED, "<a href='/x'>Click here</a>", "forwards"),
    ],
)
def test_what_is_served_in_place_of_a_page_is_refused_with_its_kind(title: str, url: str, body: str, what: str) -> None:
    with pytest.raises(FetchError, match=what):
        parse_article(page(title, body), url, HTML, asked_url=ASKED)


@pytest.mark.parametrize(
    ("title", "url", "asked"),
    [
        ("404: a history of the missing page", ASKED, ASKED),
        ("Login forms considered harmful", ASKED, ASKED),
        ("Redirecting attention in transformers", ASKED, ASKED),
        ("Are you human? How CAPTCHAs work", ASKED, ASKED),
        ("Lab", "https://lab.example/", "https://lab.example/"),
        ("OAuth in ten minutes", "https://lab.example/oauth/", "https://lab.example/oauth"),
    ],
)
def test_a_post_about_such_pages_is_kept(title: str, url: str, asked: str) -> None:
    text = "<p>This is a post with several paragraphs about its subject, as posts have.</p>" * 6
    assert parse_article(page(title, text), url, HTML, asked_url=asked).title == title


@pytest.mark.parametrize(
    "stub",
    [
        '<meta http-equiv="refresh" content="0; url=/new/">',
        "<META HTTP-EQUIV=refresh CONTENT='0;URL=/new/'>",
        '<script>location="/new/"</script>',
        "<script>window.location.replace('/new/')</script>",
        "<script>document.location.href = '/new/';</script>",
    ],
)
def test_a_stub_that_forwards_on_its_site_is_followed(stub: str) -> None:
    response = Response(200, ASKED, HTML, f"<html><head>{stub}</head><h1>Redirecting</h1></html>".encode())
    assert find_meta_refresh(response) == "/new/"


def test_a_page_with_a_text_that_moves_by_script_is_kept() -> None:
    body = b"<script>location='/app'</script>" + b"<p>A paragraph of the post.</p>" * 3
    assert find_meta_refresh(Response(200, ASKED, HTML, body)) == ""
