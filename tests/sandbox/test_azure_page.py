"""The page on which Azure's admin uploads a certificate of the system account's application."""

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ipexportal.sandbox import Sandbox
from tests.sandbox.browser import self_signed


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def upload(microsoft: Sandbox, data: bytes, **headers: str) -> requests.Response:
    url = f"{microsoft.origin}/app-registrations"
    return requests.post(url, files={"certificate": ("ipex.cer", data)}, headers=headers)


@pytest.mark.parametrize("form", [Encoding.DER, Encoding.PEM])
def test_a_certificate_is_listed_by_its_thumbprint(microsoft: Sandbox, form: Encoding) -> None:
    certificate = self_signed(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    page = upload(microsoft, certificate.public_bytes(form))
    assert (page.status_code, page.history[0].status_code) == (200, 303)
    assert certificate.fingerprint(SHA1()).hex().upper() in page.text


def test_what_azure_does_not_take(microsoft: Sandbox, key: rsa.RSAPrivateKey) -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    refused = [upload(microsoft, data) for data in (b"", b"nonsense", private, b"x" * 60_000)]
    refused.append(upload(microsoft, self_signed(curve).public_bytes(Encoding.PEM)))  # type: ignore[arg-type]
    assert [answer.status_code for answer in refused] == [400] * 5
    assert "Upload the public part only." in refused[2].text


def test_a_form_of_another_page_is_refused(microsoft: Sandbox, key: rsa.RSAPrivateKey) -> None:
    data = self_signed(key).public_bytes(Encoding.PEM)
    assert upload(microsoft, data, Origin="https://evil.example").status_code == 403


def test_the_front_page_leads_there(microsoft: Sandbox) -> None:
    assert 'href="/app-registrations"' in requests.get(microsoft.origin).text
