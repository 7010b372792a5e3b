"""What DMARC goes by, read from DNS: a domain's policy, and the domain it belongs to (RFC 9989's walk up the names)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

Lookup = Callable[[str, str], list[str]]  # (name, record type) -> values; empty when there are none

_MOST = 8  # names asked at most, section 4.10


@dataclass(frozen=True, slots=True)
class Policies:
    """The records found above a domain, the domain's own first; `owner` is its organisational domain."""

    domain: str
    records: dict[str, list[str]]

    @property
    def owner(self) -> str:
        """Section 4.10.2. Without any record a domain belongs to itself."""
        single = {name: tags(texts[0]) for name, texts in self.records.items() if len(texts) == 1}
        for name, record in single.items():
            if record.get("psd") == "n":
                return name
            if record.get("psd") == "y" and name != self.domain:
                return ".".join(self.domain.split(".")[-name.count(".") - 2 :])
        return min(single, key=lambda name: name.count("."), default=self.domain)

    @property
    def holds(self) -> str:
        """The domain whose record is in force: its own, else its organisation's; empty where neither has one."""
        return next((name for name in (self.domain, self.owner) if self.records.get(name)), "")


def policies(domain: str, lookup: Lookup) -> Policies:
    """Ask for the records of a domain and of every name above it, up to one that says it is where the walk ends."""
    found: dict[str, list[str]] = {}
    for name in _names(domain):
        texts = [text for text in lookup(f"_dmarc.{name}", "TXT") if tags(text).get("v", "").lower() == "dmarc1"]
        if texts:
            found[name] = texts
        if len(texts) == 1 and tags(texts[0]).get("psd") in ("y", "n"):
            break
    return Policies(domain, found)


def _names(domain: str) -> Iterator[str]:
    """The domain, then what is above it; of a very long one the last seven labels follow at once."""
    labels = domain.split(".")
    yield domain
    for start in range(max(1, len(labels) - _MOST + 1), len(labels)):
        yield ".".join(labels[start:])


def aligned(domain: str, author: Policies, lookup: Lookup, tag: str) -> bool:
    """Whether a signature or an envelope of `domain` counts for the author; `tag` (adkim, aspf) may make it strict."""
    record = author.records.get(author.holds, [""])[0]
    if domain == author.domain or tags(record).get(tag) == "s":
        return domain == author.domain
    return policies(domain, lookup).owner == author.owner


def tags(record: str) -> dict[str, str]:
    """v=DKIM1; p=… as a dictionary, its names in lower case."""
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): "".join(value.split()) for name, _, value in pairs}
