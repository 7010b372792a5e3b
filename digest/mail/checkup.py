"""Whether mail from here is likely to be taken: DNS records, alignment, TLS. Looks only; nothing is sent."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from digest.config import Mail
from digest.mail.dmarc import Lookup, aligned, policies, tags
from digest.mail.letterhead import Letterhead
from digest.mail.signing import belongs
from digest.ports import Finding

# What Gmail and Yahoo ask of whoever sends 5,000 messages a day or more (Google's and Yahoo's sender guidelines).
BULK = (
    "Gmail and Yahoo ask of bulk senders: SPF and DKIM, and DMARC (p=none at least) aligned with the From domain; "
    "TLS; a name for the sending address in DNS, forward and back; one-click unsubscribe honoured within two days; "
    "complaints below 0.1 %, never 0.3 %."
)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, by which settings; `tls` is what a server's certificate is checked by."""

    head: Letterhead
    mail: Mail
    environ: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)


def resolver(server: tuple[str, int] | None = None, seconds: float = 8) -> Lookup | None:
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


def checkup(sender: Sender, lookup: Lookup | None) -> list[Finding]:
    """Every check in order; one that cannot be made is a warning and says why."""
    findings = [*_way_out(sender.head), *_server(sender)]
    if lookup is None:
        cure = "pip install 'digest-newsletter[dkim]'"
        return [Finding("DNS", "warning", "not looked at: dnspython is not installed", cure), *findings]
    once = cache(lookup)
    return [finding for name, check in _CHECKS.items() for finding in _asked(name, check, sender, once)] + findings


Check = Callable[[Sender, Lookup], Iterator[Finding]]


def _asked(name: str, check: Check, sender: Sender, lookup: Lookup) -> list[Finding]:
    try:
        return list(check(sender, lookup))
    except LookupError as error:
        return [Finding(name, "warning", f"not looked at: DNS does not answer: {error}", "say it again later")]


def _receives(sender: Sender, lookup: Lookup) -> Iterator[Finding]:
    domain = sender.head.domain
    if any(lookup(domain, kind) for kind in ("MX", "A", "AAAA")):
        yield Finding("From", "good", f"{domain} can receive mail")
    else:
        yield Finding("From", "bad", f"{domain} cannot receive mail", "use a sender whose domain exists")


def _spf(sender: Sender, lookup: Lookup) -> Iterator[Finding]:
    """RFC 7208 looks at the domain of the envelope, which is where bounces go."""
    head = sender.head
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
    if not aligned(domain, policies(head.domain, lookup), lookup, "aspf"):
        words = f"{domain} is not aligned with {head.domain}: DMARC must pass by DKIM"
        yield Finding("SPF", "warning", words, "sign with DKIM")


def _dkim(sender: Sender, lookup: Lookup) -> Iterator[Finding]:
    mail, domain = sender.mail, sender.head.domain
    if not mail.dkim_selector:
        cure = "see that the relay signs as your domain, or set mail.dkim_selector, dkim_domain, dkim_key_file_env"
        yield Finding("DKIM", "note", "not signed here", cure)
        return
    name = f"{mail.dkim_selector}._domainkey.{mail.dkim_domain}"
    keys = [key for text in lookup(name, "TXT") if (key := tags(text).get("p"))]
    if not keys:
        yield Finding("DKIM", "bad", f"{name} holds no key", "publish the public key of the one that signs")
    elif belongs(keys[0], mail, sender.environ) is False:
        cure = f"publish the public key of the file that {mail.dkim_key_file_env} names"
        yield Finding("DKIM", "bad", f"{name} holds another key than the one that signs", cure)
    else:
        yield Finding("DKIM", "good", f"{name} holds a key")
    if not aligned(mail.dkim_domain, policies(domain, lookup), lookup, "adkim"):
        words = f"{mail.dkim_domain} is not aligned with the sender's {domain}"
        yield Finding("DKIM", "bad", words, f"sign as {domain}")


def _dmarc(sender: Sender, lookup: Lookup) -> Iterator[Finding]:
    domain = sender.head.domain
    found = policies(domain, lookup)
    records = found.records.get(found.holds, [])
    name = f"_dmarc.{found.holds}"
    if not records:
        cure = f'TXT _dmarc.{domain}: "v=DMARC1; p=none; rua=mailto:{sender.head.address}"'
        yield Finding("DMARC", "bad", f"{domain} has no DMARC record", cure)
    elif len(records) > 1:
        yield Finding("DMARC", "bad", f"{name} has {len(records)} records, which counts as none", "keep one")
    elif tags(records[0]).get("p", "").lower() not in ("none", "quarantine", "reject"):
        yield Finding("DMARC", "bad", f"{name} has no policy: {records[0]}", "give it p=none at least")
    else:
        words = f"{name}: {records[0]}; aligned is what belongs to {found.owner} (judged by RFC 9989)"
        yield Finding("DMARC", "good", words)


_CHECKS: dict[str, Check] = {"From": _receives, "SPF": _spf, "DKIM": _dkim, "DMARC": _dmarc}


def _way_out(head: Letterhead) -> Iterator[Finding]:
    if head.endpoint.startswith("https://"):
        yield Finding("Unsubscribe", "good", f"one click, through {head.endpoint}")
    elif head.endpoint:
        yield Finding("Unsubscribe", "warning", f"{head.endpoint} is not https", "put it behind an https proxy")
    else:
        cure = "run `digest listen` behind https and set mail.unsubscribe_url, to offer one click"
        yield Finding("Unsubscribe", "warning", f"by a mail to {head.leave_by}", cure)


def _server(sender: Sender) -> Iterator[Finding]:
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
