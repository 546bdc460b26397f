"""JSON Web Tokens as Entra signs them (RS256), and the client assertions that it accepts (RS256, PS256)."""

import base64
import hashlib
import json
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def b64(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Undo `b64`; raises ValueError on anything else."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _part(value: dict[str, Any]) -> str:
    return b64(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


class Signer:
    """The signing key of one sandbox, made when it starts."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._numbers = self._key.public_key().public_numbers()
        self.kid = b64(hashlib.sha256(str(self._numbers.n).encode()).digest()[:20])

    def sign(self, claims: dict[str, Any]) -> str:
        """Give `claims` as a signed token."""
        text = f"{_part({'typ': 'JWT', 'alg': 'RS256', 'kid': self.kid})}.{_part(claims)}"
        return f"{text}.{b64(self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def jwk(self, issuer: str) -> dict[str, str]:
        """Our public key as `discovery/v2.0/keys` lists it."""
        modulus = self._numbers.n.to_bytes((self._numbers.n.bit_length() + 7) // 8)
        return {
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "x5t": self.kid,
            "n": b64(modulus), "e": "AQAB", "issuer": issuer,
        }  # fmt: skip


class Certificate:
    """A client's registered public certificate (PEM)."""

    def __init__(self, pem: str) -> None:
        self._certificate = x509.load_pem_x509_certificate(pem.encode())
        key = self._certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise ValueError("A client certificate needs an RSA key.")
        self._key = key

    @property
    def thumbprint(self) -> str:
        """As the portal of Azure lists it: SHA-1 in capitals."""
        return self._certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - a name, not a safeguard

    @property
    def validity(self) -> tuple[datetime, datetime]:
        return self._certificate.not_valid_before_utc, self._certificate.not_valid_after_utc

    def _is_named_by(self, header: dict[str, Any]) -> bool:
        sha256 = b64(self._certificate.fingerprint(hashes.SHA256()))
        sha1 = b64(bytes.fromhex(self.thumbprint))
        # msal pads these two although RFC 7515 has no padding.
        return str(header.get("x5t#S256")).rstrip("=") == sha256 or str(header.get("x5t")).rstrip("=") == sha1

    def claims(self, assertion: str) -> dict[str, Any] | None:
        """The claims of an assertion that this certificate signed; None when another key did or it is no token."""
        try:
            head, body, signature = assertion.split(".")
            header, claims = json.loads(unb64(head)), json.loads(unb64(body))
            if not self._is_named_by(header):
                return None
            pads = {
                "RS256": padding.PKCS1v15(),
                "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH),
            }
            self._key.verify(unb64(signature), f"{head}.{body}".encode(), pads[header["alg"]], hashes.SHA256())
        except (ValueError, KeyError, TypeError, AttributeError, InvalidSignature):
            return None
        return claims if isinstance(claims, dict) else None
