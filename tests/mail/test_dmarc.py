"""Which domain a domain belongs to, and what counts as aligned with it: the cases of RFC 9989."""

from __future__ import annotations

import pytest

from digest.mail.deliverability import DnsLookup, find_dmarc_policies, is_aligned


def lookup_in(records: dict[str, str], asked: list[str] | None = None) -> DnsLookup:
    def lookup(name: str, kind: str) -> list[str]:
        if asked is not None:
            asked.append(name)
        assert kind == "TXT"
        return [f"v=DMARC1; {text}" for text in records.get(name, "").split(" | ") if text]

    return lookup


@pytest.mark.parametrize(
    ("domain", "records", "owner", "holds"),
    [
        ("example.org", {"_dmarc.example.org": "p=none"}, "example.org", "example.org"),
        ("a.b.example.org", {"_dmarc.example.org": "p=none"}, "example.org", "example.org"),
        ("news.x.co.uk", {"_dmarc.x.co.uk": "p=none"}, "x.co.uk", "x.co.uk"),
        ("news.x.co.uk", {}, "news.x.co.uk", ""),
        ("news.x.co.uk", {"_dmarc.co.uk": "p=none; psd=y"}, "x.co.uk", ""),
        ("a.x.gov", {"_dmarc.gov": "p=reject; psd=y", "_dmarc.a.x.gov": "p=none"}, "x.gov", "a.x.gov"),
        (
            "a.b.example.org", {"_dmarc.b.example.org": "p=none; psd=n", "_dmarc.example.org": "p=none"},
            "b.example.org", "b.example.org",
        ),
        ("a.example.org", {"_dmarc.a.example.org": "p=none | p=reject"}, "a.example.org", "a.example.org"),
    ],
)  # fmt: skip
def test_a_domain_belongs_to_the_highest_name_with_a_policy(
    domain: str, records: dict[str, str], owner: str, holds: str
) -> None:
    found = find_dmarc_policies(domain, lookup_in(records))
    assert (found.organisational_domain, found.policy_domain) == (owner, holds)


@pytest.mark.parametrize(
    ("domain", "author", "records", "expected"),
    [
        ("bounce.x.co.uk", "news.x.co.uk", {"_dmarc.x.co.uk": "p=none"}, True),
        ("other.co.uk", "x.co.uk", {"_dmarc.x.co.uk": "p=none"}, False),
        ("other.co.uk", "x.co.uk", {"_dmarc.x.co.uk": "p=none", "_dmarc.other.co.uk": "p=none"}, False),
        ("bounce.x.org", "x.org", {"_dmarc.x.org": "p=none; aspf=s"}, False),
        ("x.org", "x.org", {"_dmarc.x.org": "p=none; aspf=s"}, True),
        ("x.org", "x.org", {}, True),
    ],
)
def test_alignment_is_by_the_domain_both_belong_to_or_strict_where_that_is_asked(
    domain: str, author: str, records: dict[str, str], expected: bool
) -> None:
    lookup = lookup_in(records)
    assert is_aligned(domain, find_dmarc_policies(author, lookup), lookup, "aspf") is expected


def test_of_a_very_long_name_no_more_than_eight_are_asked() -> None:
    asked = list[str]()
    find_dmarc_policies("a.b.c.d.e.f.g.h.i.j.example.org", lookup_in({}, asked))
    assert len(asked) == 8
    assert asked[1] == "_dmarc.f.g.h.i.j.example.org"
    assert asked[-1] == "_dmarc.org"
