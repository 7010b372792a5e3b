"""Whether mail from here is likely to be taken: DNS records, alignment, TLS. Looks only; nothing is sent."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from digest.config import Mail
from digest.mail.letterhead import Letterhead

Lookup = Callable[[str, str], list[str]]  # (name, record type) -> values; empty when there are none

# What Gmail and Yahoo ask of whoever sends 5,000 messages a day or more (Google's and Yahoo's sender guidelines).
BULK = (
    "Gmail and Yahoo ask of bulk senders: SPF and DKIM, and DMARC (p=none at least) aligned with the From domain; "
    "TLS; a name for the sending address in DNS, forward and back; one-click unsubscribe honoured within two days; "
    "complaints below 0.1 %, never 0.3 %."
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: how it stands, what was seen, and what mends it."""

    state: Literal["good", "weak", "bad", "unknown"]
    about: str
    seen: str
    cure: str = ""


def resolver() -> Lookup | None:
    """DNS through dnspython, which comes with the `dkim` extra; None where it is not installed."""
    try:
        import dns.exception
        import dns.resolver
    except ImportError:
        return None

    def lookup(name: str, kind: str) -> list[str]:
        try:
            answer = dns.resolver.resolve(name, kind, lifetime=8)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise LookupError(f"{name}: {error}") from error
        if kind != "TXT":
            return [record.to_text() for record in answer]
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]

    return lookup


def checkup(head: Letterhead, mail: Mail, lookup: Lookup | None) -> list[Finding]:
    """Every check in order; one that cannot be made is `unknown` and says why."""
    findings = [*_way_out(head), *_server(mail)]
    if lookup is None:
        cure = "pip install 'digest-newsletter[dkim]'"
        return [Finding("unknown", "DNS", "dnspython is not installed", cure), *findings]
    checks = (_receives, _spf, _dkim, _dmarc)
    return [finding for check in checks for finding in _asked(check, head, mail, lookup)] + findings


Check = Callable[[Letterhead, Mail, Lookup], Iterator[Finding]]


def _asked(check: Check, head: Letterhead, mail: Mail, lookup: Lookup) -> list[Finding]:
    try:
        return list(check(head, mail, lookup))
    except LookupError as error:
        return [Finding("unknown", check.__name__.strip("_").upper(), f"DNS does not answer: {error}")]


def _receives(head: Letterhead, mail: Mail, lookup: Lookup) -> Iterator[Finding]:
    if lookup(head.domain, "MX") or lookup(head.domain, "A"):
        yield Finding("good", "From", f"{head.domain} can receive mail")
    else:
        yield Finding("bad", "From", f"{head.domain} cannot receive mail", "use a sender whose domain exists")


def _spf(head: Letterhead, mail: Mail, lookup: Lookup) -> Iterator[Finding]:
    """RFC 7208 looks at the domain of the envelope, which is where bounces go."""
    domain = head.bounce_domain or head.domain
    records = [text for text in lookup(domain, "TXT") if text.lower().split(" ")[0] == "v=spf1"]
    if len(records) == 1:
        weak = records[0].rstrip().endswith(("+all", "?all"))
        state: Literal["good", "weak"] = "weak" if weak else "good"
        yield Finding(state, "SPF", f"{domain}: {records[0]}", "end it with ~all or -all" if weak else "")
    elif records:
        yield Finding("bad", "SPF", f"{domain} has {len(records)} SPF records, which counts as none", "keep one")
    else:
        cure = f'TXT {domain}: "v=spf1 include:<your relay> ~all"'
        yield Finding("bad", "SPF", f"{domain} has no SPF record", cure)
    if not _aligned(domain, head.domain):
        yield Finding("weak", "SPF", f"{domain} is not below {head.domain}: DMARC must pass by DKIM", "sign with DKIM")


def _dkim(head: Letterhead, mail: Mail, lookup: Lookup) -> Iterator[Finding]:
    if not mail.dkim_selector:
        cure = "see that the relay signs as your domain, or set mail.dkim_selector, dkim_domain, dkim_key_file_env"
        yield Finding("unknown", "DKIM", "not signed here", cure)
        return
    name = f"{mail.dkim_selector}._domainkey.{mail.dkim_domain}"
    keys = [text for text in lookup(name, "TXT") if "p=" in text.replace(" ", "")]
    if keys and not keys[0].replace(" ", "").rstrip(";").endswith("p="):
        yield Finding("good", "DKIM", f"{name} holds a key")
    else:
        yield Finding("bad", "DKIM", f"{name} holds no key", "publish the public key of the one that signs")
    if not _aligned(mail.dkim_domain, head.domain):
        cure = f"sign as {head.domain}"
        yield Finding("bad", "DKIM", f"{mail.dkim_domain} is not aligned with the sender's {head.domain}", cure)


def _dmarc(head: Letterhead, mail: Mail, lookup: Lookup) -> Iterator[Finding]:
    """RFC 7489 section 6.6.3: the domain itself, else what it belongs to."""
    labels = head.domain.split(".")
    for start in range(max(1, len(labels) - 1)):
        name = "_dmarc." + ".".join(labels[start:])
        records = [text for text in lookup(name, "TXT") if text.lower().replace(" ", "").startswith("v=dmarc1")]
        if records:
            yield Finding("good", "DMARC", f"{name}: {records[0]}")
            return
    cure = f'TXT _dmarc.{head.domain}: "v=DMARC1; p=none; rua=mailto:{head.address}"'
    yield Finding("bad", "DMARC", f"{head.domain} has no DMARC record", cure)


def _way_out(head: Letterhead) -> Iterator[Finding]:
    if head.endpoint.startswith("https://"):
        yield Finding("good", "Unsubscribe", f"one click, through {head.endpoint}")
    elif head.endpoint:
        yield Finding("weak", "Unsubscribe", f"{head.endpoint} is not https", "put it behind an https proxy")
    else:
        cure = "run `digest listen` behind https and set mail.unsubscribe_url, to offer one click"
        yield Finding("weak", "Unsubscribe", f"by a mail to {head.leave_by}", cure)


def _server(mail: Mail) -> Iterator[Finding]:
    """Say hello, ask for TLS, say goodbye."""
    if mail.transport != "smtp":
        yield Finding("weak", "Server", "mail.transport is outbox: nothing leaves this machine", "mail.transport: smtp")
        return
    place, context = f"{mail.host}:{mail.port}", ssl.create_default_context()
    try:
        if mail.security == "tls":
            with smtplib.SMTP_SSL(mail.host, mail.port, timeout=15, context=context) as server:
                server.ehlo()
        else:
            with smtplib.SMTP(mail.host, mail.port, timeout=15) as server:
                server.ehlo()
                if mail.security == "starttls":
                    server.starttls(context=context)
    except (smtplib.SMTPException, OSError) as error:
        yield Finding("bad", "Server", f"{place}: {error}", "look at mail.host, mail.port and mail.security")
        return
    if mail.security == "none":
        yield Finding("weak", "Server", f"{place} answers, without TLS", "mail.security: starttls, unless it is local")
    else:
        yield Finding("good", "Server", f"{place} answers, with {mail.security}")


def _aligned(one: str, other: str) -> bool:
    """Relaxed alignment, without the list of public suffixes: the same domain, or one below the other."""
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")
