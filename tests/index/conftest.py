"""Acme with a system account and the number index switched on, and a CRM whose records can be changed for one test."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.utils import translation

from crmwindow import calls, index
from crmwindow.models import IndexState, Leg, NumberIndex
from ipexportal.sandbox import Sandbox, directory
from tenants import connections, schema
from tenants.dataverse import odata
from tenants.models import Agent, CustomEntity, Instance, SystemAccount
from tests.signed_in import sign_in

_numbers = itertools.count(1)
_tokens: dict[str, tuple[Any, Any]] = {}


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    connections._read.clear()
    schema._kept.clear()


@pytest.fixture
def jana(jana: Agent) -> Agent:
    return sign_in(jana)


@pytest.fixture
def bob(bob: Agent) -> Agent:
    return sign_in(bob)


@pytest.fixture
def system(instance: Instance) -> SystemAccount:
    account = SystemAccount(instance=instance, client_id=UUID(directory.SYSTEM_CLIENT_ID))
    account.save()
    account.client_secret = directory.SYSTEM_CLIENT_SECRET
    account.save()
    return account


@pytest.fixture
def indexed(instance: Instance, system: SystemAccount) -> Instance:
    """Switched on, nothing built yet."""
    instance.index = True
    instance.save(update_fields=["index"])
    return Instance.objects.select_related("tenant", "system_account").get(pk=instance.pk)


@pytest.fixture
def sync(indexed: Instance) -> Callable[[], None]:
    """Everything that is due, as many turns as it takes."""

    def sync() -> None:
        for _turn in range(100):
            if not index.sync(indexed.pk):
                return
        raise AssertionError("The index is never done.")

    return sync


@pytest.fixture
def built(indexed: Instance, sync: Callable[[], None]) -> Instance:
    sync()
    states = IndexState.objects.filter(instance=indexed)
    assert {state.table: state.stage for state in states} == {
        "account": "serving",
        "contact": "serving",
        "lead": "serving",
    }
    assert NumberIndex.objects.get().problem == ""
    return indexed


class Crm:
    """Records of Acme's CRM, as its own people change them (alice), all undone at the end of the test."""

    def __init__(self, microsoft: Sandbox) -> None:
        self.dataverse = microsoft.dataverse
        self.made: list[tuple[str, str]] = []

    def put(self, table: str = "contact", **values: Any) -> str:
        record_id = str(uuid.uuid4())
        names = {
            "account": {"name": "Spelt"},
            "contact": {"lastname": "Spelt"},
            "lead": {"lastname": "Spelt", "subject": "Spelt"},
        }
        self.write("PATCH", table, record_id, {**names[table], **values})
        self.made.append((table, record_id))
        return record_id

    def change(self, record_id: str, table: str = "contact", **values: Any) -> None:
        self.write("PATCH", table, record_id, values)

    def delete(self, record_id: str, table: str = "contact") -> None:
        self.made.remove((table, record_id))
        self.write("DELETE", table, record_id, None)

    def write(self, method: str, table: str, record_id: str, body: dict[str, Any] | None) -> None:
        from tests.sandbox.webapi.people import Person

        path = odata.record(self.dataverse.model[table].entity_set, record_id)
        answer = Person(self.dataverse, directory.ALICE).ask(method, path, body=body)
        assert answer.status == 204, answer.text

    def undo(self) -> None:
        for table, record_id in list(self.made):
            self.delete(record_id, table)


@pytest.fixture
def crm(microsoft: Sandbox) -> Iterator[Crm]:
    crm = Crm(microsoft)
    yield crm
    crm.undo()


@pytest.fixture
def ring() -> Callable[..., Leg]:
    def ring(agent: Agent, number: str, **values: str) -> Leg:
        body = {
            "EventName": "Ringing",
            "UniqueId": f"7.{next(_numbers)}",
            "From": number,
            "Login": agent.login,
            **values,
        }
        call = calls.receive(calls.read_event(body, agent.tenant), tenant=agent.tenant)
        assert call is not None
        return Leg.objects.of(agent).get(call=call)

    return ring


@pytest.fixture
def asked(microsoft: Sandbox) -> Callable[[], list[str]]:
    """What Dataverse was asked since the last time: method and path without its root."""
    seen = [len(microsoft._application.requests)]

    def asked() -> list[str]:
        requests = list(microsoft._application.requests)[seen[0] :]
        seen[0] += len(requests)
        paths = [one.path.partition("/api/data/v9.2/")[2] for one in requests if one.side == "dataverse"]
        return [path for path in paths if path and not path.startswith(("EntityDefinitions", "WhoAmI"))]

    return asked


def ids(instance: Instance, e164: str) -> set[str]:
    """The records that the index knows for a number."""
    return {record_id for _table, record_id in index.known(instance, e164).records}


@pytest.fixture
def key_scheme(instance: Instance) -> CustomEntity:
    """Acme's own table, whose changes are not tracked."""
    return CustomEntity.objects.create(
        instance=instance,
        label="Service",
        table="nnn_myLead",
        id_column="myLeadId",
        phone_columns=["myPhone1"],
        last_name="organizationName",
    )
