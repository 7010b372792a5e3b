"""What the doctor says of DNS records and of a mail server: both real, on loopback."""

from __future__ import annotations

import base64
import socket
import sys
from pathlib import Path

import pytest

pytest.importorskip("dns")
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from digest.config.schema import MailConfig, Newsletter
from digest.mail.deliverability import SenderSettings, check_deliverability, create_resolver
from digest.mail.message import load_sender_profile
from digest.protocols import Finding
from tests.mail.certificates import server_context, trusting
from tests.mail.nameserver import answering
from tests.mail.server import Faulty, serving

NEWSLETTER = Newsletter(title="T", email="ana@news.example.org")
HOST, KEY, POLICY = "news.example.org", "s._domainkey.news.example.org", "_dmarc.example.org"
GOOD = {
    (HOST, "MX"): ["10 mx.example.org."],
    (HOST, "TXT"): ['"v=spf1 include:relay.example " "~all"', '"something else"'],
    (KEY, "TXT"): ['"v=DKIM1; k=rsa; p=MIGf"'],
    (POLICY, "TXT"): ['"v=DMARC1; p=none"'],
}
SIGNED = MailConfig(dkim_selector="s", dkim_domain=HOST, dkim_key_file_env="K", unsubscribe_url="https://u.org")


def looked(
    records: dict[tuple[str, str], list[str]], mail: MailConfig = SIGNED, failing: str = "", **environ: str
) -> list[Finding]:
    with answering(records, failing) as server:
        return check_deliverability(
            SenderSettings(load_sender_profile(NEWSLETTER, mail), mail, environ), create_resolver(server, 2)
        )


def states(found: list[Finding]) -> dict[str, list[str]]:
    by_subject: dict[str, list[str]] = {}
    for finding in found:
        by_subject.setdefault(finding.subject, []).append(finding.state)
    return by_subject


def test_a_domain_in_order_is_found_to_be_so_by_its_parents_policy_too() -> None:
    good = ["good"]
    assert states(looked(GOOD)) == dict.fromkeys(("From", "SPF", "DKIM", "DMARC", "Unsubscribe"), good) | {
        "Server": ["note"]
    }
    assert any(finding.text == f"{HOST}: v=spf1 include:relay.example ~all" for finding in looked(GOOD))


def test_a_domain_without_records_is_told_each_cure() -> None:
    found = looked({})
    bad = [finding for finding in found if finding.state == "bad"]
    assert [finding.subject for finding in bad] == ["From", "SPF", "DKIM", "DMARC"]
    assert all(finding.fix for finding in bad)


@pytest.mark.parametrize(
    ("changes", "mail", "about", "expected"),
    [
        ({(HOST, "MX"): [], (HOST, "AAAA"): ["::1"]}, SIGNED, "From", ["good"]),
        ({(HOST, "TXT"): ['"v=spf1 +all"']}, SIGNED, "SPF", ["warning"]),
        ({(HOST, "TXT"): ['"v=spf1 all"']}, SIGNED, "SPF", ["warning"]),
        ({(HOST, "TXT"): ['"v=spf1 -all"', '"v=spf1 ~all"']}, SIGNED, "SPF", ["bad"]),
        ({(HOST, "TXT"): ['"v=spf10 -all"']}, SIGNED, "SPF", ["bad"]),
        ({}, SIGNED.model_copy(update={"bounce_domain": "b.other.net"}), "SPF", ["bad"]),
        ({(KEY, "TXT"): ['"v=DKIM1; p="']}, SIGNED, "DKIM", ["bad"]),
        ({(KEY, "TXT"): []}, SIGNED, "DKIM", ["bad"]),
        ({}, SIGNED.model_copy(update={"dkim_domain": "other.net"}), "DKIM", ["bad"]),
        ({}, MailConfig(), "DKIM", ["note"]),
        ({(POLICY, "TXT"): ['"v=DMARC1; rua=mailto:a@b.org"']}, SIGNED, "DMARC", ["bad"]),
        ({(POLICY, "TXT"): ['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"']}, SIGNED, "DMARC", ["bad"]),
        ({(f"_dmarc.{HOST}", "TXT"): ['"v=DMARC1;p=reject"']}, SIGNED, "DMARC", ["good"]),
        ({}, MailConfig(), "Unsubscribe", ["warning"]),
        ({}, MailConfig(unsubscribe_url="http://127.0.0.1:8125"), "Unsubscribe", ["warning"]),
    ],
)
def test_each_weakness_is_found(
    changes: dict[tuple[str, str], list[str]], mail: MailConfig, about: str, expected: list[str]
) -> None:
    assert states(looked(GOOD | changes, mail))[about] == expected


def test_a_published_key_is_held_against_the_one_that_signs(tmp_path: Path) -> None:
    keys = [rsa.generate_private_key(65537, 1024) for _ in range(2)]
    ours, others = (
        base64.b64encode(
            key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        ).decode()
        for key in keys
    )
    pem = keys[0].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(pem)
    told = {
        name: states(looked(GOOD | {(KEY, "TXT"): [f'"v=DKIM1; p={key}"']}, K=str(tmp_path / "key.pem")))["DKIM"]
        for name, key in (("ours", ours), ("others", others), ("broken", "%%%"))
    }
    assert told == {"ours": ["good"], "others": ["bad"], "broken": ["bad"]}


def test_a_lookup_that_fails_is_said_to_be_one_and_the_others_are_made() -> None:
    found = states(looked(GOOD, failing="_domainkey.news.example.org"))
    assert found["DKIM"] == ["warning"]
    assert found["SPF"] == ["good"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        found = states(
            check_deliverability(
                SenderSettings(load_sender_profile(NEWSLETTER, SIGNED), SIGNED),
                create_resolver(silent.getsockname(), 0.1),
            )
        )
    assert {found[name][0] for name in ("From", "SPF", "DKIM", "DMARC")} == {"warning"}


def test_without_the_library_it_says_what_was_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dns.resolver", None)
    first = check_deliverability(SenderSettings(load_sender_profile(NEWSLETTER, SIGNED), SIGNED), create_resolver())[0]
    assert (first.subject, first.state) == ("DNS", "warning")
    assert "pip install" in first.fix


def test_a_server_is_greeted_and_nothing_is_sent(tmp_path: Path) -> None:
    faulty, context = Faulty(), server_context(tmp_path)
    seen = {}
    with serving(faulty) as plain, serving(faulty, tls_context=context) as good:
        cases = {
            "plain": (plain, None), "not offered": (plain.model_copy(update={"security": "starttls"}), None),
            "good": (good.model_copy(update={"security": "starttls"}), trusting(tmp_path)),
            "unknown": (good.model_copy(update={"security": "starttls"}), None),
            "gone": (MailConfig(transport="smtp", sender="a@b.org", host="127.0.0.1", port=9), None),
        }  # fmt: skip
        for name, (mail, tls) in cases.items():
            head = load_sender_profile(NEWSLETTER, mail)
            sender = SenderSettings(head, mail, tls=tls) if tls else SenderSettings(head, mail)
            seen[name] = states(check_deliverability(sender, lambda name, kind: []))["Server"]
    assert seen == {
        "plain": ["warning"], "not offered": ["bad"], "good": ["good"], "unknown": ["bad"], "gone": ["bad"],
    }  # fmt: skip
    assert faulty.messages == []
