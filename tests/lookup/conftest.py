"""Agents of Acme who have signed in, and calls that ring at them."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from crmwindow import calls
from crmwindow.models import Leg
from tenants import schema
from tenants.models import Agent, CustomEntity, DisplayField, Tenant
from tests.signed_in import know_tables, sign_in

_numbers = itertools.count(1)


@pytest.fixture
def jana(jana: Agent) -> Agent:
    return sign_in(jana)


@pytest.fixture
def bob(bob: Agent) -> Agent:
    return sign_in(bob)


@pytest.fixture
def ring() -> Callable[..., Leg]:
    """`ring(jana, "777123456")`: the call rings at jana, and this is her leg of it."""

    def ring(agent: Agent, number: str, **values: str) -> Leg:
        body = {
            "EventName": "Ringing",
            "UniqueId": f"9.{next(_numbers)}",
            "From": number,
            "Login": agent.login,
            **values,
        }
        call = calls.receive(calls.read_event(body, agent.tenant), tenant=agent.tenant)
        assert call is not None
        return Leg.objects.of(agent).get(call=call)

    return ring


@pytest.fixture
def key_scheme(acme: Tenant) -> CustomEntity:
    """The guide's own table, typed as customers type it."""
    return CustomEntity.objects.create(
        instance=acme.instance,
        label={"cs": "Servis", "en": "Service"},
        table="nnn_myLead",
        id_column="myLeadId",
        phone_columns=["myPhone1"],
        first_name="contactName",
        last_name="organizationName",
    )


@pytest.fixture
def fields(acme: Tenant) -> list[DisplayField]:
    wanted = [
        ("Account", "myOrdersCount", "Počet objednávek"),
        ("account", "nnn_Turnover", {"cs": "Obrat", "en": "Turnover"}),
        ("Contact", "jobtitle", "Funkce"),
        ("Account", "noSuchColumn", "Nic"),
        ("Opportunity", "name", "Nic"),
    ]
    return [
        DisplayField.objects.create(instance=acme.instance, position=place, entity=entity, identifier=name, label=label)
        for place, (entity, name, label) in enumerate(wanted)
    ]


@pytest.fixture
def metadata(jana: Agent) -> Any:
    schema.forget(jana.tenant.instance)
    return know_tables(jana)
