"""Drafts at platforms: the shape of each request, and that nothing ever asks to be sent."""

from __future__ import annotations

import base64
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from digest.config.schema import MailConfig, Newsletter
from digest.errors import CheckFailedError, ConfigError, DeliveryError
from digest.mail.exporters import EXPORTERS, ExportedIssue, export_mail_draft, find_exporter
from digest.mail.message import load_sender_profile
from digest.publishing.render.email import UNSUBSCRIBE_PLACEHOLDER, MailContent
from tests.mail.kill_send import PERIOD, opened, publish

DRAFT = ExportedIssue(
    name="2026-10",
    content=MailContent(
        subject="AI {{ digest }}",
        html=f'<p>{{{{ x }}}} *|Y|* <a href="{UNSUBSCRIBE_PLACEHOLDER}">out</a></p>',
        text=f"{{{{ x }}}} {UNSUBSCRIBE_PLACEHOLDER}",
    ),
    fragment="<p>{{ x }}</p>",
    sender=load_sender_profile(Newsletter(title="T", email="ana@example.org"), MailConfig()),
    page_url="https://example.org/2026/10/digest/",
    idempotency_key="k",
)
KEYS = {
    "BUTTONDOWN_API_KEY": "secret-b",
    "LISTMONK_USER": "me",
    "LISTMONK_TOKEN": "secret-l",
    "MAILCHIMP_API_KEY": "secret-m-us1",
    "GHOST_ADMIN_API_KEY": "5ec2e7:" + b"secret-g".hex(),
    "KIT_API_KEY": "secret-k",
    "BEEHIIV_API_KEY": "secret-h",
}


class Platform:
    """Keeps what it is asked, and answers with what it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        self.status = 201
        self.answer: dict[str, Any] = {"id": "c1", "data": {"id": 7}}
        platform = self

        class Handler(BaseHTTPRequestHandler):
            def _take(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                headers = {name.lower(): value for name, value in self.headers.items()}
                platform.asked.append((self.command, self.path, headers, body))
                answer = json.dumps(platform.answer).encode()
                self.send_response(platform.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_PUT = _take

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = Platform()
    thread = threading.Thread(target=platform.server.serve_forever, daemon=True)
    thread.start()
    yield platform
    platform.server.shutdown()
    platform.server.server_close()
    thread.join()


def test_buttondown_gets_a_draft_that_is_called_one(platform: Platform) -> None:
    assert EXPORTERS["buttondown"](DRAFT, {"url": platform.url}, KEYS) == "c1"
    [(method, path, headers, body)] = platform.asked
    assert (method, path, headers["authorization"]) == ("POST", "/v1/emails", "Token secret-b")
    assert body["status"] == "draft"
    assert body["body"] == "<p>&#123;&#123; x }}</p>"
    assert 0 < len(headers["x-idempotency-key"]) <= 200


def test_listmonk_gets_a_campaign_and_is_never_told_to_start_it(platform: Platform) -> None:
    place = EXPORTERS["listmonk"](DRAFT, {"url": platform.url, "lists": [3], "template_id": 2}, KEYS)
    assert place == f"{platform.url}/admin/campaigns/7"
    [(method, path, headers, body)] = platform.asked
    assert (method, path) == ("POST", "/api/campaigns")
    assert headers["authorization"] == "Basic " + base64.b64encode(b"me:secret-l").decode()
    assert (body["lists"], body["template_id"], body["content_type"]) == ([3], 2, "html")
    assert "status" not in body
    for part in ("body", "altbody"):
        assert body[part].count("{{") == 1
        assert "{{ UnsubscribeURL }}" in body[part]


def test_mailchimp_gets_a_campaign_and_then_its_content(platform: Platform) -> None:
    EXPORTERS["mailchimp"](DRAFT, {"url": platform.url, "list_id": "abc"}, KEYS)
    (first, campaigns, _, campaign), (second, place, _, content) = platform.asked
    assert (first, campaigns) == ("POST", "/3.0/campaigns")
    assert campaign["recipients"] == {"list_id": "abc"}
    assert campaign["settings"]["reply_to"] == "ana@example.org"
    assert (second, place) == ("PUT", "/3.0/campaigns/c1/content")
    assert content["html"].count("*|") == content["plain_text"].count("*|") == 1
    assert "*|UNSUB|*" in content["html"]


def test_ghost_gets_a_draft_with_a_token_of_five_minutes(platform: Platform) -> None:
    platform.answer = {"posts": [{"id": "g1"}]}
    assert EXPORTERS["ghost"](DRAFT, {"url": platform.url}, KEYS) == f"{platform.url}/ghost/#/editor/post/g1"
    [(method, path, headers, body)] = platform.asked
    assert (method, path) == ("POST", "/ghost/api/admin/posts/?source=html")
    assert body["posts"][0]["status"] == "draft"
    signed, _, signature = headers["authorization"].removeprefix("Ghost ").rpartition(".")
    head, claims = (json.loads(base64.urlsafe_b64decode(f"{part}==")) for part in signed.split("."))
    assert (head["alg"], head["kid"], claims["aud"]) == ("HS256", "5ec2e7", "/admin/")
    assert claims["exp"] - claims["iat"] == 300
    assert base64.urlsafe_b64decode(f"{signature}==") == hmac.digest(b"secret-g", signed.encode(), "sha256")
    with pytest.raises(ConfigError, match="GHOST_ADMIN_API_KEY"):
        EXPORTERS["ghost"](DRAFT, {"url": platform.url}, {"GHOST_ADMIN_API_KEY": "no key"})


def test_kit_and_beehiiv_get_drafts_without_a_time(platform: Platform) -> None:
    platform.answer = {"broadcast": {"id": 5}, "data": {"id": "post_9"}}
    assert EXPORTERS["kit"](DRAFT, {"url": platform.url}, KEYS) == "broadcast 5"
    assert EXPORTERS["beehiiv"](DRAFT, {"url": platform.url, "publication_id": "pub_1"}, KEYS) == "post post_9"
    (_, kit, kit_headers, broadcast), (_, beehiiv, headers, post) = platform.asked
    assert (kit, kit_headers["x-kit-api-key"], broadcast["send_at"]) == ("/v4/broadcasts", "secret-k", None)
    assert (beehiiv, headers["authorization"]) == ("/v2/publications/pub_1/posts", "Bearer secret-h")
    assert post["status"] == "draft"


@pytest.mark.parametrize(("status", "temporary"), [(401, False), (429, True), (503, True)])
def test_a_refusal_is_told_without_the_key(platform: Platform, status: int, temporary: bool) -> None:
    platform.status, platform.answer = status, {"detail": "no"}
    for name in EXPORTERS:
        with pytest.raises(DeliveryError, match=str(status)) as caught:
            EXPORTERS[name](DRAFT, {"url": platform.url, "lists": [1], "list_id": "x", "publication_id": "p"}, KEYS)
        assert caught.value.is_temporary == temporary
        assert "secret" not in caught.value.message + caught.value.hint


def test_a_missing_key_or_setting_and_a_wrong_name_are_told() -> None:
    with pytest.raises(ConfigError, match="BUTTONDOWN_API_KEY"):
        EXPORTERS["buttondown"](DRAFT, {}, {})
    with pytest.raises(ConfigError, match=r"mail\.exporters\.listmonk\.lists"):
        EXPORTERS["listmonk"](DRAFT, {"url": "http://x"}, KEYS)
    with pytest.raises(ConfigError) as caught:
        find_exporter("butondown")
    assert "buttondown" in caught.value.hint


def test_a_second_draft_is_made_only_when_asked_for(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUTTONDOWN_API_KEY", "k")
    publish(tmp_path, 0)
    context = opened(tmp_path, MailConfig(exporters={"buttondown": {"url": platform.url}}))
    export_mail_draft(context, PERIOD, "buttondown")
    with pytest.raises(CheckFailedError, match="c1"):
        export_mail_draft(context, PERIOD, "buttondown")
    export_mail_draft(context, PERIOD, "buttondown", again=True)
    assert len(platform.asked) == 2
