"""SPF, DKIM, DMARC, TLS check.

Whether mail from here is likely to be taken: DNS records, alignment, TLS. Looks only; nothing is sent.

What DMARC goes by, read from DNS: a domain's policy, and the domain it belongs to (RFC 9989's walk up the names).
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from digest.config.schema import MailConfig
from digest.mail.dkim import is_own_public_key
from digest.mail.message import SenderProfile
from digest.protocols import Finding

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


# What Gmail and Yahoo ask of whoever sends 5,000 messages a day or more (Google's and Yahoo's sender guidelines).
BULK_SENDER_RULES = (
    "Gmail and Yahoo ask of bulk senders: SPF and DKIM, and DMARC (p=none at least) aligned with the From domain; "
    "TLS; a name for the sending address in DNS, forward and back; one-click unsubscribe honoured within two days; "
    "complaints below 0.1 %, never 0.3 %."
)


@dataclass(frozen=True, slots=True)
class SenderSettings:
    """Who sends, by which settings; `tls` is what a server's certificate is checked by."""

    profile: SenderProfile
    mail: MailConfig
    environ: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)


def create_resolver(server: tuple[str, int] | None = None, seconds: float = 8) -> DnsLookup | None:
    """DNS through dnspython, which comes with the `dkim` extra; None where it is not installed.

    `server` is an address and a port to ask instead of the system's own. A lookup that fails raises LookupError.
    """
    try:
        import dns.exception
        import dns.resolver
    except ImportError:
        return None
    asked = dns.resolver.Resolver(configure=server is None)
    if server is not None:
        asked.nameservers, asked.port = [server[0]], server[1]

    def lookup(name: str, kind: str) -> list[str]:
        try:
            answer = asked.resolve(name, kind, lifetime=seconds)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise LookupError(f"{name}: {error}") from error
        if kind != "TXT":
            return [record.to_text() for record in answer]
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]

    return lookup


def check_deliverability(sender: SenderSettings, lookup: DnsLookup | None) -> list[Finding]:
    """Every check in order; one that cannot be made is a warning and says why."""
    findings = [*_check_unsubscribe(sender.profile), *_check_server(sender)]
    if lookup is None:
        cure = "pip install 'digest-newsletter[dkim]'"
        return [Finding("DNS", "warning", "not looked at: dnspython is not installed", cure), *findings]
    once = cache(lookup)
    return [
        finding for name, check in _DNS_CHECKS.items() for finding in _run_dns_check(name, check, sender, once)
    ] + findings


DnsCheck = Callable[[SenderSettings, DnsLookup], Iterator[Finding]]


def _run_dns_check(name: str, check: DnsCheck, sender: SenderSettings, lookup: DnsLookup) -> list[Finding]:
    try:
        return list(check(sender, lookup))
    except LookupError as error:
        return [Finding(name, "warning", f"not looked at: DNS does not answer: {error}", "say it again later")]


def _check_from_domain(sender: SenderSettings, lookup: DnsLookup) -> Iterator[Finding]:
    domain = sender.profile.domain
    if any(lookup(domain, kind) for kind in ("MX", "A", "AAAA")):
        yield Finding("From", "good", f"{domain} can receive mail")
    else:
        yield Finding("From", "bad", f"{domain} cannot receive mail", "use a sender whose domain exists")


def _check_spf(sender: SenderSettings, lookup: DnsLookup) -> Iterator[Finding]:
    """RFC 7208 looks at the domain of the envelope, which is where bounces go."""
    head = sender.profile
    domain = head.bounce_domain or head.domain
    records = [text for text in lookup(domain, "TXT") if text.lower().split(" ")[0] == "v=spf1"]
    if len(records) > 1:
        yield Finding("SPF", "bad", f"{domain} has {len(records)} SPF records, which counts as none", "keep one")
    elif not records:
        cure = f'TXT {domain}: "v=spf1 include:<your relay> ~all"'
        yield Finding("SPF", "bad", f"{domain} has no SPF record", cure)
    elif records[0].rstrip().lower().endswith((" all", "+all", "?all")):
        yield Finding("SPF", "warning", f"{domain} lets everyone send: {records[0]}", "end it with ~all or -all")
    else:
        yield Finding("SPF", "good", f"{domain}: {records[0]}")
    if not is_aligned(domain, find_dmarc_policies(head.domain, lookup), lookup, "aspf"):
        words = f"{domain} is not aligned with {head.domain}: DMARC must pass by DKIM"
        yield Finding("SPF", "warning", words, "sign with DKIM")


def _check_dkim(sender: SenderSettings, lookup: DnsLookup) -> Iterator[Finding]:
    mail, domain = sender.mail, sender.profile.domain
    if not mail.dkim_selector:
        cure = "see that the relay signs as your domain, or set mail.dkim_selector, dkim_domain, dkim_key_file_env"
        yield Finding("DKIM", "note", "not signed here", cure)
        return
    name = f"{mail.dkim_selector}._domainkey.{mail.dkim_domain}"
    keys = [key for text in lookup(name, "TXT") if (key := parse_tags(text).get("p"))]
    if not keys:
        yield Finding("DKIM", "bad", f"{name} holds no key", "publish the public key of the one that signs")
    elif is_own_public_key(keys[0], mail, sender.environ) is False:
        cure = f"publish the public key of the file that {mail.dkim_key_file_env} names"
        yield Finding("DKIM", "bad", f"{name} holds another key than the one that signs", cure)
    else:
        yield Finding("DKIM", "good", f"{name} holds a key")
    if not is_aligned(mail.dkim_domain, find_dmarc_policies(domain, lookup), lookup, "adkim"):
        words = f"{mail.dkim_domain} is not aligned with the sender's {domain}"
        yield Finding("DKIM", "bad", words, f"sign as {domain}")


def _check_dmarc(sender: SenderSettings, lookup: DnsLookup) -> Iterator[Finding]:
    domain = sender.profile.domain
    found = find_dmarc_policies(domain, lookup)
    records = found.records.get(found.policy_domain, [])
    name = f"_dmarc.{found.policy_domain}"
    if not records:
        cure = f'TXT _dmarc.{domain}: "v=DMARC1; p=none; rua=mailto:{sender.profile.address}"'
        yield Finding("DMARC", "bad", f"{domain} has no DMARC record", cure)
    elif len(records) > 1:
        yield Finding("DMARC", "bad", f"{name} has {len(records)} records, which counts as none", "keep one")
    elif parse_tags(records[0]).get("p", "").lower() not in ("none", "quarantine", "reject"):
        yield Finding("DMARC", "bad", f"{name} has no policy: {records[0]}", "give it p=none at least")
    else:
        words = f"{name}: {records[0]}; aligned is what belongs to {found.organisational_domain} (judged by RFC 9989)"
        yield Finding("DMARC", "good", words)


_DNS_CHECKS: dict[str, DnsCheck] = {
    "From": _check_from_domain,
    "SPF": _check_spf,
    "DKIM": _check_dkim,
    "DMARC": _check_dmarc,
}


def _check_unsubscribe(profile: SenderProfile) -> Iterator[Finding]:
    if profile.endpoint.startswith("https://"):
        yield Finding("Unsubscribe", "good", f"one click, through {profile.endpoint}")
    elif profile.endpoint:
        yield Finding("Unsubscribe", "warning", f"{profile.endpoint} is not https", "put it behind an https proxy")
    else:
        cure = "run `digest listen` behind https and set mail.unsubscribe_url, to offer one click"
        yield Finding("Unsubscribe", "warning", f"by a mail to {profile.unsubscribe_address}", cure)


def _check_server(sender: SenderSettings) -> Iterator[Finding]:
    """Say hello, ask for TLS, say goodbye."""
    mail = sender.mail
    if mail.transport != "smtp":
        yield Finding("Server", "note", "mail.transport is outbox: nothing leaves this machine", "mail.transport: smtp")
        return
    place = f"{mail.host}:{mail.port}"
    try:
        if mail.security == "tls":
            with smtplib.SMTP_SSL(mail.host, mail.port, timeout=15, context=sender.tls) as server:
                server.ehlo()
        else:
            with smtplib.SMTP(mail.host, mail.port, timeout=15) as server:
                server.ehlo()
                if mail.security == "starttls":
                    server.starttls(context=sender.tls)
    except (smtplib.SMTPException, OSError) as error:
        yield Finding("Server", "bad", f"{place}: {error}", "look at mail.host, mail.port and mail.security")
        return
    if mail.security == "none":
        yield Finding(
            "Server", "warning", f"{place} answers, without TLS", "mail.security: starttls, unless it is local"
        )
    else:
        yield Finding("Server", "good", f"{place} answers, with {mail.security}")
