"""Certificates for loopback servers, made on the spot: an authority of our own, and what it vouches for."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])


def server_context(folder: Path, host: str = "127.0.0.1", days: int = 2) -> ssl.SSLContext:
    """What a server shows: a certificate for `host`, valid for `days` from yesterday; its PEM is folder/cert.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    began = datetime.now(UTC) - timedelta(days=1)
    named: x509.GeneralName = (
        x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
    )  # fmt: skip
    made = (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began - timedelta(days=9))
        .not_valid_after(began + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([named]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def trusting(folder: Path) -> ssl.SSLContext:
    """A client's context that trusts folder/cert.pem and nothing else."""
    return ssl.create_default_context(cafile=str(folder / "cert.pem"))
