"""What the doctor says of DNS records and of a server, from recorded answers and a server on loopback."""

from __future__ import annotations

import pytest

from digest.config import Mail, Newsletter
from digest.mail.checkup import checkup
from digest.mail.letterhead import letterhead
from tests.mail.server import Faulty, serving

NEWSLETTER = Newsletter(title="T", email="ana@news.example.org")
GOOD = {
    ("news.example.org", "MX"): ["10 mx.example.org."],
    ("news.example.org", "TXT"): ["v=spf1 include:relay.example ~all", "something else"],
    ("s._domainkey.news.example.org", "TXT"): ["v=DKIM1; k=rsa; p=MIGf"],
    ("_dmarc.example.org", "TXT"): ["v=DMARC1; p=none"],
}
SIGNED = Mail(dkim_selector="s", dkim_domain="news.example.org", dkim_key_file_env="K", unsubscribe_url="https://u.org")


def seen(records: dict[tuple[str, str], list[str]], mail: Mail = SIGNED) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for finding in checkup(letterhead(NEWSLETTER, mail), mail, lambda name, kind: records.get((name, kind), [])):
        found.setdefault(finding.about, []).append(finding.state)
    return found


def test_a_domain_in_order_is_found_to_be_so_by_its_parents_policy_too() -> None:
    good = ["good"]
    assert seen(GOOD) == dict.fromkeys(("From", "SPF", "DKIM", "DMARC", "Unsubscribe"), good) | {"Server": ["weak"]}


def test_a_domain_without_records_is_told_each_cure() -> None:
    assert seen({}) == {
        "From": ["bad"], "SPF": ["bad"], "DKIM": ["bad"], "DMARC": ["bad"], "Unsubscribe": ["good"], "Server": ["weak"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "mail", "about", "states"),
    [
        ({("news.example.org", "TXT"): ["v=spf1 +all"]}, SIGNED, "SPF", ["weak"]),
        ({("news.example.org", "TXT"): ["v=spf1 -all", "v=spf1 ~all"]}, SIGNED, "SPF", ["bad"]),
        ({("s._domainkey.news.example.org", "TXT"): ["v=DKIM1; p="]}, SIGNED, "DKIM", ["bad"]),
        ({}, SIGNED.model_copy(update={"dkim_domain": "other.net"}), "DKIM", ["bad", "bad"]),
        ({}, SIGNED.model_copy(update={"bounce_domain": "b.other.net"}), "SPF", ["bad", "weak"]),
        ({}, Mail(), "DKIM", ["unknown"]),
        ({}, Mail(), "Unsubscribe", ["weak"]),
    ],
)
def test_each_weakness_is_found(
    changes: dict[tuple[str, str], list[str]], mail: Mail, about: str, states: list[str]
) -> None:
    assert seen(GOOD | changes, mail)[about] == states


def test_a_silent_dns_and_a_missing_library_are_unknown_rather_than_bad() -> None:
    def silent(name: str, kind: str) -> list[str]:
        raise LookupError("timeout")

    head = letterhead(NEWSLETTER, SIGNED)
    assert {f.state for f in checkup(head, SIGNED, silent)[:4]} == {"unknown"}
    assert checkup(head, SIGNED, None)[0].seen == "dnspython is not installed"


def test_a_server_is_greeted_and_nothing_is_sent() -> None:
    faulty = Faulty()
    with serving(faulty) as mail:
        states = seen(GOOD, mail)["Server"] + seen(GOOD, mail.model_copy(update={"security": "starttls"}))["Server"]
    assert states == ["weak", "bad"]
    assert faulty.messages == []
