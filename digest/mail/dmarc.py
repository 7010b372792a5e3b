"""What DMARC goes by, read from DNS: a domain's policy, and the domain it belongs to (RFC 9989's walk up the names)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

DnsLookup = Callable[[str, str], list[str]]  # (name, record type) -> values; empty when there are none

_MAX_LOOKUPS = 8  # names asked at most, section 4.10


@dataclass(frozen=True, slots=True)
class DmarcPolicies:
    """The records found above a domain, the domain's own first; `owner` is its organisational domain."""

    domain: str
    records: dict[str, list[str]]

    @property
    def organisational_domain(self) -> str:
        """Section 4.10.2. Without any record a domain belongs to itself."""
        single = {name: parse_tags(texts[0]) for name, texts in self.records.items() if len(texts) == 1}
        for name, record in single.items():
            if record.get("psd") == "n":
                return name
            if record.get("psd") == "y" and name != self.domain:
                return ".".join(self.domain.split(".")[-name.count(".") - 2 :])
        return min(single, key=lambda name: name.count("."), default=self.domain)

    @property
    def policy_domain(self) -> str:
        """The domain whose record is in force: its own, else its organisation's; empty where neither has one."""
        return next((name for name in (self.domain, self.organisational_domain) if self.records.get(name)), "")


def find_dmarc_policies(domain: str, lookup: DnsLookup) -> DmarcPolicies:
    """Ask for the records of a domain and of every name above it, up to one that says it is where the walk ends."""
    found: dict[str, list[str]] = {}
    for name in _list_parent_domains(domain):
        texts = [text for text in lookup(f"_dmarc.{name}", "TXT") if parse_tags(text).get("v", "").lower() == "dmarc1"]
        if texts:
            found[name] = texts
        if len(texts) == 1 and parse_tags(texts[0]).get("psd") in ("y", "n"):
            break
    return DmarcPolicies(domain, found)


def _list_parent_domains(domain: str) -> Iterator[str]:
    """The domain, then what is above it; of a very long one the last seven labels follow at once."""
    labels = domain.split(".")
    yield domain
    for start in range(max(1, len(labels) - _MAX_LOOKUPS + 1), len(labels)):
        yield ".".join(labels[start:])


def is_aligned(domain: str, author: DmarcPolicies, lookup: DnsLookup, tag: str) -> bool:
    """Whether a signature or an envelope of `domain` counts for the author; `tag` (adkim, aspf) may make it strict."""
    record = author.records.get(author.policy_domain, [""])[0]
    if domain == author.domain or parse_tags(record).get(tag) == "s":
        return domain == author.domain
    return find_dmarc_policies(domain, lookup).organisational_domain == author.organisational_domain


def parse_tags(record: str) -> dict[str, str]:
    """v=DKIM1; p=… as a dictionary, its names in lower case."""
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): "".join(value.split()) for name, _, value in pairs}
