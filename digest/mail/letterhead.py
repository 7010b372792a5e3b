"""What all messages of a newsletter have in common: who sends, how one leaves, where bounces go."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parseaddr
from urllib.parse import quote

from digest.config import MailConfig, Newsletter
from digest.errors import ConfigError
from digest.mail.addresses import normalise_address
from digest.text import normalise_line, slugify

_PLACEHOLDER_ADDRESS = "digest@localhost"  # the outbox takes mail of a newsletter that has no address yet


@dataclass(frozen=True, slots=True)
class SenderProfile:
    """`endpoint` is the https (or loopback) base of a `digest listen`; empty means that leaving is by mail only."""

    name: str
    address: str
    reply_to: str
    list_id: str
    unsubscribe_address: str  # the address a reader writes to
    endpoint: str
    bounce_domain: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]

    def unsubscribe_url(self, token: str) -> str:
        """Where a reader leaves: the endpoint's page, else a mail that needs only to be sent."""
        return f"{self.endpoint}/u/{token}" if self.endpoint else self.unsubscribe_mailto_url(token)

    def unsubscribe_mailto_url(self, token: str) -> str:
        return f"mailto:{quote(self.unsubscribe_address, safe='@+')}?subject=unsubscribe%20{quote(token)}"

    def confirmation_url(self, token: str) -> str:
        """Where a reader says yes."""
        return f"{self.endpoint}/c/{token}"

    def envelope_sender(self, message_id: str) -> str:
        """The address bounces go to: one for each message where a domain is set aside for them (VERP)."""
        if not self.bounce_domain:
            return self.address
        return f"bounce+{message_id.strip('<>').partition('@')[0]}@{self.bounce_domain}"


def load_sender_profile(newsletter: Newsletter, mail: MailConfig) -> SenderProfile:
    """Read from sources.yaml; raises ConfigError for addresses that cannot be, and for SMTP without a sender."""
    name, address = parseaddr(mail.sender) if mail.sender else (newsletter.title, newsletter.email)
    if not address and mail.transport != "outbox":
        raise ConfigError("mail.sender: nobody is named", 'set mail.sender: "Name <me@my.org>" in sources.yaml')
    address = normalise_address(address, "mail.sender") if address else _PLACEHOLDER_ADDRESS
    domain = address.rpartition("@")[2]
    return SenderProfile(
        name=normalise_line(name or newsletter.title),
        address=address,
        reply_to=normalise_address(mail.reply_to, "mail.reply_to") if mail.reply_to else "",
        list_id=mail.list_id.strip("<>") or f"{slugify(newsletter.title)}.{domain}",
        unsubscribe_address=normalise_address(mail.unsubscribe_mailto, "mail.unsubscribe_mailto")
        if mail.unsubscribe_mailto
        else address,
        endpoint=(mail.unsubscribe_url or "").rstrip("/"),
        bounce_domain=mail.bounce_domain,
    )
