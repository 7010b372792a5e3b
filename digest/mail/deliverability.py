"""Check whether mail from this workspace will be accepted: SPF, DKIM, DMARC and TLS.

Queries DNS and greets the mail server; sends nothing.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from digest.config.schema import MailConfig
from digest.mail.dkim import is_own_public_key
from digest.mail.message import SenderProfile
from digest.protocols import Finding

# The rules for senders of 5,000 messages a day or more (Google's and Yahoo's sender guidelines).
BULK_SENDER_RULES = (
    "Gmail and Yahoo require of bulk senders: SPF and DKIM, and DMARC (p=none at least) aligned with the From domain; "
    "TLS; a name for the sending address in DNS, forward and back; one-click unsubscribe honoured within two days; "
    "complaints below 0.1 %, never 0.3 %. Test alignment with a message to a public tester, such as mail-tester.com."
)
DnsLookup = Callable[[str, str], list[str]]  # (name, record type) -> values; empty when there are none


@dataclass(frozen=True, slots=True)
class SenderSettings:
    """A sender and its mail settings; `tls` verifies the server's certificate."""

    profile: SenderProfile
    mail: MailConfig
    environ: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)


def create_resolver(server: tuple[str, int] | None = None, seconds: float = 8) -> DnsLookup | None:
    """Create a DNS lookup through dnspython, of the `dkim` extra; None where it is not installed.

    `server` is an address and a port to use instead of the system's own. A failed lookup raises LookupError.
    """
    try:
        import dns.exception
        import dns.resolver
    except ImportError:
        return None
    resolver = dns.resolver.Resolver(configure=server is None)
    if server is not None:
        resolver.nameservers, resolver.port = [server[0]], server[1]

    def lookup(name: str, kind: str) -> list[str]:
        try:
            answer = resolver.resolve(name, kind, lifetime=seconds)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise LookupError(f"{name}: {error}") from error
        if kind != "TXT":
            return [record.to_text() for record in answer]
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]

    return lookup


def check_deliverability(sender: SenderSettings, lookup: DnsLookup | None) -> list[Finding]:
    """Run every check in order; a check that cannot run is a warning with its reason."""
    findings = [_check_unsubscribe(sender.profile), _check_server(sender)]
    if lookup is None:
        hint = "pip install 'digest-newsletter[dkim]'"
        return [Finding("DNS", "warning", "skipped: dnspython is not installed", hint), *findings]
    dns_findings = list[Finding]()
    cached_lookup = cache(lookup)
    for name, check in _DNS_CHECKS.items():
        try:
            state, detail, hint = check(sender, cached_lookup)
        except LookupError as error:
            state, detail, hint = "warning", f"skipped: DNS lookup failed: {error}", "try again later"
        dns_findings.append(Finding(name, state, detail, hint))
    return dns_findings + findings


def _check_from_domain(sender: SenderSettings, lookup: DnsLookup) -> _Verdict:
    domain = sender.profile.domain
    if any(lookup(domain, kind) for kind in ("MX", "A", "AAAA")):
        return "good", f"{domain} can receive mail", ""
    return "bad", f"{domain} cannot receive mail", "use a sender whose domain exists"


def _check_spf(sender: SenderSettings, lookup: DnsLookup) -> _Verdict:
    """Check the domain of the envelope (RFC 7208), which receives the bounces."""
    domain = sender.profile.bounce_domain or sender.profile.domain
    records = [text for text in lookup(domain, "TXT") if text.lower().split(" ")[0] == "v=spf1"]
    if len(records) > 1:
        return "bad", f"{domain} has {len(records)} SPF records, which counts as none", "keep one"
    if not records:
        return "bad", f"{domain} has no SPF record", f'TXT {domain}: "v=spf1 include:<your relay> ~all"'
    if records[0].rstrip().lower().endswith((" all", "+all", "?all")):
        return "warning", f"{domain} lets everyone send: {records[0]}", "end it with ~all or -all"
    return "good", f"{domain}: {records[0]}", ""


def _check_dkim(sender: SenderSettings, lookup: DnsLookup) -> _Verdict:
    mail = sender.mail
    if not mail.dkim_selector:
        hint = "have the relay sign as your domain, or set mail.dkim_selector, dkim_domain, dkim_key_file_env"
        return "note", "not signed here", hint
    name = f"{mail.dkim_selector}._domainkey.{mail.dkim_domain}"
    keys = [key for text in lookup(name, "TXT") if (key := _parse_tags(text).get("p"))]
    if not keys:
        return "bad", f"{name} has no key", "publish the public key of the one that signs"
    if is_own_public_key(keys[0], mail, sender.environ) is False:
        hint = f"publish the public key of the file that {mail.dkim_key_file_env} names"
        return "bad", f"{name} has another key than the one that signs", hint
    return "good", f"{name} has a key", ""


def _check_dmarc(sender: SenderSettings, lookup: DnsLookup) -> _Verdict:
    """Find the policy of the domain, or of the nearest parent that has one."""
    domain = sender.profile.domain
    labels = domain.split(".")
    names = [f"_dmarc.{'.'.join(labels[start:])}" for start in range(max(len(labels) - 1, 1))]
    policies = ((name, [r for r in lookup(name, "TXT") if r.startswith("v=DMARC1")]) for name in names)
    name, records = next(((name, records) for name, records in policies if records), ("", []))
    if not records:
        hint = f'TXT _dmarc.{domain}: "v=DMARC1; p=none; rua=mailto:{sender.profile.address}"'
        return "bad", f"{domain} has no DMARC record", hint
    if len(records) > 1:
        return "bad", f"{name} has {len(records)} records, which counts as none", "keep one"
    if _parse_tags(records[0]).get("p", "").lower() not in ("none", "quarantine", "reject"):
        return "bad", f"{name} has no policy: {records[0]}", "give it p=none at least"
    return "good", f"{name}: {records[0]}", ""


def _parse_tags(record: str) -> dict[str, str]:
    """Parse "v=DMARC1; p=none" into its tags."""
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): "".join(value.split()) for name, _, value in pairs}


def _check_unsubscribe(profile: SenderProfile) -> Finding:
    if profile.endpoint.startswith("https://"):
        return Finding("Unsubscribe", "good", f"one click, through {profile.endpoint}")
    if profile.endpoint:
        return Finding("Unsubscribe", "warning", f"{profile.endpoint} is not https", "put it behind an https proxy")
    hint = "run `digest subscribers serve` behind https and set mail.unsubscribe_url, to offer one click"
    return Finding("Unsubscribe", "warning", f"by a mail to {profile.unsubscribe_address}", hint)


def _check_server(sender: SenderSettings) -> Finding:
    """Connect, negotiate TLS, and disconnect."""
    mail = sender.mail
    if mail.transport != "smtp":
        return Finding(
            "Server", "note", "mail.transport is outbox: nothing leaves this machine", "mail.transport: smtp"
        )
    address = f"{mail.host}:{mail.port}"
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
        return Finding("Server", "bad", f"{address}: {error}", "check mail.host, mail.port and mail.security")
    if mail.security == "none":
        hint = "mail.security: starttls, unless it is local"
        return Finding("Server", "warning", f"{address} answers, without TLS", hint)
    return Finding("Server", "good", f"{address} answers, with {mail.security}")


_Verdict = tuple[Literal["good", "note", "warning", "bad"], str, str]  # state, detail, hint
_DNS_CHECKS: dict[str, Callable[[SenderSettings, DnsLookup], _Verdict]] = {
    "From": _check_from_domain,
    "SPF": _check_spf,
    "DKIM": _check_dkim,
    "DMARC": _check_dmarc,
}
