"""Acme's system account, files with keys, and Microsoft's register of certificates."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from ipexportal.sandbox import Sandbox, directory
from tenants import key_pairs, verification
from tenants.key_pairs import KeyPair
from tenants.models import Instance, SystemAccount, SystemCertificate
from tenants.verification import Report, Row
from tests.checklist.conftest import at, ottos_portal, portal, text_of  # noqa: F401
from tests.verification.conftest import english, nothing_remembered, system  # noqa: F401

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PASSWORD = "heslo ž"


def certificate_of(key: Key, *, name: str = "IVR Acme", since: int = -1, until: int = 365) -> x509.Certificate:
    """Self-signed, valid between these days from now."""
    subject, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(now + timedelta(days=since))
    return builder.not_valid_after(now + timedelta(days=until)).sign(key, hashes.SHA256())


def pem_of(key: Key, *certificates: x509.Certificate, password: str = "") -> bytes:
    form = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, form)
    return private + b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)


def pfx_of(key: rsa.RSAPrivateKey | None, certificate: x509.Certificate, password: str = PASSWORD) -> bytes:
    form = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    return pkcs12.serialize_key_and_certificates(b"ivr", key, certificate, None, form)


@pytest.fixture(scope="session")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def other_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def pair() -> KeyPair:
    return key_pairs.make("IPEX IVR acme")


@pytest.fixture
def in_azure(microsoft: Sandbox) -> Callable[[str], None]:
    """Acme's Azure admin uploads the public part."""

    def act(public_part: str) -> None:
        microsoft.control.register_certificate(directory.SYSTEM_CLIENT_ID, public_part)

    return act


@pytest.fixture
def bare(instance: Instance) -> SystemAccount:
    """An application that nothing is stored for yet."""
    return SystemAccount.objects.create(instance=instance, client_id=UUID(directory.SYSTEM_CLIENT_ID))


def certificates() -> list[SystemCertificate]:
    return list(SystemCertificate.objects.all())


def check(instance: Instance) -> Report:
    fresh = Instance.objects.select_related("tenant").get(pk=instance.pk)
    return verification.verify(fresh, by="alice", seconds=10)


def found(report: Report, key: str, subject: str = "") -> Row:
    return next(row for row in report.rows if (row.result.key, row.result.subject) == (key, subject))


def outcome(report: Report, key: str, subject: str = "") -> tuple[str, str]:
    row = found(report, key, subject)
    return row.result.state, row.result.why
