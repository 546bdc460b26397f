"""A program of its own: opens one PFX or PEM from standard input, with little time and memory. Run by key_pairs.py.

In: {"data": base64, "password": text}. Out: {"key": PEM, "certificates": [PEM, …]} or {"why": a word}.
"""

import base64
import json
import re
import resource
import sys
from typing import Any

CPU_SECONDS = 4
MEMORY = 1 << 30
_KEY = re.compile(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def opened(data: bytes, password: str) -> dict[str, Any]:
    return _pem(data, password) if b"-----BEGIN" in data else _pfx(data, password)


def _pem(data: bytes, password: str) -> dict[str, Any]:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    found, certificates = _KEY.search(data), _CERTIFICATE.findall(data)
    if not found:
        return {"why": "no_key" if certificates else "unreadable"}
    if not certificates:
        return {"why": "no_certificate"}
    try:
        key = load_pem_private_key(found[0], password.encode() or None)
    except TypeError:
        if not password:
            return {"why": "password_missing"}
        key = load_pem_private_key(found[0], None)  # a password was typed that it does not need
    except ValueError:
        return {"why": "password_wrong" if password else "unreadable"}
    return _said(key, [_again(each) for each in certificates[:20]])


def _pfx(data: bytes, password: str) -> dict[str, Any]:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

    try:
        found = pkcs12.load_pkcs12(data, password.encode() or None)
    except ValueError as error:
        if "password" in str(error).lower():
            return {"why": "password_wrong" if password else "password_missing"}
        return {"why": "no_key" if _is_certificate(data, x509) else "unreadable"}
    listed = [*([found.cert] if found.cert else []), *found.additional_certs]
    certificates = [each.certificate.public_bytes(Encoding.PEM).decode() for each in listed][:20]
    if found.key is None:
        return {"why": "no_key"}
    return _said(found.key, certificates) if certificates else {"why": "no_certificate"}


def _is_certificate(data: bytes, x509: Any) -> bool:
    try:
        x509.load_der_x509_certificate(data)
    except ValueError:
        return False
    return True


def _again(pem: bytes) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.PEM).decode()


def _said(key: Any, certificates: list[str]) -> dict[str, Any]:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {"key": private.decode(), "certificates": certificates}


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    asked = json.load(sys.stdin)
    try:
        answer = opened(base64.b64decode(asked["data"]), asked["password"])
    except Exception:  # whatever a hostile file provokes
        answer = {"why": "unreadable"}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
