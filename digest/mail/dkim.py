"""Sign messages with DKIM, through dkimpy, when sources.yaml names a key.

Most relays sign themselves; then no key is needed here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from digest.config.schema import MailConfig
from digest.errors import ConfigError
from digest.mail.message import Signer

# RFC 8058 section 4: the signature must cover both List-Unsubscribe headers; Gmail counts by a signed Feedback-ID.
_SIGNED_HEADERS = (
    "from to reply-to subject date message-id list-id list-unsubscribe list-unsubscribe-post feedback-id mime-version"
    " content-type"
)


def create_signer(mail: MailConfig, environ: Mapping[str, str]) -> Signer | None:
    """Create a signer with the key file that an environment variable names.

    Returns None where DKIM is not configured. Raises ConfigError for an incomplete configuration or an unusable key.
    """
    if not (mail.dkim_selector or mail.dkim_key_file_env):
        return None
    if not (mail.dkim_selector and mail.dkim_domain and mail.dkim_key_file_env):
        raise ConfigError(
            "mail: DKIM needs dkim_selector, dkim_domain and dkim_key_file_env", "set all three, or none of them"
        )
    name = mail.dkim_key_file_env
    try:
        import dkim

        pem, _ = _load_private_key(environ.get(name, ""))
    except ImportError as error:
        raise ConfigError(
            "mail.dkim_selector: signing needs dkimpy", "pip install 'digest-newsletter[dkim]'"
        ) from error
    except OSError as error:
        raise ConfigError(f"{name}: the key's file cannot be read", "let it hold the path of a PEM file") from error
    except ValueError as error:
        raise ConfigError(
            f"{name}: the file holds no RSA key: {error}", "`openssl genrsa -out key.pem 2048`"
        ) from error

    class TimelessDkim(dkim.DKIM):  # type: ignore[misc]
        """A signature without its time, so that equal messages stay equal."""

        def gen_header(self, fields: list[tuple[bytes, bytes]], *args: Any, **options: Any) -> bytes:
            header: bytes = super().gen_header([field for field in fields if field[0] != b"t"], *args, **options)
            return header

    def sign(raw: bytes) -> bytes:
        message = TimelessDkim(raw)
        present = {header.lower() for header, _ in message.headers}
        names = [header for header in _SIGNED_HEADERS.encode().split() if header in present]
        # The body is canonicalised as "simple": quoted-printable contains no white space that a relay would change.
        header: bytes = message.sign(
            mail.dkim_selector.encode(),
            mail.dkim_domain.encode(),
            pem,
            canonicalize=(b"relaxed", b"simple"),
            include_headers=names,
        )
        return header + raw

    return sign


def is_own_public_key(published: str, mail: MailConfig, environ: Mapping[str, str]) -> bool | None:
    """Compare a published key (base64) with ours; None where that is impossible."""
    try:
        from dkim.crypto import UnparsableKeyError, parse_public_key

        _, private = _load_private_key(environ.get(mail.dkim_key_file_env, ""))
        public = parse_public_key(base64.b64decode(published))
    except (ImportError, OSError):
        return None
    except (ValueError, binascii.Error, UnparsableKeyError):
        return False
    return bool(public["modulus"] == private["modulus"])


def _load_private_key(path: str) -> tuple[bytes, dict[str, int]]:
    """Load the RSA key of a PEM file. Raises OSError, and ValueError for another content."""
    from dkim.crypto import UnparsableKeyError, parse_pem_private_key

    pem = Path(path).read_bytes()
    try:
        return pem, parse_pem_private_key(pem)
    except (UnparsableKeyError, LookupError, TypeError) as error:
        raise ValueError(str(error).partition(":")[0] or type(error).__name__) from error
