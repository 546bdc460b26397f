"""Jana's window and the exchange, in English, so that every sentence can be read here."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tenants import api_keys
from tenants.models import Agent, ApiKey, Tenant
from tests.promises.conftest import Open, open_window
from tests.window.conftest import Window, patience

__all__ = ["open_window", "patience"]

IN_ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def acme(acme: Tenant) -> Tenant:
    acme.language = "en"
    acme.save()
    return acme


@pytest.fixture
def events_key(acme: Tenant) -> str:
    return api_keys.create(acme, ApiKey.Scope.EVENTS, "tests")


@pytest.fixture
def window(jana: Agent, open_window: Open) -> Window:
    return open_window(jana)


@pytest.fixture
def announce(window: Window) -> Callable[..., Any]:
    """The page tells of a call that its own address or the page around it named; gives the answer to its POST."""

    def tell(number: str, direction: str = "incoming", unique_id: str = "") -> Any:
        values = {"number": number, "direction": direction, "unique_id": unique_id}
        return window.post(reverse("window:open", args=[window.code]), values)

    return tell


@pytest.fixture
def hook(events_key: str) -> Callable[[Any], Any]:
    """`hook(body)`: what the exchange posts, whatever it is."""

    def post(body: Any, key: str = events_key) -> Any:
        headers = {**IN_ENGLISH, "Authorization": f"Bearer {key}"} if key else IN_ENGLISH
        return Client(headers=headers).post("/api/v1/events", body, content_type="application/json")

    return post
