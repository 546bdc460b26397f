"""What every kind of answer says to the browser, in production's words."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tenants import access, api_keys
from tenants.models import Tenant
from tenants.rates import RATES, Rate

pytestmark = pytest.mark.django_db
HTTPS = {"secure": True}
EVENT = {"EventName": "AgentPaused", "Login": "jana"}
HSTS = "max-age=31536000; includeSubDomains; preload"


@pytest.fixture(autouse=True)
def in_production(settings: Any) -> None:
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    settings.SECURE_SSL_REDIRECT = True
    settings.LIMITS = RATES | {"wrong_ticket": Rate(1, 100_000)}


Ask = Callable[[Client, Tenant], Any]
ANSWERS: dict[str, tuple[int, Ask]] = {
    "page": (200, lambda alices, acme: alices.get(reverse("portal:checklist", args=[acme.code]), **HTTPS)),
    "fragment": (200, lambda alices, acme: alices.get(reverse("portal:checks_report", args=[acme.code]), **HTTPS)),
    "page of nobody": (200, lambda alices, acme: Client().get("/accounts/login/", **HTTPS)),
    "window": (200, lambda alices, acme: Client().get(f"/window/{acme.instance.code}/", **HTTPS)),
    "window's fragment": (401, lambda alices, acme: _window(acme)),
    "API": (202, lambda alices, acme: _event(api_keys.create(acme, "events", "ivana"))),
    "API without a key": (401, lambda alices, acme: _event("ipx_events_none")),
    "description of the API": (200, lambda alices, acme: Client().get("/api/v1/openapi.json", **HTTPS)),
    "page about the API": (200, lambda alices, acme: Client().get("/api/v1/docs", **HTTPS)),
    "file": (200, lambda alices, acme: alices.get(reverse("portal:operation_file", args=[acme.code]), **HTTPS)),
    "redirect to sign in": (302, lambda alices, acme: Client().get("/portal/", **HTTPS)),
    "redirect to https": (301, lambda alices, acme: Client().get("/accounts/login/")),
    "health": (200, lambda alices, acme: Client().get("/healthz", **HTTPS)),
    "bad host": (400, lambda alices, acme: Client(headers={"Host": "evil.example"}).get("/portal/", **HTTPS)),
    "forged form": (403, lambda alices, acme: Client(enforce_csrf_checks=True).post("/language/", **HTTPS)),
    "nothing there": (404, lambda alices, acme: Client().get("/none/", **HTTPS)),
    "wrong method": (405, lambda alices, acme: _wrong_method(acme)),
    "too large": (413, lambda alices, acme: alices.post("/accounts/password/change/", "a=" + "x" * 3_000_000,
                                                        content_type="application/x-www-form-urlencoded", **HTTPS)),
    "too often": (429, lambda alices, acme: [Client().get("/window/?ticket=none", **HTTPS) for _ in range(2)][-1]),
    "broken": (500, lambda alices, acme: _broken(alices, acme)),
}  # fmt: skip


def _window(acme: Tenant) -> Any:
    ours = {"HX-Request": "true", "Origin": "http://127.0.0.1:8000"}
    return Client(headers=ours).get(f"/window/{acme.instance.code}/state/", **HTTPS)


def _event(key: str) -> Any:
    headers = {"Authorization": f"Bearer {key}"}
    return Client().post("/api/v1/events", EVENT, content_type="application/json", headers=headers, **HTTPS)


def _wrong_method(acme: Tenant) -> Any:
    return Client().post(f"/window/{acme.instance.code}/", **HTTPS)


def _broken(alices: Client, acme: Tenant) -> Any:
    alices.raise_request_exception = False
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(access, "tenants_of", lambda user: 1 / 0)
        return alices.get(reverse("portal:checklist", args=[acme.code]), **HTTPS)


@pytest.fixture
def alices(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.mark.parametrize("kind", ANSWERS)
def test_every_answer_carries_the_strict_headers(kind: str, alices: Client, acme: Tenant) -> None:
    status, ask = ANSWERS[kind]
    answer = ask(alices, acme)
    headers = answer.headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    framed = "http://localhost:8000" if kind.startswith("window") else "*" if kind == "too often" else "'none'"
    assert (kind, answer.status_code) == (kind, status)
    assert (policy["default-src"], policy["base-uri"], policy["form-action"]) == ("'none'", "'none'", "'self'")
    assert policy["frame-ancestors"] in {framed, "'none'"}
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] in {"same-origin", "no-referrer"}
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert {"camera=()", "microphone=()", "geolocation=()"} <= set(headers["Permissions-Policy"].split(", "))
    assert "no-store" in headers["Cache-Control"]
    assert headers.get("Strict-Transport-Security") == (None if kind == "redirect to https" else HSTS)
    assert headers.get("X-Frame-Options", "DENY") == "DENY"
    assert "Server" not in headers
    assert "X-Powered-By" not in headers


@pytest.mark.parametrize(("path", "whose"), [("js/host.js", "cross-origin"), ("js/window.js", "same-origin")])
def test_a_file_is_for_our_pages_and_only_hosts_script_for_others(path: str, whose: str) -> None:
    answer = Client().get(f"/static/{path}", **HTTPS)
    answer.close()
    headers = answer.headers
    assert (headers["Cross-Origin-Resource-Policy"], headers["X-Content-Type-Options"]) == (whose, "nosniff")
    assert (headers["Strict-Transport-Security"], "Set-Cookie" in headers) == (HSTS, False)
    assert "no-store" not in headers["Cache-Control"]


def test_the_portals_way_to_microsoft_leaves_a_first_party_cookie(acme: Tenant) -> None:
    cookie = Client().get(reverse("signin:portal"), **HTTPS).cookies["__Host-ipex-portal-signin"]
    assert (cookie["samesite"], cookie["secure"], cookie["httponly"]) == ("Lax", True, True)
    assert (cookie["path"], cookie["domain"], cookie["max-age"]) == ("/", "", 600)
