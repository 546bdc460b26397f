"""What the exchange may get wrong: typed JSON with one sentence, and nothing half-done."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from crmwindow.models import Call, Leg
from tenants import api_keys
from tenants.models import Agent, ApiKey, Tenant
from tests.bad_input.conftest import IN_ENGLISH

pytestmark = pytest.mark.django_db
Hook = Callable[..., Any]
RINGING = {"EventName": "Ringing", "From": "777123456", "Login": "jana", "UniqueId": "1.1", "Direction": "incoming"}
NOT_JSON = "The body must be one JSON object with the keys of one event."


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ("", 422, NOT_JSON),
        ("EventName=Ringing", 422, NOT_JSON),
        ('{"EventName": "Ringing"', 422, NOT_JSON),
        ([RINGING], 422, NOT_JSON),
        ({**RINGING, "EventName": ""}, 422, "The key EventName is missing."),
        ({key: RINGING[key] for key in RINGING if key != "UniqueId"}, 422, "The key UniqueId is missing."),
        ({**RINGING, "From": 777123456}, 422, "The value of From must be a string."),
        ({**RINGING, "Login": ["jana"]}, 422, "The value of Login must be a string."),
        ({**RINGING, "Queue": "\x00"}, 422, "The value of Queue holds control characters."),
        ({**RINGING, "UniqueId": "1" * 129}, 422, "The value of UniqueId is longer than 128 characters."),
        ({**RINGING, "From": "7" * 70_000}, 413, "An event has at most 64 kB."),
    ],
    ids=["empty", "a form", "half", "a list", "no name", "no call", "a number", "a list of logins", "a zero",
         "an endless call", "too much"],
)  # fmt: skip
def test_a_malformed_webhook_is_one_sentence_and_no_call(
    hook: Hook, jana: Agent, body: Any, status: int, sentence: str
) -> None:
    answer = hook(body)
    assert (answer.status_code, answer.json()) == (status, {"error": sentence})
    assert not Call.objects.exists()


def test_after_a_malformed_event_the_next_good_one_works(hook: Hook, jana: Agent) -> None:
    hook("{")
    assert hook(RINGING).status_code == 202
    assert Leg.objects.get().agent == jana


def test_an_unknown_key_is_one_sentence(hook: Hook, jana: Agent) -> None:
    invented, none = hook(RINGING, "ipx_events_invented"), hook(RINGING, "")
    assert (invented.status_code, invented.json()) == (401, {"error": "This API key is not valid."})
    assert none.status_code == 401
    assert none.json() == {"error": "An API key is missing. Send it as “Authorization: Bearer ipx_…”."}
    assert not Call.objects.exists()


def test_a_key_for_something_else_says_for_what(acme: Tenant, hook: Hook, jana: Agent) -> None:
    answer = hook(RINGING, api_keys.create(acme, ApiKey.Scope.WINDOW, "tests"))
    assert (answer.status_code, answer.json()) == (403, {"error": "This API key is for “window”, not for “events”."})


def test_a_revoked_key_is_an_unknown_one(acme: Tenant, hook: Hook, events_key: str) -> None:
    api_keys.revoke(ApiKey.objects.get(), "alice")
    assert hook(RINGING).json() == hook(RINGING, "ipx_events_invented").json()


@pytest.mark.parametrize("who", [{}, {"login": "jana", "email": "jana@acme.example"}])
def test_a_ticket_for_nobody_in_particular(acme: Tenant, jana: Agent, who: dict[str, str]) -> None:
    key = api_keys.create(acme, ApiKey.Scope.WINDOW, "tests")
    headers = {**IN_ENGLISH, "Authorization": f"Bearer {key}"}
    answer = Client(headers=headers).post("/api/v1/window-tickets", who, "application/json")
    assert answer.status_code == 422
    assert "Name the agent by exactly one of login, line and email." in answer.json()["error"]


def test_an_address_of_the_api_that_is_not_there(acme: Tenant) -> None:
    assert Client().get(f"/api/v1/calls/{uuid4()}").status_code == 404
