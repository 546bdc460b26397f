"""Files with keys as customers bring them: good ones are read, the others refused in one sentence and in little time."""

from time import monotonic

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from tenants import key_pairs
from tenants.key_pairs import Unusable
from tests.system_account.conftest import PASSWORD, certificate_of, pem_of, pfx_of


def refusal(data: bytes, password: str = "") -> tuple[str, str]:
    with pytest.raises(Unusable) as refused:
        key_pairs.read(data, password)
    return refused.value.of, str(refused.value)


def test_a_pair_made_here_is_for_two_years_and_can_be_read_again() -> None:
    made = key_pairs.make("IPEX IVR acme")
    assert (made.expires_on - made.starts_on).days == 730
    assert made.subject == "IPEX IVR acme"
    assert key_pairs.read((made.public_part + made.private_key).encode()) == made
    assert "PRIVATE" not in repr(made)


def test_a_pfx_with_its_password(key: rsa.RSAPrivateKey) -> None:
    certificate = certificate_of(key, name="Hlasová ústředna")
    pair = key_pairs.read(pfx_of(key, certificate), PASSWORD)
    assert (pair.subject, pair.expires_on) == ("Hlasová ústředna", certificate.not_valid_after_utc.date())
    assert refusal(pfx_of(key, certificate)) == ("password", "The file is protected. Enter its password.")
    assert refusal(pfx_of(key, certificate), "x") == ("password", "The password does not open this file.")


def test_a_pem_whose_key_has_a_password(key: rsa.RSAPrivateKey) -> None:
    pem = pem_of(key, certificate_of(key), password=PASSWORD)
    assert key_pairs.read(pem, PASSWORD).subject == "IVR Acme"
    assert refusal(pem) == ("password", "The file is protected. Enter its password.")
    assert refusal(pem, "x") == ("password", "The password does not open this file.")


def test_of_a_chain_the_certificate_of_the_key_is_taken(key: rsa.RSAPrivateKey, other_key: rsa.RSAPrivateKey) -> None:
    chain = [certificate_of(other_key, name="Authority", until=3000), certificate_of(key, name="Leaf")]
    assert key_pairs.read(pem_of(key, *chain)).subject == "Leaf"


def test_what_is_no_key_pair(key: rsa.RSAPrivateKey, other_key: rsa.RSAPrivateKey) -> None:
    certificate = certificate_of(key)
    public = certificate.public_bytes(serialization.Encoding.PEM)
    neither = "This is neither a PFX file nor a PEM with a certificate and its key."
    no_key = "There is no private key in it. Export the certificate together with its key (PFX), or make one here."
    assert refusal(b" ") == ("file", "Choose a file, or paste the certificate with its key.")
    assert refusal(b"hello") == ("file", neither)
    assert refusal(b"-----BEGIN PRIVATE KEY-----\nAAAA") == ("file", neither)
    assert refusal(public) == ("file", no_key)
    assert refusal(certificate.public_bytes(serialization.Encoding.DER)) == ("file", no_key)
    assert refusal(pfx_of(None, certificate, ""), "") == ("file", no_key)
    assert refusal(pem_of(key)) == ("file", "There is a private key but no certificate in it. Add the certificate.")
    assert refusal(pem_of(other_key, certificate)) == ("file", "The private key does not belong to the certificate.")
    assert refusal(b"0" * 50_001)[1].startswith("This is too large")
    assert refusal(pem_of(key, certificate), "x" * 501) == ("password", "This password is too long.")


def test_keys_that_microsoft_does_not_take(key: rsa.RSAPrivateKey) -> None:
    curve, short = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 1024)
    assert refusal(pem_of(curve, certificate_of(curve)))[1].startswith("Microsoft takes RSA keys only.")
    assert refusal(pem_of(short, certificate_of(short)))[1] == "The key has 1024 bits. It has to have 2048 to 8192."
    assert refusal(pem_of(key, certificate_of(key, since=-9, until=-1)))[1] == (
        "The certificate has expired. Make a new one."
    )
    assert refusal(pem_of(key, certificate_of(key, since=9)))[1] == "The certificate is not valid yet."


def slowed(der: bytes, rounds: int) -> bytes:
    """The same structure, each count of rounds 2048 replaced by another; lengths are made anew."""
    out, at = b"", 0
    while at < len(der):
        tag, length, start = der[at], der[at + 1], at + 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(der[at + 2 : start])
        body, at = der[start : start + length], start + length
        if tag == 2 and body == b"\x08\x00":
            body = rounds.to_bytes(4)
        elif tag & 0x20 or (tag == 4 and body[:1] == b"\x30" and len(body) > 200):
            body = slowed(body, rounds)
        size = len(body)
        head = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2)
        out += bytes([tag]) + head + body
    return out


def test_a_file_that_asks_for_hours_of_work_is_given_up(key: rsa.RSAPrivateKey) -> None:
    builder = serialization.PrivateFormat.PKCS12.encryption_builder().kdf_rounds(2048)
    form = builder.key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC).build(b"x")
    pfx = pkcs12.serialize_key_and_certificates(b"ivr", key, certificate_of(key), None, form)
    bomb = slowed(pfx, 2**31 - 1)
    assert len(bomb) < 5_000
    begun = monotonic()
    assert refusal(bomb, "x") == ("file", "This file cannot be opened. Export the certificate anew.")
    assert monotonic() - begun < key_pairs.SECONDS + 3


def test_a_machine_too_busy_to_open_it_in_time_says_so(key: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_pairs, "SECONDS", 0.001)
    told = refusal(pem_of(key, certificate_of(key)))
    assert told == ("file", "Opening the file took too long, so nothing was stored. Try again in a moment.")


def test_the_public_file_is_what_azure_takes(key: rsa.RSAPrivateKey) -> None:
    pair = key_pairs.read(pem_of(key, certificate_of(key)))
    assert x509.load_der_x509_certificate(key_pairs.public_file(pair.public_part)) == x509.load_pem_x509_certificate(
        pair.public_part.encode()
    )
    assert key_pairs.in_groups(pair.thumbprint).replace(" ", "") == pair.thumbprint
