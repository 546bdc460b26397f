"""Alice makes IVR functions in the portal; Acme has a system account unless a test says otherwise."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from crmwindow.ivr import asking
from crmwindow.models import IvrFunction
from tenants.dataverse.metadata import Metadata
from tenants.models import SystemAccount, Tenant
from tenants.own_tables import looking
from tests.ivr.conftest import account, metadata
from tests.signed_in import browser_of
from tests.verification.conftest import connection, english, identity_of, nothing_remembered

__all__ = ["account", "connection", "english", "identity_of", "metadata", "nothing_remembered"]

PIN = {
    "kind": "verify",
    "title": "Verified by PIN",
    "name": "overeni_pin",
    "entity": "contact",
    "column": "nnn_Pin",
    "second_column": "",
    "comparison": "exact",
    "attempts": "3",
    "attempts_per_record": "10",
    "seconds": "1,5",
    "badge_shown": "1",
    "badge": "1",
}
COMPLAINT = {
    "kind": "write",
    "title": "Complaint",
    "name": "reklamace",
    "entity": "nnn_mylead",
    "variable": ["serial", "text"],
    "target": ["nnn_Serial", "nnn_Description"],
    "constant_column": ["nnn_Source"],
    "constant": ["IVR"],
    "caller_column": "nnn_CustomerId",
    "owner": "record_owner",
    "daily_cap": "200",
    "seconds": "1,5",
}


@pytest.fixture(autouse=True)
def nothing_seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """And refusals of this suite need not last."""
    monkeypatch.setattr("crmwindow.ivr.verifying.FLOOR_SECONDS", 0.0)
    looking._kept.clear()
    asking.forget()
    yield
    looking._kept.clear()
    asking.forget()


@dataclass
class Browser:
    """Somebody's browser at Acme's functions."""

    client: Client
    tenant: Tenant

    def at(self, name: str, *args: Any) -> str:
        return reverse(f"ivr_functions:{name}", args=[self.tenant.code, *args])

    def get(self, name: str, *args: Any, **query: str) -> Any:
        return self.client.get(self.at(name, *args), query)

    def post(self, act: str, /, *args: Any, htmx: str = "", **values: Any) -> Any:
        headers = {"HX-Request": "true", "HX-Target": htmx} if htmx else {}
        return self.client.post(self.at(act, *args), values, headers=headers)

    def save(self, values: dict[str, Any], **more: Any) -> Any:
        return self.post("save", **(values | more))


@pytest.fixture
def browser(acme: Tenant, alice: User, account: SystemAccount, metadata: Metadata) -> Browser:
    return Browser(browser_of(alice), acme)


@pytest.fixture
def pin(browser: Browser, acme: Tenant) -> IvrFunction:
    """Made by the form."""
    assert browser.save(PIN).status_code == 302
    return acme.ivr_functions.get(name="overeni_pin")


def words(answer: Any) -> str:
    """What somebody reads, spaces as one."""
    text = re.sub(r"<(script|style)\b.*?</\1>", "", answer.content.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())
