"""Acme's system account at work: the voice menu asks over the API, and Dataverse holds people made for one test.

The account's token and the tables are known beforehand, so that the threads that ask need no database of ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from crmwindow.ivr import asking
from crmwindow.models import IvrFunction
from ipexportal import sandbox as stand_in
from ipexportal.sandbox import directory
from tenants import api_keys, connections, entra, schema
from tenants.dataverse.budget import Budget
from tenants.dataverse.metadata import Metadata
from tenants.models import ApiKey, SystemAccount, Tenant

PATIENCE_MS = 15_000
_tokens: dict[str, str] = {}
_tables: dict[tuple[str, ...], Metadata] = {}


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Refusals of this suite need not last, and a busy machine has its time."""
    monkeypatch.setattr("crmwindow.ivr.verifying.FLOOR_SECONDS", 0.0)
    monkeypatch.setattr("crmwindow.ivr.functions.BUDGET_MS", PATIENCE_MS)
    yield
    asking.forget()


@pytest.fixture
def account(acme: Tenant) -> SystemAccount:
    """With a token, as after its first use."""
    account = SystemAccount.objects.create(
        instance=acme.instance,
        client_id=UUID(directory.SYSTEM_CLIENT_ID),
        client_secret=directory.SYSTEM_CLIENT_SECRET,
    )
    if acme.instance.url in _tokens:
        account.token_cache = _tokens[acme.instance.url]
        account.save()
    entra.token_for(account, budget=Budget(10))
    account.refresh_from_db()
    _tokens[acme.instance.url] = account.token_cache
    return account


@pytest.fixture
def metadata(account: SystemAccount) -> Metadata:
    return know_tables(account)


def know_tables(account: SystemAccount) -> Metadata:
    instance = account.instance
    schema.forget(instance)
    key = (instance.url, *connections.tables(instance)[0])
    if key not in _tables:
        _tables[key] = connections.metadata(instance, connections.client_for(account), Budget(15))
    connections.keep(instance, _tables[key])
    return _tables[key]


class Menu:
    """The voice menu of one customer."""

    def __init__(self, tenant: Tenant) -> None:
        self.key = api_keys.create(tenant, ApiKey.Scope.IVR, "tests")

    def ask(self, what: str, body: Any, **headers: str) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body)
        headers = {"Authorization": f"Bearer {self.key}", **headers}
        return Client().post(f"/api/v1/ivr/{what}", raw, content_type="application/json", headers=headers)

    def lookup(self, number: str, **more: Any) -> dict[str, Any]:
        return self._answer("lookup", {"number": number, **more})

    def verify(self, number: str, value: str, *, function: str = "pin", **more: Any) -> dict[str, Any]:
        body = {"number": number, "value": value, "function": function, "unique_id": "7.1", **more}
        return self._answer("verify", body)

    def _answer(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.ask(what, body)
        assert answer.status_code == 200, answer.content
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def menu(acme: Tenant, account: SystemAccount, metadata: Metadata) -> Menu:
    return Menu(acme)


@pytest.fixture
def person(account: SystemAccount, microsoft: stand_in.Sandbox) -> Iterator[Callable[..., str]]:
    """`person(mobilephone="…", nnn_pin="…")` is in Acme's CRM for this test; answers the record's GUID."""
    client = connections.client_for(account)
    made: list[tuple[str, str]] = []

    def make(*, entity_set: str = "contacts", **columns: Any) -> str:
        record_id = str(uuid4())
        body = {"lastname": "Zkušební"} | columns if entity_set == "contacts" else columns
        client.create(entity_set, body, budget=Budget(10), record_id=record_id)
        made.append((entity_set.removesuffix("s"), record_id))
        microsoft._application.forget_requests()
        return record_id

    yield make
    for table, record_id in made:
        microsoft.dataverse.store.delete(table, record_id)


@pytest.fixture
def pin(acme: Tenant) -> IvrFunction:
    """Compares the PIN of contacts."""
    return IvrFunction.objects.create(
        tenant=acme,
        name="pin",
        title="Ověření PINem",
        kind="verify",
        entity="Contact",
        column="nnn_pin",
        budget_ms=PATIENCE_MS,
    )


@pytest.fixture
def asked(microsoft: stand_in.Sandbox) -> Callable[[], list[str]]:
    """What Dataverse was asked since the last time, as "METHOD set" or "METHOD set(…)"."""

    def asked() -> list[str]:
        requests = microsoft.control.state(last=500)["requests"]
        microsoft._application.forget_requests()
        paths = [(one["method"], one["path"].removeprefix("/api/data/v9.2/")) for one in requests
                 if one["side"] == "dataverse"]  # fmt: skip
        return [f"{method} {path.partition('(')[0]}{'(…)' if '(' in path else ''}" for method, path in paths]

    return asked
