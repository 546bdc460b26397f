"""Jana at her window, and the exchange that tells of calls over HTTP."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tenants import api_keys
from tenants.models import Agent, ApiKey, Tenant
from tests.signed_in import know_tables, sign_in
from tests.window.conftest import Window, open_window, patience  # noqa: F401  (fixtures)


@pytest.fixture
def jana(jana: Agent) -> Agent:
    sign_in(jana)
    know_tables(jana)
    return Agent.objects.select_related("tenant__instance").get(pk=jana.pk)


@pytest.fixture
def window(jana: Agent, open_window: Callable[..., Window]) -> Window:  # noqa: F811
    return open_window(jana, signed_in=False)


@pytest.fixture
def exchange(acme: Tenant) -> Callable[..., Any]:
    """`exchange("Ringing", "777123456", "9.1")` posts the event as the exchange does, and gives the answer."""
    key = api_keys.create(acme, ApiKey.Scope.EVENTS, "ivana")
    client = Client(headers={"Authorization": f"Bearer {key}"})

    def tell(name: str, number: str, unique_id: str, *, login: str = "jana") -> Any:
        event = {"EventName": name, "UniqueId": unique_id, "From": number, "To": "222333444", "Login": login}
        return client.post("/api/v1/events", event, content_type="application/json")

    return tell
