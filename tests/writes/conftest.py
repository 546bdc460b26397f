"""Acme with a system account, functions that write, and calls nobody took."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from crmwindow import calls, writing
from crmwindow.models import Call, CrmWrite, IvrFunction
from crmwindow.writing import tables
from ipexportal.sandbox import Sandbox, directory
from tenants import api_keys, connections, entra, schema
from tenants.dataverse.budget import Budget
from tenants.dataverse.metadata import Metadata
from tenants.models import ApiKey, SystemAccount, Tenant

JANA_HORAKOVA = "777123456"  # one contact, owned by jana
FOUR_RECORDS = "224551111"
NOBODY = "604218330"
ALFA = "602111222"  # one company

_numbers = itertools.count(1)
_known: dict[tuple[str, ...], Metadata] = {}
_tokens: dict[str, tuple[str, Any]] = {}


@pytest.fixture
def account(acme: Tenant, microsoft: Sandbox) -> SystemAccount:
    account = SystemAccount.objects.create(
        instance=acme.instance,
        client_id=UUID(directory.SYSTEM_CLIENT_ID),
        client_secret=directory.SYSTEM_CLIENT_SECRET,
    )
    sign_in(account)
    know_tables(account)
    return account


def sign_in(account: SystemAccount) -> None:
    """As if it had asked for a token within the hour. Asked once per sandbox."""
    origin = account.instance.url
    if origin not in _tokens:
        entra.token_for(account, budget=Budget(15))
        _tokens[origin] = account.token_cache, account.token_expires_at
    account.token_cache, account.token_expires_at = _tokens[origin]
    account.token_version += 1
    account.save()


def know_tables(account: SystemAccount) -> None:
    """As if somebody had looked something up within the hour. Read once per sandbox."""
    instance = account.instance
    key = (instance.url, *connections.tables(instance)[0])
    schema.forget(instance)
    if key not in _known:
        _known[key] = connections.metadata(instance, connections.client_for(account), Budget(15))
    connections.keep(instance, _known[key])


@pytest.fixture(autouse=True)
def _as_it_was(microsoft: Sandbox) -> Iterator[None]:
    tables.forget()
    yield
    microsoft.dataverse.refuse_nested_parties = False


@pytest.fixture
def complaint(acme: Tenant) -> IvrFunction:
    """What a voice menu asks about a lead of its own."""
    return IvrFunction.objects.create(
        tenant=acme,
        name="complaint",
        title="Stížnost",
        kind=IvrFunction.Kind.WRITE,
        entity="lead",
        columns={
            "topic": "subject",
            "text": "description",
            "staff": "numberofemployees",
            "since": "estimatedclosedate",
        },
        constants={"firstname": "IVR"},
    )


@pytest.fixture
def key(acme: Tenant) -> str:
    return api_keys.create(acme, ApiKey.Scope.IVR, "tests")


@pytest.fixture
def ask(key: str) -> Callable[..., Any]:
    """`ask("complaint", topic="…")`: what the voice menu sends, as one call has it."""

    def ask(function: str, *, number: str = JANA_HORAKOVA, unique_id: str = "", repeat: str = "", **values: Any) -> Any:
        unique_id = unique_id or f"7.{next(_numbers)}"
        body = {"function": function, "unique_id": unique_id, "number": number, "values": values}
        return post(key, body, **({"Idempotency-Key": repeat} if repeat else {}))

    return ask


def post(key: str, body: Any, **headers: str) -> Any:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    headers = {"Authorization": f"Bearer {key}", **headers}
    return Client().post("/api/v1/ivr/write", text, content_type="application/json", headers=headers)


@pytest.fixture
def miss(acme: Tenant) -> Callable[..., Call]:
    """`miss("777123456")`: it rang, nobody took it, they hung up."""

    def miss(number: str = JANA_HORAKOVA, *, unique_id: str = "", **values: str) -> Call:
        unique_id = unique_id or f"8.{next(_numbers)}"
        for name in ("NewCall", "Hangup"):
            tell(acme, name, unique_id, From=number, **values)
        return Call.objects.get(tenant=acme, unique_id=unique_id)

    return miss


def tell(tenant: Tenant, name: str, unique_id: str, **values: str) -> None:
    body = {"EventName": name, "UniqueId": unique_id, **values}
    calls.receive(calls.read_event(body, tenant), tenant=tenant)


def stored(answer: Any) -> CrmWrite:
    assert answer.status_code == 202, answer.content
    return CrmWrite.objects.get(code=answer.json()["id"])


def deliver(write: CrmWrite) -> CrmWrite:
    """As the job would, now."""
    CrmWrite.objects.filter(pk=write.pk, next_try_at__isnull=False).update(next_try_at=write.queued_at)
    writing.deliver(write.pk)
    write.refresh_from_db()
    return write


def write_of(call: Call) -> CrmWrite:
    return CrmWrite.objects.get(call=call, kind=CrmWrite.Kind.MISSED_CALL)


def in_crm(microsoft: Sandbox, write: CrmWrite, table: str = "") -> dict[str, Any] | None:
    row = microsoft.dataverse.record(table or write.table, str(write.code))
    return dict(row) if row is not None else None


@pytest.fixture
def time_machine_later() -> Iterator[Callable[[float], None]]:
    """`time_machine_later(61)`: it is 61 seconds later."""
    import time_machine

    with time_machine.travel(timezone.now(), tick=True) as clock:
        yield lambda seconds: clock.shift(seconds)
