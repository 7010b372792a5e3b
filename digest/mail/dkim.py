"""DKIM signatures, where a key is named; usually the relay signs, and then none is needed."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from digest.config.schema import MailConfig
from digest.errors import ConfigError
from digest.mail.message import Signer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

# RFC 8058 section 4: the signature must cover both List-Unsubscribe headers; Gmail counts by a signed Feedback-ID.
_SIGNED_HEADERS = (
    "from", "to", "reply-to", "subject", "date", "message-id", "list-id", "list-unsubscribe", "list-unsubscribe-post",
    "feedback-id", "mime-version", "content-type",
)  # fmt: skip


def create_signer(mail: MailConfig, environ: Mapping[str, str]) -> Signer | None:
    """Signs with the key in the file that the named environment variable points to; None where DKIM is not set up."""
    if not (mail.dkim_selector or mail.dkim_key_file_env):
        return None
    if not (mail.dkim_selector and mail.dkim_domain and mail.dkim_key_file_env):
        raise ConfigError(
            "mail: DKIM needs dkim_selector, dkim_domain and dkim_key_file_env", "set all three, or none of them"
        )
    try:
        key = _load_private_key(environ.get(mail.dkim_key_file_env, ""))
    except ImportError as error:
        raise ConfigError(
            "mail.dkim_selector: signing needs cryptography", "pip install 'digest-newsletter[dkim]'"
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{mail.dkim_key_file_env}: the key's file cannot be read", "let it hold the path of a PEM file"
        ) from error
    except ValueError as error:
        raise ConfigError(
            f"{mail.dkim_key_file_env}: the file holds no RSA key: {error}", "`openssl genrsa -out key.pem 2048`"
        ) from error
    return lambda raw: _build_signature(raw, mail.dkim_selector, mail.dkim_domain, key) + raw


def _build_signature(raw: bytes, selector: str, domain: str, key: RSAPrivateKey) -> bytes:
    """The DKIM-Signature header of a message, relaxed/simple (RFC 6376); pure Python takes ten times as long.

    Simple for the body: quoted-printable leaves no white space a relay would touch, and relaxing 70 kB takes longer
    than the signature itself.
    """
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    head, _, body = raw.partition(b"\r\n\r\n")
    fields = dict(_canonicalise_field(field) for field in re.split(rb"\r\n(?![ \t])", head))
    names = [name for name in _SIGNED_HEADERS if name.encode() in fields]
    digest = base64.b64encode(sha256(body.rstrip(b"\r\n") + b"\r\n").digest()).decode()
    ours = (
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d={domain}; s={selector};\r\n"
        f" h={':'.join(names)};\r\n bh={digest};\r\n b="
    ).encode()
    said = [name.encode() + b":" + fields[name.encode()] + b"\r\n" for name in names]
    sealed = base64.b64encode(key.sign(b"".join([*said, b":".join(_canonicalise_field(ours))]), PKCS1v15(), SHA256()))
    return ours + b"\r\n ".join(re.findall(b".{1,72}", sealed)) + b"\r\n"


def _canonicalise_field(field: bytes) -> tuple[bytes, bytes]:
    """RFC 6376 section 3.4.2: the name in lower case, white space of any kind as one space."""
    name, _, value = field.partition(b":")
    return name.strip().lower(), b" ".join(value.split())


def is_own_public_key(published: str, mail: MailConfig, environ: Mapping[str, str]) -> bool | None:
    """Whether a published key (base64) is that of the private one we sign with; None where that cannot be told."""
    try:
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        ours = _load_private_key(environ.get(mail.dkim_key_file_env, ""))
        return bool(load_der_public_key(base64.b64decode(published)) == ours.public_key())
    except (ImportError, OSError):
        return None
    except ValueError:
        return False


def _load_private_key(path: str) -> RSAPrivateKey:
    """The RSA key in a PEM file. Raises OSError, and ValueError for what is none."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(Path(path).read_bytes(), None)
    except TypeError as error:
        raise ValueError("it is locked by a passphrase") from error
    if not isinstance(key, RSAPrivateKey):
        raise ValueError(f"it is a {type(key).__name__}")
    return key
