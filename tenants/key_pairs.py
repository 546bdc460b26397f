"""Key pairs with which an application proves itself to Microsoft: made here, or read from what a customer brings.

Files are opened in a process of their own with little time and memory (key_pair_reader.py): a PFX of a few kilobytes
can ask for hours of key derivation. Nothing here stores anything.

Source: Microsoft, "Application authentication certificate credentials" (RSA, SHA-1 thumbprint in the portal's list).
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from django.utils import timezone
from django.utils.translation import gettext as _

LARGEST = 50_000
LONGEST_PASSWORD = 500
SECONDS = 20.0  # on a busy machine; the reader itself may compute for a few of them
BITS = range(2048, 8193)
MADE_FOR = timedelta(days=730)  # what an application's secret may last as well
_READER = Path(__file__).with_name("key_pair_reader.py")


class Unusable(Exception):
    """What was brought is no key pair that Microsoft takes. `str()` is one sentence; `of` is "file" or "password"."""

    def __init__(self, sentence: str, *, of: str = "file") -> None:
        super().__init__(sentence)
        self.of = of


@dataclass(frozen=True, slots=True)
class KeyPair:
    """`private_key` (PKCS #8) and `public_part` (X.509) are PEM; `thumbprint` is SHA-1 in capitals, as Azure lists it."""

    private_key: str = field(repr=False)
    public_part: str
    thumbprint: str
    subject: str
    starts_on: date
    expires_on: date


def make(common_name: str) -> KeyPair:
    """A new RSA key with a certificate that it signed itself, for two years from today."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(today)
    builder = builder.not_valid_after(today + MADE_FOR)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return _pair(key, builder.sign(key, hashes.SHA256()))


def read(data: bytes, password: str = "") -> KeyPair:
    """From a PFX, or a PEM with certificate and key in any order. Raises Unusable."""
    if not data.strip():
        raise Unusable(_("Choose a file, or paste the certificate with its key."))
    if len(data) > LARGEST:
        raise Unusable(_("This is too large for a certificate with its key; 50 kB is enough for any."))
    if len(password) > LONGEST_PASSWORD:
        raise Unusable(_("This password is too long."), of="password")
    answer = _opened(data, password)
    if why := answer.get("why"):
        raise _unusable(why)
    key = serialization.load_pem_private_key(answer["key"].encode(), None)
    return _usable(key, [x509.load_pem_x509_certificate(text.encode()) for text in answer["certificates"]])


def public_file(public_part: str) -> bytes:
    """The public part as a .cer file (DER)."""
    return x509.load_pem_x509_certificate(public_part.encode()).public_bytes(serialization.Encoding.DER)


def in_groups(thumbprint: str) -> str:
    """ "A1B2 C3D4 …": readable when two lists are compared."""
    return " ".join(thumbprint[start : start + 4] for start in range(0, len(thumbprint), 4))


def _opened(data: bytes, password: str) -> dict[str, Any]:
    asked = json.dumps({"data": base64.b64encode(data).decode(), "password": password}).encode()
    try:
        ran = subprocess.run(  # noqa: S603 - our own file with our own interpreter
            [sys.executable, "-I", str(_READER)], input=asked, capture_output=True, timeout=SECONDS, check=True
        )
        answer: dict[str, Any] = json.loads(ran.stdout)
    except subprocess.TimeoutExpired:
        return {"why": "too_slow"}
    except (subprocess.SubprocessError, ValueError):
        return {"why": "too_much"}
    return answer


def _unusable(why: object) -> Unusable:
    match why:
        case "password_missing":
            return Unusable(_("The file is protected. Enter its password."), of="password")
        case "password_wrong":
            return Unusable(_("The password does not open this file."), of="password")
        case "no_key":
            return Unusable(
                _(
                    "There is no private key in it. Export the certificate together with its key (PFX), or make one here."
                )
            )
        case "no_certificate":
            return Unusable(_("There is a private key but no certificate in it. Add the certificate."))
        case "too_slow":
            return Unusable(_("Opening the file took too long, so nothing was stored. Try again in a moment."))
        case "too_much":
            return Unusable(_("This file cannot be opened. Export the certificate anew."))
    return Unusable(_("This is neither a PFX file nor a PEM with a certificate and its key."))


def _usable(key: object, certificates: list[x509.Certificate]) -> KeyPair:
    """The certificate of the key; a file may hold those of its issuers as well."""
    if not isinstance(key, rsa.RSAPrivateKey):
        raise Unusable(_("Microsoft takes RSA keys only. Make the certificate with an RSA key of at least 2048 bits."))
    if key.key_size not in BITS:
        raise Unusable(_("The key has %(bits)s bits. It has to have 2048 to 8192.") % {"bits": key.key_size})
    numbers = key.public_key().public_numbers()
    own = [one for one in certificates if _numbers(one) == numbers]
    if not own:
        raise Unusable(_("The private key does not belong to the certificate."))
    pair = _pair(key, max(own, key=lambda one: one.not_valid_after_utc))
    if own and pair.expires_on <= timezone.localdate():
        raise Unusable(_("The certificate has expired. Make a new one."))
    if pair.starts_on > timezone.localdate() + timedelta(days=1):
        raise Unusable(_("The certificate is not valid yet."))
    return pair


def _numbers(certificate: x509.Certificate) -> rsa.RSAPublicNumbers | None:
    try:
        key = certificate.public_key()
    except ValueError:
        return None
    return key.public_numbers() if isinstance(key, rsa.RSAPublicKey) else None


def _pair(key: rsa.RSAPrivateKey, certificate: x509.Certificate) -> KeyPair:
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return KeyPair(
        private.decode(),
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
        certificate.fingerprint(hashes.SHA1()).hex().upper(),  # noqa: S303 - the name Azure gives it
        _subject(certificate),
        certificate.not_valid_before_utc.date(),
        certificate.not_valid_after_utc.date(),
    )


def _subject(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    text = str(names[0].value) if names else certificate.subject.rfc4514_string()
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:200]
