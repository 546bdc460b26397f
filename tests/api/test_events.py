"""The exchange's webhook and its keys, over the public addresses."""

import base64
import json
from typing import Any

import pytest
from django.test import Client

from crmwindow.models import Call, EventCount, Leg
from tenants import api_keys
from tenants.models import Agent, ApiKey, Tenant

pytestmark = pytest.mark.django_db

RINGING = {
    "EventName": "Ringing",
    "From": "602111222",
    "To": "222333444",
    "Line": "444",
    "Login": "jana",
    "Email": "",
    "UniqueId": "1412256225.1941",
    "Queue": "Servis",
    "Direction": "incoming",
}


@pytest.fixture
def key(acme: Tenant) -> str:
    return api_keys.create(acme, ApiKey.Scope.EVENTS, "tests")


def basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"x:{key}".encode()).decode()


def post(body: Any, authorization: str, content_type: str = "application/json") -> Any:
    raw = body if isinstance(body, bytes | str) else json.dumps(body)
    return Client().post(
        "/api/v1/events",
        raw,
        content_type=content_type,
        headers={"Authorization": authorization} if authorization else {},
    )


def test_a_ringing_phone_makes_janas_call(key: str, jana: Agent) -> None:
    answer = post(RINGING, f"Bearer {key}")
    assert answer.status_code == 202
    call = Call.objects.get()
    assert answer.json() == {"call": str(call.code)}
    assert call.number == "+420602111222"
    assert Leg.objects.get().agent == jana


def test_the_readmes_curl_line_works(key: str, jana: Agent) -> None:
    """`curl -u x:KEY -d @ringing.json` sends Basic and calls its JSON a form."""
    answer = post(RINGING, basic(key), content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 202
    assert Call.objects.count() == 1


def test_an_exchange_that_fetches_a_token_first(key: str, jana: Agent) -> None:
    by_body = Client().post("/api/v1/token", {"key": key}, content_type="application/json")
    by_password = Client().post("/api/v1/token", headers={"Authorization": basic(key)})
    for answer in (by_body, by_password):
        assert answer.status_code == 200
        assert answer.json()["token_type"] == "Bearer"
        assert answer.json()["expires_in"] == 3600
        assert post(RINGING, f"Bearer {answer.json()['access_token']}").status_code == 202


def test_a_token_dies_with_its_key(key: str) -> None:
    token = Client().post("/api/v1/token", {"key": key}, content_type="application/json").json()["access_token"]
    api_keys.revoke(ApiKey.objects.get(), "tests")
    answer = post(RINGING, f"Bearer {token}")
    assert answer.status_code == 401
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize("authorization", ["", "Bearer ipx_events_wrong", "Bearer ", "Basic !!!", "Digest x"])
def test_without_a_live_key_nothing_happens(authorization: str, jana: Agent) -> None:
    answer = post(RINGING, authorization)
    assert answer.status_code == 401
    assert answer.json()["error"].endswith(".")
    assert not Call.objects.exists()


def test_a_key_for_windows_takes_no_events(acme: Tenant) -> None:
    window_key = api_keys.create(acme, ApiKey.Scope.WINDOW, "tests")
    assert post(RINGING, f"Bearer {window_key}").status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b"[" * 5000,
        {"EventName": "Ringing"},
        {"UniqueId": "1"},
        {**RINGING, "From": {"nested": 1}},
        {**RINGING, "UniqueId": ""},
        {**RINGING, "UniqueId": "1" * 5000},
    ],
)
def test_a_malformed_event_is_one_sentence(key: str, jana: Agent, body: Any) -> None:
    answer = post(body, f"Bearer {key}")
    assert answer.status_code == 422
    assert list(answer.json()) == ["error"]
    assert not Call.objects.exists()


def test_a_huge_body_is_refused(key: str) -> None:
    assert post(b'{"EventName": "' + b"x" * 70_000 + b'"}', f"Bearer {key}").status_code == 413


@pytest.mark.parametrize("name", ["AgentPaused", "SomethingNew"])
def test_operator_states_and_unknown_events_are_counted(key: str, name: str) -> None:
    answer = post({"EventName": name, "Login": "jana", "Line": "444"}, f"Bearer {key}")
    assert (answer.status_code, answer.json()) == (202, {"call": None})
    assert EventCount.objects.get().count == 1


def test_another_customers_key_makes_another_customers_call(
    acme: Tenant, beta: Tenant, jana: Agent, eve: Agent
) -> None:
    beta_key = api_keys.create(beta, ApiKey.Scope.EVENTS, "tests")
    post(RINGING, f"Bearer {beta_key}")
    call = Call.objects.get()
    assert call.tenant == beta
    assert [leg.agent for leg in call.legs.all()] == [eve]  # her line is 444, too


def test_the_page_for_people_and_the_schema(key: str) -> None:
    schema = Client().get("/api/v1/openapi.json").json()
    assert {"/api/v1/token", "/api/v1/events", "/api/v1/window-tickets"} <= set(schema["paths"])
    page = Client().get("/api/v1/docs")
    assert page.status_code == 200
    assert "cdn" not in page.content.decode()
