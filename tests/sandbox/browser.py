"""A browser without pictures: follows the sandbox's sign-in pages as a person does, and keeps its cookies."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from ipexportal.sandbox import Sandbox

CALLBACK = "http://127.0.0.1:8000/signin/microsoft/callback/"
VERIFIER = "a-verifier-of-at-least-forty-three-characters-0123456789"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class Form(HTMLParser):
    """The one form of a page: where it goes, what it hides, which buttons it has."""

    def __init__(self, page: requests.Response) -> None:
        super().__init__()
        self.page = page
        self.action = ""
        self.hidden: dict[str, str] = {}
        self.buttons: list[tuple[str, str]] = []
        self.feed(page.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = urljoin(self.page.url, found["action"])
        elif tag == "input":
            self.hidden[found["name"]] = found["value"]
        elif tag == "button" and "name" in found:
            self.buttons.append((found["name"], found["value"]))


class Browser:
    """Opens /authorize, presses buttons and stops where the application would be called back."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.session = requests.Session()
        self.session.verify = sandbox.ca_file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.session.close()

    def address(self, *, tenant: str = "", **parameters: str) -> str:
        asked = {
            "client_id": self.sandbox.client_id,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": f"{self.sandbox.origin}/user_impersonation openid profile offline_access",
            "state": "state-1",
            "nonce": "nonce-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **parameters,
        }
        asked = {name: value for name, value in asked.items() if value}
        return f"{self.sandbox.origin}/{tenant or self.sandbox.directory_id}/oauth2/v2.0/authorize?{urlencode(asked)}"

    def open(self, address: str) -> requests.Response:
        return self.session.get(address, allow_redirects=False)

    def press(self, page: requests.Response, name: str, value: str = "1") -> requests.Response:
        form = Form(page)
        assert (name, value) in form.buttons
        return self.session.post(form.action, data={**form.hidden, name: value}, allow_redirects=False)

    def pick(self, upn: str, **parameters: str) -> requests.Response:
        return self.press(self.open(self.address(**parameters)), "user", upn)

    def code(self, upn: str, **parameters: str) -> str:
        return answer(self.pick(upn, **parameters))["code"]

    def post(self, *, tenant: str = "", **form: str) -> requests.Response:
        asked = {"client_id": self.sandbox.client_id, "client_secret": self.sandbox.client_secret, **form}
        asked = {name: value for name, value in asked.items() if value}
        url = f"{self.sandbox.origin}/{tenant or self.sandbox.directory_id}/oauth2/v2.0/token"
        return self.session.post(url, data=asked)

    def redeem(self, code: str, **form: str) -> requests.Response:
        given = {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER, "client_info": "1", **form}
        return self.post(grant_type="authorization_code", **given)

    def tokens(self, upn: str, **parameters: str) -> dict[str, Any]:
        given = self.redeem(self.code(upn, **parameters))
        assert given.status_code == 200, given.text
        return dict(given.json())


def answer(redirect: requests.Response) -> dict[str, str]:
    """What a redirect to the application says."""
    assert redirect.status_code == 302, redirect.text
    assert redirect.headers["Location"].startswith(CALLBACK)
    return dict(parse_qsl(urlsplit(redirect.headers["Location"]).query))


def claims(token: str) -> dict[str, Any]:
    """The claims of a token, unchecked."""
    body = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))


def self_signed(key: rsa.RSAPrivateKey) -> x509.Certificate:
    """A certificate that an application could register."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ipex")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256())
