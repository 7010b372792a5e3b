"""DKIM signatures, where a key is named; usually the relay signs, and then none is needed."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

from digest.config import Mail
from digest.errors import ConfigError
from digest.mail.message import Sign

# RFC 8058 section 4: the signature must cover both List-Unsubscribe headers.
_SIGNED = (
    "from", "to", "subject", "date", "message-id", "list-id", "list-unsubscribe", "list-unsubscribe-post",
    "mime-version", "content-type",
)  # fmt: skip


def signer(mail: Mail, environ: Mapping[str, str]) -> Sign | None:
    """Signs with the key in the file that the named environment variable points to; None where DKIM is not set up."""
    if not (mail.dkim_selector or mail.dkim_key_file_env):
        return None
    if not (mail.dkim_selector and mail.dkim_domain and mail.dkim_key_file_env):
        raise ConfigError(
            "mail: DKIM needs dkim_selector, dkim_domain and dkim_key_file_env", "set all three, or none of them"
        )
    try:
        import dkim
    except ImportError as error:
        raise ConfigError(
            "mail.dkim_selector: signing needs dkimpy", "pip install 'digest-newsletter[dkim]'"
        ) from error
    named = environ.get(mail.dkim_key_file_env, "")
    try:
        key = Path(named).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{mail.dkim_key_file_env}: the key's file cannot be read", "let it hold the path of a PEM file"
        ) from error

    def sign(raw: bytes) -> bytes:
        present = [name.encode() for name in _SIGNED if _has(raw, name)]
        # Simple for the body: quoted-printable leaves no white space a relay would touch, and relaxing 70 kB takes
        # longer than the signature itself.
        header: bytes = dkim.sign(
            raw, mail.dkim_selector.encode(), mail.dkim_domain.encode(), key,
            include_headers=present, canonicalize=(b"relaxed", b"simple"),
        )  # fmt: skip
        return header + raw

    return sign


def belongs(published: str, mail: Mail, environ: Mapping[str, str]) -> bool | None:
    """Whether a published key (base64) is that of the private one we sign with; None where that cannot be told."""
    try:
        from dkim.crypto import UnparsableKeyError, parse_pem_private_key, parse_public_key

        ours = parse_pem_private_key(Path(environ.get(mail.dkim_key_file_env, "")).read_bytes())
        theirs = parse_public_key(base64.b64decode(published))
    except (ImportError, OSError):
        return None
    except (UnparsableKeyError, ValueError):
        return False
    return bool(ours["modulus"] == theirs["modulus"])


def _has(raw: bytes, name: str) -> bool:
    head = b"\r\n" + raw.partition(b"\r\n\r\n")[0].lower()
    return f"\r\n{name}:".encode() in head
