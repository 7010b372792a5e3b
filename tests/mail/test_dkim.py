"""Our DKIM signatures, as dkimpy verifies them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from digest.config.schema import MailConfig, Newsletter
from digest.errors import ConfigError
from digest.mail.dkim import create_signer
from digest.mail.message import Signer, compose_message, load_sender_profile
from digest.publishing.render.email import MailContent

dkim = pytest.importorskip("dkim")
SETTINGS = MailConfig(
    dkim_selector="s", dkim_domain="example.org", dkim_key_file_env="KEY", unsubscribe_url="https://x.org",
    reply_to="editor@example.org",
)  # fmt: skip
HEAD = load_sender_profile(Newsletter(title="Lectures d'été", email="ana@example.org"), SETTINGS)
KEY = rsa.generate_private_key(65537, 1024)
PEM = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())


@pytest.fixture(scope="module")
def sign(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    path = tmp_path_factory.mktemp("key") / "key.pem"
    path.write_bytes(KEY.private_bytes(*PEM))
    made = create_signer(SETTINGS, {"KEY": str(path)})
    assert made is not None
    return made


def written(sign: Signer, subject: str = "Ü", text: str = "y", token: str = "t" * 32) -> bytes:
    letter = MailContent(subject, text, f"<p>{text}</p>")
    at = datetime(2026, 11, 4, 9, tzinfo=UTC)
    return compose_message(HEAD, letter, recipient="b@x.org", token=token, issue="i", at=at, sign=sign).raw


def verified(raw: bytes) -> bool:
    def dns(name: bytes, timeout: float = 5) -> bytes:
        assert name == b"s._domainkey.example.org."
        public = KEY.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)

    return bool(dkim.verify(raw, dnsfunc=dns, minkey=1024))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8"), max_size=200), st.text(st.characters(codec="utf-8"), max_size=200))
@example("a  subject\twith   white space " * 5, "\n\n\n")
@example("学习" * 60, "")
def test_whatever_is_said_the_signature_holds(sign: Signer, subject: str, text: str) -> None:
    assert verified(written(sign, subject or "x", text))


@pytest.mark.parametrize(
    ("was", "becomes"),
    [(b"One-Click", b"Two-Click"), (b"/u/ttt", b"/u/xxx"), (b"editor@", b"others@"), (b"<p>y", b"<p>z"),
     (b"Feedback-ID: ", b"Feedback-ID: a")],
)  # fmt: skip
def test_what_is_changed_on_the_way_breaks_it(sign: Signer, was: bytes, becomes: bytes) -> None:
    raw = written(sign)
    assert verified(raw)
    assert was in raw
    assert not verified(raw.replace(was, becomes))


def test_the_same_message_has_the_same_signature(sign: Signer) -> None:
    assert written(sign) == written(sign)


def test_half_a_dkim_setting_is_a_mistake_and_none_is_no_signature() -> None:
    assert create_signer(MailConfig(), {}) is None
    with pytest.raises(ConfigError, match="dkim_domain"):
        create_signer(MailConfig(dkim_selector="s"), {})
    with pytest.raises(ConfigError, match="file cannot be read"):
        create_signer(SETTINGS, {})


@pytest.mark.parametrize("held", ["nothing", "another kind", "a locked one"])
def test_a_file_that_holds_no_usable_key_is_told(held: str, tmp_path: Path) -> None:
    other = ed25519.Ed25519PrivateKey.generate()
    pkcs8 = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    (tmp_path / "key.pem").write_bytes(
        {
            "nothing": b"-----",
            "another kind": other.private_bytes(*pkcs8, serialization.NoEncryption()),
            "a locked one": KEY.private_bytes(*pkcs8, serialization.BestAvailableEncryption(b"x")),
        }[held]
    )
    with pytest.raises(ConfigError, match="holds no RSA key"):
        create_signer(SETTINGS, {"KEY": str(tmp_path / "key.pem")})
