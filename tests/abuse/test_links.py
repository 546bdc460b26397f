"""No address that a customer types or Microsoft names leads anywhere but to Microsoft."""

import socket
from typing import Any

import pytest

from tenants import eligibility, entra
from tenants.dataverse import errors, transport
from tenants.dataverse.budget import Budget
from tenants.dataverse.client import Client
from tenants.models import Agent, Instance
from tests import signed_in

TYPED = [
    "http://169.254.169.254/latest/meta-data/",
    "https://169.254.169.254/",
    "https://127.0.0.1:5432",
    "http://[::1]:8010",
    "http://0x7f.1:8010/",
    "http://2130706433/",
    "http://localhost.evil.example:8010",
    "https://acme.crm4.dynamics.com.evil.example",
    "https://evil.example/?acme.crm4.dynamics.com",
    "https://evil.example#.crm4.dynamics.com",
    "https://acme.crm4.dynamics.com@evil.example",
    "https://evil.example\\.crm4.dynamics.com",
    "https://acme.crm4.dynamics.com:8443",
    "https://acmе.crm4.dynamics.com",  # a Cyrillic letter
    "https://crm4.dynamics.com",
    "https://.crm4.dynamics.com",
    "https://a.b.crm4.dynamics.com",
    "ftp://acme.crm4.dynamics.com",
    "file:///etc/passwd",
    "gopher://acme.crm4.dynamics.com",
    "https://acme.crm4.dynamics.com\r\nHost: evil.example",
]


@pytest.mark.parametrize("text", TYPED)
def test_what_a_customer_types_is_a_host_of_dataverse_or_refused(text: str) -> None:
    verdict = eligibility.judge(text)
    allowed = verdict.origin in {"", "https://acme.crm4.dynamics.com"}
    assert (allowed, verdict.ok and "evil" in verdict.origin) == (True, False)
    if verdict.ok:  # read as the address of the instance without what was beside it
        assert verdict.origin == "https://acme.crm4.dynamics.com"


@pytest.mark.parametrize(
    "address", ["10.0.0.5", "127.0.0.1", "169.254.169.254", "192.168.1.1", "fd00::1", "::1", "0.0.0.0"]
)
def test_a_name_that_leads_into_our_own_network_is_not_asked(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    answer = [(family, socket.SOCK_STREAM, 6, "", (address, 443))]
    asked: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: answer)
    monkeypatch.setattr(transport, "create_connection", lambda *a, **k: asked.append(a))
    client = Client(origin="https://acme.crm4.dynamics.com", token=lambda force: "secret")
    with pytest.raises(errors.Unavailable):
        client.whoami(budget=Budget(2))
    assert asked == []


def test_of_several_addresses_the_public_ones_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolved(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 443)) for host in ("10.0.0.5", "20.50.1.1")]

    def connect(address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        asked.append(address[0])
        raise ConnectionRefusedError

    asked: list[str] = []
    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    monkeypatch.setattr(transport, "create_connection", connect)
    client = Client(origin="https://acme.crm4.dynamics.com", token=lambda force: "secret")
    with pytest.raises(errors.Unavailable):
        client.whoami(budget=Budget(2))
    assert set(asked) == {"20.50.1.1"}


# -- what Microsoft's sign-in service names ----------------------------------------------------------------------------

EVIL = "https://evil.example"


@pytest.fixture
def hostile(instance: Instance, microsoft: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`hostile(name=address)`: discovery names another endpoint; gives the addresses that were asked afterwards."""
    monkeypatch.setattr(entra, "_discovered", {})
    entra.begin(instance)
    (address, (read_at, document)) = next(iter(entra._discovered.items()))
    session, asked = transport.shared_session(), []
    real = session.request

    def request(method: str, url: str, **parts: Any) -> Any:
        asked.append(url)
        return real(method, url, **parts)

    monkeypatch.setattr(session, "request", request)
    monkeypatch.setattr(entra, "shared_session", lambda: session)

    def name(**endpoints: str) -> list[str]:
        entra._discovered[address] = read_at, document | endpoints
        return asked

    return name


@pytest.mark.django_db
@pytest.mark.parametrize(
    "endpoint",
    [
        EVIL,
        f"{EVIL}/token",
        "https://127.0.0.1:1/token",
        "https://127.0.0.1.evil.example/t",
        "http://169.254.169.254/t",
    ],
)
def test_a_token_endpoint_elsewhere_gets_no_secret(hostile: Any, jana: Agent, endpoint: str) -> None:
    signed_in.sign_in(jana)
    asked = hostile(token_endpoint=endpoint)
    with pytest.raises(errors.Unavailable):
        entra.token_for(jana, budget=Budget(5), force=True)
    assert [url for url in asked if url.startswith(endpoint)] == []


@pytest.mark.django_db
@pytest.mark.parametrize("endpoint", [f"{EVIL}/authorize", "https://login.evil.example/x", "javascript:alert(1)"])
def test_browsers_are_sent_to_microsoft_only(hostile: Any, instance: Instance, endpoint: str) -> None:
    hostile(authorization_endpoint=endpoint)
    with pytest.raises(errors.DataverseError):
        entra.begin(instance)


@pytest.mark.django_db
def test_keys_and_other_endpoints_elsewhere_are_never_asked(hostile: Any, jana: Agent) -> None:
    signed_in.sign_in(jana)
    names = ("jwks_uri", "userinfo_endpoint", "device_authorization_endpoint", "end_session_endpoint")
    asked = hostile(**dict.fromkeys(names, f"{EVIL}/x"))
    assert entra.token_for(jana, budget=Budget(5), force=True)
    assert [url for url in asked if EVIL in url] == []
